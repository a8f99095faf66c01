"""What is drawn of each symbol: candles, one marker an order, a line a trade, the position in steps."""

from collections import Counter
from itertools import accumulate

from flows.explain.outcome import effect_on_book
from operators.performance.fills import BookedFill
from ui.report.candles import MOST, candle_series, closed_hours
from ui.report.equity import thinned
from ui.report.fills import Reason
from ui.report.records import RunRecords
from ui.report.report import Execution, SymbolChart, Trade

ACCOUNT = ""
"""Name of the line that is the account's own position, beside those of the strategies."""
SYMBOLS = 12
"""Symbols that are drawn; those with the largest turnover come first."""
EXECUTIONS = 1500
"""Markers of one symbol; the newest are kept."""
_CANDLES = 24_000
"""Candles of all symbols and lengths together."""


def symbol_charts(
    run: RunRecords, fills: list[BookedFill], trades: list[Trade], reasons: dict[str, Reason]
) -> tuple[list[SymbolChart], list[str]]:
    """Return the charts, and the symbols for which there was no room."""
    turnover = Counter({symbol: 0 for symbol, _ in run.bars})
    for fill in fills:
        turnover[fill.symbol] += abs(fill.flow_nanos)
    ranked = sorted(turnover, key=lambda symbol: (-turnover[symbol], symbol))
    shown = ranked[:SYMBOLS]
    most = min(MOST, max(200, _CANDLES // max(1, 2 * len(shown))))
    charts = [
        _chart(
            run,
            symbol,
            [fill for fill in fills if fill.symbol == symbol],
            [trade for trade in trades if trade.symbol == symbol],
            reasons,
            most,
        )
        for symbol in shown
    ]
    return charts, ranked[SYMBOLS:]


def executions(fills: list[BookedFill], reasons: dict[str, Reason]) -> list[Execution]:
    """Return one execution an order, by its first fill; price is the average of its fills."""
    held: dict[str, int] = {}
    by_order: dict[str, list[BookedFill]] = {}
    before: dict[str, int] = {}
    for fill in fills:
        before.setdefault(fill.order, held.get(fill.strategy, 0))
        held[fill.strategy] = held.get(fill.strategy, 0) + fill.quantity_nanos
        by_order.setdefault(fill.order, []).append(fill)
    return [
        _execution(order, of, before[order], reasons.get(order, Reason())) for order, of in by_order.items()
    ]


def _execution(order: str, fills: list[BookedFill], before: int, reason: Reason) -> Execution:
    quantity = sum(fill.quantity_nanos for fill in fills)
    worth = sum(fill.quantity_nanos * fill.price_nanos for fill in fills)
    return Execution(
        order,
        fills[0].strategy,
        "BUY" if quantity > 0 else "SELL",
        effect_on_book(before, before + quantity),
        abs(quantity),
        worth // quantity if quantity else 0,
        fills[0].ts_ns,
        sum(fill.fee_nanos for fill in fills),
        len(fills),
        reason.text,
        reason.explanation,
    )


def _chart(
    run: RunRecords,
    symbol: str,
    fills: list[BookedFill],
    trades: list[Trade],
    reasons: dict[str, Reason],
    most: int,
) -> SymbolChart:
    bars = {timeframe: bars for (name, timeframe), bars in run.bars.items() if name == symbol}
    regimes = {timeframe: rows for (name, timeframe), rows in run.regimes.items() if name == symbol}
    done = executions(fills, reasons)
    lines = [
        (t.entry_ns, t.entry_price_nanos, t.exit_ns, t.exit_price_nanos, t.net_nanos > 0)
        for t in trades[-EXECUTIONS:]
    ]
    change = None
    if bars:
        first, last = bars[min(bars)].prices[0, 0], bars[min(bars)].prices[-1, 3]
        change = float(last / first - 1.0) if first else None
    return SymbolChart(
        symbol,
        candle_series(bars, regimes, most),
        done[-EXECUTIONS:],
        max(0, len(done) - EXECUTIONS),
        lines,
        *_positions(fills),
        closed_hours(bars[min(bars)], min(bars), [fill.ts_ns for fill in fills]) if bars else [],
        change,
    )


def _positions(fills: list[BookedFill]) -> tuple[list[int], dict[str, list[int]]]:
    """Return times and positions after fills, thinned: the account's, and each strategy's where there are several."""
    names = list(dict.fromkeys(fill.strategy for fill in fills))
    lines = {ACCOUNT: list(accumulate(fill.quantity_nanos for fill in fills))}
    if len(names) > 1:
        for name in names:
            lines[name] = list(accumulate(fill.quantity_nanos * (fill.strategy == name) for fill in fills))
    kept = thinned(lines[ACCOUNT])
    return [fills[i].ts_ns for i in kept], {name: [line[i] for i in kept] for name, line in lines.items()}
