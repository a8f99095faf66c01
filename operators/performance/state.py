"""What does the performance fold remember? Bounded by trading days and books; picklable."""

from array import array

import msgspec

from operators.performance.equity import Days, Drawdowns, Hours, Stakes
from operators.performance.fills import CashTrail
from operators.performance.sums import CostSums, TradeSums, add_trade
from operators.performance.trades import Lots
from schemas.account import BookPosition, PortfolioUpdate

BookKey = tuple[str, str]


class BookSums(msgspec.Struct):
    """One book: its open lots, and the sums of what was closed, by direction, and of what was filled, by side."""

    lots: Lots = msgspec.field(default_factory=Lots)
    long: TradeSums = msgspec.field(default_factory=TradeSums)
    short: TradeSums = msgspec.field(default_factory=TradeSums)
    bought: CostSums = msgspec.field(default_factory=CostSums)
    sold: CostSums = msgspec.field(default_factory=CostSums)


class MonthEnd(msgspec.Struct, frozen=True):
    """Running totals as they stood at the end of a month."""

    month: int
    equity_nanos: int
    trades: int
    trades_won: int
    turnover_nanos: int
    fees_nanos: int
    slippage_nanos: int


class PerformanceState(msgspec.Struct):
    """State of one account.

    ``books_told`` are all books as the last update of the whole account told them, ``books_changed`` those that a
    fill changed since. ``strategy_nets`` holds each strategy's profit so far at every day's end, ``book_nets`` each
    book's at the month ends at which it had changed.
    """

    trail: CashTrail = msgspec.field(default_factory=CashTrail)
    drawdowns: Drawdowns = msgspec.field(default_factory=Drawdowns)
    stakes: Stakes = msgspec.field(default_factory=Stakes)
    days: Days = msgspec.field(default_factory=Days)
    hours: Hours = msgspec.field(default_factory=Hours)
    months: list[MonthEnd] = msgspec.field(default_factory=list)
    books: dict[BookKey, BookSums] = msgspec.field(default_factory=dict)
    books_told: tuple[BookPosition, ...] = ()
    books_changed: dict[BookKey, BookPosition] = msgspec.field(default_factory=dict)
    strategy_nets: "dict[str, array[int]]" = msgspec.field(default_factory=dict)
    book_nets: dict[BookKey, dict[int, int]] = msgspec.field(default_factory=dict)
    last: PortfolioUpdate | None = None
    complete: bool = True
    base_nanos: int = 0
    """Equity that the first return begins from."""
    from_ns: int = 0
    day: int = 0
    day_end_ns: int = 0
    month: int = 0
    month_last_day: int = -1
    saturdays: bool = False
    """Whether a Saturday had an update; without any, a Sunday is counted with its Monday."""
    orders: int = 0


def books_now(state: PerformanceState) -> dict[BookKey, BookPosition]:
    """Return the last word on every book."""
    books = {(book.strategy, book.symbol): book for book in state.books_told}
    books.update(state.books_changed)
    return books


def net_nanos(book: BookPosition) -> int:
    """Return a book's profit after fees."""
    return book.realized_nanos + book.unrealized_nanos - book.fees_nanos


def trades_of(book: BookSums) -> tuple[TradeSums, TradeSums]:
    """Return the sums of long and short trades, with those that the last order is still closing as they stand."""
    if not book.lots.closing:
        return book.long, book.short
    long, short = msgspec.structs.replace(book.long), msgspec.structs.replace(book.short)
    for trade in book.lots.closing.values():
        add_trade(long if trade.entry_flow_nanos > 0 else short, trade)
    return long, short


def month_end(state: PerformanceState, last: PortfolioUpdate, month: int) -> MonthEnd:
    """Return the running totals as they stand after ``last``."""
    trades = won = turnover = slippage = 0
    for book in state.books.values():
        long, short = trades_of(book)
        trades += long.count + short.count
        won += long.won + short.won
        turnover += book.bought.turnover_nanos + book.sold.turnover_nanos
        slippage += book.bought.slippage_nanos + book.sold.slippage_nanos
    return MonthEnd(month, last.equity_nanos, trades, won, turnover, last.fees_nanos, slippage)
