"""What did every month bring? A table of months by years, deeper in colour the more was won or lost."""

from html import escape

from operators.performance import PerformanceResult
from operators.performance.result import PeriodRow
from ui.report.tables import amount, ratio, table, text
from ui.report.words import percent

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FEW = 2
"""Months up to which days say more."""
_DAYS = 62


def returns(result: PerformanceResult | None) -> str:
    """Return the months of all years, or the days where there are hardly any months."""
    if result is None or not result.daily:
        return ""
    if len(result.months) > _FEW:
        return _months(result)
    rows = [
        ((text(row.date), amount(row.equity_nanos), ratio(row.return_, True), ratio(row.drawdown)), "")
        for row in result.daily[-_DAYS:]
    ]
    return table("Returns by trading day", ("Trading day", "Equity", "Return", "Drawdown"), rows)


def _months(result: PerformanceResult) -> str:
    by_year: dict[str, dict[int, PeriodRow]] = {}
    for row in result.months:
        by_year.setdefault(row.period[:4], {})[int(row.period[5:])] = row
    known = sorted(abs(row.return_) for row in result.months if row.return_ is not None)
    deepest = known[int(0.95 * (len(known) - 1))] if known else 0.0
    whole = {row.period: row for row in result.years}
    lines = []
    for year, months in reversed(by_year.items()):
        cells = "".join(_cell(months.get(month), deepest) for month in range(1, 13))
        lines.append(f'<tr><th scope="row">{escape(year)}</th>{cells}{_cell(whole.get(year), 0.0)}</tr>')
    heads = "".join(f'<th scope="col" class=n>{name}</th>' for name in (*MONTHS, "Year"))
    caption = "Returns by month, in percent"
    body = f"<thead><tr><th scope=col>Year</th>{heads}</tr></thead><tbody>{''.join(lines)}</tbody>"
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{caption}">'
        f'<table class="heat"><caption>{caption}</caption>{body}</table></div>'
    )


def _cell(row: PeriodRow | None, deepest: float) -> str:
    if row is None or row.return_ is None:
        return "<td></td>"
    value = row.return_
    shown = percent(value, plus=True, digits=1).removesuffix(" %")
    tone = "gain" if value > 0 else "loss" if value < 0 else "zero"
    depth = f' style="--heat:{min(1.0, abs(value) / deepest):.2f}"' if deepest else ""
    said = f"{row.period}: {percent(value, True)}, {row.trades:,} trades"
    return f'<td class="n {tone}"{depth} title="{escape(said)}">{shown}</td>'
