"""What became of an order? Downward: reports, fills, the book after each, and the orders that close it."""

from flows.connectors.held import event_of
from flows.explain.books import Books
from flows.explain.chain import BookChange, Filled, Link, Outcome
from flows.explain.find import REPORTS, REQUESTS, linked
from flows.explain.ranges import FAR, Ranges
from schemas.orders import CancelOrder, ExecutionReport, SubmitOrder

_CLOSED = ("FILLED", "CANCELLED", "REJECTED", "EXPIRED")
_AFTER_CLOSE = 200
"""Reports after an order's last one that are still looked at: a venue may send a fill late."""
_EARLY_NS = 5_000_000_000
"""How far a venue's clock may lie behind the order's time."""


def outcome_of(ranges: Ranges, order: SubmitOrder) -> Outcome:
    """Return what followed from an order, as far as the log goes.

    Raises:
        LogError: the log cannot be read.
    """
    reports, books = _reports(ranges, order), Books(ranges, order)
    told = [report for report in reports if report.event.last_quantity_nanos > 0]
    booked = books.changes(told)
    fills = tuple(
        Filled(report, _slippage(report.event), book) for report, book in zip(told, booked, strict=True)
    )
    quantity = sum(fill.report.event.last_quantity_nanos for fill in fills)
    worth = sum(fill.report.event.last_quantity_nanos * fill.report.event.last_price_nanos for fill in fills)
    changes = [fill.book for fill in fills if isinstance(fill.book, BookChange)]
    realized = [change.realized_nanos for change in changes]
    known = len(changes) == len(fills) and None not in realized
    return Outcome(
        status=reports[-1].event.status if reports else "SENT",
        reports=reports,
        cancels=_cancels(ranges, order, reports),
        fills=fills,
        effect=_effect(changes),
        filled_nanos=quantity,
        average_price_nanos=worth // quantity if quantity else 0,
        fees_nanos=sum(fill.report.event.fee_nanos for fill in fills),
        realized_nanos=sum(one or 0 for one in realized) if fills and known else None,
        related=tuple(books.around(changes)) if changes else (),
        note=_note(ranges, order, reports),
    )


def _reports(ranges: Ranges, order: SubmitOrder) -> tuple[Link[ExecutionReport], ...]:
    """Return the order's reports, each once: a venue may repeat itself."""
    needle, found = order.client_order_id.encode(), dict[str, Link[ExecutionReport]]()
    if REPORTS not in ranges.topics:
        return ()
    partition, after = ranges.partition(REPORTS, order.account), -1
    start = ranges.at(REPORTS, partition, order.ts_event_ns - _EARLY_NS)
    for record in ranges.read(REPORTS, partition, start, start + FAR):
        if needle in (record.value or b""):
            event = event_of(record)
            if isinstance(event, ExecutionReport) and event.client_order_id == order.client_order_id:
                found.setdefault(event.id, linked(record, event))
                after = _AFTER_CLOSE if event.status in _CLOSED else after
        elif after >= 0:
            after -= 1
            if after < 0:
                break
    return tuple(found.values())


def _is_closed(reports: tuple[Link[ExecutionReport], ...]) -> bool:
    return any(report.event.status in _CLOSED for report in reports)


def _note(ranges: Ranges, order: SubmitOrder, reports: tuple[Link[ExecutionReport], ...]) -> str:
    """Say why the order's end is not told."""
    if _is_closed(reports) or REPORTS not in ranges.topics:
        return ""
    partition = ranges.partition(REPORTS, order.account)
    sought = ranges.at(REPORTS, partition, order.ts_event_ns - _EARLY_NS) + FAR
    if sought < ranges.span(REPORTS, partition)[1]:
        return f"its end is not among the {FAR:,} reports after it"
    return "" if reports else "no report of the venue yet"


def _cancels(
    ranges: Ranges, order: SubmitOrder, reports: tuple[Link[ExecutionReport], ...]
) -> tuple[Link[CancelOrder], ...]:
    """Return the requests to cancel it, sent before the last report of a closed order."""
    needle, found = order.client_order_id.encode(), list[Link[CancelOrder]]()
    partition = ranges.partition(REQUESTS, order.account)
    start = ranges.at(REQUESTS, partition, order.ts_event_ns)
    last_ns = reports[-1].event.ts_event_ns if _is_closed(reports) else None
    for record in ranges.read(REQUESTS, partition, start, start + FAR):
        late = last_ns is not None and record.timestamp_ms > last_ns // 1_000_000
        if late and record.key == order.account.encode():
            break
        if needle in (record.value or b"") and isinstance(event := event_of(record), CancelOrder):
            found.append(linked(record, event))
    return tuple(found)


def _slippage(report: ExecutionReport) -> int | None:
    """Return by how much the price was worse than the reference price, a unit; None without a reference."""
    worse = report.last_price_nanos - report.reference_price_nanos
    return (worse if report.side == "BUY" else -worse) if report.reference_price_nanos else None


def _effect(changes: list[BookChange]) -> str:
    """Say what the order did to its book: opens, adds to, reduces, closes or turns it."""
    if not changes or changes[0].quantity_before_nanos is None:
        return ""
    return effect_on_book(changes[0].quantity_before_nanos, changes[-1].quantity_after_nanos)


def effect_on_book(before: int, after: int) -> str:
    """Return the word for a change of a book's signed quantity.

    >>> effect_on_book(0, 2), effect_on_book(2, -1), effect_on_book(-1, -3)
    ('opens', 'turns', 'adds to')
    """
    if before == 0:
        return "opens"
    if after == 0:
        return "closes"
    if before * after < 0:
        return "turns"
    return "adds to" if abs(after) > abs(before) else "reduces"
