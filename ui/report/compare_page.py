"""How are two runs drawn beside each other? One file like a report: curves over each other, then the tables."""

from html import escape

from ui.report.compare import Comparison, Contribution, Figure, Run
from ui.report.compare_words import CONTRIBUTION, contribution, row, setting
from ui.report.embed import own_file, page_template, plotly, plotly_licence, script_json
from ui.report.plots import MS, Trace, panel_names, plain_line, time_axis, time_span, value_axis
from ui.report.plots import Figure as Drawing
from ui.report.tables import Cell, table, text
from ui.report.words import DASH, MINUS, duration, moment, percent

COLOURS = ("#3b82f6", "#f59e0b")
APART = "#64748b"


def compare_page(said: Comparison, title: str) -> str:
    """Return the comparison as one HTML document."""
    figures = {"equity": _drawing(said)} if len(said.paths.ts_ns) > 1 else {}
    return page_template("compare.html").substitute(
        title=escape(title),
        style=own_file("page.css"),
        runs=_runs(said),
        notes="".join(f'<p class="loss">{escape(words)}.</p>' for words in said.notes),
        curves=_curves(said),
        metrics=_figures("Figures of both runs", said.metrics),
        counts=_figures("Signals, decisions, orders and fills", said.counts),
        strategies=_contributions("Profit after fees by strategy", "Strategy", said.strategies),
        symbols=_contributions("Profit after fees by symbol", "Symbol", said.symbols),
        settings=_settings(said),
        figures=script_json(figures),
        plotly=plotly() if figures else "",
        plotly_licence=plotly_licence() if figures else "",
        script=own_file("page.js"),
    )


def _runs(said: Comparison) -> str:
    return "".join(
        _run(letter, run, colour) for letter, run, colour in zip("AB", (said.a, said.b), COLOURS, strict=True)
    )


def _run(letter: str, run: Run, colour: str) -> str:
    span = "no events yet"
    if run.from_ns and run.to_ns:
        span = f"{moment(run.from_ns, False)} to {moment(run.to_ns, False)} UTC ({duration(run.to_ns - run.from_ns)})"
    words = [
        f"account {run.account}",
        span,
        f"settings {run.settings_digest or 'not told'}",
        ", ".join(run.symbols[:8]),
    ]
    return (
        f'<p><span class="badge" style="background:{colour};color:#fff">{letter}</span> <b>{escape(run.name)}</b> '
        f'<span class="note">{escape(" · ".join(filter(None, words)))}</span></p>'
    )


def _curves(said: Comparison) -> str:
    ends = [(said.paths.a_return[-1:] or [None])[0], (said.paths.b_return[-1:] or [None])[0]]
    if not said.paths.ts_ns:
        return '<p class="nothing">There is no portfolio in either log yet.</p>'
    label = " and ".join(
        f"{letter} returned {DASH if end is None else percent(end, True)}"
        for letter, end in zip("AB", ends, strict=True)
    )
    return (
        f'<div class="figure account" id="equity" role="img" aria-label="{label}; tables follow below"></div>'
    )


def _drawing(said: Comparison) -> Drawing:
    paths = said.paths
    times = [ns / MS for ns in paths.ts_ns]
    apart = [
        None if a is None or b is None else b - a for a, b in zip(paths.a_return, paths.b_return, strict=True)
    ]
    traces = [
        _line(times, paths.a_return, f"A {said.a.name}", COLOURS[0], "y"),
        _line(times, paths.b_return, f"B {said.b.name}", COLOURS[1], "y"),
        _line(times, apart, "B less A", APART, "y2")
        | {"fill": "tozeroy", "fillcolor": "rgba(100,116,139,0.20)"},
        _line(times, paths.a_drawdown, "A drawdown", COLOURS[0], "y3") | {"showlegend": False},
        _line(times, paths.b_drawdown, "B drawdown", COLOURS[1], "y3") | {"showlegend": False},
    ]
    layout = {
        "xaxis": time_axis("y3", time_span(times), []),
        "yaxis": value_axis([0.52, 1.0], ".3~f", "%") | {"zeroline": True},
        "yaxis2": value_axis([0.28, 0.47], ".3~f", "%") | {"zeroline": True, "nticks": 4},
        "yaxis3": value_axis([0.0, 0.23], ".3~f", "%") | {"nticks": 4},
    }
    names = {"yaxis": "Return since the start", "yaxis2": "Difference, B less A", "yaxis3": "Drawdown"}
    layout["annotations"] = panel_names(layout, names)
    return {"data": traces, "layout": layout}


def _line(times: list[float], ratios: list[float | None], name: str, colour: str, axis: str) -> Trace:
    values = [None if ratio is None else round(100 * ratio, 4) for ratio in ratios]
    trace = plain_line(times, values, escape(name), colour, axis)
    return trace | {"showlegend": True, "hovertemplate": f"{escape(name)} %{{y:.2f}} %<extra></extra>"}


def _figures(caption: str, figures: list[Figure]) -> str:
    rows = [
        ((text(name), _number(a), _number(b), _number(apart)), "") for name, a, b, apart in map(row, figures)
    ]
    return table(caption, ("Name", "A", "B", f"B {MINUS} A"), rows)


def _contributions(caption: str, first: str, rows: list[Contribution]) -> str:
    cells = [
        ((text(name), *(_number(cell, i < 3) for i, cell in enumerate(others))), "")
        for name, *others in map(contribution, rows)
    ]
    return table(caption, (first, *CONTRIBUTION), cells) if cells else ""


def _settings(said: Comparison) -> str:
    if not said.settings_known:
        return '<p class="nothing">Not both logs say what they were derived with.</p>'
    if not said.settings:
        return "<p>Both runs were derived with equal settings.</p>"
    rows = [(tuple(map(text, setting(one))), "") for one in said.settings]
    return table("Settings that differ", ("Key", "A", "B"), rows)


def _number(shown: str, toned: bool = False) -> Cell:
    tone = "loss" if shown.startswith(MINUS) else "gain" if shown.startswith("+") else ""
    return Cell(shown, "", tone if toned else "", True)
