"""What stands on the page? One function a section, from the report's numbers to HTML."""

from html import escape

from ui.report.report import Report, Tally
from ui.report.tables import Cell, amount, count, figure, plain, ratio, table, text
from ui.report.words import DASH, duration, moment, number, quantity

TRADES = 500
"""Rows of a table; the newest are shown, and the others named."""
DENIALS = 200
_CROSS = "\N{BALLOT X} "


def strategies(report: Report) -> str:
    """Profit, trades and decisions by strategy, with their sum."""
    headings = (
        "Strategy", "Realised", "Unrealised", "Fees", "Net", "Trades", "Won", "Profit factor", "Sharpe", "Turnover",
        "Signals", "Denied", "Nothing to do",
    )  # fmt: skip
    rows = [
        (
            (
                text(row.strategy),
                amount(row.realized_nanos, True),
                amount(row.unrealized_nanos, True),
                amount(row.fees_nanos),
                amount(row.net_nanos, True),
                count(row.trades),
                ratio(row.win_rate, digits=1),
                plain(row.profit_factor),
                plain(row.sharpe_ratio),
                amount(row.turnover_nanos),
                count(row.signals),
                count(row.denied),
                count(row.nothing_to_do),
            ),
            "",
        )
        for row in report.strategies
    ]
    if not rows:
        return _nothing("No strategy has given a signal.")
    return table("Profit and loss by strategy", headings, rows, _sum(report) if len(rows) > 1 else ())


def _sum(report: Report) -> tuple[Cell, ...]:
    rows, totals = report.strategies, report.totals
    return (
        text("All"),
        amount(sum(row.realized_nanos for row in rows), True),
        amount(sum(row.unrealized_nanos for row in rows), True),
        amount(sum(row.fees_nanos for row in rows)),
        amount(sum(row.net_nanos for row in rows), True),
        count(totals.closed),
        ratio(totals.win_rate, digits=1),
        plain(totals.profit_factor),
        plain(report.performance.metrics.sharpe_ratio if report.performance else None),
        amount(sum(row.turnover_nanos for row in rows)),
        count(sum(row.signals for row in rows)),
        count(sum(row.denied for row in rows)),
        count(sum(row.nothing_to_do for row in rows)),
    )


def open_positions(report: Report) -> str:
    """What is still held, by the order that opened it."""
    headings = (
        "Opened (UTC)",
        "Strategy",
        "Symbol",
        "Side",
        "Quantity",
        "Entry",
        "Mark",
        "Unrealised",
        "Why",
    )
    rows = [
        (
            (
                _when(trade.entry_ns),
                text(trade.strategy),
                text(trade.symbol),
                text(trade.side.lower(), trade.side.lower()),
                figure(quantity(trade.quantity_nanos), trade.quantity_nanos),
                figure(quantity(trade.entry_price_nanos), trade.entry_price_nanos),
                figure(quantity(trade.mark_price_nanos), trade.mark_price_nanos),
                amount(trade.unrealized_nanos, True),
                text(trade.entry_reason),
            ),
            "",
        )
        for trade in report.open_trades
    ]
    return table("Open positions", headings, rows) if rows else ""


def trades(report: Report) -> str:
    """Closed trades, the newest first; a row knows its symbol and times, so that the chart can go there."""
    headings = (
        "Closed (UTC)", "Strategy", "Symbol", "Side", "Quantity", "Entry", "Exit", "Held", "Gross", "Fees", "Net",
        "Return", "Opened because", "Closed because",
    )  # fmt: skip
    shown = report.trades[::-1][:TRADES]
    rows = [
        (
            (
                _when(trade.exit_ns),
                text(trade.strategy),
                text(trade.symbol),
                text(trade.side.lower(), trade.side.lower()),
                figure(quantity(trade.quantity_nanos), trade.quantity_nanos),
                figure(quantity(trade.entry_price_nanos), trade.entry_price_nanos),
                figure(quantity(trade.exit_price_nanos), trade.exit_price_nanos),
                figure(duration(trade.exit_ns - trade.entry_ns), trade.exit_ns - trade.entry_ns),
                amount(trade.gross_nanos, True),
                amount(trade.fees_nanos),
                amount(trade.net_nanos, True),
                ratio(trade.return_, True),
                text(trade.entry_reason),
                text(trade.exit_reason),
            ),
            f' data-symbol="{escape(trade.symbol)}" data-from="{trade.entry_ns // 1_000_000}"'
            f' data-to="{trade.exit_ns // 1_000_000}" tabindex="0"',
        )
        for trade in shown
    ]
    if not rows:
        return _nothing("No trade has been closed.")
    left = len(report.trades) - len(shown)
    note = (
        f"<p class=note>The newest {len(shown):,}; {left:,} older ones are in the JSON.</p>" if left else ""
    )
    return table("Closed trades, first in first out", headings, rows, sortable=True) + note


def periods(report: Report) -> str:
    """The account by hours, days or longer: the curve as a table."""
    headings = ("Until (UTC)", "Equity", "Change", "Deepest drawdown", "Trades closed", "Exposure", "Fees")
    rows = [
        (
            (
                _when(row.to_ns, seconds=False),
                amount(row.equity_nanos),
                amount(row.change_nanos, True),
                ratio(-row.drawdown),
                count(row.closed),
                ratio(row.exposure, digits=0),
                amount(row.fees_nanos),
            ),
            "",
        )
        for row in report.periods
    ]
    return _folded("The curve as a table", table("Equity by period", headings, rows)) if rows else ""


def prices(report: Report) -> str:
    """Every symbol's price over the run in a few rows: the charts as a table."""
    headings = ("Symbol", "From (UTC)", "To (UTC)", "First", "Low", "High", "Last", "Change", "Orders filled")
    rows = []
    for chart in report.charts:
        if chart.candles:
            series = chart.candles[0]
            end = series.start_ns[-1] + series.timeframe_ns
            values = (series.open[0], min(series.low), max(series.high), series.close[-1])
            cells = [text(chart.symbol), _when(series.start_ns[0], False), _when(end, False)]
            cells += [figure(number(value), value) for value in values]
            rows.append(((*cells, ratio(chart.price_change, True), count(len(chart.executions))), ""))
    return _folded("The charts as a table", table("Prices", headings, rows)) if rows else ""


def denied(report: Report) -> str:
    """Denied decisions with each rule's value against its limit."""
    approved = sum(row.approved for row in report.strategies)
    idle = sum(row.nothing_to_do for row in report.strategies)
    said = f"{approved:,} approved, {idle:,} with nothing to do, {len(report.denials):,} denied"
    if not report.denials:
        return f"<p>No order was denied ({said}).</p>"
    by_rule = ", ".join(f"{rule} {times:,}" for rule, times in report.denied_by_rule.items())
    headings = ("Time (UTC)", "Strategy", "Symbol", "Order", "State", "Reason", "Rules: value / limit")
    shown = report.denials[::-1][:DENIALS]
    rows = [
        (
            (
                _when(denial.ts_event_ns),
                text(denial.strategy),
                text(denial.symbol),
                text(f"{denial.side} {quantity(denial.quantity_nanos)}" if denial.side else DASH),
                text(denial.trading_state),
                text(denial.reason),
                text(_checks(denial.checks)),
            ),
            "",
        )
        for denial in shown
    ]
    left = len(report.denials) - len(shown)
    note = f" The newest {len(shown):,} are shown." if left else ""
    return f"<p>{said}. Denied by: {escape(by_rule)}.{note}</p>" + table("Denied decisions", headings, rows)


def faults(report: Report) -> str:
    """Dead letters, alerts, bars that are not whole and records that could not be read."""
    parts = [
        _tallies("Dead letters", ("Reason", "Symbol"), report.dead_letters),
        _tallies("Alerts", ("Alert", "Source"), report.alerts),
    ]
    bars = ", ".join(f"{times:,} {name}" for name, times in report.bar_quality.items())
    parts.append(f"<p>Bars: {bars}.</p>")
    if report.source.unreadable:
        listed = ", ".join(f"{topic} {times:,}" for topic, times in report.source.unreadable.items())
        parts.append(f"<p class=loss>Records that could not be decoded: {escape(listed)}.</p>")
    parts += [f"<p class=loss>{escape(words)}</p>" for words in report.reconciliation.differences]
    return "".join(parts)


def _tallies(caption: str, names: tuple[str, str], tallies: list[Tally]) -> str:
    if not tallies:
        return f"<p>{caption}: none.</p>"
    rows = [
        (
            (
                text(tally.kind),
                text(tally.subject),
                count(tally.count),
                _when(tally.first_ns),
                _when(tally.last_ns),
                text(tally.example),
            ),
            "",
        )
        for tally in tallies
    ]
    return table(caption, (*names, "Count", "First (UTC)", "Last (UTC)", "Last one says"), rows)


def _checks(checks: tuple[tuple[str, float, float, bool], ...]) -> str:
    return "; ".join(
        f"{'' if passed else _CROSS}{rule} {number(value)} / {number(limit)}"
        for rule, value, limit, passed in sorted(checks, key=lambda check: check[3])
    )


def _when(ts_ns: int, seconds: bool = True) -> Cell:
    return Cell(moment(ts_ns, seconds), str(ts_ns), "when") if ts_ns else text(DASH)


def _folded(summary: str, inner: str) -> str:
    return f"<details><summary>{escape(summary)}</summary>{inner}</details>"


def _nothing(words: str) -> str:
    return f"<p class=nothing>{escape(words)}</p>"
