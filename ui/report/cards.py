"""Which figures does a trader look at first? A row of cards: name, value, and what it is made of."""

from html import escape

from operators.performance import Metrics
from operators.performance.ratios import LEAST
from ui.report.report import Portfolio, Report
from ui.report.words import DASH, MINUS, duration, moment, money, percent, short


def key_figures(report: Report) -> str:
    """Return the cards as HTML."""
    account, result = report.portfolio, report.performance
    if account is None or result is None:
        cards = [_card("Equity", DASH, "the account leg has not run on this log")]
    else:
        cards = [
            *_profit(account, result.metrics, _market(report)),
            *_trades(report, result.metrics),
            *_costs(result.metrics),
        ]
    return f"<dl class=cards>{''.join(f'<div>{card}</div>' for card in cards)}</dl>"


def _profit(account: Portfolio, said: Metrics, market: str) -> list[str]:
    tone = _tone(account.net_nanos)
    made = (
        f"realised {money(account.realized_nanos, True)}, unrealised {money(account.unrealized_nanos, True)}"
    )
    fall, depth = account.drawdown, "never below its peak"
    if fall:
        back = f"recovered {moment(fall.recovered_ns, False)}" if fall.recovered_ns else "not recovered"
        stretch = f"{moment(fall.peak_ns, False)} to {moment(fall.trough_ns, False)}"
        depth = f"{money(fall.amount_nanos)}: {stretch}, {back}"
    yearly = f"{percent(said.cagr, True)} a year; " if said.cagr is not None else ""
    return [
        _card(
            f"Equity {account.currency}", money(account.equity_nanos), f"from {money(account.initial_nanos)}"
        ),
        _card("Net profit", money(account.net_nanos, True), f"{made}, less fees", tone),
        _card("Return", percent(account.return_, True), yearly + market, tone),
        _sharpe(said),
        _card("Max drawdown", percent(-fall.ratio if fall else 0.0), depth),
    ]


def _sharpe(said: Metrics) -> str:
    if said.sharpe_ratio is None:
        few = f"{said.days} trading day{'s' * (said.days != 1)}: too few for yearly ratios"
        return _card("Sharpe ratio", DASH, few if said.days < LEAST else "the daily returns are all equal")
    others = {"Sortino": said.sortino_ratio, "Calmar": said.calmar_ratio}
    words = ", ".join(f"{name} {value:.2f}" for name, value in others.items() if value is not None)
    return _card(
        "Sharpe ratio",
        f"{said.sharpe_ratio:.2f}".replace("-", MINUS),
        f"{words}; volatility {percent(said.annual_volatility or 0.0)} a year".replace("-", MINUS),
        _tone(said.sharpe_ratio),
    )


def _market(report: Report) -> str:
    """Say how prices moved meanwhile."""
    moves = [
        f"{chart.symbol} {percent(chart.price_change, True)}"
        for chart in report.charts
        if chart.price_change is not None
    ]
    return f"over the same time {', '.join(moves[:3])}{' ...' if len(moves) > 3 else ''}" if moves else ""


def _trades(report: Report, said: Metrics) -> list[str]:
    orders = f"{report.totals.orders:,} orders, {said.fills:,} fills, {report.totals.open:,} open"
    if not said.trades:
        return [_card("Trades", "0", orders), _card("Average trade", DASH, "no closed trade")]
    factor = f"profit factor {said.profit_factor:.2f}" if said.profit_factor is not None else "none lost"
    rate = percent(said.win_rate or 0.0, digits=1)
    average = said.average_trade_nanos or 0
    extremes = (
        f"best {money(said.best_trade_nanos or 0, True)}, worst {money(said.worst_trade_nanos or 0, True)}"
    )
    return [
        _card("Trades", f"{said.trades:,}", f"{rate} won, {factor}; {orders}"),
        _card(
            "Average trade",
            money(average, True),
            f"{extremes}; held {duration(said.average_held_ns or 0)}",
            _tone(average),
        ),
    ]


def _costs(said: Metrics) -> list[str]:
    if not said.turnover_nanos:
        return [
            _card("Costs", money(0), "nothing traded"),
            _card("Exposure", percent(0.0, digits=0), "never in the market"),
        ]
    slipped = f"slippage {money(said.slippage_nanos)}"
    slipped += f" ({said.slippage_bps:.2f} bps)".replace("-", MINUS) if said.slippage_bps is not None else ""
    leverage = f"{said.average_leverage or 0.0:.2f} of equity on average, {said.highest_leverage:.2f} at most"
    times = f"{said.turnover_ratio:,.1f} times the average equity" if said.turnover_ratio is not None else ""
    return [
        _card(
            "Costs",
            money(said.fees_nanos + said.slippage_nanos),
            f"fees {money(said.fees_nanos)} ({said.fees_bps or 0.0:.2f} bps), {slipped}",
        ),
        _card("Turnover", short(said.turnover_nanos), times),
        _card(
            "Exposure",
            percent(said.time_in_market or 0.0, digits=0),
            f"of the time in the market; {leverage}",
        ),
    ]


def _card(name: str, value: str, note: str, tone: str = "") -> str:
    value = f'<dd class="value {tone}">{escape(value)}</dd>'
    return f"<dt>{escape(name)}</dt>{value}<dd class=note>{escape(note)}</dd>"


def _tone(nanos: float) -> str:
    return "gain" if nanos > 0 else "loss" if nanos < 0 else ""
