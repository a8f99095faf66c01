"""How does the fold's state become a result? Without changing it: a day, month or trade that goes on counts too."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from operators.performance import calendar
from operators.performance.equity import HOURS_KEPT, worst
from operators.performance.fills import initial_nanos
from operators.performance.ratios import (
    LEAST,
    HourRatios,
    hour_ratios,
    return_ratios,
    simple_returns,
    underwater,
)
from operators.performance.result import CostRow, DayRow, Metrics, PerformanceResult, PeriodRow, SideRow
from operators.performance.shares import DaysOfYear, shares
from operators.performance.state import MonthEnd, PerformanceState, month_end, trades_of
from operators.performance.sums import (
    CostSums,
    TradeSums,
    average_held_ns,
    average_nanos,
    fees_bps,
    merged_costs,
    merged_trades,
    profit_factor,
    slippage_bps,
    win_rate,
)
from schemas.account import PortfolioUpdate

Doubles = NDArray[np.float64]
Figures = dict[str, Any]


class _Returns(msgspec.Struct, frozen=True):
    """Trading days that count, their equities, and the returns from one to the next."""

    numbers: NDArray[np.int64]
    equities: NDArray[np.int64]
    returns: Doubles
    year: DaysOfYear


def summary(
    state: PerformanceState, periods_per_year: int | None, drawdowns: int
) -> PerformanceResult | None:
    """Return the result of a state; None where there was no update of the account."""
    last = state.last
    if last is None:
        return None
    month = state.month
    days = _returns(state, last, periods_per_year)
    months = [*state.months, month_end(state, last, month)] if state.from_ns else []
    years = [
        end for end, after in zip(months, [*months[1:], None]) if not after or _year(after) != _year(end)
    ]
    falls = worst(state.drawdowns, drawdowns)
    sides = [merged_trades(list(both)) for both in zip(*map(trades_of, state.books.values()))] or [
        TradeSums(),
        TradeSums(),
    ]
    costs = _costs(state)
    return PerformanceResult(
        state.from_ns,
        last.ts_event_ns,
        _metrics(state, last, days, merged_trades(sides), costs[-1]),
        tuple(_day_rows(days)),
        tuple(_period_rows(months, state.base_nanos, lambda end: calendar.month_name(end.month))),
        tuple(_period_rows(years, state.base_nanos, lambda end: f"{_year(end):04d}")),
        tuple(falls),
        tuple(_cost_row(side, sums) for side, sums in zip(("BUY", "SELL", "ALL"), costs)),
        tuple(_side_row(side, sums) for side, sums in zip(("LONG", "SHORT"), sides)),
        *shares(state, month, days.year),
        _intraday(state, last) if len(days.returns) < LEAST else None,
        state.complete,
        state.trail.unvalued,
    )


def _returns(state: PerformanceState, last: PortfolioUpdate, periods_per_year: int | None) -> _Returns:
    begun = state.from_ns > 0
    numbers = np.append(np.array(state.days.number, np.int64), [state.day] * begun).astype(np.int64)
    equities = np.append(np.array(state.days.equity_nanos, np.int64), [last.equity_nanos] * begun).astype(
        np.int64
    )
    counted, periods = calendar.trading_days(numbers)
    values = np.append(state.base_nanos, equities[counted]).astype(np.float64)
    year = DaysOfYear(counted, periods_per_year or periods)
    return _Returns(numbers[counted], equities[counted], simple_returns(values), year)


def _intraday(state: PerformanceState, last: PortfolioUpdate) -> HourRatios | None:
    hours = state.hours
    if not hours.end_ns:
        return None
    going_on = [] if len(hours.equity_nanos) == HOURS_KEPT else [last.equity_nanos]
    values = np.array([state.base_nanos, *hours.equity_nanos, *going_on], np.float64)
    return hour_ratios(simple_returns(values))


def _metrics(
    state: PerformanceState, last: PortfolioUpdate, days: _Returns, trades: TradeSums, costs: CostSums
) -> Metrics:
    initial, base = initial_nanos(last), state.base_nanos
    figures: Figures = {
        "initial_nanos": initial,
        "equity_nanos": last.equity_nanos,
        "net_nanos": last.equity_nanos - initial,
        "orders": state.orders,
        "days": len(days.returns),
        "periods_per_year": days.year.periods,
    }
    figures |= msgspec.structs.asdict(return_ratios(days.returns, days.year.periods))
    figures["total_return"] = (last.equity_nanos - base) / base if base > 0 else 0.0
    figures["max_drawdown_intraday"] = -max((fall.ratio for fall in worst(state.drawdowns, 1)), default=0.0)
    return Metrics(
        **figures, **_trade_figures(trades), **_cost_figures(costs), **_stake_figures(state, days, costs)
    )


def _trade_figures(sums: TradeSums) -> Figures:
    win = sums.gross_profit_nanos // sums.won if sums.won else None
    loss = -(sums.gross_loss_nanos // sums.lost) if sums.lost else None
    return {
        "trades": sums.count,
        "trades_won": sums.won,
        "trades_lost": sums.lost,
        "win_rate": win_rate(sums),
        "profit_factor": profit_factor(sums),
        "payoff_ratio": None if win is None or not loss else win / -loss,
        "average_trade_nanos": average_nanos(sums),
        "average_win_nanos": win,
        "average_loss_nanos": loss,
        "best_trade_nanos": sums.best_nanos,
        "worst_trade_nanos": sums.worst_nanos,
        "average_held_ns": average_held_ns(sums),
    }


def _cost_figures(costs: CostSums) -> Figures:
    return {
        "fills": costs.fills,
        "turnover_nanos": costs.turnover_nanos,
        "fees_nanos": costs.fees_nanos,
        "fees_bps": fees_bps(costs),
        "slippage_nanos": costs.slippage_nanos,
        "slippage_bps": slippage_bps(costs),
    }


def _stake_figures(state: PerformanceState, days: _Returns, costs: CostSums) -> Figures:
    stakes, span = state.stakes, state.stakes.span_ns
    equity = stakes.equity_time / span if span else float(state.base_nanos)
    turnover = costs.turnover_nanos / equity if equity > 0 else None
    enough = turnover is not None and len(days.returns) >= LEAST
    return {
        "turnover_ratio": turnover,
        "annual_turnover": turnover * days.year.periods / len(days.returns) if turnover and enough else None,
        "time_in_market": stakes.held_ns / span if span else None,
        "average_leverage": stakes.gross_time / span if span else None,
        "average_net_leverage": stakes.net_time / span if span else None,
        "highest_leverage": stakes.highest,
    }


def _day_rows(days: _Returns) -> Iterator[DayRow]:
    falls, known = underwater(days.returns), len(days.returns)
    for i, (number, equity) in enumerate(zip(days.numbers.tolist(), days.equities.tolist())):
        return_, drawdown = (float(days.returns[i]), float(falls[i])) if i < known else (None, None)
        yield DayRow(calendar.date_of(number), equity, return_, drawdown)


def _period_rows(
    ends: list[MonthEnd], base_nanos: int, name: Callable[[MonthEnd], str]
) -> Iterator[PeriodRow]:
    before = MonthEnd(0, base_nanos, 0, 0, 0, 0, 0)
    for end in ends:
        net = end.equity_nanos - before.equity_nanos
        yield PeriodRow(
            name(end),
            end.equity_nanos,
            net,
            net / before.equity_nanos if before.equity_nanos > 0 else None,
            end.trades - before.trades,
            end.trades_won - before.trades_won,
            end.turnover_nanos - before.turnover_nanos,
            end.fees_nanos - before.fees_nanos,
            end.slippage_nanos - before.slippage_nanos,
        )
        before = end


def _costs(state: PerformanceState) -> list[CostSums]:
    """Return the sums of purchases, of sales and of both."""
    books = state.books.values()
    sides = [merged_costs([book.bought for book in books]), merged_costs([book.sold for book in books])]
    return [*sides, merged_costs(sides)]


def _cost_row(side: str, costs: CostSums) -> CostRow:
    figures = _cost_figures(costs)
    return CostRow(side, **figures)


def _side_row(side: str, sums: TradeSums) -> SideRow:
    net = sums.gross_profit_nanos - sums.gross_loss_nanos
    return SideRow(side, sums.count, sums.won, win_rate(sums), profit_factor(sums), net)


def _year(end: MonthEnd) -> int:
    return end.month // 12
