"""What can be wrong with an installation? One function a check; each says ok, warn or fail, and what to do.

The checks never raise for what they look for, and write nothing.
"""

import importlib.metadata
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from flows.config import Settings, recovery_dir
from flows.connectors.log import Log, open_log, sqlite_path
from flows.connectors.log_errors import LogError
from flows.secrets import masked
from schemas.topics import TOPICS
from ui.cli.kernels import compiled

ROOT = Path(__file__).resolve().parents[2]
PYTHONS = ((3, 11), (3, 12))
LITTLE_DISK, TOO_LITTLE_DISK = 1 << 30, 100 << 20

Verdict = Literal["ok", "warn", "fail"]


class Check(msgspec.Struct, frozen=True):
    """One reading: `advice` says what to do about it, empty where nothing is."""

    name: str
    verdict: Verdict
    message: str
    advice: str = ""


def installation() -> Iterator[Check]:
    """Yield the checks that need no settings."""
    yield python_version()
    yield packages(ROOT / "constraints.txt")
    yield clock(time.time(), Path(__file__).stat().st_mtime)
    yield kernels()


def configured(settings: Settings) -> Iterator[Check]:
    """Yield the checks of a log and of the folders around it."""
    yield disk(settings)
    yield transport(settings)
    yield recovery(settings)
    yield from log_checks(settings)


def python_version() -> Check:
    """Is this a Python that Titan is tested on?"""
    here = sys.version_info[:2]
    words = ".".join(map(str, sys.version_info[:3]))
    if here in PYTHONS:
        return Check("python", "ok", words)
    return Check("python", "fail" if here < PYTHONS[0] else "warn", words, "use Python 3.11 or 3.12")


def packages(constraints: Path) -> Check:
    """Are the installed packages the pinned ones?"""
    if not constraints.is_file():
        return Check(
            "packages", "warn", f"no {constraints} to compare with", "run from the repository to check them"
        )
    missing, other = [], []
    for name, pinned in re.findall(
        r"^([A-Za-z0-9._-]+)==([^\s;#]+)", constraints.read_text(encoding="utf-8"), re.M
    ):
        try:
            installed = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
            continue
        if installed != pinned:
            other.append(f"{name} {installed} (pinned {pinned})")
    advice = "make (or pip install -c constraints.txt -e .)"
    if other:
        return Check("packages", "warn", "not the tested versions: " + ", ".join(other), advice)
    if missing:
        return Check(
            "packages", "ok", f"as pinned; not installed, which only extras need: {', '.join(missing)}"
        )
    return Check("packages", "ok", "as pinned in constraints.txt")


def clock(now_s: float, installed_s: float) -> Check:
    """Does the clock stand where it can stand: not before these files were written?"""
    when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now_s))
    if now_s < installed_s - 86_400:
        return Check(
            "clock", "fail", f"{when} is before this installation was made", "set the clock; use NTP"
        )
    return Check("clock", "ok", when)


def kernels() -> Check:
    """Are the compiled kernels in numba's cache, so that no first run stalls?"""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return Check("kernels", "warn", "NUMBA_DISABLE_JIT is set: everything runs uncompiled", "unset it")
    folder, there = compiled()
    if there:
        return Check("kernels", "ok", f"compiled, in {folder}")
    advice = f"make, or {sys.executable} -m flows.kernel_cache"
    return Check("kernels", "warn", "not compiled yet: the first run takes up to a minute longer", advice)


def disk(settings: Settings) -> Check:
    """Is there room where the log (or, with Kafka, the recovery store) grows?"""
    sqlite = settings.log.url.startswith("sqlite:")
    folder = _existing(Path(sqlite_path(settings.log.url)).parent if sqlite else recovery_dir(settings))
    free = shutil.disk_usage(folder).free
    words = f"{free / (1 << 30):.1f} GiB free at {folder.resolve()}"
    if free < TOO_LITTLE_DISK:
        return Check("disk", "fail", words, "free some space: below 100 MiB the log may fill up in one run")
    return Check(
        "disk", "warn" if free < LITTLE_DISK else "ok", words, "free some space" if free < LITTLE_DISK else ""
    )


def recovery(settings: Settings) -> Check:
    """Can snapshots be written?"""
    folder = recovery_dir(settings)
    if os.access(_existing(folder), os.W_OK | os.X_OK):
        return Check(
            "recovery", "ok", str(folder) if folder.is_dir() else f"{folder} (made by the first run)"
        )
    return Check(
        "recovery", "fail", f"{folder} cannot be written", "give permission, or set run.recovery_dir"
    )


def transport(settings: Settings) -> Check:
    """Do records and passwords cross a network only encrypted?"""
    servers = settings.log.url.partition("://")[2] if settings.log.url.startswith("kafka:") else ""
    kafka, registry = settings.log.kafka, settings.registry
    protocol = str(kafka.get("security.protocol", "plaintext")).lower()
    if servers and not protocol.endswith("ssl") and not _on_this_machine(servers):
        return Check(
            "transport",
            "warn",
            f"orders, and passwords if there are any, go to {servers} in the clear ({protocol})",
            "set log.kafka.security.protocol to SSL or SASL_SSL",
        )
    if registry.password and registry.url.startswith("http:") and not _on_this_machine(registry.url[7:]):
        return Check(
            "transport", "warn", f"registry.password goes to {registry.url} in the clear", "use https"
        )
    user = f" as {kafka['sasl.username']}" if "sasl.username" in kafka else ""
    return Check("transport", "ok", f"{protocol}{user}" if servers else "nothing crosses a network")


def _on_this_machine(servers: str) -> bool:
    hosts = (server.partition("/")[0].rpartition(":")[0] for server in servers.split(","))
    return all(host in ("localhost", "[::1]") or host.startswith("127.") for host in hosts)


def log_checks(settings: Settings) -> Iterator[Check]:
    """Yield what opening the log says: reachable, readable version, writable, topics as in the table."""
    shown = masked(("log", "url"), settings.log.url)
    if settings.log.url.startswith("sqlite:") and not Path(sqlite_path(settings.log.url)).exists():
        yield Check("log", "warn", f"{shown} does not exist yet", "titan demo, or titan topics apply")
        return
    try:
        with open_log(settings.log.url, msgspec.structs.replace(settings.log, create=False)) as log:
            yield Check("log", "ok", f"{shown} answers: {log.identity()}")
            yield writable(settings, log)
            yield topics(log)
    except (LogError, ModuleNotFoundError) as error:
        yield Check("log", "fail", str(error), "see the message; TITAN_LOG or --log names another log")


def writable(settings: Settings, log: Log) -> Check:
    """Can records be appended?"""
    if settings.log.url.startswith("sqlite:"):
        path = Path(sqlite_path(settings.log.url))
        if not (os.access(path, os.W_OK) and os.access(path.resolve().parent, os.W_OK)):
            return Check(
                "writable", "fail", f"{path} or its folder may only be read", "give write permission on both"
            )
    try:
        log.writer().close()
    except LogError as error:
        return Check("writable", "fail", str(error), "see the message")
    return Check("writable", "ok", "records can be appended")


def topics(log: Log) -> Check:
    """Does the log have the topics of the table, with their partitions?"""
    present = log.topics()
    wrong = [
        f"{name} has {present[name]} partitions, not {topic.partitions}"
        for name, topic in TOPICS.items()
        if name in present and present[name] != topic.partitions
    ]
    missing = [name for name in TOPICS if name not in present]
    if wrong:
        return Check("topics", "fail", "; ".join(wrong), "partitions never change: start a new log")
    if missing:
        return Check("topics", "warn", f"missing: {', '.join(missing)}", "titan topics apply")
    return Check("topics", "ok", f"all {len(TOPICS)} topics of the table")


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder
