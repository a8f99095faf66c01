"""What did each strategy ask for, get and earn? One row each, from its books, decisions and trades."""

from collections import Counter

from schemas.account import BookPosition
from schemas.orders import RiskDecision, Signal
from ui.report.fills import BookedFill
from ui.report.report import OpenTrade, StrategyRow, Trade, TradeTotals


def strategy_rows(
    held: dict[tuple[str, str], BookPosition],
    fills: list[BookedFill],
    trades: list[Trade],
    signals: list[Signal],
    decisions: list[RiskDecision],
) -> list[StrategyRow]:
    """Return a row for every strategy that signalled or traded, in the order of their names."""
    names = {signal.strategy for signal in signals} | {decision.strategy for decision in decisions}
    names |= {strategy for strategy, _ in held}
    asked = Counter(signal.strategy for signal in signals)
    verdicts = Counter((decision.strategy, decision.verdict) for decision in decisions)
    rows = []
    for name in sorted(names):
        books = [book for (strategy, _), book in held.items() if strategy == name]
        mine = [trade for trade in trades if trade.strategy == name]
        won = sum(trade.net_nanos > 0 for trade in mine)
        realized = sum(book.realized_nanos for book in books)
        unrealized = sum(book.unrealized_nanos for book in books)
        fees = sum(book.fees_nanos for book in books)
        rows.append(
            StrategyRow(
                name,
                realized,
                unrealized,
                fees,
                realized + unrealized - fees,
                len(mine),
                won,
                won / len(mine) if mine else None,
                sum(abs(fill.flow_nanos) for fill in fills if fill.strategy == name),
                asked[name],
                verdicts[name, "APPROVED"],
                verdicts[name, "DENIED"],
                verdicts[name, "NOTHING_TO_DO"],
            )
        )
    return rows


def trade_totals(trades: list[Trade], still_open: list[OpenTrade], fills: list[BookedFill]) -> TradeTotals:
    """Return what the closed trades have in common; amounts are after fees."""
    nets = [trade.net_nanos for trade in trades]
    won, count = sum(net > 0 for net in nets), len(nets)
    lost_nanos = -sum(net for net in nets if net < 0)
    return TradeTotals(
        count,
        len(still_open),
        len({fill.order for fill in fills}),
        len(fills),
        won,
        won / count if count else None,
        sum(net for net in nets if net > 0) / lost_nanos if lost_nanos else None,
        sum(nets) // count if count else None,
        max(nets, default=None),
        min(nets, default=None),
        sum(trade.exit_ns - trade.entry_ns for trade in trades) // count if count else None,
    )
