"""What sets two runs apart? Figures side by side, what each strategy and symbol made, settings that differ.

A difference is always that of the second run from the first. Which records differ, one by one, is for `titan replay`.
"""

from bisect import bisect_right
from collections import Counter
from typing import Any

import msgspec

from operators.performance import PerformanceResult, Share
from operators.performance.fills import initial_nanos
from schemas.account import RunSettings
from ui.report.compute import performance_of
from ui.report.equity import curve
from ui.report.records import RunRecords
from ui.report.report import Known

Number = int | float | None


class Run(msgspec.Struct, frozen=True):
    """One of the two."""

    name: str
    log: str
    account: str
    currency: str
    settings_digest: str
    from_ns: int | None
    to_ns: int | None
    symbols: tuple[str, ...]


class Figure(msgspec.Struct, frozen=True):
    """A figure of both runs; ``difference`` is b less a, None where one has none."""

    name: str
    a: Number
    b: Number
    difference: Number


class Contribution(msgspec.Struct, frozen=True):
    """What a strategy or symbol made in both runs, after fees; 0 where it did not trade."""

    name: str
    a_net_nanos: int
    b_net_nanos: int
    difference_nanos: int
    a_trades: int
    b_trades: int
    a_win_rate: float | None
    b_win_rate: float | None
    a_turnover_nanos: int
    b_turnover_nanos: int


class Setting(msgspec.Struct, frozen=True):
    """A key of the configuration that the runs were derived with differently."""

    key: str
    a: Any
    b: Any


class Paths(msgspec.Struct, frozen=True):
    """Return since the start and drawdown of both runs, at all times at which either told them; as ratios."""

    ts_ns: list[int]
    a_return: list[float | None]
    b_return: list[float | None]
    a_drawdown: list[float | None]
    b_drawdown: list[float | None]


class Comparison(msgspec.Struct, frozen=True):
    """Two runs side by side."""

    a: Run
    b: Run
    metrics: list[Figure]
    counts: list[Figure]
    strategies: list[Contribution]
    symbols: list[Contribution]
    settings: list[Setting]
    settings_known: bool
    """Whether both logs say what they were derived with."""
    notes: list[str]
    """What keeps the figures from being comparable, in sentences."""
    paths: Paths


class Told(msgspec.Struct, frozen=True):
    """A run as it was read: its records, its name, what is known beside them."""

    name: str
    records: RunRecords
    known: Known
    settings: RunSettings | None


def compare(a: Told, b: Told, settings: list[Setting]) -> Comparison:
    """Return two runs side by side; ``settings`` are those that differ."""
    both = [performance_of(told.records, told.known) for told in (a, b)]
    runs = [_run(told, result) for told, result in zip((a, b), both, strict=True)]
    counts = [_counts(told.records) for told in (a, b)]
    return Comparison(
        *runs,
        _figures(*(msgspec.structs.asdict(result.metrics) if result else {} for result in both)),
        _figures(*counts),
        _contributions(
            *({share.strategy: share for share in result.strategies} if result else {} for result in both)
        ),
        _contributions(
            *({share.symbol: share for share in result.symbols} if result else {} for result in both)
        ),
        settings,
        a.settings is not None and b.settings is not None,
        _notes(*runs, *both),
        _paths(a.records, b.records),
    )


def _run(told: Told, result: PerformanceResult | None) -> Run:
    records = told.records
    symbols = {order.symbol for order in records.orders} | {signal.symbol for signal in records.signals}
    symbols |= {share.symbol for share in result.symbols} if result else set()
    return Run(
        told.name,
        records.log,
        records.account,
        told.known.currency,
        told.settings.digest if told.settings else "",
        result.from_ns if result else None,
        result.to_ns if result else None,
        tuple(sorted(symbols)),
    )


def _figures(a: dict[str, Number], b: dict[str, Number]) -> list[Figure]:
    rows = []
    for name in dict.fromkeys((*a, *b)):
        left, right = a.get(name), b.get(name)
        rows.append(Figure(name, left, right, None if left is None or right is None else right - left))
    return rows


def _counts(records: RunRecords) -> dict[str, Number]:
    verdicts = Counter(decision.verdict for decision in records.decisions)
    return {
        "signals": len(records.signals),
        "approved": verdicts["APPROVED"],
        "denied": verdicts["DENIED"],
        "nothing_to_do": verdicts["NOTHING_TO_DO"],
        "orders": len(records.orders),
        "fills": sum(report.last_quantity_nanos > 0 for report in records.reports),
        "alerts": len(records.alerts),
        "dead_letters": len(records.dead_letters),
    }


def _contributions(a: dict[str, Share], b: dict[str, Share]) -> list[Contribution]:
    rows = []
    for name in sorted(a.keys() | b.keys()):
        left, right = a.get(name), b.get(name)
        made = [share.net_nanos if share else 0 for share in (left, right)]
        rows.append(
            Contribution(
                name,
                *made,
                made[1] - made[0],
                *(share.trades if share else 0 for share in (left, right)),
                *(share.win_rate if share else None for share in (left, right)),
                *(share.turnover_nanos if share else 0 for share in (left, right)),
            )
        )
    return rows


def _notes(a: Run, b: Run, first: PerformanceResult | None, second: PerformanceResult | None) -> list[str]:
    found = []
    for run, result in ((a, first), (b, second)):
        if result is None:
            found.append(f"{run.name} says nothing of account {run.account}: its account leg has not run")
        elif not result.complete:
            found.append(
                f"the log of {run.name} lacks the start of the account; its figures begin where it begins"
            )
    if (a.from_ns, a.to_ns) != (b.from_ns, b.to_ns) and first and second:
        found.append("the runs do not cover the same time")
    if a.symbols != b.symbols:
        found.append(f"they trade other symbols: {', '.join(sorted(set(a.symbols) ^ set(b.symbols)))}")
    if a.currency != b.currency:
        found.append(
            f"amounts are in {a.currency or 'an unknown currency'} and {b.currency or 'an unknown one'}"
        )
    return found


def _paths(a: RunRecords, b: RunRecords) -> Paths:
    """Put both curves on the times of both; where one has not begun it says nothing."""
    lines = [curve(run.updates, []) for run in (a, b)]
    times = sorted({ts for line in lines for ts in line.ts_ns})
    columns = []
    for run, line in zip((a, b), lines, strict=True):
        start = _base(run)
        last = [bisect_right(line.ts_ns, ts) - 1 for ts in times]
        columns.append([line.equity_nanos[i] / start - 1.0 if i >= 0 and start > 0 else None for i in last])
        columns.append([line.drawdown[i] if i >= 0 else None for i in last])
    return Paths(times, columns[0], columns[2], columns[1], columns[3])


def _base(run: RunRecords) -> int:
    if not run.updates:
        return 0
    first = run.updates[0]
    return initial_nanos(first) if first.seq == 0 else first.equity_nanos
