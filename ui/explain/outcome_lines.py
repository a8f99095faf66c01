"""What does an explanation say of what became of an order? Reports, fills, the book, and the orders around it."""

from collections.abc import Iterator

from flows.explain.chain import BookChange, Explanation, Filled, Link, Missing, Outcome, Related
from schemas.orders import ExecutionReport
from ui.amounts import money, quantity
from ui.explain.node import Node, missing
from ui.explain.words import at, later, moment, number

_FIRST, _LAST = 4, 3
_OPENED = ("opens", "adds to", "turns")


def became(told: Explanation) -> tuple[Node, ...]:
    """Return the line of the outcome with those below it; none where there is no order."""
    if told.outcome is None or not isinstance(told.order, Link):
        return ()
    outcome, sent_ns = told.outcome, told.order.event.ts_event_ns
    fills = {fill.report.event.id: fill for fill in outcome.fills}
    lines: list[Node] = []
    for report in _some(outcome.reports):
        fill = fills.get(report.event.id)
        lines.append(_fill(fill, sent_ns) if fill else _report(report, sent_ns))
        if len(lines) == _FIRST and len(outcome.reports) > _FIRST + _LAST:
            lines.append(Node("...", f"{len(outcome.reports) - _FIRST - _LAST:,} more reports", "", "soft"))
    lines += [
        Node("cancel asked", f"{cancel.event.reason}, {moment(cancel.event.ts_event_ns)}", at(cancel.place))
        for cancel in outcome.cancels
    ]
    lines += list(_related(outcome))
    return (Node("became", _said(outcome), "", "", tuple(lines), "outcome"),)


def _some(reports: tuple[Link[ExecutionReport], ...]) -> tuple[Link[ExecutionReport], ...]:
    """Return the first and the last reports where there are many."""
    return reports if len(reports) <= _FIRST + _LAST else (*reports[:_FIRST], *reports[-_LAST:])


def _said(outcome: Outcome) -> str:
    said = outcome.status.replace("_", " ")
    if outcome.filled_nanos:
        said += f", {quantity(outcome.filled_nanos)} at {number(outcome.average_price_nanos / 1e9)}"
        said += f" in {len(outcome.fills):,} fills" if len(outcome.fills) > 1 else ""
        said += f", fees {money(outcome.fees_nanos)}"
    if outcome.effect:
        said += f"; {outcome.effect} the position"
    if outcome.realized_nanos is not None and outcome.effect not in ("", "opens", "adds to"):
        net = outcome.realized_nanos - outcome.fees_nanos
        said += f", realised {money(outcome.realized_nanos, True)} ({money(net, True)} after its own fees)"
    after = sum(one.realized_nanos for one in outcome.related if one.role == "closed by")
    said += f"; closed later, realised {money(after, True)}" if after else ""
    return f"{said}; {outcome.note}" if outcome.note else said


def _report(link: Link[ExecutionReport], sent_ns: int) -> Node:
    report = link.event
    reason = f": {report.reason}" if report.reason else ""
    tone = "bad" if report.status in ("REJECTED", "UNKNOWN") else ""
    said = f"{later(report.ts_event_ns, sent_ns)}, {report.venue_execution_id}{reason}"
    return Node(report.status.lower().replace("_", " "), said, at(link.place), tone)


def _fill(fill: Filled, sent_ns: int) -> Node:
    report = fill.report.event
    said = (
        f"{quantity(report.last_quantity_nanos)} at {quantity(report.last_price_nanos)}, {report.liquidity}"
    )
    if fill.slippage_nanos is not None:
        worse = "worse" if fill.slippage_nanos > 0 else "better"
        slipped = f"{quantity(abs(fill.slippage_nanos))} {worse}" if fill.slippage_nanos else "no slippage"
        said += f", reference {quantity(report.reference_price_nanos)} ({slipped})"
    said += (
        f", fee {money(report.fee_nanos)}, {later(report.ts_event_ns, sent_ns)}, {report.venue_execution_id}"
    )
    name = report.status.lower().replace("_", " ")
    return Node(name, said, at(fill.report.place), "good", (_book(fill.book),))


def _book(change: BookChange | Missing) -> Node:
    if isinstance(change, Missing):
        return missing("book", change)
    update = change.update.event
    before = "?" if change.quantity_before_nanos is None else quantity(change.quantity_before_nanos)
    said = f"{before} -> {quantity(change.quantity_after_nanos)}"
    if change.realized_nanos:
        said += f", realised {money(change.realized_nanos, True)}"
    said += f"; account: equity {money(update.equity_nanos)}, cash {money(update.cash_nanos)}"
    return Node("book", said, at(change.update.place))


def _related(outcome: Outcome) -> Iterator[Node]:
    for one in outcome.related:
        yield Node(one.role, _other(one), at(one.update))
    closing = [one for one in outcome.related if one.role == "closed by"]
    if outcome.effect in _OPENED and not closing:
        yield Node("still open", "no later fill in the log closes it", "", "soft")


def _other(one: Related) -> str:
    if not one.client_order_id:
        return f"fills whose reports are not found; book then {quantity(one.quantity_after_nanos)}"
    price = number(one.average_price_nanos / 1e9)
    said = f"{one.client_order_id}  {one.side} {quantity(one.quantity_nanos)} at {price}"
    said += f" in {one.fills} fills" if one.fills > 1 else ""
    said += f", book then {quantity(one.quantity_after_nanos)}"
    if one.realized_nanos:
        said += f", realised {money(one.realized_nanos, True)}"
    return f"{said}, {moment(one.ts_event_ns)}"
