"""Are our trades those of others, one by one? A few lines of pandas, backtrader, nautilus_trader; real bars.

What differs by convention, and what was set so that it does not, stands in ``tests/benchmarks/peers/with_*.py``. Of
ours:

- orders take no time (the default for bars), so what is decided at a close is filled at the next open; what is
  decided at the last bar rests at the venue and is never filled, as with the peers;
- ``stop_atr=0`` names no stop, so a size is a share of equity at the decision, rounded down to whole lots;
- at most the traded volume of an interval is filled: participation is 1 and the sizes fit, so nothing is cut;
- fees are exact to 1e-9, rounded half up; those of the peers are doubles, or rounded to 1e-8 (nautilus_trader).
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.backtests import PLAIN, Ran, done
from tests.benchmarks.peers.datasets import CASES, DATASETS, DEMO, Case, digest, es_trades
from tests.benchmarks.peers.golden import FOLDER, PEERS
from tests.benchmarks.peers.job import Job, Trade
from tests.benchmarks.peers.with_pandas import trades_of

FEES = 1e-8


@cache
def golden(peer: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads((FOLDER / f"{peer}.json").read_text(encoding="utf-8"))
    return said


def ours(folder: Path, case: Case) -> Ran:
    """Backtest the case's file as a user would."""
    file, more = {
        "spy_daily": (DEMO / "spy_daily.csv", ("--timeframe", "1d")),
        "spy_1m": (DEMO / "spy_1m.csv", ("--timeframe", "1m", "--timezone", "America/New_York")),
        "aapl_daily": (DEMO / "us5_daily.csv.gz", ("--set", f'strategies.{case.strategy}.symbols=["AAPL"]')),
        "es_1m": (folder / "es.parquet", ES),
    }[case.dataset]
    if case.dataset == "es_1m":
        es_trades().to_parquet(file)
    params = [part for name, value in case.params.items() for part in ("--set", f"{name}={value:g}")]
    return done(
        folder / "run", [file], *PLAIN, *more, "--strategy", case.strategy, *params, "--set", "stop_atr=0",
        "--set", "sizing.fixed_fractional.notional_fraction=0.5", "--cash", f"{case.cash:g}", "--fees-bps", "1",
    )  # fmt: skip


ES = (
    "--timeframe", "1m", "--set", "instruments.ES.multiplier=1", "--set", "venue.latency=0s",
    "--set", "symbol_leg.mark_interval=1m",
)  # fmt: skip
"""From ticks: bars and marks are made here, the peers get pandas' minutes. Their instrument has no multiplier."""


def assert_equal(mine: list[Trade], theirs: list[Trade], who: str) -> None:
    """Times and units exactly, prices and fees to the digits that doubles keep."""
    assert len(mine) == len(theirs), who
    for number, (our, their) in enumerate(zip(mine, theirs, strict=True)):
        same = our[:2] == tuple(their[:2]) and abs(our[2] - their[2]) < 1e-9 and abs(our[3] - their[3]) < FEES
        assert same, f"trade {number} of {who}: ours {our}, theirs {their}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_trades_agree_one_by_one(case: Case, tmp_path: Path) -> None:
    bars = DATASETS[case.dataset]()
    run = ours(tmp_path, case)
    job = Job("", case.strategy, case.params, cash=case.cash)
    trades, equity = trades_of(job, bars)
    assert len(trades) > 20
    minute = 60_000_000_000
    mine = [(ts // minute * minute, *rest) for ts, *rest in run.trades]
    assert_equal(mine, trades, "pandas")
    assert float(run.summary["final_equity"]) == pytest.approx(equity, abs=1e-6)
    for peer in PEERS:
        said = golden(peer)["runs"][case.name]
        assert said["bars"] == digest(bars), (
            f"{peer}.json was made of other bars: make it again (its README says how)"
        )
        assert_equal(mine, said["trades"], peer)
        assert float(run.summary["final_equity"]) == pytest.approx(said["equity"], abs=1e-5)
