"""How is a report drawn? Plotly figures as plain dicts; colours of paper, text and grid are the page's.

A trace whose ``meta`` names a timeframe is shown while that timeframe is chosen.
"""

from html import escape
from typing import Any

from ui.report.candles import best_for_overview
from ui.report.charts import ACCOUNT
from ui.report.report import Candles, Curve, Execution, SymbolChart
from ui.report.words import length, moment, money, number, quantity

Figure = dict[str, Any]
Trace = dict[str, Any]

UP, DOWN, LINE, FALL = "#089981", "#e5484d", "#3b82f6", "#e5484d"
STRATEGIES = ("#8b5cf6", "#f59e0b", "#06b6d4", "#ec4899", "#84cc16", "#f97316", "#14b8a6", "#a855f7")
REGIME_COLOURS = ("rgba(128,128,128,0.10)", "#60a5fa", "#94a3b8", "#f59e0b")
"""Of the codes -1 unknown, 0 low, 1 normal, 2 high."""
REGIME_NAMES = ("unknown", "low", "normal", "high")
_MS = 1_000_000
_OHLC = "O %{open:,.10~f}  H %{high:,.10~f}  L %{low:,.10~f}  C %{close:,.10~f}<extra></extra>"


Closed = list[tuple[int, int]]


def equity_figure(curve: Curve, initial_nanos: int, colours: dict[str, str], closed: Closed) -> Figure:
    """Return equity, drawdown and profit by strategy over one time axis, which leaves ``closed`` out."""
    times = [ns / _MS for ns in curve.ts_ns]
    equity = _line(times, [nanos / 1e9 for nanos in curve.equity_nanos], "equity", LINE, "y")
    equity |= {"hovertemplate": "equity %{y:,.2f}<extra></extra>"}
    start = _line(
        times[:1] + times[-1:], [initial_nanos / 1e9] * len(times[:1] + times[-1:]), "start", "#888888", "y"
    )
    start |= {"line": {"width": 1, "dash": "dot", "color": "#888888"}, "hoverinfo": "skip"}
    drawdown = _line(times, [round(100 * ratio, 4) for ratio in curve.drawdown], "drawdown", FALL, "y2")
    drawdown |= {
        "fill": "tozeroy",
        "fillcolor": "rgba(229,72,77,0.18)",
        "hovertemplate": "drawdown %{y:.2f} %<extra></extra>",
    }
    lines = []
    for name, nets in curve.strategy_net_nanos.items():
        at = [ns / _MS for ns in curve.strategy_ts_ns]
        line = _line(at, [nanos / 1e9 for nanos in nets], name, colours[name], "y3")
        lines.append(
            line | {"hovertemplate": f"{escape(name)} %{{y:,.2f}}<extra></extra>", "showlegend": True}
        )
    layout: dict[str, Any] = {
        "xaxis": _time_axis("y3" if lines else "y2", _span(times), closed),
        "yaxis": _axis([0.52, 1.0] if lines else [0.38, 1.0], ",.6~r"),
        "yaxis2": _axis([0.30, 0.47] if lines else [0.0, 0.32], ".2~f", "%"),
    }
    if lines:
        layout["yaxis3"] = _axis([0.0, 0.25], ",.6~r") | {"zeroline": True}
    names = {"yaxis": "Equity", "yaxis2": "Drawdown", "yaxis3": "Profit by strategy, after fees"}
    layout["annotations"] = _names(layout, names)
    return {"data": [start, equity, drawdown, *lines], "layout": layout}


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
    times = [ns / _MS for c in shortest for ns in (c.start_ns[0], c.start_ns[-1] + c.timeframe_ns)] or [
        done.ts_ns / _MS for done in chart.executions
    ]
    panels = {
        "yaxis3": bool(chart.executions),
        "yaxis2": any(any(candles.volume) for candles in chart.candles),
    }
    layout: dict[str, Any] = {
        "xaxis": _time_axis("y4", _span(times), chart.closed) | {"rangeslider": {"visible": False}},
        "yaxis4": {"domain": [0.0, 0.035], "fixedrange": True, "visible": False, "range": [0, 1]},
    }
    floor = 0.075
    for axis, there in panels.items():
        if there:
            layout[axis] = _axis([floor, floor + 0.12], "~s") | {"zeroline": True, "nticks": 4}
            floor += 0.17
    layout["yaxis"] = _axis([floor, 1.0], ",.10~f")
    layout["annotations"] = _names(layout, {"yaxis2": "Volume", "yaxis3": "Position"})
    return {"data": traces, "layout": layout}


def strategy_colours(names: list[str]) -> dict[str, str]:
    """Return a colour for each strategy, the same in every chart."""
    return {name: STRATEGIES[i % len(STRATEGIES)] for i, name in enumerate(names)}


def _candle_traces(candles: Candles) -> list[Trace]:
    place = {
        "x": [ns / _MS for ns in candles.start_ns],
        "xperiod": candles.timeframe_ns / _MS,
        "xperiodalignment": "middle",
        "xperiod0": candles.start_ns[0] / _MS,
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
            "x": [ns / _MS for ns in candles.regime_edges_ns],
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
                x += [entry_ns / _MS, exit_ns / _MS, None]
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
        "x": [one.ts_ns / _MS for one in done],
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
        times = [ns / _MS for ns in (*chart.position_ts_ns, max(end, chart.position_ts_ns[-1]))]
        values = [nanos / 1e9 for nanos in (*held, held[-1])]
        trace = _line(times, values, name or "position", colours.get(name, "#64748b"), "y3")
        trace["line"] |= {"shape": "hv", "width": 1}
        said = f"{escape(name)} holds" if name else "position"
        trace |= {"hovertemplate": f"{said} %{{y:,.9~f}}<extra></extra>"}
        if name == ACCOUNT:
            trace |= {"fill": "tozeroy", "fillcolor": "rgba(100,116,139,0.25)"}
        traces.append(trace)
    return traces


def _line(x: list[float], y: list[float], name: str, colour: str, yaxis: str) -> Trace:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "name": name,
        "yaxis": yaxis,
        "showlegend": False,
        "line": {"color": colour, "width": 1.6},
    }


def _time_axis(anchor: str, span: list[float], closed: Closed) -> dict[str, Any]:
    axis = {"type": "date", "anchor": anchor, "range": span, "showgrid": True}
    if closed:
        axis["rangebreaks"] = [{"bounds": [moment(from_ns), moment(to_ns)]} for from_ns, to_ns in closed]
    return axis


def _names(layout: dict[str, Any], names: dict[str, str]) -> list[dict[str, Any]]:
    """Write the name of every panel into its upper left corner."""
    place = {
        "xref": "paper",
        "yref": "paper",
        "x": 0,
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
    }
    return [
        place | {"y": layout[axis]["domain"][1], "text": name, "font": {"size": 11}}
        for axis, name in names.items()
        if axis in layout
    ]


def _axis(domain: list[float], ticks: str, suffix: str = "") -> dict[str, Any]:
    return {
        "domain": domain,
        "tickformat": ticks,
        "ticksuffix": suffix,
        "zeroline": False,
        "fixedrange": True,
        "nticks": 6,
        "side": "right",
    }


def _span(times: list[float]) -> list[float]:
    if not times:
        return [0.0, 1.0]
    first, last = min(times), max(times)
    pad = max((last - first) * 0.005, 1.0)
    return [first - pad, last + pad]
