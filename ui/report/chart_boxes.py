"""What stands around the charts? A box a symbol with its choice of timeframes, the choice of time, and the key."""

from html import escape

from ui.report import sections
from ui.report.figures import REGIME_COLOURS, REGIME_NAMES
from ui.report.report import Report, SymbolChart
from ui.report.words import length, percent

_HOURS = {"All": 0, "1y": 24 * 365, "30d": 24 * 30, "7d": 24 * 7, "1d": 24, "6h": 6, "1h": 1}
_KEY = (
    '<p class="key"><span class="gain">▲</span> buy <span class="loss">▼</span> sell, edged in the strategy\'s colour, '
    "larger where a position is opened or turned. Dotted: from entry to exit, green where it won after fees. Strip "
    "below: volatility {regimes}. Drag to zoom, double-click for all, click a trade in the table to go there.</p>"
)


def place(i: int) -> str:
    """Return the element that the i-th symbol is drawn in."""
    return f"symbol-{i}"


def chart_boxes(report: Report) -> str:
    """Return the boxes of all symbols, of which one is seen at a time."""
    if not report.charts:
        return '<p class="nothing">There are no bars in this log yet.</p>'
    boxes = "".join(_box(i, chart) for i, chart in enumerate(report.charts))
    controls = f'<div class="controls">{_symbols(report.charts)}{_ranges()}</div>'
    return f"{controls}{boxes}{_key()}{_left_out(report.symbols_left_out)}{sections.prices(report)}"


def _box(i: int, chart: SymbolChart) -> str:
    name, spot = escape(chart.symbol), place(i)
    said = f"{len(chart.executions):,} orders filled"
    if chart.executions_left_out:
        said += f", the newest of {len(chart.executions) + chart.executions_left_out:,}"
    if chart.price_change is not None:
        said = f"price {percent(chart.price_change, True)}, {said}"
    title = f"<div class=bar><h3>{name}</h3>{_timeframes(chart)}<span class=note>{escape(said)}</span></div>"
    label = f"Candlestick chart of {name}: {escape(said)}; a table follows below"
    return (
        f'<div class="symbol" id="box-{spot}" data-symbol="{name}"{" hidden" if i else ""}>{title}'
        f'<div class="figure tall" id="{spot}" role="img" aria-label="{label}"></div></div>'
    )


def _timeframes(chart: SymbolChart) -> str:
    names = [length(candles.timeframe_ns) for candles in chart.candles]
    if len(names) < 2:
        return ""
    buttons = "".join(
        f'<button type="button" data-timeframe="{name}" aria-pressed="false">{name}</button>'
        for name in names
    )
    return f'<div class="choice" role="group" aria-label="Length of a candle">{buttons}</div>'


def _symbols(charts: list[SymbolChart]) -> str:
    if len(charts) < 2:
        return ""
    options = "".join(
        f'<option value="{place(i)}">{escape(chart.symbol)}</option>' for i, chart in enumerate(charts)
    )
    return f'<label>Symbol <select id="symbol">{options}</select></label>'


def _ranges() -> str:
    buttons = "".join(
        f'<button type="button" data-range="{hours}" aria-pressed="{"false" if hours else "true"}">{name}</button>'
        for name, hours in _HOURS.items()
    )
    return f'<div class="choice" role="group" aria-label="Stretch of time">{buttons}</div>'


def _key() -> str:
    shown = list(zip(REGIME_COLOURS, REGIME_NAMES, strict=True))[1:]
    return _KEY.format(
        regimes=" ".join(f'<i style="background:{colour}"></i>{name}' for colour, name in shown)
    )


def _left_out(symbols: list[str]) -> str:
    if not symbols:
        return ""
    more = " ..." if len(symbols) > 40 else ""
    return f"<p class=note>Not drawn, with less turnover: {escape(', '.join(symbols[:40]))}{more}.</p>"
