"""Which figures does a trader look at first? A row of cards: name, value, and what it is made of."""

from html import escape

from ui.report.report import Portfolio, Report
from ui.report.words import DASH, duration, moment, money, percent, short


def key_figures(report: Report) -> str:
    """Return the cards as HTML."""
    account = report.portfolio
    if account is None:
        cards = [_card("Equity", DASH, "the account leg has not run on this log")]
    else:
        cards = [*_profit(account, _market(report)), _fees(account), *_stakes(account)]
    return f"<dl class=cards>{''.join(f'<div>{card}</div>' for card in (*cards, *_trades(report)))}</dl>"


def _profit(account: Portfolio, market: str) -> list[str]:
    tone = _tone(account.net_nanos)
    made = (
        f"realised {money(account.realized_nanos, True)}, unrealised {money(account.unrealized_nanos, True)}"
    )
    fall, depth = account.drawdown, "never below its peak"
    if fall:
        back = f"recovered {moment(fall.recovered_ns, False)}" if fall.recovered_ns else "not recovered"
        stretch = f"{moment(fall.peak_ns, False)} to {moment(fall.trough_ns, False)}"
        depth = f"{money(fall.amount_nanos)}: {stretch}, {back}"
    return [
        _card(
            f"Equity {account.currency}", money(account.equity_nanos), f"from {money(account.initial_nanos)}"
        ),
        _card("Net profit", money(account.net_nanos, True), f"{made}, less fees", tone),
        _card("Return", percent(account.return_, True), market, tone),
        _card("Max drawdown", percent(-fall.ratio if fall else 0.0), depth),
    ]


def _market(report: Report) -> str:
    """Say how prices moved meanwhile."""
    moves = [
        f"{chart.symbol} {percent(chart.price_change, True)}"
        for chart in report.charts
        if chart.price_change is not None
    ]
    return f"over the same time {', '.join(moves[:3])}{' ...' if len(moves) > 3 else ''}" if moves else ""


def _fees(account: Portfolio) -> str:
    rate = "nothing traded"
    if account.turnover_nanos:
        bps = 10_000 * account.fees_nanos / account.turnover_nanos
        rate = f"{bps:.2f} bps of turnover; slippage {money(account.slippage_nanos)}"
    return _card("Fees", money(account.fees_nanos), rate)


def _stakes(account: Portfolio) -> list[str]:
    times = account.turnover_nanos / account.initial_nanos if account.initial_nanos > 0 else 0.0
    leverage = f"leverage {account.average_leverage:.2f} on average, {account.highest_leverage:.2f} at most"
    return [
        _card("Turnover", short(account.turnover_nanos), f"{times:,.1f} times the initial cash"),
        _card(
            "Exposure",
            percent(account.time_in_market, digits=0),
            f"of the time in the market; {leverage}",
        ),
    ]


def _trades(report: Report) -> list[str]:
    totals = report.totals
    orders = f"{totals.orders:,} orders, {totals.fills:,} fills, {totals.open:,} open"
    if not totals.closed:
        return [
            _card("Trades", "0", orders),
            _card("Win rate", DASH, "no closed trade"),
            _card("Average trade", DASH, ""),
        ]
    factor = f"profit factor {totals.profit_factor:.2f}" if totals.profit_factor is not None else "none lost"
    average = totals.average_nanos or 0
    extremes = f"best {money(totals.best_nanos or 0, True)}, worst {money(totals.worst_nanos or 0, True)}"
    held = f"held {duration(totals.average_held_ns or 0)}"
    rate = percent(totals.win_rate or 0.0, digits=1)
    return [
        _card("Trades", f"{totals.closed:,}", orders),
        _card("Win rate", rate, f"{totals.won:,} of {totals.closed:,}; {factor}"),
        _card("Average trade", money(average, True), f"{extremes}; {held}", _tone(average)),
    ]


def _card(name: str, value: str, note: str, tone: str = "") -> str:
    value = f'<dd class="value {tone}">{escape(value)}</dd>'
    return f"<dt>{escape(name)}</dt>{value}<dd class=note>{escape(note)}</dd>"


def _tone(nanos: int) -> str:
    return "gain" if nanos > 0 else "loss" if nanos < 0 else ""
