"""Do the links of an explanation agree? What two of them say of the same thing must be equal."""

import math
from typing import Any

from flows.explain.chain import BarRow, Explanation, FeatureRow, Fit, Link, RegimeRow, Ticks
from operators.instruments import DEFAULT_TABLE

_VERDICT_OF_ORDER = "APPROVED"
_QUALITY_COMPLETE = 0


def fits_of(told: Explanation) -> tuple[Fit, ...]:
    """Return every comparison that the links allow; a missing link is compared with nothing."""
    found = [*_order(told), *_decision(told), *_signal(told)]
    if isinstance(told.bar, Link) and isinstance(told.ticks, Ticks):
        found += _ticks(told.bar.event, told.ticks, _tick_size(told.symbol))
    found += _outcome(told)
    return tuple(found)


def _equal(link: str, what: str, one: Any, other: Any) -> Fit:
    return Fit(link, what, one == other, "" if one == other else f"{one} and {other}")


def _near(link: str, what: str, one: float, other: float, within: float) -> Fit:
    holds = math.isclose(one, other, rel_tol=1e-9, abs_tol=within)
    return Fit(link, what, holds, "" if holds else f"{one:.10g} and {other:.10g}")


def _order(told: Explanation) -> list[Fit]:
    if not isinstance(told.order, Link) or not isinstance(told.decision, Link):
        return []
    order, decision = told.order.event, told.decision.event
    return [
        _equal("order", "decision_id is the decision's id", order.decision_id, decision.id),
        _equal("order", "signal_id is the decision's", order.signal_id, decision.signal_id),
        _equal("order", "the decision approved it", decision.verdict, _VERDICT_OF_ORDER),
        _equal("order", "side and quantity are those judged", *_sizes(order, decision)),
        _equal("order", "sent at the time of the decision", order.ts_event_ns, decision.ts_event_ns),
    ]


def _sizes(*events: Any) -> list[tuple[str, int, str]]:
    return [(event.side, event.quantity_nanos, event.symbol) for event in events]


def _decision(told: Explanation) -> list[Fit]:
    if not isinstance(told.decision, Link):
        return []
    decision, found = told.decision.event, list[Fit]()
    failed = [check.rule for check in decision.checks if not check.passed]
    if decision.verdict == "APPROVED":
        found.append(_equal("decision", "an approved order passes every rule", failed, []))
    if isinstance(told.signal, Link):
        signal = told.signal.event
        found.append(_equal("decision", "signal_id is the signal's id", decision.signal_id, signal.id))
        early = decision.ts_event_ns < signal.ts_event_ns
        times = f"decided at {decision.ts_event_ns}, signalled at {signal.ts_event_ns}" if early else ""
        found.append(Fit("decision", "not before its signal", not early, times))
    if isinstance(told.mark, Link) and decision.price_nanos and not _forced(told):
        half_a_tick = _tick_size(told.symbol) / 2
        price = decision.price_nanos / 1e9
        found.append(
            _near("decision", "priced at the symbol's last mark", price, told.mark.event.close, half_a_tick)
        )
    return found


def _forced(told: Explanation) -> bool:
    """Whether the cut went past a silent symbol's clock: then a mark may have come after it."""
    return not isinstance(told.cut, Link) or told.cut.event.forced


def _signal(told: Explanation) -> list[Fit]:
    if not isinstance(told.signal, Link):
        return []
    signal, found = told.signal.event, list[Fit]()
    if isinstance(told.bar, Link):
        bar = told.bar.event
        found += [
            _equal("signal", "price is the bar's close", signal.price, bar.close),
            _equal("signal", "cause_offset is the bar's", signal.cause_offset, bar.cause_offset),
        ]
    if isinstance(told.regime, Link):
        found.append(_equal("signal", "regime is that of the bar", signal.regime, told.regime.event.regime))
    if isinstance(told.features, Link):
        values = told.features.event.values
        shared = {name: value for name, value in signal.explanation.items() if name in values}
        found += [
            _near("signal", f"{name} is the feature's value", value, values[name], 0.0)
            for name, value in shared.items()
        ]
    parameters = told.parameters
    if parameters is not None and parameters.values is not None:
        found.append(Fit("signal", "parameters are those of the run", not parameters.note, parameters.note))
    rows: list[Link[FeatureRow] | Link[RegimeRow]] = [
        link for link in (told.features, told.regime) if isinstance(link, Link)
    ]
    if isinstance(told.bar, Link):
        found += [
            _equal(link.place.topic, "row of the same bar", _bar_of(link.event), _bar_of(told.bar.event))
            for link in rows
        ]
    return found


def _bar_of(row: Any) -> tuple[int, int, int]:
    return row.ts_event_ns, row.revision, row.cause_offset


def _ticks(bar: BarRow, ticks: Ticks, tick: float) -> list[Fit]:
    """Compare the bar with its rows; a bar that a gap lies in, or of other numbers, may be built of more sessions."""
    first, last, high, low = ticks.first.event, ticks.last.event, ticks.high, ticks.low
    found = [
        _equal(
            "ticks", "first and last row are the bar's", (first.seq, last.seq), (bar.first_seq, bar.last_seq)
        ),
        _near("ticks", "last price is the bar's close", last.price, bar.close, tick / 2),
    ]
    if high is not None:
        found.append(_near("ticks", "highest price is the bar's", high.event.high, bar.high, tick / 2))
    if low is not None:
        found.append(_near("ticks", "lowest price is the bar's", low.event.low, bar.low, tick / 2))
    if ticks.whole and first.kind == "trade" and bar.quality == _QUALITY_COMPLETE:
        found.append(_equal("ticks", "as many rows as the bar counts trades", ticks.rows, int(bar.trades)))
    return found


def _outcome(told: Explanation) -> list[Fit]:
    if told.outcome is None or not isinstance(told.order, Link):
        return []
    order, outcome = told.order.event, told.outcome
    return [
        Fit(
            "outcome", "no more filled than ordered", outcome.filled_nanos <= order.quantity_nanos,
            f"{outcome.filled_nanos} of {order.quantity_nanos}",
        ),
        *[
            _equal("outcome", f"report {report.event.id} is about this order", *_whose(report.event, order))
            for report in outcome.reports
            if len(set(_whose(report.event, order))) > 1
        ],
    ]  # fmt: skip


def _whose(*events: Any) -> list[tuple[str, str, str]]:
    return [(event.account, event.symbol, event.side) for event in events]


def _tick_size(symbol: str) -> float:
    """Return the step of the symbol's price, 0 where it is not known: prices were rounded to it."""
    instrument = DEFAULT_TABLE.find(symbol)
    return instrument.tick_size_nanos / 1e9 if instrument is not None else 0.0
