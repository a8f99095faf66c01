"""How does a log become a report? Read, compute, and, for the file, draw."""

import os
import time
from pathlib import Path
from typing import Any

import msgspec

from flows.config.masking import masked
from flows.connectors.log import Log
from ui.report.compute import compute
from ui.report.records import read_run
from ui.report.report import Known, Report

_DRAWN = ("curve", "charts")


def read_report(log: Log, account: str, title: str, known: Known | None = None) -> Report:
    """Return the report of the account's run, as far as the log tells.

    Raises:
        LogError: the log cannot be read.
    """
    known = known or Known(written_ns=time.time_ns())
    run = read_run(log, account)
    run.log = masked(("log", "url"), run.log)
    known = msgspec.structs.replace(known, commands=(*known.commands, *_commands(run.log, account)))
    return compute(run, title, known)


def write_report(log: Log, account: str, path: Path, title: str, known: Known | None = None) -> Report:
    """Write the report to ``path``, wholly or not at all, and return it.

    Raises:
        LogError: the log cannot be read.
        OSError: the file cannot be written.
    """
    from ui.report.page import page

    report = read_report(log, account, title, known)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_text(page(report), encoding="utf-8")
    os.replace(unfinished, path)
    return report


def numbers(report: Report) -> dict[str, Any]:
    """Return the report as plain values, without what is only drawn."""
    plain: dict[str, Any] = msgspec.to_builtins(report)
    return {name: value for name, value in plain.items() if name not in _DRAWN}


def _commands(url: str, account: str) -> tuple[str, ...]:
    return (
        "# this report again, and its numbers",
        f"titan report --log {url} --account {account} --out report.html",
        f"titan report --log {url} --account {account} --json",
        "# why each order was sent or denied, event by event",
        f"titan topics tail risk_decisions --log {url} --from earliest --to-end",
        f"titan topics tail trade_signals --log {url} --from earliest --to-end",
    )
