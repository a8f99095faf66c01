"""How do the scenarios of real processes and a real broker go, again and again, each time by other dice?"""

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as Xml
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tests.integration.runs import ROOT

_FILES = ("crash", "processes", "broker", "faults", "kafka_faults", "clock")


class Scenario(msgspec.Struct):
    """One test over all rounds."""

    name: str
    rounds: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0


def rounds(count: int, seed: int) -> dict[str, Scenario]:
    """Run every scenario ``count`` times; what fails prints its dice."""
    found: dict[str, Scenario] = {}
    files = [f"tests/chaos/test_{name}.py" for name in _FILES]
    for number in range(seed, seed + count):
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.xml"
            command = [sys.executable, "-m", "pytest", "--tb=short", f"--junitxml={report}", *files]
            environment = os.environ | {"TITAN_CHAOS_SEED": str(number)}
            subprocess.run(command, cwd=ROOT, env=environment, stdout=sys.stderr, check=False)
            for case in _cases(report):
                scenario = found.setdefault(case.name, case)
                if scenario is not case:
                    for field in ("rounds", "failed", "skipped", "seconds"):
                        setattr(scenario, field, getattr(scenario, field) + getattr(case, field))
    return found


def table(found: dict[str, Scenario]) -> str:
    """Return the scenarios as a table."""
    lines = ["| scenario | rounds | failed | skipped | s a round |", "|---|---:|---:|---:|---:|"]
    for one in found.values():
        each = one.seconds / one.rounds
        lines.append(f"| {one.name} | {one.rounds} | {one.failed} | {one.skipped} | {each:.1f} |")
    return "\n".join(lines)


def _cases(report: Path) -> Iterator[Scenario]:
    for case in Xml.parse(report).iter("testcase"):
        name = case.get("name", "").removeprefix("test_").replace("_", " ")
        failed = int(any(case.find(kind) is not None for kind in ("failure", "error")))
        skipped = int(case.find("skipped") is not None)
        yield Scenario(name, 1, failed, skipped, float(case.get("time", 0)))
