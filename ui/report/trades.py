"""Which trades were made, and do they add up to the ledger's profit?

Trades are paired first in, first out (`operators.performance.trades`); the ledger values a book at average cost.
Over a whole history both say the same but for what is still open:

    sum of gross - value paid for open lots = realised (average cost) - cost of the book

which ``reconcile`` checks with equality, beside replaying the average-cost books fill by fill.
"""

from collections.abc import Iterable

import msgspec

from operators.performance.fills import BookedFill, initial_nanos
from operators.performance.trades import ClosedTrade, Lot, Lots, on_fill
from schemas.account import BookPosition, PortfolioUpdate
from ui.report.fills import Reason
from ui.report.report import OpenTrade, Reconciliation, Trade

BookKey = tuple[str, str]
_NO_REASON = Reason()


class TradeBook(msgspec.Struct):
    """One book both ways: lots in the order of their opening, and average cost as the ledger has it."""

    lots: Lots = msgspec.field(default_factory=Lots)
    gross_nanos: int = 0
    quantity_nanos: int = 0
    cost_nanos: int = 0
    realized_nanos: int = 0
    fees_nanos: int = 0


class Matched(msgspec.Struct):
    """All trades of a run, by exit; the books that they leave."""

    trades: list[Trade]
    books: dict[BookKey, TradeBook]


def match(fills: list[BookedFill], reasons: dict[str, Reason]) -> Matched:
    """Pair fills to trades; a trade that the last order is still closing counts as it stands."""
    books: dict[BookKey, TradeBook] = {}
    closed: list[ClosedTrade] = []
    for fill in fills:
        book = books.setdefault((fill.strategy, fill.symbol), TradeBook())
        _average_cost(book, fill)
        closed += on_fill(book.lots, fill)
    for book in books.values():
        closed += book.lots.closing.values()
    for trade in closed:
        books[trade.strategy, trade.symbol].gross_nanos += trade.gross_nanos
    trades = sorted(
        (_trade(trade, reasons) for trade in closed), key=lambda trade: (trade.exit_ns, trade.entry_ns)
    )
    return Matched(trades, books)


def open_trades(
    matched: Matched, held: dict[BookKey, BookPosition], reasons: dict[str, Reason]
) -> list[OpenTrade]:
    """Return what is open, order by order, valued as the ledger does; ``held`` is the last word on each book."""
    found = []
    for (strategy, symbol), book in matched.books.items():
        position = held.get((strategy, symbol))
        worth = book.cost_nanos + position.unrealized_nanos if position else 0
        left = book.quantity_nanos
        for lot in _merged(book.lots.open):
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
    open_flow = sum(lot.flow_nanos for lot in book.lots.open)
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


def _trade(closed: ClosedTrade, reasons: dict[str, Reason]) -> Trade:
    return Trade(
        closed.strategy,
        closed.symbol,
        "LONG" if closed.entry_flow_nanos > 0 else "SHORT",
        closed.quantity_nanos,
        closed.entry_ns,
        closed.exit_ns,
        closed.entry_worth // closed.quantity_nanos,
        closed.exit_worth // closed.quantity_nanos,
        closed.gross_nanos,
        closed.fees_nanos,
        closed.net_nanos,
        closed.net_nanos / abs(closed.entry_flow_nanos) if closed.entry_flow_nanos else 0.0,
        closed.entry_order,
        closed.exit_order,
        reasons.get(closed.entry_order, _NO_REASON).text,
        reasons.get(closed.exit_order, _NO_REASON).text,
    )


def _merged(lots: Iterable[Lot]) -> list[Lot]:
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
