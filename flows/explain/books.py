"""What did fills do to a strategy's book? Read off the portfolio updates: each fill's names the book after it."""

from collections.abc import Iterable, Iterator

import msgspec

from flows.connectors.held import event_of
from flows.connectors.log import Record
from flows.explain.chain import BookChange, Link, Missing, Related
from flows.explain.find import REPORTS, linked
from flows.explain.ranges import FAR, Ranges
from flows.place import Place
from schemas.account import BookPosition, PortfolioUpdate
from schemas.orders import ExecutionReport, SubmitOrder
from schemas.scalars import read_string

UPDATES = "portfolio_updates"
_FILL = b"fill:"
_MOST_FILLS = 1000
"""Fills before or after an order's own that are followed."""
_NEAR = 2000
"""How many reports before an update's time one that it names may lie: a report is seldom much older than its update."""
_FRAME = 5


class Told(msgspec.Struct, frozen=True):
    """One update that names the book, where it lies, and what the book was before it."""

    place: Place
    update: PortfolioUpdate
    book: BookPosition
    before: BookPosition | None

    @property
    def realized_nanos(self) -> int:
        """What the update's fill realised, 0 where the book before it is not known."""
        return self.book.realized_nanos - self.before.realized_nanos if self.before else 0

    @property
    def crossed(self) -> bool:
        """Whether the book came to zero or to the other side."""
        return self.before is not None and self.book.quantity_nanos * self.before.quantity_nanos <= 0


class Books:
    """One strategy's book in one symbol, as the updates of its account tell it."""

    def __init__(self, ranges: Ranges, order: SubmitOrder) -> None:
        self._ranges = ranges
        self._account, self._book = order.account, (order.strategy, order.symbol)
        self._needles = (order.strategy.encode(), order.symbol.encode())
        self._partition = ranges.partition(UPDATES, order.account) if UPDATES in ranges.topics else 0

    def changes(self, fills: list[Link[ExecutionReport]]) -> list[BookChange | Missing]:
        """Return what each fill did, from one reading of the updates."""
        wanted = {f"fill:{fill.event.id}" for fill in fills}
        found: dict[str, BookChange] = {}
        if fills and UPDATES in self._ranges.topics:
            start = self._ranges.at(UPDATES, self._partition, min(fill.event.ts_event_ns for fill in fills))
            for told in self._forward(start):
                if told.update.cause in wanted:
                    found[told.update.cause] = _change(told)
                    if len(found) == len(wanted):
                        break
        gone = self._ranges.gone(UPDATES, self._partition)
        lacking = Missing(UPDATES, gone or "the account has not booked this fill; see its alerts")
        return [found.get(f"fill:{fill.event.id}", lacking) for fill in fills]

    def around(self, changes: list[BookChange]) -> list[Related]:
        """Return the orders that opened what these changes close, and those that close what they leave open."""
        first, last = changes[0], changes[-1]
        opening = list(self._opening(first.update.place.offset))[::-1] if first.quantity_before_nanos else []
        closing = list(self._closing(last.update)) if last.quantity_after_nanos else []
        reports = self._reports([told.update for told in (*opening, *closing)])
        return [*_related("opened by", opening, reports), *_related("closed by", closing, reports)]

    def _forward(self, start: int) -> Iterator[Told]:
        """Yield the updates after fills of the book from an offset on."""
        before: BookPosition | None = None
        for record in self._ranges.read(UPDATES, self._partition, start, start + FAR):
            value = record.value or b""
            if _FILL not in value or not all(needle in value for needle in self._needles):
                continue
            update = event_of(record)
            book = self._of(update)
            if book is not None and update.cause.startswith("fill:"):
                before = before or self._before(record.offset, update.seq)
                yield Told(linked(record, update).place, update, book, before)
                before = book

    def _backward(self, stop: int) -> Iterator[tuple[Record, PortfolioUpdate]]:
        seen = 0
        for records in self._ranges.backward(UPDATES, self._partition, stop):
            for record in reversed(records):
                update = event_of(record) if record.key == self._account.encode() else None
                if isinstance(update, PortfolioUpdate):
                    yield record, update
            seen += len(records)
            if seen > FAR:
                return

    def _before(self, offset: int, seq: int) -> BookPosition | None:
        """Return the book as told last before update ``seq``; an empty one where an update of all books lacks it."""
        empty = BookPosition(*self._book, 0, 0, 0, 0, 0, 0)
        for _, update in self._backward(offset):
            book = self._of(update)
            if book is not None:
                return book
            if update.seq == 0 or not update.cause.startswith("fill:"):
                return empty
        return empty if seq == 0 else None

    def _opening(self, stop: int) -> Iterator[Told]:
        """Yield, newest first, the fills since the book was last flat or on the other side."""
        newer: tuple[Record, PortfolioUpdate, BookPosition] | None = None
        count = 0
        for record, update in self._backward(stop):
            book = self._of(update)
            if book is None or not update.cause.startswith("fill:"):
                continue
            if newer is not None:
                told = Told(linked(newer[0], None).place, newer[1], newer[2], book)
                yield told
                count += 1
                if told.crossed or count == _MOST_FILLS:
                    return
            newer = (record, update, book)
        if newer is not None:
            before = self._before(newer[0].offset, newer[1].seq)
            yield Told(linked(newer[0], None).place, newer[1], newer[2], before)

    def _closing(self, last: Link[PortfolioUpdate]) -> Iterator[Told]:
        """Yield the next fills of the book until it is flat or on the other side."""
        for count, told in enumerate(self._forward(last.place.offset + 1), 1):
            yield told
            if told.crossed or count == _MOST_FILLS:
                return

    def _of(self, update: object) -> BookPosition | None:
        if not isinstance(update, PortfolioUpdate) or update.account != self._account:
            return None
        return next((book for book in update.books if (book.strategy, book.symbol) == self._book), None)

    def _reports(self, updates: list[PortfolioUpdate]) -> dict[str, Link[ExecutionReport]]:
        """Return the reports that updates were caused by, by id."""
        wanted = {update.cause.removeprefix("fill:") for update in updates}
        found: dict[str, Link[ExecutionReport]] = {}
        if not wanted or REPORTS not in self._ranges.topics:
            return found
        partition = self._ranges.partition(REPORTS, self._account)
        near = self._ranges.at(REPORTS, partition, min(update.ts_event_ns for update in updates))
        for start, stop in ((near - _NEAR, near + FAR), (near - FAR, near - _NEAR)):
            for record in self._ranges.read(REPORTS, partition, start, stop):
                event = event_of(record) if _id_in(record) in wanted else None
                if isinstance(event, ExecutionReport):
                    found[event.id] = linked(record, event)
                    if len(found) == len(wanted):
                        return found
        return found


def _change(told: Told) -> BookChange:
    before = told.before
    return BookChange(
        Link(told.place, told.update),
        before.quantity_nanos if before else None,
        told.book.quantity_nanos,
        told.realized_nanos if before else None,
    )


def _id_in(record: Record) -> str:
    """Return what the record of a topic whose events begin with their id begins with; empty where it cannot be read."""
    try:
        return read_string(record.value or b"", _FRAME)[0]
    except (ValueError, IndexError):
        return ""


def _related(
    role: str, fills: Iterable[Told], reports: dict[str, Link[ExecutionReport]]
) -> Iterator[Related]:
    """Yield one row an order, in the order of their first fills."""
    by_order: dict[str, list[tuple[Told, Link[ExecutionReport] | None]]] = {}
    for told in fills:
        report = reports.get(told.update.cause.removeprefix("fill:"))
        by_order.setdefault(report.event.client_order_id if report else "", []).append((told, report))
    for name, done in by_order.items():
        last = done[-1][0]
        told = [report for _, report in done if report is not None]
        quantity = sum(report.event.last_quantity_nanos for report in told)
        worth = sum(report.event.last_quantity_nanos * report.event.last_price_nanos for report in told)
        yield Related(
            role=_role(role, done[0][0]),
            client_order_id=name,
            side=told[0].event.side if told else "",
            fills=len(done),
            quantity_nanos=quantity,
            average_price_nanos=worth // quantity if quantity else 0,
            fees_nanos=sum(report.event.fee_nanos for report in told),
            realized_nanos=sum(one.realized_nanos for one, _ in done),
            quantity_after_nanos=last.book.quantity_nanos,
            ts_event_ns=last.update.ts_event_ns,
            report=told[0].place if told else None,
            update=last.place,
        )


def _role(role: str, first: Told) -> str:
    """Return what an order did to the position: it may have added to or reduced it on the way."""
    before = first.before.quantity_nanos if first.before else 0
    grew = abs(first.book.quantity_nanos) > abs(before) and not (first.crossed and before)
    if role == "closed by":
        return "added to by" if grew else role
    return role if grew or first.crossed else "reduced by"
