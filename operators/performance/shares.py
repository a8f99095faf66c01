"""What did each strategy, symbol and book contribute? The books' sums, put together by name."""

from collections.abc import Iterable

import msgspec
import numpy as np
from numpy.typing import NDArray

from operators.performance.calendar import month_name
from operators.performance.ratios import sharpe_ratio
from operators.performance.result import Share
from operators.performance.state import BookKey, BookSums, PerformanceState, books_now, net_nanos, trades_of
from operators.performance.sums import (
    average_held_ns,
    average_nanos,
    merged_costs,
    merged_trades,
    profit_factor,
    win_rate,
)
from schemas.account import BookPosition

_NO_SUMS = BookSums()


class DaysOfYear(msgspec.Struct, frozen=True):
    """Which day ends count, and how many a year has."""

    counted: NDArray[np.bool_]
    periods: int


class Parts(msgspec.Struct, frozen=True):
    """What shares are put together from: the month that goes on, and the last word on every book."""

    state: PerformanceState
    month: int
    told: dict[BookKey, BookPosition]


def shares(
    state: PerformanceState, month: int, days: DaysOfYear
) -> tuple[tuple[Share, ...], tuple[Share, ...], tuple[Share, ...]]:
    """Return the shares of strategies, of symbols and of books, each by name."""
    parts = Parts(state, month, books_now(state))
    keys = sorted(parts.told.keys() | state.books.keys())
    strategies = [
        _share(
            parts, (name, ""), [key for key in keys if key[0] == name], _strategy_sharpe(parts, name, days)
        )
        for name in sorted({strategy for strategy, _ in keys})
    ]
    symbols = [
        _share(parts, ("", name), [key for key in keys if key[1] == name], None)
        for name in sorted({symbol for _, symbol in keys})
    ]
    books = [_share(parts, key, [key], None) for key in keys]
    return tuple(strategies), tuple(symbols), tuple(books)


def _share(parts: Parts, name: BookKey, keys: list[BookKey], sharpe: float | None) -> Share:
    told = [parts.told[key] for key in keys if key in parts.told]
    sums = [parts.state.books.get(key, _NO_SUMS) for key in keys]
    trades = merged_trades([direction for book in sums for direction in trades_of(book)])
    costs = merged_costs([side for book in sums for side in (book.bought, book.sold)])
    return Share(
        *name,
        sum(book.realized_nanos for book in told),
        sum(book.unrealized_nanos for book in told),
        sum(book.fees_nanos for book in told),
        sum(map(net_nanos, told)),
        trades.count,
        trades.won,
        win_rate(trades),
        profit_factor(trades),
        average_nanos(trades),
        trades.best_nanos,
        trades.worst_nanos,
        average_held_ns(trades),
        costs.fills,
        costs.turnover_nanos,
        costs.slippage_nanos,
        sharpe,
        _months(_profits(parts, key) for key in keys),
    )


def _profits(parts: Parts, key: BookKey) -> dict[int, int]:
    """Return a book's profit by month."""
    so_far = dict(parts.state.book_nets.get(key, {}))
    if key in parts.told:
        so_far[parts.month] = net_nanos(parts.told[key])
    before, profits = 0, {}
    for month, net in so_far.items():
        profits[month], before = net - before, net
    return profits


def _months(books: Iterable[dict[int, int]]) -> dict[str, int]:
    total: dict[int, int] = {}
    for profits in books:
        for month, profit in profits.items():
            total[month] = total.get(month, 0) + profit
    return {month_name(month): total[month] for month in sorted(total) if total[month]}


def _strategy_sharpe(parts: Parts, name: str, days: DaysOfYear) -> float | None:
    """Return the Sharpe ratio of a strategy's daily profit, from the first day of the run."""
    line = parts.state.strategy_nets.get(name, ())
    now = sum(net_nanos(book) for (strategy, _), book in parts.told.items() if strategy == name)
    nets = np.zeros(len(days.counted), np.int64)
    if len(nets):
        nets[len(nets) - 1 - len(line) : -1] = line
        nets[-1] = now
    return sharpe_ratio(np.diff(nets[days.counted], prepend=0).astype(np.float64), days.periods)
