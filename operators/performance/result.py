"""What is said about a run's performance? Plain frozen values that become JSON as they stand.

Amounts are integers of 1e-9 and end in ``_nanos``, times are ns since 1970 (UTC) and end in ``_ns``; ratios are
floats, and None where there is nothing to divide by or too little to tell. ``max_drawdown``, ``value_at_risk`` and
the like are returns, so negative, as in empyrical; the ``ratio`` of a ``Drawdown`` is positive, as in the account's
own updates.
"""

import msgspec

from operators.performance.equity import Drawdown
from operators.performance.ratios import HourRatios


class Metrics(msgspec.Struct, frozen=True):
    """Every single figure, flat, under the name that the guide documents."""

    initial_nanos: int
    equity_nanos: int
    net_nanos: int
    """Equity less initial cash."""
    total_return: float
    cagr: float | None
    annual_volatility: float | None
    downside_risk: float | None
    sharpe_ratio: float | None
    sortino_ratio: float | None
    calmar_ratio: float | None
    omega_ratio: float | None
    max_drawdown: float
    """Of equity at day ends."""
    max_drawdown_intraday: float
    """Of equity at every update; never above ``max_drawdown``."""
    tail_ratio: float | None
    value_at_risk: float | None
    conditional_value_at_risk: float | None
    skew: float | None
    kurtosis: float | None
    best_day: float | None
    worst_day: float | None
    days_won: float | None
    """Share of the days with a gain or loss that gained."""
    trades: int
    trades_won: int
    trades_lost: int
    win_rate: float | None
    profit_factor: float | None
    payoff_ratio: float | None
    """Average gain over average loss."""
    average_trade_nanos: int | None
    average_win_nanos: int | None
    average_loss_nanos: int | None
    best_trade_nanos: int | None
    worst_trade_nanos: int | None
    average_held_ns: int | None
    orders: int
    fills: int
    turnover_nanos: int
    """Value of all fills, both sides."""
    turnover_ratio: float | None
    """The same over the average equity."""
    annual_turnover: float | None
    fees_nanos: int
    fees_bps: float | None
    """Of turnover."""
    slippage_nanos: int
    slippage_bps: float | None
    """Of the turnover that has a reference price."""
    time_in_market: float | None
    """Share of event time with a position."""
    average_leverage: float | None
    """Gross exposure over equity, by event time."""
    average_net_leverage: float | None
    highest_leverage: float
    days: int
    """Daily returns that the ratios are of."""
    periods_per_year: int


class DayRow(msgspec.Struct, frozen=True):
    """Equity at the end of a trading day; ``drawdown`` is a return, from the highest day's end."""

    date: str
    equity_nanos: int
    return_: float | None = msgspec.field(name="return")
    drawdown: float | None


class PeriodRow(msgspec.Struct, frozen=True):
    """A month (``2013-09``) or a year (``2013``)."""

    period: str
    equity_nanos: int
    net_nanos: int
    return_: float | None = msgspec.field(name="return")
    trades: int
    trades_won: int
    turnover_nanos: int
    fees_nanos: int
    slippage_nanos: int


class CostRow(msgspec.Struct, frozen=True):
    """What trading on one side cost: ``BUY``, ``SELL`` or ``ALL``."""

    side: str
    fills: int
    turnover_nanos: int
    fees_nanos: int
    fees_bps: float | None
    slippage_nanos: int
    slippage_bps: float | None


class Share(msgspec.Struct, frozen=True):
    """What one strategy, symbol, side or book contributed; names that do not apply are empty."""

    strategy: str
    symbol: str
    realized_nanos: int
    unrealized_nanos: int
    fees_nanos: int
    net_nanos: int
    trades: int
    trades_won: int
    win_rate: float | None
    profit_factor: float | None
    average_trade_nanos: int | None
    best_trade_nanos: int | None
    worst_trade_nanos: int | None
    average_held_ns: int | None
    fills: int
    turnover_nanos: int
    slippage_nanos: int
    sharpe_ratio: float | None
    """Of the strategy's daily profit; None for the others."""
    months: dict[str, int]
    """Profit by month, after fees; months without any change are left out."""


class SideRow(msgspec.Struct, frozen=True):
    """Trades of one direction, ``LONG`` or ``SHORT``."""

    side: str
    trades: int
    trades_won: int
    win_rate: float | None
    profit_factor: float | None
    net_nanos: int


class PerformanceResult(msgspec.Struct, frozen=True):
    """All that the fold knows at one moment."""

    from_ns: int
    to_ns: int
    metrics: Metrics
    daily: tuple[DayRow, ...]
    months: tuple[PeriodRow, ...]
    years: tuple[PeriodRow, ...]
    drawdowns: tuple[Drawdown, ...]
    """The worst, deepest first."""
    costs: tuple[CostRow, ...]
    sides: tuple[SideRow, ...]
    strategies: tuple[Share, ...]
    symbols: tuple[Share, ...]
    books: tuple[Share, ...]
    intraday: HourRatios | None
    """Of equity at the ends of hours, where there are too few days for anything else; else None."""
    complete: bool
    """Whether the log holds the account from its start; if not, returns begin with its first update."""
    unvalued_fills: int
    """Fills that a hole in the log kept from being valued."""
