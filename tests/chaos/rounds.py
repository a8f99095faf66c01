"""How do the scenarios of real processes and a real broker go, again and again, each time by other dice?"""

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as Xml
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from tests.integration.runs import ROOT

_FILES = ("crash", "processes", "broker", "faults", "kafka_faults", "clock")


class Scenario(msgspec.Struct):
    """One test over all rounds; of those that it makes of several parameters, all but the log's count as one."""

    name: str
    runs: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0


def rounds(count: int, seed: int, workers: int) -> tuple[int, dict[str, Scenario]]:
    """Run every scenario ``count`` times, so many at a time; what fails prints its dice.

    Returns how many rounds were done, fewer where someone interrupts, and what they came to.
    """
    found: dict[str, Scenario] = {}
    done = 0
    with suppress(KeyboardInterrupt):
        for number in range(seed, seed + count):
            for case in _round(number, workers):
                _add(found.setdefault(case.name, Scenario(case.name)), case)
            done += 1
    return done, found


def _round(number: int, workers: int) -> list[Scenario]:
    files = [f"tests/chaos/test_{name}.py" for name in _FILES]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-n",
            str(workers),
            "--tb=short",
            f"--junitxml={report}",
            *files,
        ]
        environment = os.environ | {"TITAN_CHAOS_SEED": str(number)}
        subprocess.run(command, cwd=ROOT, env=environment, stdout=sys.stderr, check=False)
        return list(_cases(report))


def table(found: dict[str, Scenario]) -> str:
    """Return the scenarios as a table."""
    lines = ["| scenario | runs | failed | skipped | s a run |", "|---|---:|---:|---:|---:|"]
    for one in [*sorted(found.values(), key=lambda one: one.name), _all(found)]:
        each = one.seconds / max(1, one.runs)
        lines.append(f"| {one.name} | {one.runs} | {one.failed} | {one.skipped} | {each:.1f} |")
    return "\n".join(lines)


def _all(found: dict[str, Scenario]) -> Scenario:
    total = Scenario("all")
    for one in found.values():
        _add(total, one)
    return total


def _add(to: Scenario, one: Scenario) -> None:
    for field in ("runs", "failed", "skipped", "seconds"):
        setattr(to, field, getattr(to, field) + getattr(one, field))


def _cases(report: Path) -> Iterator[Scenario]:
    for case in Xml.parse(report).iter("testcase"):
        name, _, how = case.get("name", "").removeprefix("test_").partition("[")
        name = name.replace("_", " ") + (f", {how[:-1]}" if how in ("sqlite]", "kafka]") else "")
        failed = int(any(case.find(kind) is not None for kind in ("failure", "error")))
        skipped = int(case.find("skipped") is not None)
        yield Scenario(name, 1, failed, skipped, float(case.get("time", 0)))
