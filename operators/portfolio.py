"""How does the account stand? One update after each fill, each change of state, and each period of event time.

``books`` holds the book that a fill changed, and every book otherwise (period, command, rule): a reader folds
them by (strategy, symbol). Writing all books at every fill would cost O(books) an order; the sums in the
header always cover all of them.
"""

from operators.account_parameters import AccountParameters
from operators.account_state import AccountState
from operators.instruments import InstrumentTable
from operators.ledger import BookKey, Ledger
from schemas.account import BookPosition, PortfolioUpdate


def book_position(ledger: Ledger, key: BookKey, instruments: InstrumentTable) -> BookPosition:
    """A book as the log tells it. Average price is rounded towards minus infinity to 1e-9."""
    strategy, symbol = key
    book, position, instrument = ledger.books[key], ledger.symbols[symbol], instruments.lookup(symbol)
    tick, unit, lots = instrument.tick_size_nanos, position.tick_value_nanos, book.lots
    mark_ticks = ledger.marks.ticks(position.row)
    return BookPosition(
        strategy,
        symbol,
        lots * instrument.lot_size_nanos,
        book.cost_nanos * tick // (lots * unit) if lots else 0,
        mark_ticks * tick,
        book.realized_nanos,
        lots * mark_ticks * unit - book.cost_nanos,
        book.fees_nanos,
    )


def portfolio_update(
    parameters: AccountParameters,
    state: AccountState,
    cause: str,
    ts_ns: int,
    keys: tuple[BookKey, ...] = (),
) -> PortfolioUpdate:
    """The next update of the account, with the books named by ``keys`` (none: all, in order of first trade)."""
    ledger, account, instruments = state.ledger, parameters.account, parameters.instruments
    equity = ledger.cash_nanos + ledger.net_nanos
    peak = state.peak_equity_nanos
    if equity > peak:
        peak = state.peak_equity_nanos = equity
    seq = state.updates
    state.updates = seq + 1
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
        equity - ledger.initial_nanos - ledger.realized_nanos + ledger.fees_nanos,
        ledger.fees_nanos,
        ledger.gross_nanos,
        ledger.net_nanos,
        peak,
        state.day_start_equity_nanos,
        1.0 - equity / peak if peak > 0 else 0.0,
        tuple([book_position(ledger, key, instruments) for key in keys or ledger.books]),
    )
