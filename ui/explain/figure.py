"""How is the chart around a decision drawn? The report's candles, what was decided on, and the fills."""

import math
from html import escape
from typing import Any

import numpy as np

from flows.explain.chain import BookChange, Explanation, Link, Related
from ui.explain.words import moment, number
from ui.report.candles import candles, closed_hours
from ui.report.charts import ACCOUNT
from ui.report.figures import symbol_figure
from ui.report.plots import MS, STRATEGIES, Figure, Trace
from ui.report.records import Bars, Regimes
from ui.report.report import Execution, SymbolChart

_LIKE_A_PRICE = 0.2
"""How far from the close a value may lie to be drawn among the prices."""
_PANEL, _GAP = 0.13, 0.05
_BEYOND = 3
"""Bars behind the last one in which a fill is still drawn."""
_MARGIN = 0.02
_MINE, _OTHERS = "this order", "orders before and after"
_COLOURS = {_MINE: "#3b82f6", _OTHERS: "#94a3b8"}


def decision_figure(told: Explanation) -> Figure | None:
    """Return the figure; None where the log has no bars around the decision."""
    bars, signal = told.series.bars, told.signal
    if not bars or not isinstance(signal, Link):
        return None
    figure = symbol_figure(_chart(told), _COLOURS)
    close, ts_ns = signal.event.price, signal.event.ts_event_ns
    stated = signal.event.explanation
    lines = {name: _line(told, name) for name in stated if told.series.features and name in _columns(told)}
    among = [name for name in stated if abs(stated[name] - close) <= _LIKE_A_PRICE * abs(close)]
    beside = [name for name in lines if name not in among]
    for i, name in enumerate(among):
        figure["data"] += _drawn(name, lines.get(name), (ts_ns, stated[name]), STRATEGIES[i + 1], "y")
    if beside:
        _open_panel(figure["layout"], ", ".join(beside))
    for i, name in enumerate(beside):
        figure["data"] += _drawn(
            name, lines[name], (ts_ns, stated[name]), STRATEGIES[len(among) + i + 1], "y5"
        )
    shown = figure["layout"]["xaxis"]["range"]
    latest_ms = max(
        (max(trace["x"]) for trace in figure["data"] if trace.get("mode") == "markers"), default=0
    )
    shown[1] = max(shown[1], latest_ms + (shown[1] - shown[0]) * _MARGIN)
    if "yaxis3" in figure["layout"]:
        figure["layout"]["yaxis3"] |= {"tickformat": ",.4~g"}
    _mark_decision(figure["layout"], told, ts_ns)
    return figure


def _chart(told: Explanation) -> SymbolChart:
    rows, timeframe = told.series.bars, told.series.bars[0].timeframe_ns
    close_ns = np.array([row.ts_event_ns for row in rows], np.int64)
    prices = np.array([(row.open, row.high, row.low, row.close, row.volume) for row in rows])
    bars = Bars(close_ns, np.array([row.quality for row in rows], np.int64), prices)
    regimes = Regimes(
        np.array([row.ts_event_ns for row in told.series.regimes], np.int64),
        np.array([row.regime for row in told.series.regimes], np.int64),
    )
    first_ns, last_ns = close_ns[0] - timeframe, close_ns[-1] + _BEYOND * timeframe
    done = [one for one in _executions(told) if first_ns <= one.ts_ns <= last_ns]
    steps = [step for step in _steps(told) if step[0] <= last_ns]
    times = [max(ts_ns, int(first_ns)) for ts_ns, _ in steps]
    return SymbolChart(
        told.symbol,
        [candles(bars, timeframe, timeframe, regimes)],
        done,
        0,
        [],
        times,
        {ACCOUNT: [held for _, held in steps]},
        closed_hours(bars, timeframe, [one.ts_ns for one in done]),
        None,
    )


def _executions(told: Explanation) -> list[Execution]:
    """Return this order's fills as one marker, and one a fill of the orders before and after it."""
    if told.outcome is None or not told.outcome.fills:
        return []
    outcome, first = told.outcome, told.outcome.fills[0].report.event
    reason = told.signal.event.reason if isinstance(told.signal, Link) else ""
    mine = Execution(
        first.client_order_id, _MINE, first.side, outcome.effect or "trades", outcome.filled_nanos,
        outcome.average_price_nanos, first.ts_event_ns, outcome.fees_nanos, len(outcome.fills), reason, {},
    )  # fmt: skip
    return [mine, *(other for one in outcome.related if (other := _other(one)))]


def _other(one: Related) -> Execution | None:
    if not one.client_order_id:
        return None
    effect = {"opened by": "opens", "added to by": "adds to"}.get(one.role, "reduces")
    return Execution(
        one.client_order_id, _OTHERS, one.side, effect, one.quantity_nanos, one.average_price_nanos, one.ts_event_ns,
        one.fees_nanos, one.fills, "", {},
    )  # fmt: skip


def _steps(told: Explanation) -> list[tuple[int, int]]:
    """Return (time, position after) of every known change of the strategy's book, by time."""
    outcome = told.outcome
    if outcome is None:
        return []
    steps = [(one.ts_event_ns, one.quantity_after_nanos) for one in outcome.related]
    for fill in outcome.fills:
        if isinstance(fill.book, BookChange):
            if not steps and fill.book.quantity_before_nanos is not None:
                steps.append((0, fill.book.quantity_before_nanos))
            steps.append((fill.book.update.event.ts_event_ns, fill.book.quantity_after_nanos))
    return sorted(steps, key=lambda step: step[0])


def _columns(told: Explanation) -> dict[str, float]:
    return told.series.features[0].values


def _line(told: Explanation, name: str) -> tuple[list[float], list[float]]:
    """Return the feature's values from its warm-up on."""
    known = [
        (row.ts_event_ns / MS, value)
        for row in told.series.features
        if not math.isnan(value := row.values.get(name, math.nan))
    ]
    return [at_ms for at_ms, _ in known], [value for _, value in known]


def _drawn(
    name: str,
    line: tuple[list[float], list[float]] | None,
    stated: tuple[int, float],
    colour: str,
    axis: str,
) -> list[Trace]:
    """Return the feature's line, where it is one, and the value that the strategy named."""
    ts_ns, value = stated
    point: Trace = {
        "type": "scatter",
        "mode": "markers",
        "x": [ts_ns / MS],
        "y": [value],
        "yaxis": axis,
        "name": f"{name}, as decided on",
        "showlegend": line is None,
        "marker": {"symbol": ["diamond"], "size": [8], "color": colour},
        "hovertemplate": f"{escape(name)} {number(value)}, decided on<extra></extra>",
    }
    if line is None:
        return [point]
    curve: Trace = {
        "type": "scatter",
        "mode": "lines",
        "x": line[0],
        "y": line[1],
        "yaxis": axis,
        "name": name,
        "showlegend": True,
        "line": {"width": 1.4, "color": colour},
        "hovertemplate": f"{escape(name)} %{{y:,.6~f}}<extra></extra>",
    }
    return [curve, point]


def _open_panel(layout: dict[str, Any], name: str) -> None:
    """Make room below the prices for what is no price."""
    floor = layout["yaxis"]["domain"][0]
    layout["yaxis5"] = {
        **layout["yaxis"],
        "domain": [floor, floor + _PANEL],
        "nticks": 4,
        "tickformat": ",.4~r",
    }
    layout["yaxis"] = {**layout["yaxis"], "domain": [floor + _PANEL + _GAP, 1.0]}
    layout["annotations"].append(
        {
            "xref": "paper", "yref": "paper", "x": 0, "y": floor + _PANEL, "xanchor": "left", "yanchor": "bottom",
            "showarrow": False, "text": escape(name), "font": {"size": 11},
        }
    )  # fmt: skip


def _mark_decision(layout: dict[str, Any], told: Explanation, ts_ns: int) -> None:
    """Draw a line where the bar closed that was decided on."""
    verdict = told.decision.event.verdict if isinstance(told.decision, Link) else "SIGNAL"
    said = {"APPROVED": "decided", "DENIED": "denied", "NOTHING_TO_DO": "nothing to do"}.get(
        verdict, "signal"
    )
    at_ms = ts_ns / MS
    line = {"width": 1.2, "dash": "dash", "color": "#e5484d" if verdict == "DENIED" else "#3b82f6"}
    layout["shapes"] = [
        {
            "type": "line",
            "xref": "x",
            "yref": "paper",
            "x0": at_ms,
            "x1": at_ms,
            "y0": 0,
            "y1": 1,
            "line": line,
        }
    ]
    first_ms, last_ms = layout["xaxis"]["range"]
    side = "left" if at_ms < (first_ms + last_ms) / 2 else "right"
    layout["annotations"].append(
        {
            "xref": "x", "yref": "paper", "x": at_ms, "y": 1, "xanchor": side, "yanchor": "top", "showarrow": False,
            "text": f" {said} {moment(ts_ns)[11:]} ", "font": {"size": 11, "color": line["color"]},
        }
    )  # fmt: skip
