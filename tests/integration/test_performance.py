"""Does the performance of a real run agree with bars and fills alone, put together with pandas, and with empyrical?"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import empyrical
import msgspec
import pandas as pd
import pytest

from flows.connectors.log import open_log
from operators.instruments import NANOS
from tests.architecture.source_files import ROOT
from ui.report.records import RunRecords, read_run

DAY_NS = 86_400 * NANOS
CASH = 100_000


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirteen years of five stocks, day by day, with fees and slippage, kept as a run."""
    out = tmp_path_factory.mktemp("run")
    titan(out, "backtest", "--input", str(ROOT / "infra/demo/us5_daily.csv.gz"), "--strategy", "sma_crossover",
          "--timeframe", "1d", "--fees-bps", "1.5", "--out", str(out))  # fmt: skip
    return out


@pytest.fixture(scope="module")
def records(run: Path) -> RunRecords:
    with open_log(f"sqlite:///{run}/titan.db") as log:
        return read_run(log, "paper")


@pytest.fixture(scope="module")
def said(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(titan(run, "report", "--log", str(run), "--json"))
    return found


def titan(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "ui.cli", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, timeout=300)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def by_hand(records: RunRecords) -> "pd.Series[float]":
    """Equity at every day's end: cash less what was paid, plus positions at the day's closes."""
    fills = pd.DataFrame(
        [
            (r.ts_event_ns // DAY_NS, r.symbol, (1 if r.side == "BUY" else -1) * r.last_quantity_nanos / NANOS,
             r.last_price_nanos / NANOS, r.fee_nanos / NANOS)
            for r in records.reports if r.last_quantity_nanos
        ],
        columns=["day", "symbol", "quantity", "price", "fee"],
    )  # fmt: skip
    closes = pd.DataFrame(
        {
            symbol: pd.Series(bars.prices[:, 3], (bars.close_ns - 1) // DAY_NS)
            for (symbol, _), bars in records.bars.items()
        }
    ).ffill()
    paid = (fills.quantity * fills.price + fills.fee).groupby(fills.day).sum()
    cash = CASH - paid.reindex(closes.index).fillna(0.0).cumsum()
    held = fills.pivot_table(index="day", columns="symbol", values="quantity", aggfunc="sum")
    held = held.reindex(index=closes.index, columns=closes.columns).fillna(0.0).cumsum()
    return cash + (held * closes.fillna(0.0)).sum(axis=1)


def test_equity_at_day_ends_follows_from_bars_and_fills(records: RunRecords, said: dict[str, Any]) -> None:
    ours = pd.Series({row["date"]: row["equity_nanos"] / NANOS for row in said["performance"]["daily"]})
    theirs = by_hand(records)
    theirs.index = pd.to_datetime(theirs.index, unit="D").strftime("%Y-%m-%d")
    assert len(ours) > 3000 and len(theirs) - len(ours) <= 1  # the last day has no update after it
    assert ours.to_numpy() == pytest.approx(theirs[ours.index].to_numpy(), rel=1e-12)


def test_the_ratios_are_those_of_empyrical_over_the_same_days(said: dict[str, Any]) -> None:
    daily, metrics = said["performance"]["daily"], said["performance"]["metrics"]
    returns = pd.Series([row["return"] for row in daily], pd.to_datetime([row["date"] for row in daily]))
    for name in (
        "sharpe_ratio", "sortino_ratio", "calmar_ratio", "omega_ratio", "max_drawdown", "annual_volatility", "cagr",
        "downside_risk", "tail_ratio", "value_at_risk", "conditional_value_at_risk",
    ):  # fmt: skip
        assert metrics[name] == pytest.approx(getattr(empyrical, name)(returns), rel=1e-12), name
    months = empyrical.aggregate_returns(returns, "monthly")
    assert [row["return"] for row in said["performance"]["months"]] == pytest.approx(
        months.tolist(), abs=1e-12
    )
    years = empyrical.aggregate_returns(returns, "yearly")
    assert [row["return"] for row in said["performance"]["years"]] == pytest.approx(years.tolist(), abs=1e-12)


def test_costs_are_those_of_the_fills(records: RunRecords, said: dict[str, Any]) -> None:
    fills = [report for report in records.reports if report.last_quantity_nanos]
    metrics = said["performance"]["metrics"]
    assert metrics["fills"] == len(fills) and metrics["orders"] == len(records.orders)
    assert metrics["fees_nanos"] == sum(fill.fee_nanos for fill in fills)
    assert metrics["fees_bps"] == pytest.approx(1.5, abs=1e-3)
    slipped = sum(
        (1 if fill.side == "BUY" else -1)
        * (fill.last_price_nanos - fill.reference_price_nanos)
        * fill.last_quantity_nanos / NANOS
        for fill in fills
    )  # fmt: skip
    assert metrics["slippage_nanos"] == pytest.approx(slipped, rel=1e-9)
    assert metrics["turnover_nanos"] == sum(
        fill.last_price_nanos * fill.last_quantity_nanos // NANOS for fill in fills
    )
    assert said["reconciliation"]["holds"]
