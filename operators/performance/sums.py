"""What do trades and fills add up to? Running sums of integers, which merge: nothing is kept of the single trade."""

import msgspec

from operators.performance.fills import BookedFill
from operators.performance.trades import ClosedTrade


class TradeSums(msgspec.Struct):
    """Finished trades, added up; amounts after fees. ``gross_loss_nanos`` is positive. A trade of 0 is neither."""

    count: int = 0
    won: int = 0
    lost: int = 0
    gross_profit_nanos: int = 0
    gross_loss_nanos: int = 0
    best_nanos: int | None = None
    worst_nanos: int | None = None
    held_ns: int = 0


class CostSums(msgspec.Struct):
    """Fills of one side, added up. ``priced_nanos``: the turnover of those that name a reference price."""

    fills: int = 0
    turnover_nanos: int = 0
    fees_nanos: int = 0
    slippage_nanos: int = 0
    priced_nanos: int = 0


def add_trade(sums: TradeSums, trade: ClosedTrade) -> None:
    """Count a finished trade."""
    net = trade.gross_nanos - trade.fees_nanos
    sums.count += 1
    if net > 0:
        sums.won += 1
        sums.gross_profit_nanos += net
    elif net < 0:
        sums.lost += 1
        sums.gross_loss_nanos -= net
    if sums.best_nanos is None or net > sums.best_nanos:
        sums.best_nanos = net
    if sums.worst_nanos is None or net < sums.worst_nanos:
        sums.worst_nanos = net
    sums.held_ns += trade.exit_ns - trade.entry_ns


def add_fill(sums: CostSums, fill: BookedFill) -> None:
    """Count a fill."""
    value = abs(fill.flow_nanos)
    sums.fills += 1
    sums.turnover_nanos += value
    sums.fees_nanos += fill.fee_nanos
    if fill.reference_nanos:
        sums.slippage_nanos += fill.slippage_nanos
        sums.priced_nanos += value


def merged_trades(parts: list[TradeSums]) -> TradeSums:
    """Return the sums of all trades of the parts."""
    return TradeSums(
        sum(part.count for part in parts),
        sum(part.won for part in parts),
        sum(part.lost for part in parts),
        sum(part.gross_profit_nanos for part in parts),
        sum(part.gross_loss_nanos for part in parts),
        max((part.best_nanos for part in parts if part.best_nanos is not None), default=None),
        min((part.worst_nanos for part in parts if part.worst_nanos is not None), default=None),
        sum(part.held_ns for part in parts),
    )


def merged_costs(parts: list[CostSums]) -> CostSums:
    """Return the sums of all fills of the parts."""
    return CostSums(
        sum(part.fills for part in parts),
        sum(part.turnover_nanos for part in parts),
        sum(part.fees_nanos for part in parts),
        sum(part.slippage_nanos for part in parts),
        sum(part.priced_nanos for part in parts),
    )


def win_rate(sums: TradeSums) -> float | None:
    """Share of trades that gained; None without trades."""
    return sums.won / sums.count if sums.count else None


def profit_factor(sums: TradeSums) -> float | None:
    """Gross profit over gross loss; None where nothing was lost."""
    return sums.gross_profit_nanos / sums.gross_loss_nanos if sums.gross_loss_nanos else None


def average_nanos(sums: TradeSums) -> int | None:
    """Profit of the average trade, rounded towards minus infinity; None without trades."""
    return (sums.gross_profit_nanos - sums.gross_loss_nanos) // sums.count if sums.count else None


def average_held_ns(sums: TradeSums) -> int | None:
    """Time from entry to exit of the average trade; None without trades."""
    return sums.held_ns // sums.count if sums.count else None


def fees_bps(costs: CostSums) -> float | None:
    """Fees in basis points of turnover; None without turnover."""
    return 10_000 * costs.fees_nanos / costs.turnover_nanos if costs.turnover_nanos else None


def slippage_bps(costs: CostSums) -> float | None:
    """Slippage in basis points of the turnover that has a reference price; None without any."""
    return 10_000 * costs.slippage_nanos / costs.priced_nanos if costs.priced_nanos else None
