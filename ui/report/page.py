"""How do the parts become one file that opens anywhere? Style, script, data and plotly.js stand inside it.

The page's policy forbids every load, so that a forgotten one fails at once.
"""

from html import escape
from typing import Any

from ui.report import measures, sections
from ui.report.account_figures import equity_figure, histogram
from ui.report.cards import key_figures
from ui.report.chart_boxes import chart_boxes, place
from ui.report.embed import own_file, page_template, plotly, plotly_licence, script_json
from ui.report.figures import symbol_figure
from ui.report.heat import returns
from ui.report.plots import strategy_colours
from ui.report.report import Report
from ui.report.words import duration, moment, money, percent


def page(report: Report) -> str:
    """Return the report as one HTML document."""
    account = report.portfolio
    figures = _figures(report)
    return page_template("page.html").substitute(
        title=escape(report.title),
        style=own_file("page.css"),
        badges=_badges(report),
        subtitle=_subtitle(report),
        source=_source(report),
        cards=key_figures(report),
        charts=chart_boxes(report),
        equity=_equity(report)
        if account
        else '<p class="nothing">There is no portfolio in this log yet.</p>',
        periods=sections.periods(report),
        all_figures=measures.all_figures(report),
        returns=returns(report.performance),
        distributions=_distributions(report),
        drawdowns=measures.drawdowns(report.performance),
        costs=measures.costs(report.performance) + measures.directions(report.performance),
        strategies=sections.strategies(report),
        symbols=measures.symbols(report.performance) + measures.months_by_strategy(report.performance),
        open_positions=sections.open_positions(report),
        trades=sections.trades(report),
        denied=sections.denied(report),
        faults=sections.faults(report),
        commands=escape("\n".join(report.source.commands)),
        figures=script_json(figures),
        plotly=plotly() if figures else "",
        plotly_licence=plotly_licence() if figures else "",
        script=own_file("page.js"),
    )


def _figures(report: Report) -> dict[str, Any]:
    colours = strategy_colours([row.strategy for row in report.strategies])
    figures = {place(i): symbol_figure(chart, colours) for i, chart in enumerate(report.charts)}
    if report.portfolio and len(report.curve.ts_ns) > 1:
        figures["equity"] = equity_figure(
            report.curve,
            report.portfolio.initial_nanos,
            colours,
            report.charts[0].closed if len(report.charts) == 1 else [],
        )
    return figures | {f"spread-{spread.name}": histogram(spread) for spread in report.distributions}


def _distributions(report: Report) -> str:
    boxes = ""
    for spread in report.distributions:
        label = measures.spread_label(spread)
        said = f"{label}: {spread.count:,}, mean {percent(spread.mean, True)}"
        boxes += (
            f'<div><h3>{escape(label)}</h3><div class="figure low" id="spread-{spread.name}" role="img" '
            f'aria-label="{escape(said)}; a table follows below"></div>{measures.spread_table(spread)}</div>'
        )
    return f"<div class=halves>{boxes}</div>" if boxes else ""


def _badges(report: Report) -> str:
    source, account, agreed = report.source, report.portfolio, report.reconciliation
    found = []
    if source.simulated:
        found.append(("paper", "PAPER", "fills are simulated; no money is at stake"))
    else:
        found.append(("live", f"VENUE {', '.join(source.venues)}", "orders went to these venues"))
    if account:
        found.append(("state", account.trading_state, "state of the account at the end"))
    if agreed.checked:
        tone, words = ("good", "trades = ledger") if agreed.holds else ("live", "trades differ from ledger")
        found.append((tone, words, "profit of all trades compared with the account's own, to the last 1e-9"))
    elif account:
        found.append(
            ("state", "history cut", "the log lacks the start of the account; trades are incomplete")
        )
    return "".join(
        f'<span class="badge {tone}" title="{escape(why)}">{escape(words)}</span>'
        for tone, words, why in found
    )


def _subtitle(report: Report) -> str:
    source = report.source
    names = ", ".join(source.symbols[:6]) + (
        f" and {len(source.symbols) - 6} more" if len(source.symbols) > 6 else ""
    )
    parts = [names or "no symbols", f"account {source.account}"]
    if source.first_ns is not None and source.last_ns is not None:
        span = duration(source.last_ns - source.first_ns)
        parts.append(f"{moment(source.first_ns, False)} to {moment(source.last_ns, False)} UTC ({span})")
        if source.written_ns:
            parts.append(
                f"data ended {duration(max(0, source.written_ns - source.last_ns))} before this was written"
            )
    else:
        parts.append("no events yet")
    return " · ".join(map(escape, parts))


def _source(report: Report) -> str:
    source = report.source
    versions = ", ".join(f"{name} {version}" for name, version in sorted(source.parameter_versions.items()))
    records = ", ".join(f"{topic} {count:,}" for topic, count in source.records.items() if count)
    rows = {
        "Log": source.log,
        "Identity": source.identity,
        "Venues": ", ".join(source.venues),
        "Settings": source.settings_digest,
        "Strategy parameters": versions,
        "Feature set": source.feature_set,
        "Records": records,
        "Written": f"{moment(source.written_ns)} UTC" if source.written_ns else "",
    }
    listed = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows.items() if value
    )
    return f"<dl class=source>{listed}</dl>"


def _equity(report: Report) -> str:
    account = report.portfolio
    assert account is not None
    said = f"Equity from {money(account.initial_nanos)} to {money(account.equity_nanos)}"
    if account.drawdown:
        said += f", deepest drawdown {percent(account.drawdown.ratio)}"
    label = f"{escape(said)}; a table follows below"
    return f'<div class="figure account" id="equity" role="img" aria-label="{label}"></div>'
