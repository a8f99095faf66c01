"""What did each strategy ask for, get and earn? One row each, from its performance and its decisions."""

from collections import Counter

from operators.performance import Metrics, PerformanceResult
from operators.performance.fills import BookedFill
from schemas.orders import RiskDecision, Signal
from ui.report.report import StrategyRow, TradeTotals


def strategy_rows(
    performance: PerformanceResult | None, signals: list[Signal], decisions: list[RiskDecision]
) -> list[StrategyRow]:
    """Return a row for every strategy that signalled or traded, in the order of their names."""
    shares = {share.strategy: share for share in performance.strategies} if performance else {}
    names = {signal.strategy for signal in signals} | {decision.strategy for decision in decisions}
    asked = Counter(signal.strategy for signal in signals)
    verdicts = Counter((decision.strategy, decision.verdict) for decision in decisions)
    rows = []
    for name in sorted(names | shares.keys()):
        share = shares.get(name)
        rows.append(
            StrategyRow(
                name,
                share.realized_nanos if share else 0,
                share.unrealized_nanos if share else 0,
                share.fees_nanos if share else 0,
                share.net_nanos if share else 0,
                share.trades if share else 0,
                share.trades_won if share else 0,
                share.win_rate if share else None,
                share.turnover_nanos if share else 0,
                share.profit_factor if share else None,
                share.sharpe_ratio if share else None,
                asked[name],
                verdicts[name, "APPROVED"],
                verdicts[name, "DENIED"],
                verdicts[name, "NOTHING_TO_DO"],
            )
        )
    return rows


def trade_totals(metrics: Metrics | None, still_open: int, fills: list[BookedFill]) -> TradeTotals:
    """Return what the closed trades have in common; amounts are after fees."""
    if metrics is None:
        return TradeTotals(0, 0, 0, 0, 0, None, None, None, None, None, None)
    return TradeTotals(
        metrics.trades,
        still_open,
        len({fill.order for fill in fills}),
        metrics.fills,
        metrics.trades_won,
        metrics.win_rate,
        metrics.profit_factor,
        metrics.average_trade_nanos,
        metrics.best_trade_nanos,
        metrics.worst_trade_nanos,
        metrics.average_held_ns,
    )
