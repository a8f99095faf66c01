"""How does an explanation become one file that opens anywhere? The chart, the outline, rules, features, comparisons."""

import shlex
from html import escape
from pathlib import Path

from flows.explain.chain import Explanation, Link
from ui.amounts import money, quantity
from ui.explain.figure import decision_figure
from ui.explain.node import Node
from ui.explain.outline import headline, outline
from ui.explain.words import at, duration, moment, number
from ui.report.embed import own_file, page_template, plotly, plotly_licence, script_json
from ui.report.figures import REGIME_COLOURS, REGIME_NAMES
from ui.report.tables import Cell, figure, table, text
from ui.whole_file import write_whole

_PLACE = "symbol-0"
_KEY = (
    '<p class="key">Dashed: the close of the bar that was decided on. Lines, diamonds: what the strategy decided on. '
    '<span class="gain">▲</span> buy <span class="loss">▼</span> sell: this order, and those that opened or closed '
    "its position. Strip below: volatility {regimes}. Drag to zoom, double-click for all.</p>"
)


def write_page(told: Explanation, path: Path) -> None:
    """Write the page to ``path``, wholly or not at all; OSError where it cannot be written."""
    write_whole(path, page(told))


def page(told: Explanation) -> str:
    """Return the explanation as one HTML document."""
    drawn = decision_figure(told)
    return page_template("page.html", "ui.explain").substitute(
        title=escape(_title(told)),
        style=own_file("page.css") + own_file("page.css", "ui.explain"),
        badges=_badges(told),
        subtitle=escape(headline(told)),
        cards=_cards(told),
        chart=_chart(told) if drawn else '<p class="nothing">The log has no bars around the decision.</p>',
        outline=f'<div class="outline"><ul>{_node(outline(told, more="below"))}</ul></div>',
        rules=_rules(told),
        features=_features(told),
        fits=_fits(told),
        commands=escape(_commands(told)),
        figures=script_json({_PLACE: drawn} if drawn else {}),
        plotly=plotly() if drawn else "",
        plotly_licence=plotly_licence() if drawn else "",
        script=own_file("page.js"),
    )


def _title(told: Explanation) -> str:
    if isinstance(told.order, Link):
        return f"Why {told.order.event.client_order_id}"
    return f"Why no order: {told.strategy} in {told.symbol}"


def _badges(told: Explanation) -> str:
    found = []
    if isinstance(told.decision, Link):
        verdict = told.decision.event.verdict
        tone = {"APPROVED": "good", "DENIED": "live"}.get(verdict, "state")
        found.append((tone, verdict.replace("_", " "), "the risk decision"))
    if told.outcome is not None:
        found.append(("state", told.outcome.status.replace("_", " "), "state of the order"))
    fits = ("good", "all links fit") if told.sound else ("live", "does not fit")
    found.append((*fits, f"{len(told.fits)} comparisons of links with each other"))
    return "".join(
        f'<span class="badge {tone}" title="{escape(why)}">{escape(words)}</span>'
        for tone, words, why in found
    )


def _cards(told: Explanation) -> str:
    cards = [_card("Strategy", told.strategy, f"in {told.symbol}, account {told.account}")]
    if isinstance(told.signal, Link):
        signal = told.signal.event
        frame = duration(signal.timeframe_ns)
        cards.append(_card("Signal", signal.target, f"{frame} bar closed at {moment(signal.ts_event_ns)}"))
        cards.append(_card("Close", number(signal.price), f"strength {number(signal.strength)}"))
    if told.outcome is not None and told.outcome.filled_nanos:
        outcome = told.outcome
        cards.append(
            _card(
                "Filled at",
                number(outcome.average_price_nanos / 1e9),
                f"quantity {quantity(outcome.filled_nanos)}",
            )
        )
        cards.append(_card("Fees", money(outcome.fees_nanos), _fills(len(outcome.fills))))
        if outcome.realized_nanos is not None and outcome.effect not in ("opens", "adds to"):
            tone = "gain" if outcome.realized_nanos > 0 else "loss" if outcome.realized_nanos < 0 else ""
            realised = money(outcome.realized_nanos, True)
            cards.append(_card("Realised", realised, f"{outcome.effect} the position", tone))
        elif outcome.effect:
            cards.append(_card("Position", outcome.effect, "nothing realised by this order"))
    return f"<dl class=cards>{''.join(cards)}</dl>"


def _fills(count: int) -> str:
    return "one fill" if count == 1 else f"{count:,} fills"


def _card(name: str, value: str, note: str, tone: str = "") -> str:
    shown = f'<dd class="value {tone}">{escape(value)}</dd>'
    return f"<div><dt>{escape(name)}</dt>{shown}<dd class=note>{escape(note)}</dd></div>"


def _chart(told: Explanation) -> str:
    name = escape(told.symbol)
    frame = duration(told.series.bars[0].timeframe_ns)
    label = f"Candlestick chart of {name} around the decision; what it shows is written below"
    regimes = " ".join(
        f'<i style="background:{colour}"></i>{regime}'
        for colour, regime in list(zip(REGIME_COLOURS, REGIME_NAMES, strict=True))[1:]
    )
    return (
        f'<div class="symbol" id="box-{_PLACE}" data-symbol="{name}"><div class=bar><h3>{name}</h3>'
        f"<span class=note>{len(told.series.bars)} bars of {frame}</span></div>"
        f'<div class="figure tall" id="{_PLACE}" role="img" aria-label="{label}"></div></div>'
        f"{_KEY.format(regimes=regimes)}"
    )


def _node(node: Node) -> str:
    place = f"<code>{escape(node.place)}</code>" if node.place else ""
    below = f"<ul>{''.join(map(_node, node.children))}</ul>" if node.children else ""
    words = f'<span class="name">{escape(node.name)}</span>{escape(node.text)}{place}'
    return f'<li><div class="{node.tone}">{words}</div>{below}</li>'


def _rules(told: Explanation) -> str:
    if not isinstance(told.decision, Link) or not told.decision.event.checks:
        return "<p class=nothing>No rule was asked.</p>"
    rows = [
        (
            (
                text(check.rule),
                figure(number(check.value), check.value),
                figure(number(check.limit), check.limit),
                text("passed" if check.passed else "denies", "gain" if check.passed else "loss"),
            ),
            "",
        )
        for check in told.decision.event.checks
    ]
    return table("What each rule measured, against its limit", ("Rule", "Value", "Limit", "Verdict"), rows)


def _features(told: Explanation) -> str:
    if not isinstance(told.features, Link):
        return f"<p class=nothing>{escape(told.features.why)}</p>"
    row = told.features.event
    stated = told.signal.event.explanation if isinstance(told.signal, Link) else {}
    names = [*stated, *(name for name in row.values if name not in stated)]
    rows = []
    for name in names:
        value = row.values.get(name)
        cells = [text(name), *(_value(one) for one in (value, stated.get(name)))]
        rows.append((cells, ""))
    caption = f"Feature set {row.feature_set}, {row.warm:,} bars seen, {at(told.features.place)}"
    return table(caption, ("Feature", "Row of the bar", "Decided on"), rows)


def _value(value: float | None) -> Cell:
    return Cell("", "", "", True) if value is None else figure(number(value), value)


def _fits(told: Explanation) -> str:
    rows = [
        (
            (text(fit.link), text(fit.what), text("yes" if fit.holds else "does not fit"), text(fit.detail)),
            "" if fit.holds else ' class="bad-row"',
        )
        for fit in sorted(told.fits, key=lambda fit: fit.holds)
    ]
    if not rows:
        return "<p class=nothing>There is nothing to compare.</p>"
    return table("What two links say of the same thing", ("Link", "Comparison", "Holds", "Differs in"), rows)


def _commands(told: Explanation) -> str:
    log = f" --log {shlex.quote(told.log)}"
    links = (told.order, told.decision, told.signal)
    subject = next((link for link in links if isinstance(link, Link)), None)
    lines = [f"titan explain {at(subject.place)}{log}"] if subject else []
    for link in (*links, told.features, told.bar):
        if isinstance(link, Link):
            place = link.place
            lines.append(
                f"titan topics tail {place.topic}{log} --from {place.offset} --to-end --limit 1 --json"
            )
    return "\n".join(lines)
