"""What do the figures have in common? Colours, lines, axes and the names of panels, as plotly takes them."""

from collections.abc import Sequence
from typing import Any

from ui.report.words import moment

Figure = dict[str, Any]
Trace = dict[str, Any]
Closed = list[tuple[int, int]]

UP, DOWN, LINE, FALL = "#089981", "#e5484d", "#3b82f6", "#e5484d"
STRATEGIES = ("#8b5cf6", "#f59e0b", "#06b6d4", "#ec4899", "#84cc16", "#f97316", "#14b8a6", "#a855f7")
MS = 1_000_000
"""Nanoseconds of plotly's unit of time."""


def strategy_colours(names: list[str]) -> dict[str, str]:
    """Return a colour for each strategy, the same in every chart."""
    return {name: STRATEGIES[i % len(STRATEGIES)] for i, name in enumerate(names)}


def plain_line(x: list[float], y: Sequence[float | None], name: str, colour: str, yaxis: str) -> Trace:
    """Return a line without an entry in the legend."""
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


def time_axis(anchor: str, span: list[float], closed: Closed) -> dict[str, Any]:
    """Return an axis of time over ``span`` that leaves closed hours out."""
    axis = {"type": "date", "anchor": anchor, "range": span, "showgrid": True}
    if closed:
        axis["rangebreaks"] = [{"bounds": [moment(from_ns), moment(to_ns)]} for from_ns, to_ns in closed]
    return axis


def panel_names(layout: dict[str, Any], names: dict[str, str]) -> list[dict[str, Any]]:
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


def value_axis(domain: list[float], ticks: str, suffix: str = "") -> dict[str, Any]:
    """Return the value axis of a panel."""
    return {
        "domain": domain,
        "tickformat": ticks,
        "ticksuffix": suffix,
        "zeroline": False,
        "fixedrange": True,
        "nticks": 6,
        "side": "right",
    }


def time_span(times: list[float]) -> list[float]:
    """Return the first and last time, a little padded."""
    if not times:
        return [0.0, 1.0]
    first, last = min(times), max(times)
    pad = max((last - first) * 0.005, 1.0)
    return [first - pad, last + pad]
