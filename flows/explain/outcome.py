"""What became of an order? Downward: reports, fills, the book after each, and the orders that close it."""

from collections.abc import Iterator
from typing import Any

import msgspec

from flows.connectors.log import Record
from flows.explain.chain import BookChange, Filled, Link, Missing, Outcome, Related
from flows.explain.find import REPORTS, REQUESTS, linked, read
from flows.explain.ranges import FAR, Ranges
from schemas.account import BookPosition, PortfolioUpdate
from schemas.orders import CancelOrder, ExecutionReport, SubmitOrder

UPDATES = "portfolio_updates"
_CLOSED = ("FILLED", "CANCELLED", "REJECTED", "EXPIRED")
_AFTER_CLOSE = 200
"""Reports after an order's last one that are still looked at: a venue may send a fill late."""
_EARLY_NS = 5_000_000_000
"""How far a venue's clock may lie behind the order's time."""
_RELATED = 6


class _Books(msgspec.Struct):
    """One strategy's book in one symbol as the updates tell it."""

    account: str
    strategy: str
    symbol: str

    def of(self, update: Any) -> BookPosition | None:
        """Return the book in an update of the account; None where it is not told."""
        if not isinstance(update, PortfolioUpdate) or update.account != self.account:
            return None
        mine = (book for book in update.books if (book.strategy, book.symbol) == (self.strategy, self.symbol))
        return next(mine, None)


def outcome_of(ranges: Ranges, order: SubmitOrder) -> Outcome:
    """Return what followed from an order, as far as the log goes.

    Raises:
        LogError: the log cannot be read.
    """
    reports = _reports(ranges, order)
    books = _Books(order.account, order.strategy, order.symbol)
    fills = tuple(
        _filled(ranges, books, report) for report in reports if report.event.last_quantity_nanos > 0
    )
    quantity = sum(fill.report.event.last_quantity_nanos for fill in fills)
    worth = sum(fill.report.event.last_quantity_nanos * fill.report.event.last_price_nanos for fill in fills)
    changes = [fill.book for fill in fills if isinstance(fill.book, BookChange)]
    realized = [change.realized_nanos for change in changes]
    known = len(changes) == len(fills) and None not in realized
    return Outcome(
        status=reports[-1].event.status if reports else "SENT",
        reports=reports,
        cancels=_cancels(ranges, order),
        fills=fills,
        effect=_effect(changes),
        filled_nanos=quantity,
        average_price_nanos=worth // quantity if quantity else 0,
        fees_nanos=sum(fill.report.event.fee_nanos for fill in fills),
        realized_nanos=sum(one or 0 for one in realized) if fills and known else None,
        related=tuple(_related(ranges, books, changes)) if changes else (),
        note="" if reports else "no report of the venue yet",
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
            event = read(record)
            if isinstance(event, ExecutionReport) and event.client_order_id == order.client_order_id:
                found.setdefault(event.id, linked(record, event))
                after = _AFTER_CLOSE if event.status in _CLOSED else after
        elif after >= 0:
            after -= 1
            if after < 0:
                break
    return tuple(found.values())


def _cancels(ranges: Ranges, order: SubmitOrder) -> tuple[Link[CancelOrder], ...]:
    """Return the requests to cancel it: behind the order, before the reports of its end would be far away."""
    needle, found = order.client_order_id.encode(), list[Link[CancelOrder]]()
    partition = ranges.partition(REQUESTS, order.account)
    start = ranges.at(REQUESTS, partition, order.ts_event_ns)
    for record in ranges.read(REQUESTS, partition, start, start + _AFTER_CLOSE):
        if needle in (record.value or b"") and isinstance(event := read(record), CancelOrder):
            found.append(linked(record, event))
    return tuple(found)


def _filled(ranges: Ranges, books: _Books, report: Link[ExecutionReport]) -> Filled:
    event = report.event
    worse = event.last_price_nanos - event.reference_price_nanos
    slippage = (worse if event.side == "BUY" else -worse) if event.reference_price_nanos else None
    return Filled(report, slippage, _book_change(ranges, books, event))


def _book_change(ranges: Ranges, books: _Books, report: ExecutionReport) -> BookChange | Missing:
    """Return the update that the fill caused, and the book before it by the last update that tells it."""
    if UPDATES not in ranges.topics:
        return Missing(UPDATES, ranges.gone(UPDATES))
    partition = ranges.partition(UPDATES, books.account)
    start, cause = ranges.at(UPDATES, partition, report.ts_event_ns), f"fill:{report.id}"
    for record in ranges.read(UPDATES, partition, start, start + FAR):
        if cause.encode() not in (record.value or b""):
            continue
        update = read(record)
        after = books.of(update)
        if after is not None and update.cause == cause:
            before = _book_before(ranges, books, partition, record.offset, update.seq)
            realized = after.realized_nanos - before.realized_nanos if before else None
            quantity = before.quantity_nanos if before else None
            return BookChange(linked(record, update), quantity, after.quantity_nanos, realized)
    gone = ranges.gone(UPDATES, partition)
    return Missing(UPDATES, gone or "the account has not booked this fill: see alerts", False)


def _book_before(ranges: Ranges, books: _Books, partition: int, offset: int, seq: int) -> BookPosition | None:
    """Return the book as told last before update ``seq``: an empty one where an update of all books lacks it."""
    empty = BookPosition(books.strategy, books.symbol, 0, 0, 0, 0, 0, 0)
    for _, update in _backward(ranges, books, partition, offset):
        book = books.of(update)
        if book is not None:
            return book
        if update.seq == 0 or not update.cause.startswith("fill:"):
            return empty
    return empty if seq == 0 else None


def _backward(
    ranges: Ranges, books: _Books, partition: int, stop: int
) -> Iterator[tuple[Record, PortfolioUpdate]]:
    read_records = 0
    for records in ranges.backward(UPDATES, partition, stop):
        for record in reversed(records):
            update = read(record) if record.key == books.account.encode() else None
            if isinstance(update, PortfolioUpdate):
                yield record, update
        read_records += len(records)
        if read_records > FAR:
            return


def _effect(changes: list[BookChange]) -> str:
    """Say what the order did to its book: opens, adds to, reduces, closes or turns it."""
    if not changes or changes[0].quantity_before_nanos is None:
        return ""
    before, after = changes[0].quantity_before_nanos, changes[-1].quantity_after_nanos
    if before == 0:
        return "opens"
    if after == 0:
        return "closes"
    if before * after < 0:
        return "turns"
    return "adds to" if abs(after) > abs(before) else "reduces"


def _related(ranges: Ranges, books: _Books, changes: list[BookChange]) -> Iterator[Related]:
    """Yield the fills that opened what this order closes, and those that close what it leaves open."""
    partition = ranges.partition(UPDATES, books.account)
    first, last = changes[0], changes[-1]
    if first.quantity_before_nanos:
        opened = list(_opening(ranges, books, partition, first.update.place.offset))
        yield from reversed(opened[-_RELATED:])
    if last.quantity_after_nanos:
        yield from _closing(ranges, books, partition, last)


def _opening(ranges: Ranges, books: _Books, partition: int, stop: int) -> Iterator[Related]:
    """Yield, newest first, the fills since the book was last flat or on the other side."""
    newer: tuple[Record, PortfolioUpdate, BookPosition] | None = None
    for record, update in _backward(ranges, books, partition, stop):
        book = books.of(update)
        if book is None or not update.cause.startswith("fill:"):
            continue
        if newer is not None:
            yield _link_to(ranges, "opened by", newer, newer[2].realized_nanos - book.realized_nanos)
            if book.quantity_nanos * newer[2].quantity_nanos <= 0:
                return
        newer = (record, update, book)
    if newer is not None:
        yield _link_to(ranges, "opened by", newer, 0)


def _closing(ranges: Ranges, books: _Books, partition: int, last: BookChange) -> Iterator[Related]:
    """Yield the next fills of the book until it is flat or on the other side."""
    before = books.of(last.update.event)
    start, count = last.update.place.offset + 1, 0
    for record in ranges.read(UPDATES, partition, start, start + FAR):
        if b"fill:" not in (record.value or b""):
            continue
        update = read(record)
        book = books.of(update)
        if book is None or before is None or not update.cause.startswith("fill:"):
            continue
        role = "closed by" if abs(book.quantity_nanos) < abs(before.quantity_nanos) else "added to by"
        crossed = book.quantity_nanos * before.quantity_nanos <= 0
        role = "closed by" if crossed else role
        yield _link_to(ranges, role, (record, update, book), book.realized_nanos - before.realized_nanos)
        before, count = book, count + 1
        if crossed or count == _RELATED:
            return


def _link_to(
    ranges: Ranges, role: str, told: tuple[Record, PortfolioUpdate, BookPosition], realized: int
) -> Related:
    record, update, book = told
    report = _report(ranges, update)
    order = report.event.client_order_id if isinstance(report, Link) else ""
    place = linked(record, update).place
    return Related(role, order, report, place, update.ts_event_ns, book.quantity_nanos, realized)


def _report(ranges: Ranges, update: PortfolioUpdate) -> Link[ExecutionReport] | Missing:
    """Return the report that an update was caused by: no later than the update, and seldom much earlier."""
    name = update.cause.removeprefix("fill:")
    partition = ranges.partition(REPORTS, update.account)
    near = ranges.at(REPORTS, partition, update.ts_event_ns)
    for start, stop in ((near - _AFTER_CLOSE, near + _AFTER_CLOSE), (near - FAR, near - _AFTER_CLOSE)):
        for record in ranges.read(REPORTS, partition, start, stop):
            event = read(record) if name.encode() in (record.value or b"") else None
            if isinstance(event, ExecutionReport) and event.id == name:
                return linked(record, event)
    return Missing(REPORTS, ranges.gone(REPORTS, partition) or f"report {name} is not in the log")
