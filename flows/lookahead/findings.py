"""What did the check find? The lines of its table, and what is wrong, named as closely as it can be."""

from typing import Any, Literal

import msgspec

Verdict = Literal["ok", "FAIL", "not run"]


class Culprit(msgspec.Struct, frozen=True):
    """Where it happens: ``line`` is 0 where only the file is known; ``variable`` is the first thing that differed."""

    file: str
    line: int
    source: str
    variable: str = ""

    @property
    def place(self) -> str:
        """File and line."""
        return f"{self.file}:{self.line}" if self.line else self.file


class Finding(msgspec.Struct, frozen=True):
    """One thing that is wrong.

    ``row`` counts the recording's bars from 0, and ``ts_ns`` is the close of that bar. ``column`` and ``bars_ahead``
    name the input that must not matter; ``column`` is empty and ``bars_ahead`` None where it is no single one.
    """

    check: str
    recording: str
    symbol: str
    timeframe_ns: int
    ts_ns: int
    row: int
    words: str
    said: str = ""
    otherwise: str = ""
    column: str = ""
    bars_ahead: int | None = None
    culprit: Culprit | None = None


class Line(msgspec.Struct):
    """One check over all recordings: ``compared`` comparisons, of which ``failed`` failed."""

    check: str
    what: str
    compared: int = 0
    failed: int = 0
    verdict: Verdict = "not run"

    def note(self, compared: int, failed: int) -> None:
        """Count comparisons of one recording."""
        self.compared += compared
        self.failed += failed
        self.verdict = "FAIL" if self.failed else "ok"


class Material(msgspec.Struct, frozen=True):
    """What was read of one symbol, and how often the strategy spoke."""

    recording: str
    symbol: str
    timeframe_ns: int
    bars: int
    signals: int
    first_ts_ns: int
    last_ts_ns: int


class Report(msgspec.Struct):
    """What was read, checked and found."""

    strategy: str
    file: str
    parameters: dict[str, Any]
    seed: int
    passed: bool
    materials: list[Material]
    checks: list[Line]
    findings: list[Finding]
    seconds: float = 0.0
