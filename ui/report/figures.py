"""How is a report drawn? Plotly figures as plain dicts; colours of paper, text and grid are the page's.

A trace whose ``meta`` names a timeframe is shown while that timeframe is chosen.
"""

from html import escape
from typing import Any

from ui.report.candles import best_for_overview
from ui.report.charts import ACCOUNT
from ui.report.plots import (
    DOWN,
    MS,
    UP,
    Figure,
    Trace,
    panel_names,
    plain_line,
    time_axis,
    time_span,
    value_axis,
)
from ui.report.report import Candles, Execution, SymbolChart
from ui.report.words import length, moment, money, number, quantity

REGIME_COLOURS = ("rgba(128,128,128,0.10)", "#60a5fa", "#94a3b8", "#f59e0b")
"""Of the codes -1 unknown, 0 low, 1 normal, 2 high."""
REGIME_NAMES = ("unknown", "low", "normal", "high")
_OHLC = "O %{open:,.10~f}  H %{high:,.10~f}  L %{low:,.10~f}  C %{close:,.10~f}<extra></extra>"


def symbol_figure(chart: SymbolChart, colours: dict[str, str]) -> Figure:
    """Return candles with volume and regimes for every timeframe, trades and markers, and the position."""
    traces: list[Trace] = []
    shown = best_for_overview(chart.candles) if chart.candles else -1
    for i, candles in enumerate(chart.candles):
        for trace in _candle_traces(candles):
            traces.append(trace | {"meta": length(candles.timeframe_ns), "visible": i == shown})
    traces += _trade_lines(chart)
    for strategy in dict.fromkeys(done.strategy for done in chart.executions):
        mine = [done for done in chart.executions if done.strategy == strategy]
        traces.append(_markers(chart.symbol, strategy, mine, colours[strategy]))
    traces += _positions(chart, colours)
    shortest = chart.candles[:1]
    times = [ns / MS for c in shortest for ns in (c.start_ns[0], c.start_ns[-1] + c.timeframe_ns)] or [
        done.ts_ns / MS for done in chart.executions
    ]
    panels = {
        "yaxis3": bool(chart.executions),
        "yaxis2": any(any(candles.volume) for candles in chart.candles),
    }
    layout: dict[str, Any] = {
        "xaxis": time_axis("y4", time_span(times), chart.closed) | {"rangeslider": {"visible": False}},
        "yaxis4": {"domain": [0.0, 0.035], "fixedrange": True, "visible": False, "range": [0, 1]},
    }
    floor = 0.075
    for axis, there in panels.items():
        if there:
            layout[axis] = value_axis([floor, floor + 0.12], "~s") | {"zeroline": True, "nticks": 4}
            floor += 0.17
    layout["yaxis"] = value_axis([floor, 1.0], ",.10~f")
    layout["annotations"] = panel_names(layout, {"yaxis2": "Volume", "yaxis3": "Position"})
    return {"data": traces, "layout": layout}


def _candle_traces(candles: Candles) -> list[Trace]:
    place = {
        "x": [ns / MS for ns in candles.start_ns],
        "xperiod": candles.timeframe_ns / MS,
        "xperiodalignment": "middle",
        "xperiod0": candles.start_ns[0] / MS,
        "showlegend": False,
    }
    price: Trace = {
        "type": "candlestick",
        "open": candles.open,
        "high": candles.high,
        "low": candles.low,
        "close": candles.close,
        "increasing": {"line": {"color": UP, "width": 1}, "fillcolor": UP},
        "decreasing": {"line": {"color": DOWN, "width": 1}, "fillcolor": DOWN},
        "hovertemplate": _OHLC,
    }
    traces = [place | price]
    if any(candles.volume):
        traces.append(place | _volume(candles))
    return traces + _regime_strip(candles)


def _volume(candles: Candles) -> Trace:
    rising = [close >= open_ for open_, close in zip(candles.open, candles.close, strict=True)]
    return {
        "type": "bar",
        "y": candles.volume,
        "yaxis": "y2",
        "marker": {"color": [f"{UP}99" if up else f"{DOWN}99" for up in rising], "line": {"width": 0}},
        "hovertemplate": "volume %{y:,.6~f}<extra></extra>",
    }


def _regime_strip(candles: Candles) -> list[Trace]:
    if not candles.regimes:
        return []
    scale = [
        [(i + side) / len(REGIME_COLOURS), colour]
        for i, colour in enumerate(REGIME_COLOURS)
        for side in (0, 1)
    ]
    return [
        {
            "type": "heatmap",
            "x": [ns / MS for ns in candles.regime_edges_ns],
            "y": [0, 1],
            "z": [candles.regimes],
            "text": [[REGIME_NAMES[code + 1] for code in candles.regimes]],
            "yaxis": "y4",
            "zmin": -1.5,
            "zmax": 2.5,
            "colorscale": scale,
            "showscale": False,
            "hovertemplate": "volatility %{text}<extra></extra>",
        }
    ]


def _trade_lines(chart: SymbolChart) -> list[Trace]:
    traces = []
    for won, colour, name in ((True, UP, "won"), (False, DOWN, "lost")):
        x: list[float | None] = []
        y: list[float | None] = []
        for entry_ns, entry, exit_ns, exit_, gained in chart.trade_lines:
            if gained == won:
                x += [entry_ns / MS, exit_ns / MS, None]
                y += [entry / 1e9, exit_ / 1e9, None]
        if x:
            line = {"color": colour, "width": 1.6, "dash": "dot"}
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "x": x,
                    "y": y,
                    "line": line,
                    "name": f"trades {name}",
                    "hoverinfo": "skip",
                }
            )
    return traces


def _markers(symbol: str, strategy: str, done: list[Execution], colour: str) -> Trace:
    size = 11
    opening = [one.effect in ("opens", "turns", "adds to") for one in done]
    side = [UP if one.side == "BUY" else DOWN for one in done]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": strategy,
        "x": [one.ts_ns / MS for one in done],
        "y": [one.price_nanos / 1e9 for one in done],
        "marker": {
            "symbol": ["triangle-up" if one.side == "BUY" else "triangle-down" for one in done],
            "size": [size if opens else size - 2 for opens in opening],
            "color": side,
            "opacity": [1.0 if opens else 0.75 for opens in opening],
            "line": {"color": colour, "width": 1.2},
        },
        "hovertext": [_marker_text(symbol, one) for one in done],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _marker_text(symbol: str, one: Execution) -> str:
    lines = [
        f"<b>{one.side} {quantity(one.quantity_nanos)} {escape(symbol)} at {quantity(one.price_nanos)}</b>",
        f"{escape(one.strategy)} {one.effect}{' its position' if one.effect != 'opens' else ''}",
    ]
    if one.reason:
        lines.append(escape(one.reason))
    if one.explanation:
        lines.append(", ".join(f"{escape(name)} {number(value)}" for name, value in one.explanation.items()))
    fills = f", {one.fills} fills" if one.fills > 1 else ""
    lines.append(f"{moment(one.ts_ns)} UTC, fee {money(one.fees_nanos)}{fills}")
    return "<br>".join(lines)


def _positions(chart: SymbolChart, colours: dict[str, str]) -> list[Trace]:
    traces = []
    end = max((candles.start_ns[-1] + candles.timeframe_ns for candles in chart.candles), default=0)
    for name, held in chart.position_nanos.items():
        if not held:
            continue
        times = [ns / MS for ns in (*chart.position_ts_ns, max(end, chart.position_ts_ns[-1]))]
        values = [nanos / 1e9 for nanos in (*held, held[-1])]
        trace = plain_line(times, values, name or "position", colours.get(name, "#64748b"), "y3")
        trace["line"] |= {"shape": "hv", "width": 1}
        said = f"{escape(name)} holds" if name else "position"
        trace |= {"hovertemplate": f"{said} %{{y:,.9~f}}<extra></extra>"}
        if name == ACCOUNT:
            trace |= {"fill": "tozeroy", "fillcolor": "rgba(100,116,139,0.25)"}
        traces.append(trace)
    return traces
