"""Does the tear sheet say what the performance says, whatever the run's length: months, distributions, costs?"""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.instruments import NANOS
from tests.unit.report.runs import TinyRun
from tests.unit.report.test_page import Parts
from ui.report.candles import MOST
from ui.report.charts import EXECUTIONS
from ui.report.compute import compute
from ui.report.distributions import distribution
from ui.report.equity import POINTS
from ui.report.page import page
from ui.report.report import Known, Report

DAY = 86_400
BOOK = ("sma", "ES")


def months_of_trading(days: int = 100, a_day: int = 1) -> TinyRun:
    """Buys in the morning and sells in the evening, at prices that swing and rise."""
    run = TinyRun(1_000_000)
    for day in range(days):
        for i in range(a_day):
            second, price = day * DAY + 3600 + i * 60, 1600.0 + day + 20 * (day % 7 == 0)
            run.fill(second, f"b{day}-{i}", BOOK, 1, price, 2.0)
            run.fill(second + 30, f"s{day}-{i}", BOOK, -1, price + (day % 5 - 2) * 5, 2.0)
        run.mark(day * DAY + 80_000, "ES", 1600.0 + day)
    return run


def sheet(run: TinyRun) -> tuple[Report, Parts]:
    report = compute(run.records(), "A sheet", Known(currency="USD"))
    return report, Parts(page(report))


def test_a_run_of_months_has_a_table_of_months_and_both_distributions() -> None:
    report, parts = sheet(months_of_trading())
    text = " ".join(parts.words)
    for words in (
        "Returns by month, in percent", "Year", "Sharpe ratio", "Worst drawdowns", "Costs by side", "Daily returns",
        "Closed trades by direction", "Profit and loss by symbol", "Mean beyond it",
    ):  # fmt: skip
        assert words in text, words
    assert report.performance is not None
    months = report.performance.months
    cells = [
        attributes["title"] for tag, attributes in parts.elements if tag == "td" and attributes.get("title")
    ]
    assert all(any(cell and cell.startswith(f"{row.period}: ") for cell in cells) for row in months)
    figures = json.loads(parts.scripts["figures"])
    assert sum(figures["spread-daily_return"]["data"][0]["y"]) == report.performance.metrics.days
    assert sum(figures["spread-trade_return"]["data"][0]["y"]) == report.performance.metrics.trades == 100
    assert figures["spread-trade_return"]["plain"] and "plain" not in figures["equity"]
    assert {"yaxis4", "yaxis5"} <= figures["equity"]["layout"].keys()


def test_a_run_of_hours_says_that_it_is_too_short() -> None:
    report, parts = sheet(months_of_trading(days=1, a_day=6))
    text = " ".join(parts.words)
    assert "1 trading day: too few to speak of a year or a distribution." in text
    assert "1 trading day: too few for yearly ratios" in text and "Returns by trading day" in text
    assert [spread.name for spread in report.distributions] == ["trade_return"]


def test_a_run_that_never_traded_has_no_costs_and_no_exposure() -> None:
    run = TinyRun()
    for day in range(4):
        run.mark(day * DAY + 60, "ES", 1600.0)
    _, parts = sheet(run)
    text = " ".join(parts.words)
    assert "nothing traded" in text and "never in the market" in text and "Costs by side" not in text
    assert not {"yaxis4", "yaxis5"} & json.loads(parts.scripts["figures"])["equity"]["layout"].keys()


def test_ten_thousand_fills_do_not_make_a_large_page() -> None:
    report, parts = sheet(months_of_trading(days=100, a_day=50))
    assert report.totals.fills == 10_000
    (chart,) = report.charts
    assert len(chart.executions) == EXECUTIONS and chart.executions_left_out == 10_000 - EXECUTIONS
    assert len(chart.position_ts_ns) <= POINTS + 2 and len(report.curve.ts_ns) <= POINTS + 2
    assert len(report.curve.cost_ts_ns) <= POINTS and MOST < POINTS
    assert report.curve.cost_fees_nanos[-1] == 20_000 * NANOS
    assert len(parts.scripts["figures"]) < 2_000_000
    assert "the newest 1,500 of" in " ".join(parts.words) or "the newest of 10,000" in " ".join(parts.words)


@given(st.lists(st.floats(-0.9, 5.0), min_size=5, max_size=300))
def test_every_value_is_counted_once_and_zero_is_an_edge(values: list[float]) -> None:
    spread = distribution("trade_return", np.array(values))
    assert sum(spread.counts) == spread.count == len(values)
    assert len(spread.edges) == len(spread.counts) + 1 <= 80
    widths = np.diff(spread.edges)
    assert widths == pytest.approx(widths[0])
    assert spread.edges[0] / widths[0] == pytest.approx(round(spread.edges[0] / widths[0]), abs=1e-6)
    assert list(spread.quantiles.values()) == sorted(spread.quantiles.values())


def test_the_sheet_opens_from_a_file_alone(tmp_path: Path) -> None:
    _, parts = sheet(months_of_trading(days=70))
    assert not [a for _, a in parts.elements if {"src", "href", "srcset"} & a.keys()]
