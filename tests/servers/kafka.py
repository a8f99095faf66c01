"""Which Kafka do the tests talk to?

`TITAN_TEST_BROKER=host:port` if set; else an Apache Kafka that we start here from Maven's jars (Java 17 or
newer, `mvn`); else `noida-db`, a small stand-in from PyPI, if it is installed. With `TITAN_REQUIRE_KAFKA=1`
only the first two will do. Everything listens on loopback, lives in one temporary folder and dies with its
owner.

Run as a program (`python -m tests.servers.kafka OWNER_PID STATE_FILE`) it keeps one broker for all pytest
workers, until the owner process is gone.
"""

import ctypes
import fcntl
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Self

KAFKA = "4.3.1"
READY_S = 60.0
_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>titan</groupId><artifactId>test-kafka</artifactId><version>1</version><packaging>pom</packaging>
<dependencies><dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId>
<version>{KAFKA}</version></dependency>
<dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j2-impl</artifactId>
<version>2.25.1</version></dependency></dependencies></project>"""
_PROPERTIES = """process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={logs}
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
auto.create.topics.enable=false
broker.heartbeat.interval.ms=300
broker.session.timeout.ms=1500
log.cleaner.backoff.ms=200
log.cleaner.dedupe.buffer.size=4194304
group.initial.rebalance.delay.ms=0
"""


class NoKafka(Exception):
    """No broker can be had here; the message says what is missing."""


class KafkaServer:
    """A broker on loopback: `with KafkaServer() as server: server.bootstrap`; NoKafka where none can run."""

    def __init__(self) -> None:
        self.bootstrap = os.environ.get("TITAN_TEST_BROKER", "")
        self.kind = "external"
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._command: list[str] = []
        if not self.bootstrap:
            self._prepare()

    def start(self) -> None:
        """Start (again) on the same port and data, and wait until it serves."""
        if self.kind == "external":
            return
        assert self._folder is not None
        with (self._folder / "out.log").open("ab") as out:
            self._process = subprocess.Popen(
                self._command, stdout=out, stderr=out, cwd=self._folder, preexec_fn=die_with_parent
            )
        self._wait_until_ready()

    def stop(self) -> None:
        """Clean shutdown; the data stay."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """kill -9; the data stay."""
        self._end(signal.SIGKILL)

    def restart(self, *, kill: bool = False) -> None:
        """The same broker again."""
        self._end(signal.SIGKILL if kill else signal.SIGTERM)
        self.start()

    def wipe(self) -> None:
        """A fresh log at the same address: what an operator does by mistake. The broker must be stopped."""
        assert self._folder is not None and self._process is None, "stop the broker first"
        shutil.rmtree(self._folder / "logs", ignore_errors=True)
        self._format()

    def close(self) -> None:
        """Stop and remove everything."""
        self._end(signal.SIGKILL)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def log_text(self) -> str:
        """What the broker printed: for failing tests."""
        return "" if self._folder is None else (self._folder / "out.log").read_text(errors="replace")

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _prepare(self) -> None:
        port = _free_port()
        self.bootstrap = f"127.0.0.1:{port}"
        try:
            java, jars = _java(), _jars()
        except NoKafka as missing:
            self._prepare_stand_in(port, missing)
            return
        self.kind = f"Apache Kafka {KAFKA}"
        self._folder = Path(tempfile.mkdtemp(prefix="titan-kafka-"))
        properties = _PROPERTIES.format(port=port, controller=_free_port(), logs=self._folder / "logs")
        (self._folder / "server.properties").write_text(properties)
        self._java = [
            java,
            "-Xmx512m",
            "-Xms128m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            f"{jars}/*",
        ]
        self._command = [*self._java, "kafka.Kafka", "server.properties"]
        self._format()

    def _prepare_stand_in(self, port: int, missing: NoKafka) -> None:
        """noida-db instead, unless the real one is asked for."""
        package = importlib.util.find_spec("noida_db")  # its own launcher would outlive a kill of ours
        program = Path(package.origin or "").with_name("noida-db") if package else Path("/nonexistent")
        if os.environ.get("TITAN_REQUIRE_KAFKA") == "1" or not program.exists():
            raise NoKafka(
                f"{missing}. Instead set TITAN_TEST_BROKER=host:port, or pip install noida-db==0.2.3"
            )
        self.kind = f"noida-db, because {missing}"
        self._folder = Path(tempfile.mkdtemp(prefix="titan-noida-"))
        self._command = [
            str(program),
            "start",
            "--only",
            "kafka",
            "--host",
            "127.0.0.1",
            "--kafka-port",
            str(port),
        ]
        self._command += ["--data-dir", str(self._folder / "logs")]

    def _format(self) -> None:
        """Lay out an empty log with a new cluster id."""
        if not self.kind.startswith("Apache"):
            return
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if cluster.startswith("-"):  # the tool would take it for an option
            cluster = "A" + cluster[1:]
        command = [*self._java, "kafka.tools.StorageTool", "format", "--standalone", "-t", cluster]
        done = subprocess.run(
            [*command, "-c", "server.properties"], cwd=self._folder, capture_output=True, text=True
        )
        if done.returncode:
            raise NoKafka(f"Kafka's StorageTool failed: {done.stdout[-500:]}{done.stderr[-500:]}")

    def _wait_until_ready(self) -> None:
        from confluent_kafka import KafkaException
        from confluent_kafka.admin import AdminClient

        assert self._process is not None
        until = time.monotonic() + READY_S
        host, port = self.bootstrap.split(":")
        while time.monotonic() < until and self._process.poll() is None:
            try:
                socket.create_connection((host, int(port)), 1).close()
                AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0}).list_topics(timeout=2)
                return
            except (OSError, KafkaException):
                time.sleep(0.1)
        raise NoKafka(
            f"{self.kind} did not serve {self.bootstrap} in {READY_S:.0f} s: {self.log_text[-2000:]}"
        )

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(10)
            self._process = None


def die_with_parent() -> None:
    """In a child before exec: be killed when the parent dies (Linux; elsewhere nothing)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _java() -> str:
    """A Java of version 17 or newer."""
    homes = [os.environ.get("JAVA_HOME", ""), *map(str, sorted(Path("/usr/lib/jvm").glob("*")))]
    found = [f"{home}/bin/java" for home in homes if home] + [shutil.which("java") or ""]
    for java in filter(os.path.exists, found):
        try:
            said = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30).stderr
        except OSError:
            continue
        version = said.partition('"')[2].partition(".")[0].partition('"')[0]
        if version.isdigit() and int(version) >= 17:
            return java
    raise NoKafka("no Java 17 or newer was found (JAVA_HOME, /usr/lib/jvm, PATH)")


def _jars() -> Path:
    """The folder of Kafka's jars, fetched once by Maven."""
    cache = Path(os.environ.get("TITAN_TEST_CACHE") or Path.home() / ".cache" / "titan-test")
    jars = cache / f"kafka-{KAFKA}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if jars.exists():
            return jars
        maven = shutil.which("mvn")
        if maven is None:
            raise NoKafka(f"Kafka's jars are not in {jars} and there is no mvn to fetch them")
        with tempfile.TemporaryDirectory(dir=cache) as work:
            (Path(work) / "pom.xml").write_text(_POM)
            command = [maven, "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={work}/jars"]
            done = subprocess.run(command, cwd=work, capture_output=True, text=True, timeout=600)
            if done.returncode:
                raise NoKafka(f"mvn could not fetch Kafka {KAFKA}: {done.stdout[-800:]}")
            (Path(work) / "jars").rename(jars)
    return jars


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def _serve(owner: int, state: Path) -> None:
    """Keep a broker while process `owner` lives; `state`: `ok<TAB>bootstrap<TAB>kind` or `no<TAB>reason`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with KafkaServer() as server:
            _write(state, f"ok\t{server.bootstrap}\t{server.kind}")
            while Path(f"/proc/{owner}").exists():
                time.sleep(0.5)
    except NoKafka as reason:
        _write(state, f"no\t{reason}")


def _write(state: Path, text: str) -> None:
    state.with_suffix(".new").write_text(text)
    state.with_suffix(".new").rename(state)


if __name__ == "__main__":
    _serve(int(sys.argv[1]), Path(sys.argv[2]))
