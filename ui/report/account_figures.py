"""How is the account drawn? Equity with everything that moves with it over one time axis, and how results are spread.

A figure that is ``plain`` has no axis of time and does not follow the others.
"""

from html import escape
from typing import Any

from ui.report.plots import (
    DOWN,
    FALL,
    LINE,
    MS,
    UP,
    Closed,
    Figure,
    Trace,
    panel_names,
    plain_line,
    time_axis,
    time_span,
    value_axis,
)
from ui.report.report import Curve, Distribution
from ui.report.words import percent

GROSS, NET, FEES, SLIPPAGE = "#64748b", "#0ea5e9", "#f59e0b", "#d946ef"
_GAP = 0.05
_MANY = 10_000_000_000_000_000
"""Amounts from here on are marked in millions, so that they fit beside the chart."""
_HEIGHTS = {"y": 2.6, "y2": 1.1, "y3": 1.1, "y4": 1.0, "y5": 0.9}


def equity_figure(curve: Curve, initial_nanos: int, colours: dict[str, str], closed: Closed) -> Figure:
    """Return equity, drawdown, profit by strategy, exposure and costs over a time axis that leaves ``closed`` out."""
    times = [ns / MS for ns in curve.ts_ns]
    money = {"tickformat": ",.6~r" if max(map(abs, curve.equity_nanos)) < _MANY else ".4~s"}
    panels: dict[str, tuple[str, list[Trace], dict[str, Any]]] = {
        "y": ("Equity", _equity(times, curve, initial_nanos), money),
        "y2": ("Drawdown", _drawdown(times, curve), {"tickformat": ".3~f", "ticksuffix": "%"}),
        "y3": (
            "Profit by strategy, after fees",
            _strategies(curve, colours),
            money | {"zeroline": True},
        ),
        "y4": ("Exposure over equity", _exposure(times, curve), {"tickformat": ".3~r", "zeroline": True}),
        "y5": ("Costs so far", _costs(curve, times[-1:]), money),
    }
    panels = {axis: panel for axis, panel in panels.items() if panel[1]}
    layout: dict[str, Any] = {"xaxis": time_axis(list(panels)[-1], time_span(times), closed)}
    unit, top = (1.0 - _GAP * (len(panels) - 1)) / sum(_HEIGHTS[axis] for axis in panels), 1.0
    for axis, (_, _, look) in panels.items():
        floor = max(0.0, top - unit * _HEIGHTS[axis])
        layout[axis.replace("y", "yaxis")] = (
            value_axis([floor, top], "") | {"nticks": 6 if axis == "y" else 4} | look
        )
        top = floor - _GAP
    layout["annotations"] = panel_names(
        layout, {axis.replace("y", "yaxis"): name for axis, (name, _, _) in panels.items()}
    )
    return {"data": [trace for _, traces, _ in panels.values() for trace in traces], "layout": layout}


def histogram(spread: Distribution) -> Figure:
    """Return the counts as bars, losses and gains in their colours."""
    edges = [100 * edge for edge in spread.edges]
    middles = [(low + high) / 2 for low, high in zip(edges, edges[1:], strict=False)]
    last = len(middles) - 1
    words = [
        f"{'less than ' if i == 0 else ''}{percent(spread.edges[i + 1] if i == 0 else spread.edges[i], True)}"
        f"{' and more' if i == last else '' if i == 0 else f' to {percent(spread.edges[i + 1], True)}'}: {count:,}"
        for i, count in enumerate(spread.counts)
    ]
    bars: Trace = {
        "type": "bar",
        "x": middles,
        "y": spread.counts,
        "width": [edges[1] - edges[0]] * len(middles),
        "marker": {"color": [DOWN if middle < 0 else UP for middle in middles], "line": {"width": 0}},
        "hovertext": words,
        "hovertemplate": "%{hovertext}<extra></extra>",
    }
    mean = {
        "type": "line",
        "x0": 100 * spread.mean,
        "x1": 100 * spread.mean,
        "yref": "paper",
        "y0": 0,
        "y1": 1,
    }
    layout = {
        "xaxis": {"ticksuffix": "%", "range": [edges[0], edges[-1]], "zeroline": True, "fixedrange": True},
        "yaxis": value_axis([0.0, 1.0], ",d"),
        "shapes": [mean | {"line": {"color": LINE, "width": 1.5, "dash": "dot"}}],
    }
    return {"data": [bars], "layout": layout, "plain": True}


def _equity(times: list[float], curve: Curve, initial_nanos: int) -> list[Trace]:
    ends = times[:1] + times[-1:]
    start = plain_line(ends, [initial_nanos / 1e9] * len(ends), "start", "#888888", "y")
    start |= {"line": {"width": 1, "dash": "dot", "color": "#888888"}, "hoverinfo": "skip"}
    equity = plain_line(times, [nanos / 1e9 for nanos in curve.equity_nanos], "equity", LINE, "y")
    return [start, equity | {"hovertemplate": "equity %{y:,.2f}<extra></extra>"}]


def _drawdown(times: list[float], curve: Curve) -> list[Trace]:
    drawdown = plain_line(times, [round(100 * ratio, 4) for ratio in curve.drawdown], "drawdown", FALL, "y2")
    look = {"fill": "tozeroy", "fillcolor": "rgba(229,72,77,0.18)"}
    return [drawdown | look | {"hovertemplate": "drawdown %{y:.2f} %<extra></extra>"}]


def _strategies(curve: Curve, colours: dict[str, str]) -> list[Trace]:
    at = [ns / MS for ns in curve.strategy_ts_ns]
    return [
        plain_line(at, [nanos / 1e9 for nanos in nets], name, colours[name], "y3")
        | {"hovertemplate": f"{escape(name)} %{{y:,.2f}}<extra></extra>", "showlegend": True}
        for name, nets in curve.strategy_net_nanos.items()
    ]


def _exposure(times: list[float], curve: Curve) -> list[Trace]:
    if not any(curve.gross):
        return []
    gross = plain_line(times, [round(value, 4) for value in curve.gross], "gross exposure", GROSS, "y4")
    gross |= {
        "fill": "tozeroy",
        "fillcolor": "rgba(100,116,139,0.20)",
        "line": {"width": 1, "color": GROSS, "shape": "hv"},
    }
    net = plain_line(times, [round(value, 4) for value in curve.net], "net exposure", NET, "y4")
    net |= {"line": {"width": 1, "color": NET, "shape": "hv"}}
    return [
        gross | {"hovertemplate": "gross exposure %{y:.2f}<extra></extra>", "showlegend": True},
        net | {"hovertemplate": "net exposure %{y:.2f}<extra></extra>", "showlegend": True},
    ]


def _costs(curve: Curve, end: list[float]) -> list[Trace]:
    if not any(curve.cost_fees_nanos) and not any(curve.cost_slippage_nanos):
        return []
    at = [ns / MS for ns in curve.cost_ts_ns]
    both = [fee + slip for fee, slip in zip(curve.cost_fees_nanos, curve.cost_slippage_nanos, strict=True)]
    traces = []
    for name, colour, nanos in (("fees", FEES, curve.cost_fees_nanos), ("fees and slippage", SLIPPAGE, both)):
        values = [value / 1e9 for value in (*nanos, nanos[-1])]
        trace = plain_line([*at, max(at[-1], *end)], values, name, colour, "y5")
        trace["line"] |= {"shape": "hv", "width": 1.2}
        trace |= {"fill": "tonexty" if traces else "tozeroy", "fillcolor": f"{colour}26", "showlegend": True}
        traces.append(trace | {"hovertemplate": f"{name} %{{y:,.2f}}<extra></extra>"})
    return traces
