"""How do tests run `titan backtest` over files and read what it did? In this process, kept as a run, from its log."""

import contextlib
import io
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from schemas.topics import TOPICS
from tests.integration.log_contents import events
from ui.cli import main

PLAIN = ("--slippage", "none", "--set", "venue.participation=1", "--set", "risk.daily_drawdown.max_loss=1")
"""Fills are whole and at the next price, and no limit is in the way."""


class Ran(msgspec.Struct):
    """How a backtest ended: exit code, what it printed, its JSON, and the events of every topic in their order."""

    code: int
    err: str
    summary: dict[str, Any]
    events: dict[str, list[dict[str, Any]]]

    @property
    def fills(self) -> list[dict[str, Any]]:
        """Reports of fills."""
        return [report for report in self.events["execution_reports"] if report["last_quantity_nanos"]]

    @property
    def trades(self) -> list[tuple[int, int, float, float]]:
        """Fills as (time in ns, signed units, price, fee)."""
        return [
            (
                fill["ts_event_ns"],
                fill["last_quantity_nanos"] // 10**9 * (1 if fill["side"] == "BUY" else -1),
                fill["last_price_nanos"] / 1e9,
                fill["fee_nanos"] / 1e9,
            )
            for fill in self.fills
        ]

    def said(self, topic: str, field: str) -> list[Any]:
        """Return one field of every event of a topic."""
        return [event[field] for event in self.events[topic]]


def backtested(folder: Path, files: Sequence[Path], *arguments: str) -> Ran:
    """Backtest files, keeping the run in a folder that holds none yet; the exit code is whatever it is."""
    out, err = io.StringIO(), io.StringIO()
    named = [part for file in files for part in ("--input", str(file))]
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main(["backtest", *named, "--out", str(folder), "--json", *arguments])
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    found: dict[str, list[dict[str, Any]]] = {topic: [] for topic in TOPICS}
    if (folder / "titan.db").exists():
        for (topic, _), lane in events(f"sqlite:///{folder / 'titan.db'}", tuple(TOPICS)).items():
            found[topic] += lane
    summary = msgspec.json.decode(out.getvalue()) if out.getvalue() else {}
    return Ran(code, err.getvalue(), summary, found)


def done(folder: Path, files: Sequence[Path], *arguments: str) -> Ran:
    """Backtest files; it must end well."""
    run = backtested(folder, files, *arguments)
    assert run.code == 0, f"{run.code}\n{run.err}"
    return run
