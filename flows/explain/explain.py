"""Why was this order sent, or not sent? Finds the whole chain, from one name, by position and time."""

import msgspec

from flows.connectors.log import Log
from flows.explain.causes import UPDATES, Cause, account_before, cause_of, cut_of, parameters_of, sizing_of
from flows.explain.chain import BarRow, Explanation, FeatureRow, Link, Missing, RegimeRow, Series
from flows.explain.find import find, newest
from flows.explain.fits import fits_of
from flows.explain.outcome import outcome_of
from flows.explain.ranges import Ranges
from flows.explain.rows import mark_at, row_at, rows_between
from flows.explain.ticks import ticks_of
from schemas.account import JournalEntry
from schemas.orders import RiskDecision, Signal

BARS_BEFORE = 5
CHART_BEFORE, CHART_AFTER = 90, 45
"""Bars on the chart."""
_LONG_AGO = 60
"""How many times further back the bars before are sought where trading paused (a weekend, a holiday)."""


class Asked(msgspec.Struct, frozen=True):
    """What to explain: ``name``, or the newest order (``last``), or the newest decision against one (``denied``)."""

    name: str = ""
    last: bool = False
    denied: bool = False
    account: str | None = None
    ticks: int = 0
    with_series: bool = False


def explain(log: Log, asked: Asked) -> Explanation:
    """Return the explanation.

    Raises:
        NotInLog: nothing in the log is called so, or several things are.
        LogError: the log cannot be read.
    """
    ranges = Ranges(log)
    newest_one = asked.last or asked.denied
    found = (
        newest(ranges, asked.account, asked.denied) if newest_one else find(ranges, asked.name, asked.account)
    )
    cause = cause_of(ranges, found)
    subject = next(
        link.event for link in (cause.order, cause.decision, cause.signal) if isinstance(link, Link)
    )
    told = Explanation(
        asked=asked.name or ("the newest denied decision" if asked.denied else "the newest order"),
        log=log.url,
        account=subject.account,
        strategy=subject.strategy,
        symbol=subject.symbol,
        order=cause.order,
        decision=cause.decision,
        signal=cause.signal,
        outcome=outcome_of(ranges, cause.order.event) if isinstance(cause.order, Link) else None,
        **_judged(ranges, cause),
        **_seen(ranges, cause.signal, asked),
    )
    return msgspec.structs.replace(told, fits=fits_of(told))


def _judged(ranges: Ranges, cause: Cause) -> dict[str, object]:
    """Return the cut that took the signal, and the mark that the decision was priced at."""
    unknown = Missing("account_journal", "not sought: the signal is missing")
    cut: Link[JournalEntry] | Missing = unknown
    if isinstance(cause.signal, Link):
        cut = cut_of(ranges, cause.signal)
    if not isinstance(cause.decision, Link):
        unsought = "not sought: there is no decision"
        return {
            "cut": cut,
            "mark": Missing("marks", unsought),
            "before": Missing(UPDATES, unsought),
            "sizing": None,
        }
    decision: RiskDecision = cause.decision.event
    return {
        "cut": cut,
        "mark": mark_at(ranges, decision.symbol, decision.ts_event_ns, _marks_read(ranges, cut, decision)),
        "before": account_before(ranges, decision),
        "sizing": sizing_of(ranges, decision.account),
    }


def _marks_read(ranges: Ranges, cut: Link[JournalEntry] | Missing, decision: RiskDecision) -> int | None:
    """Return up to which offset marks had been read at the cut; None where a signal waited for a later one."""
    if (
        not isinstance(cut, Link)
        or decision.ts_event_ns > cut.event.taken_to_ns
        or "marks" not in ranges.topics
    ):
        return None
    partition = ranges.partition("marks", decision.symbol)
    positions = {(at.topic, at.partition): at.next_offset for at in cut.event.positions}
    return positions.get(("marks", partition))


def _seen(ranges: Ranges, link: Link[Signal] | Missing, asked: Asked) -> dict[str, object]:
    """Return what the strategy saw: parameters, features, regime, bars and ticks."""
    if not isinstance(link, Link):
        unknown = {
            name: Missing(name, "not sought: the signal is missing")
            for name in ("features", "regimes", "bars")
        }
        return {
            "parameters": None,
            "features": unknown["features"],
            "regime": unknown["regimes"],
            "bar": unknown["bars"],
            "bars_before": (),
            "ticks": Missing("market_data", "not sought: the bar is missing"),
        }
    signal = link.event
    place = (signal.symbol, signal.timeframe_ns, signal.ts_event_ns, signal.cause_offset)
    bar = row_at(ranges, BarRow, *place)
    found: dict[str, object] = {
        "parameters": parameters_of(ranges, signal),
        "features": row_at(ranges, FeatureRow, *place),
        "regime": row_at(ranges, RegimeRow, *place),
        "bar": bar,
        "bars_before": (),
        "ticks": Missing("market_data", "not sought: the bar is missing"),
    }
    if isinstance(bar, Link):
        bars = _bars_around(ranges, bar, CHART_BEFORE if asked.with_series else BARS_BEFORE)
        found["bars_before"] = tuple(one for one in bars if one.event.ts_event_ns < signal.ts_event_ns)[
            -BARS_BEFORE:
        ]
        found["ticks"] = ticks_of(ranges, bar, asked.ticks)
        if asked.with_series:
            found["series"] = _series(ranges, bars, signal)
    return found


def _bars_around(ranges: Ranges, bar: Link[BarRow], before: int) -> list[Link[BarRow]]:
    """Return the bar, up to ``before`` bars before it, and some after it."""
    row, near = bar.event, bar.place.offset
    frame, ts_ns = row.timeframe_ns, row.ts_event_ns
    found: list[Link[BarRow]] = []
    for reach in (1, _LONG_AGO):
        times = (ts_ns - before * frame * reach, ts_ns + CHART_AFTER * frame)
        found = rows_between(ranges, BarRow, row.symbol, frame, times, near)
        earlier = [one for one in found if one.event.ts_event_ns < ts_ns]
        if len(earlier) >= before // 2:
            break
    return found[max(0, len(earlier) - before) :]


def _series(ranges: Ranges, bars: list[Link[BarRow]], signal: Signal) -> Series:
    times = (bars[0].event.ts_event_ns, bars[-1].event.ts_event_ns)
    rows = tuple(link.event for link in bars)
    features: list[Link[FeatureRow]] = []
    regimes: list[Link[RegimeRow]] = []
    for kind, into in ((FeatureRow, features), (RegimeRow, regimes)):
        link = row_at(ranges, kind, signal.symbol, signal.timeframe_ns, signal.ts_event_ns, None)
        if isinstance(link, Link):
            into += rows_between(ranges, kind, signal.symbol, signal.timeframe_ns, times, link.place.offset)
    return Series(rows, tuple(link.event for link in features), tuple(link.event for link in regimes))
