"""How did an account do? A fold over its execution reports and portfolio updates, in the order of the log.

    performance = Performance()
    state = performance.init()
    for event in events:                       # an ExecutionReport before the PortfolioUpdate that books it
        performance.step(state, event)
    performance.result(state).metrics.sharpe_ratio

What it remembers grows with trading days and books, never with trades or updates: FIFO lots of what is open,
running sums of what was closed, a number a day, a number a month and book. ``result`` changes nothing, so it may be
asked at any time; on a prefix it says what was known then.
"""

from array import array

import msgspec

from operators.performance import equity, fills
from operators.performance.calendar import (
    SATURDAY,
    SUNDAY,
    day_end_ns,
    day_number,
    last_day_of_month,
    month_of,
    weekday,
)
from operators.performance.fills import BookedFill, initial_nanos
from operators.performance.result import PerformanceResult
from operators.performance.state import BookSums, PerformanceState, books_now, month_end, net_nanos
from operators.performance.summary import summary
from operators.performance.sums import add_fill, add_trade
from operators.performance.trades import on_fill
from schemas.account import PortfolioUpdate
from schemas.orders import ExecutionReport, SubmitOrder

PerformanceEvent = ExecutionReport | PortfolioUpdate | SubmitOrder


class Performance(msgspec.Struct, frozen=True):
    """Parameters: start of the trading day after UTC midnight, days of a year (None: judged), drawdowns kept."""

    day_offset_ns: int = 0
    periods_per_year: int | None = None
    drawdowns: int = 10

    def init(self) -> PerformanceState:
        """Nothing traded yet."""
        return PerformanceState()

    def step(self, state: PerformanceState, event: PerformanceEvent) -> None:
        """Take one event of the account. Raises ``TypeError`` for an event of another kind."""
        kind = type(event)
        if kind is PortfolioUpdate:
            self._on_update(state, event)  # type: ignore[arg-type]
        elif kind is ExecutionReport:
            fills.on_report(state.trail, event)  # type: ignore[arg-type]
        elif kind is SubmitOrder:
            state.orders += 1
        else:
            raise TypeError(
                f"performance is of ExecutionReport, PortfolioUpdate and SubmitOrder, not {event!r}"
            )

    def result(self, state: PerformanceState) -> PerformanceResult | None:
        """Return what is known so far; None where the account never said how it stands."""
        return summary(state, self.periods_per_year, self.drawdowns)

    def finish(self, state: PerformanceState, last: PortfolioUpdate) -> PerformanceResult:
        """Return what is known once ``last``, which says how the account stands now, is taken too."""
        self._on_update(state, last)
        found = self.result(state)
        assert found is not None, "an update was just taken"
        return found

    def _on_update(self, state: PerformanceState, update: PortfolioUpdate) -> None:
        if update.ts_event_ns > state.day_end_ns:
            self._start_day(state, update)
        if update.ts_event_ns > state.hours.end_ns:
            equity.end_hour(state.hours, update.ts_event_ns, state.last.equity_nanos if state.last else 0)
        filled = fills.on_update(state.trail, update)
        if filled is not None:
            _on_fill(state, filled)
        if update.cause.startswith(fills.FILL_CAUSE):
            for book in update.books:
                state.books_changed[book.strategy, book.symbol] = book
        else:
            state.books_told = update.books
            state.books_changed.clear()
        if update.ts_event_ns > 0:
            equity.fall(state.drawdowns, update, self.drawdowns)
            equity.stake(state.stakes, update)
        state.last = update

    def _start_day(self, state: PerformanceState, update: PortfolioUpdate) -> None:
        """End the day before, if there was one, and begin that of the update."""
        day = day_number(update.ts_event_ns, self.day_offset_ns)
        state.saturdays |= weekday(day) == SATURDAY
        counted = day + 1 if weekday(day) == SUNDAY and not state.saturdays else day
        if state.from_ns:
            end_day(state, counted > state.month_last_day)
        else:
            state.from_ns = update.ts_event_ns
            state.complete = state.trail.seq + 1 == update.seq and (state.trail.seq >= 0 or update.seq == 0)
            state.base_nanos = initial_nanos(update) if state.complete else update.equity_nanos
        state.day, state.day_end_ns = day, day_end_ns(day, self.day_offset_ns)
        if counted > state.month_last_day:
            state.month, state.month_last_day = month_of(counted), last_day_of_month(counted)


def end_day(state: PerformanceState, of_month: bool) -> None:
    """Note how everything stands at the end of the current day, and of its month."""
    last = state.last
    if last is None:
        return
    state.days.number.append(state.day)
    state.days.equity_nanos.append(last.equity_nanos)
    changed, sums = state.books_changed, dict[str, int]()
    for book in state.books_told:
        if not changed or (book.strategy, book.symbol) not in changed:
            sums[book.strategy] = sums.get(book.strategy, 0) + net_nanos(book)
    for book in changed.values():
        sums[book.strategy] = sums.get(book.strategy, 0) + net_nanos(book)
    before = len(state.days.number) - 1
    for strategy, net in sums.items():
        line = state.strategy_nets.get(strategy)
        if line is None:
            line = state.strategy_nets[strategy] = array("q", [0]) * before
        line.append(net)
    if of_month:
        _end_month(state, last)


def _end_month(state: PerformanceState, last: PortfolioUpdate) -> None:
    month = state.month
    state.months.append(month_end(state, last, month))
    for key, book in books_now(state).items():
        told, net = state.book_nets.setdefault(key, {}), net_nanos(book)
        if net != next(reversed(told.values()), 0):
            told[month] = net


def _on_fill(state: PerformanceState, fill: BookedFill) -> None:
    key = (fill.strategy, fill.symbol)
    book = state.books.get(key)
    if book is None:
        book = state.books[key] = BookSums()
    add_fill(book.bought if fill.quantity_nanos > 0 else book.sold, fill)
    for trade in on_fill(book.lots, fill):
        add_trade(book.long if trade.entry_flow_nanos > 0 else book.short, trade)
