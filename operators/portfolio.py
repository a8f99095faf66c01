"""How does the account stand? One update after each fill, each change of state, and each period of event time.

``books`` holds the book that a fill changed, and every book otherwise (period, command, rule): a reader folds
them by (strategy, symbol). Writing all books at every fill would cost O(books) an order; the sums in the
header always cover all of them.
"""

from collections.abc import Iterable

from operators.account_state import AccountState
from operators.instruments import InstrumentTable
from operators.ledger import Book, BookKey, SymbolPosition
from schemas.account import BookPosition, PortfolioUpdate


def book_position(
    key: BookKey, book: Book, position: SymbolPosition, instruments: InstrumentTable
) -> BookPosition:
    """A book as the log tells it. Average price is rounded towards minus infinity to 1e-9."""
    strategy, symbol = key
    instrument = instruments.lookup(symbol)
    tick, unit, lots = instrument.tick_size_nanos, position.tick_value_nanos, book.lots
    return BookPosition(
        strategy,
        symbol,
        lots * instrument.lot_size_nanos,
        book.cost_nanos * tick // (lots * unit) if lots else 0,
        position.mark_ticks * tick,
        book.realized_nanos,
        lots * position.mark_ticks * unit - book.cost_nanos,
        book.fees_nanos,
    )


def portfolio_update(
    account: str,
    state: AccountState,
    instruments: InstrumentTable,
    cause: str,
    ts_ns: int,
    keys: Iterable[BookKey] | None = None,
) -> PortfolioUpdate:
    """The next update of the account, with the books named by ``keys`` (all in order of first trade by default)."""
    ledger = state.ledger
    equity = ledger.equity_nanos
    state.peak_equity_nanos = peak = max(state.peak_equity_nanos, equity)
    seq, state.updates = state.updates, state.updates + 1
    books = tuple(
        book_position(key, ledger.books[key], ledger.symbols[key[1]], instruments)
        for key in (ledger.books if keys is None else keys)
    )
    return PortfolioUpdate(
        f"{account}:{seq}",
        account,
        seq,
        ts_ns,
        cause,
        state.trading_state,
        ledger.cash_nanos,
        equity,
        ledger.realized_nanos,
        ledger.unrealized_nanos,
        ledger.fees_nanos,
        ledger.gross_nanos,
        ledger.net_nanos,
        peak,
        state.day_start_equity_nanos,
        1.0 - equity / peak if peak > 0 else 0.0,
        books,
    )
