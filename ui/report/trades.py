"""Which trades were made, and do they add up to the ledger's profit? First in, first out, per strategy and symbol.

The ledger values a book at average cost, a table of trades pairs what came first. Over a whole history both say the
same but for what is still open:

    sum of gross - value paid for open lots = realised (average cost) - cost of the book

which ``reconcile`` checks with equality, beside replaying the average-cost books fill by fill.
"""

from collections import deque

import msgspec

from schemas.account import BookPosition, PortfolioUpdate
from ui.report.fills import BookedFill, Reason, initial_nanos
from ui.report.report import OpenTrade, Reconciliation, Trade

BookKey = tuple[str, str]
_NO_REASON = Reason()


class Lot(msgspec.Struct):
    """What is left of a fill that opened: signed quantity and value, and its share of the fee."""

    order: str
    ts_ns: int
    price_nanos: int
    quantity_nanos: int
    flow_nanos: int
    fee_nanos: int


class TradeBook(msgspec.Struct):
    """One book both ways: lots in the order of their opening, and average cost as the ledger has it."""

    lots: deque[Lot] = msgspec.field(default_factory=deque)
    gross_nanos: int = 0
    quantity_nanos: int = 0
    cost_nanos: int = 0
    realized_nanos: int = 0
    fees_nanos: int = 0


class _Pair(msgspec.Struct):
    """What one order closed of another's opening, being added up."""

    entry: Lot
    quantity_nanos: int = 0
    entry_worth: int = 0
    exit_worth: int = 0
    entry_flow: int = 0
    gross_nanos: int = 0
    fees_nanos: int = 0
    exit_ns: int = 0


class Matched(msgspec.Struct):
    """All trades of a run, by exit; the books that they leave."""

    trades: list[Trade]
    books: dict[BookKey, TradeBook]


def match(fills: list[BookedFill], reasons: dict[str, Reason]) -> Matched:
    """Pair fills to trades; the fills of one order that close lots of one other order are one trade."""
    books: dict[BookKey, TradeBook] = {}
    pairs: dict[tuple[str, str, BookKey], _Pair] = {}
    for fill in fills:
        key = (fill.strategy, fill.symbol)
        book = books.setdefault(key, TradeBook())
        _average_cost(book, fill)
        left = Lot(
            fill.order, fill.ts_ns, fill.price_nanos, fill.quantity_nanos, fill.flow_nanos, fill.fee_nanos
        )
        while left.quantity_nanos and book.lots and book.lots[0].quantity_nanos * left.quantity_nanos < 0:
            first = book.lots[0]
            pair = pairs.setdefault((first.order, fill.order, key), _Pair(first))
            book.gross_nanos += _close(pair, first, left)
            if not first.quantity_nanos:
                book.lots.popleft()
        if left.quantity_nanos:
            book.lots.append(left)
    trades = [_trade(pair, exit_order, key, reasons) for (_, exit_order, key), pair in pairs.items()]
    return Matched(sorted(trades, key=lambda trade: (trade.exit_ns, trade.entry_ns)), books)


def open_trades(
    matched: Matched, held: dict[BookKey, BookPosition], reasons: dict[str, Reason]
) -> list[OpenTrade]:
    """Return what is open, order by order, valued as the ledger does; ``held`` is the last word on each book."""
    found = []
    for (strategy, symbol), book in matched.books.items():
        position = held.get((strategy, symbol))
        worth = book.cost_nanos + position.unrealized_nanos if position else 0
        left = book.quantity_nanos
        for lot in _merged(book.lots):
            value = worth * lot.quantity_nanos // left if left else 0
            worth, left = worth - value, left - lot.quantity_nanos
            found.append(
                OpenTrade(
                    strategy,
                    symbol,
                    "LONG" if lot.quantity_nanos > 0 else "SHORT",
                    abs(lot.quantity_nanos),
                    lot.ts_ns,
                    lot.price_nanos,
                    position.mark_price_nanos if position else 0,
                    value - lot.flow_nanos,
                    lot.fee_nanos,
                    lot.order,
                    reasons.get(lot.order, _NO_REASON).text,
                )
            )
    return found


def last_books(updates: list[PortfolioUpdate]) -> dict[BookKey, BookPosition]:
    """Return the last word on every book: an update after a fill tells only the book that it changed."""
    books: dict[BookKey, BookPosition] = {}
    for update in updates:
        for book in update.books:
            books[book.strategy, book.symbol] = book
    return books


def reconcile(
    updates: list[PortfolioUpdate], matched: Matched, held: dict[BookKey, BookPosition]
) -> Reconciliation:
    """Compare trades and ledger, to the last 1e-9; not checked where the log lacks the start of the account."""
    if not updates or updates[-1].seq != len(updates) - 1:
        booked = sum(update.cause.startswith("fill:") for update in updates)
        return Reconciliation(False, False, (), booked)
    last, found = updates[-1], list[str]()
    for key in matched.books.keys() | held.keys():
        book, said = matched.books.get(key, TradeBook()), held.get(key)
        found += _compare(f"book {key[0]} {key[1]}", book, said)
    totals = {
        "realised": (sum(book.realized_nanos for book in matched.books.values()), last.realized_nanos),
        "fees": (sum(book.fees_nanos for book in matched.books.values()), last.fees_nanos),
        "initial cash": (initial_nanos(updates[0]), initial_nanos(last)),
    }
    found += [
        f"account {name}: {ours} and {theirs}" for name, (ours, theirs) in totals.items() if ours != theirs
    ]
    return Reconciliation(True, not found, tuple(found), 0)


def _compare(name: str, book: TradeBook, said: BookPosition | None) -> list[str]:
    if said is None:
        return [f"{name}: traded, and the ledger has no such book"]
    open_flow = sum(lot.flow_nanos for lot in book.lots)
    pairs = {
        "quantity": (book.quantity_nanos, said.quantity_nanos),
        "realised": (book.realized_nanos, said.realized_nanos),
        "fees": (book.fees_nanos, said.fees_nanos),
        "profit of trades": (book.gross_nanos - open_flow, said.realized_nanos - book.cost_nanos),
    }
    return [f"{name}: {what} {ours} and {theirs}" for what, (ours, theirs) in pairs.items() if ours != theirs]


def _average_cost(book: TradeBook, fill: BookedFill) -> None:
    """Move the book as `operators.ledger` does, with the same one rounding."""
    held, signed, flow = book.quantity_nanos, fill.quantity_nanos, fill.flow_nanos
    book.quantity_nanos = held + signed
    book.fees_nanos += fill.fee_nanos
    if held == 0 or (held > 0) == (signed > 0):
        book.cost_nanos += flow
    elif abs(signed) <= abs(held):
        cost_out = book.cost_nanos * signed // -held
        book.cost_nanos -= cost_out
        book.realized_nanos += -flow - cost_out
    else:
        closing = flow * held // -signed
        book.realized_nanos += -closing - book.cost_nanos
        book.cost_nanos = flow - closing


def _close(pair: _Pair, first: Lot, left: Lot) -> int:
    """Close as much of ``first`` as ``left`` can; returns the gross profit."""
    quantity = min(abs(first.quantity_nanos), abs(left.quantity_nanos))
    entry_flow, entry_fee = _take(first, quantity)
    exit_flow, exit_fee = _take(left, quantity)
    gross = -(entry_flow + exit_flow)
    pair.quantity_nanos += quantity
    pair.entry_worth += quantity * first.price_nanos
    pair.exit_worth += quantity * left.price_nanos
    pair.entry_flow += entry_flow
    pair.gross_nanos += gross
    pair.fees_nanos += entry_fee + exit_fee
    pair.exit_ns = left.ts_ns
    return gross


def _take(lot: Lot, quantity: int) -> tuple[int, int]:
    """Take ``quantity`` out of a lot; returns its share of value and fee. What is rounded off stays in the lot."""
    held = abs(lot.quantity_nanos)
    flow, fee = lot.flow_nanos * quantity // held, lot.fee_nanos * quantity // held
    lot.flow_nanos -= flow
    lot.fee_nanos -= fee
    lot.quantity_nanos -= quantity if lot.quantity_nanos > 0 else -quantity
    return flow, fee


def _trade(pair: _Pair, exit_order: str, key: BookKey, reasons: dict[str, Reason]) -> Trade:
    net = pair.gross_nanos - pair.fees_nanos
    entry_order = pair.entry.order
    return Trade(
        *key,
        "LONG" if pair.entry_flow > 0 else "SHORT",
        pair.quantity_nanos,
        pair.entry.ts_ns,
        pair.exit_ns,
        pair.entry_worth // pair.quantity_nanos,
        pair.exit_worth // pair.quantity_nanos,
        pair.gross_nanos,
        pair.fees_nanos,
        net,
        net / abs(pair.entry_flow) if pair.entry_flow else 0.0,
        entry_order,
        exit_order,
        reasons.get(entry_order, _NO_REASON).text,
        reasons.get(exit_order, _NO_REASON).text,
    )


def _merged(lots: deque[Lot]) -> list[Lot]:
    """Add up the lots of one order; the price is their average, the time that of the first."""
    by_order: dict[str, Lot] = {}
    for lot in lots:
        have = by_order.get(lot.order)
        if have is None:
            by_order[lot.order] = msgspec.structs.replace(lot)
            continue
        quantity = have.quantity_nanos + lot.quantity_nanos
        worth = have.price_nanos * have.quantity_nanos + lot.price_nanos * lot.quantity_nanos
        have.price_nanos, have.quantity_nanos = worth // quantity, quantity
        have.flow_nanos += lot.flow_nanos
        have.fee_nanos += lot.fee_nanos
    return list(by_order.values())
