"""Which figures and tables does a performance have? Everything that its result says, in groups that people know."""

from html import escape

from operators.performance import Metrics, PerformanceResult, Share
from operators.performance.ratios import LEAST, HourRatios
from ui.report.report import Distribution, Report
from ui.report.tables import Cell, amount, count, figure, plain, ratio, table, text
from ui.report.words import DASH, MINUS, duration, moment, money, percent

FALLS = 5
BOOKS = 200
_SLIGHT = 50
"""How many times shallower than the worst a fall may be and still be told."""
_HOUR_NS = 3_600_000_000_000
_LABELS = {"daily_return": "Daily returns", "trade_return": "Results of trades, of their value at entry"}


def all_figures(report: Report) -> str:
    """Every metric, in four groups."""
    result = report.performance
    if result is None:
        return ""
    said = result.metrics
    groups = {
        "Return": _return(said),
        "Risk": _risk(said),
        "Trades": _trades(said),
        "Costs and exposure": _costs(said),
    }
    boxes = "".join(
        f"<div><h3>{name}</h3><dl class=figures>"
        + "".join(f"<dt>{escape(label)}</dt><dd>{escape(value)}</dd>" for label, value in rows.items())
        + "</dl></div>"
        for name, rows in groups.items()
    )
    return f"<div class=groups>{boxes}</div>{_year_note(said)}{_hours_note(result.intraday)}"


def drawdowns(result: PerformanceResult | None) -> str:
    """The worst falls below a peak, with their dates."""
    if result is None or not result.drawdowns:
        return ""
    least = result.drawdowns[0].ratio / _SLIGHT
    falls = [fall for fall in result.drawdowns[:FALLS] if fall.ratio >= least]
    seconds = result.to_ns - result.from_ns < _HOUR_NS
    rows = [
        (
            (
                ratio(-fall.ratio, True),
                amount(-fall.amount_nanos, True),
                text(moment(fall.peak_ns, seconds)),
                text(moment(fall.trough_ns, seconds)),
                text(moment(fall.recovered_ns, seconds) if fall.recovered_ns else "not yet"),
                figure(duration((fall.recovered_ns or result.to_ns) - fall.peak_ns), 0.0),
            ),
            "",
        )
        for fall in falls
    ]
    headings = ("Depth", "Amount", "Peak (UTC)", "Trough", "Recovered", "Lasted")
    return table("Worst drawdowns, at the times of the account's updates", headings, rows)


def costs(result: PerformanceResult | None) -> str:
    """Fees and slippage of purchases and sales."""
    if result is None or not result.metrics.fills:
        return ""
    rows = [
        (
            (
                text(row.side.capitalize()),
                count(row.fills),
                amount(row.turnover_nanos),
                amount(row.fees_nanos),
                plain(row.fees_bps),
                amount(row.slippage_nanos),
                plain(row.slippage_bps),
            ),
            "",
        )
        for row in result.costs
    ]
    headings = ("Side", "Fills", "Turnover", "Fees", "bps", "Slippage", "bps")
    return table("Costs by side", headings, rows[:-1], rows[-1][0])


def directions(result: PerformanceResult | None) -> str:
    """Long against short."""
    if result is None or not result.metrics.trades:
        return ""
    rows = [
        (
            (
                text(row.side.capitalize(), row.side.lower()),
                count(row.trades),
                ratio(row.win_rate, digits=1),
                plain(row.profit_factor),
                amount(row.net_nanos, True),
            ),
            "",
        )
        for row in result.sides
    ]
    return table("Closed trades by direction", ("Direction", "Trades", "Won", "Profit factor", "Net"), rows)


def symbols(result: PerformanceResult | None) -> str:
    """What each symbol contributed, and each strategy in it where there are several of both."""
    if result is None or not result.symbols:
        return ""
    found = [_shares("Profit and loss by symbol", result.symbols, "Symbol")]
    if len(result.symbols) > 1 and len(result.strategies) > 1:
        found.append(
            _shares("Profit and loss by strategy and symbol", result.books[:BOOKS], "Strategy, symbol")
        )
    return "".join(found)


def months_by_strategy(result: PerformanceResult | None) -> str:
    """Profit of each month by strategy, and by symbol where there are few."""
    if result is None or len(result.months) < 2:
        return ""
    found = ""
    for what, shares in (("strategy", result.strategies), ("symbol", result.symbols)):
        if 1 < len(shares) <= 12:
            rows = [
                ((text(row.period), *(amount(share.months.get(row.period, 0), True) for share in shares)), "")
                for row in reversed(result.months)
            ]
            headings = ("Month", *(share.strategy or share.symbol for share in shares))
            found += table(f"Profit after fees by month and {what}", headings, rows)
    return f"<details><summary>Profit by month</summary>{found}</details>" if found else ""


def spread_table(spread: Distribution) -> str:
    """A distribution in numbers."""
    names = [f"{100 * float(q):g} %" for q in spread.quantiles]
    cells = [count(spread.count), ratio(spread.mean, True), ratio(spread.deviation)]
    cells += [ratio(value, True) for value in spread.quantiles.values()]
    headings = ("Count", "Mean", "Deviation", *names)
    caption = f"{_LABELS[spread.name]}: quantiles"
    return (
        f"<details><summary>The chart as a table</summary>{table(caption, headings, [(cells, '')])}</details>"
    )


def spread_label(spread: Distribution) -> str:
    """What a distribution is of."""
    return _LABELS[spread.name]


def _shares(caption: str, shares: tuple[Share, ...], first: str) -> str:
    headings = (
        first, "Realised", "Unrealised", "Fees", "Slippage", "Net", "Trades", "Won", "Profit factor", "Average trade",
        "Held", "Turnover",
    )  # fmt: skip
    rows = [
        (
            (
                text(", ".join(filter(None, (share.strategy, share.symbol)))),
                amount(share.realized_nanos, True),
                amount(share.unrealized_nanos, True),
                amount(share.fees_nanos),
                amount(share.slippage_nanos),
                amount(share.net_nanos, True),
                count(share.trades),
                ratio(share.win_rate, digits=1),
                plain(share.profit_factor),
                Cell(DASH, "", "", True)
                if share.average_trade_nanos is None
                else amount(share.average_trade_nanos, True),
                figure(
                    DASH if share.average_held_ns is None else duration(share.average_held_ns),
                    share.average_held_ns or 0,
                ),
                amount(share.turnover_nanos),
            ),
            "",
        )
        for share in shares
    ]
    return table(caption, headings, rows, sortable=len(rows) > 2)


def _return(said: Metrics) -> dict[str, str]:
    return {
        "Total return": percent(said.total_return, True),
        "Yearly growth (CAGR)": _percent(said.cagr),
        "Best day": _percent(said.best_day),
        "Worst day": _percent(said.worst_day),
        "Days won": _percent(said.days_won, False),
        "Omega": _number(said.omega_ratio),
        "Tail ratio": _number(said.tail_ratio),
        "Trading days": f"{said.days:,}",
    }


def _risk(said: Metrics) -> dict[str, str]:
    return {
        "Sharpe ratio": _number(said.sharpe_ratio),
        "Sortino ratio": _number(said.sortino_ratio),
        "Calmar ratio": _number(said.calmar_ratio),
        "Volatility, a year": _percent(said.annual_volatility, False),
        "Max drawdown, day ends": percent(said.max_drawdown),
        "Value at risk, 5 % of days": _percent(said.value_at_risk),
        "Mean beyond it": _percent(said.conditional_value_at_risk),
        "Skew, excess kurtosis": f"{_number(said.skew)}, {_number(said.kurtosis)}",
    }


def _trades(said: Metrics) -> dict[str, str]:
    return {
        "Closed": f"{said.trades:,}",
        "Won": _percent(said.win_rate, False),
        "Profit factor": _number(said.profit_factor),
        "Payoff ratio": _number(said.payoff_ratio),
        "Average": _money(said.average_trade_nanos),
        "Average won, lost": f"{_money(said.average_win_nanos)}, {_money(said.average_loss_nanos)}",
        "Best, worst": f"{_money(said.best_trade_nanos)}, {_money(said.worst_trade_nanos)}",
        "Held on average": DASH if said.average_held_ns is None else duration(said.average_held_ns),
    }


def _costs(said: Metrics) -> dict[str, str]:
    return {
        "Fees": f"{money(said.fees_nanos)} ({_number(said.fees_bps)} bps)",
        "Slippage": f"{money(said.slippage_nanos)} ({_number(said.slippage_bps)} bps)",
        "Turnover": money(said.turnover_nanos),
        "Turnover, times equity": _number(said.turnover_ratio),
        "Turnover a year": _number(said.annual_turnover),
        "Time in the market": _percent(said.time_in_market, False),
        "Exposure, gross and net": f"{_number(said.average_leverage)}, {_number(said.average_net_leverage)}",
        "Highest exposure": _number(said.highest_leverage),
    }


def _year_note(said: Metrics) -> str:
    if said.days < LEAST:
        words = (
            f"{said.days} trading day{'s' * (said.days != 1)}: too few to speak of a year or a distribution."
        )
    else:
        words = (
            f"Yearly figures count {said.periods_per_year} trading days a year; the risk-free rate is zero."
        )
        if said.days < 60:
            words += f" They rest on {said.days} days only."
    return f"<p class=note>{words}</p>"


def _number(value: float | None) -> str:
    return DASH if value is None else f"{value:,.2f}".replace("-", MINUS)


def _hours_note(hours: HourRatios | None) -> str:
    if hours is None or not hours.hours:
        return ""
    words = (
        f"Hour by hour ({hours.hours}): best {_percent(hours.best_hour)}, worst {_percent(hours.worst_hour)}, "
        f"{_percent(hours.hours_won, False)} of those that moved won, "
        f"volatility {_percent(hours.volatility, False)} an hour."
    )
    return f"<p class=note>{words}</p>"


def _percent(value: float | None, plus: bool = True) -> str:
    return DASH if value is None else percent(value, plus)


def _money(nanos: int | None) -> str:
    return DASH if nanos is None else money(nanos, True)
