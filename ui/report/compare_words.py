"""How are the figures of two runs written? By their documented names, less the unit, in which the value is shown."""

from ui.report.compare import Contribution, Figure, Number, Setting
from ui.report.words import DASH, MINUS, duration, money, percent

_RATIOS = {
    "total_return", "cagr", "annual_volatility", "downside_risk", "max_drawdown", "max_drawdown_intraday",
    "value_at_risk", "conditional_value_at_risk", "best_day", "worst_day", "days_won", "win_rate", "time_in_market",
}  # fmt: skip
"""Metrics that people read in percent."""


def row(figure: Figure) -> tuple[str, str, str, str]:
    """Return name, both values and the difference as text."""
    return (
        figure.name.removesuffix("_nanos").removesuffix("_ns"),
        written(figure.name, figure.a),
        written(figure.name, figure.b),
        written(figure.name, figure.difference, plus=True),
    )


def written(name: str, value: Number, plus: bool = False) -> str:
    """Return a value as its name says: money, a time, percent, a count or a ratio.

    >>> written("fees_nanos", 12_340_000_000), written("win_rate", 0.25), written("trades", 3, plus=True)
    ('12.34', '25.00 %', '+3')
    """
    if value is None:
        return DASH
    sign = "+" if plus and value > 0 else ""
    if name.endswith("_nanos"):
        return money(int(value), plus)
    if name.endswith("_ns"):
        return (MINUS if value < 0 else sign) + duration(abs(int(value)))
    if name in _RATIOS:
        return percent(value, plus)
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.3f}"
    return sign + text.replace("-", MINUS)


def contribution(one: Contribution) -> tuple[str, ...]:
    """Return a strategy's or symbol's row: profits, their difference, trades and win rates."""
    return (
        one.name,
        money(one.a_net_nanos, True),
        money(one.b_net_nanos, True),
        money(one.difference_nanos, True),
        f"{one.a_trades:,}",
        f"{one.b_trades:,}",
        written("win_rate", one.a_win_rate),
        written("win_rate", one.b_win_rate),
    )


CONTRIBUTION = ("net A", "net B", "B - A", "trades A", "trades B", "won A", "won B")


def setting(one: Setting) -> tuple[str, str, str]:
    """Return a key and both values."""
    return one.key, str(one.a), str(one.b)
