"""How does a log become a report? Read, compute, and, for the file, draw."""

import time
from pathlib import Path
from shlex import quote
from typing import Any

import msgspec

from flows.connectors.log import Log
from flows.run_settings import recorded, settings_that_differ
from flows.secrets import masked
from ui.report.compare import Comparison, Setting, Told, compare
from ui.report.compute import compute
from ui.report.records import read_account, read_run
from ui.report.report import Known, Report
from ui.whole_file import write_whole

_DRAWN = ("curve", "charts", "paths")


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
    write_whole(path, page(report))
    return report


def read_comparison(a: tuple[str, Log, str, Known], b: tuple[str, Log, str, Known]) -> Comparison:
    """Return two runs side by side, each given as name, log, account, and what is known beside its records.

    Raises:
        LogError: a log cannot be read.
    """
    told = []
    for name, log, account, known in (a, b):
        records = read_account(log, account)
        records.log = masked(("log", "url"), records.log)
        told.append(Told(name, records, known, recorded(log, account)))
    then, now = told[0].settings, told[1].settings
    differing = settings_that_differ(then, now) if then is not None and now is not None else []
    return compare(told[0], told[1], [Setting(*one) for one in differing])


def write_comparison(said: Comparison, path: Path, title: str) -> None:
    """Write the comparison to ``path``, wholly or not at all.

    Raises:
        OSError: the file cannot be written.
    """
    from ui.report.compare_page import compare_page

    write_whole(path, compare_page(said, title))


def numbers(report: Report | Comparison) -> dict[str, Any]:
    """Return the report as plain values, without what is only drawn."""
    plain: dict[str, Any] = msgspec.to_builtins(report)
    return {name: value for name, value in plain.items() if name not in _DRAWN}


def _commands(url: str, account: str) -> tuple[str, ...]:
    url, account = quote(url), quote(account)
    return (
        "# this report again, and its numbers",
        f"titan report --log {url} --account {account} --out report.html",
        f"titan report --log {url} --account {account} --json",
        "# why each order was sent or denied, event by event",
        f"titan topics tail risk_decisions --log {url} --from earliest --to-end",
        f"titan topics tail trade_signals --log {url} --from earliest --to-end",
    )
