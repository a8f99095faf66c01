"""Does a sweep say of every set what its own backtest says, on one core and on several?"""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from flows import stop
from flows.backtest import backtest
from flows.backtest_settings import Asked, backtest_settings
from flows.config import ConfigError, Settings
from flows.connectors.history import SessionHistory
from flows.connectors.recorded import RecordedSettings, open_sources
from flows.sweep import SweepSummary, sets_of, sweep, sweeps_of, values_of
from operators.strategies import STRATEGIES, BarRows, Intent

DATA = Path(__file__).parents[2] / "infra/demo"
RISK = "sizing.fixed_fractional.risk_fraction"
KINDS = {"sma_crossover": "sma_crossover", "rsi_reversion": "rsi_reversion"}


def history(name: str) -> SessionHistory:
    return SessionHistory(open_sources([str(DATA / name)], RecordedSettings()))


def settings_of(asked: Asked, interval_ns: int, one: dict[str, str]) -> Settings:
    more = tuple(f"{key}={value}" for key, value in one.items())
    sets = (*asked.sets, *more)
    return backtest_settings(None, {}, Asked(asked.strategies, sets, asked.timeframe), interval_ns)


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize(
    ("name", "asked", "swept"),
    [
        (
            "us5_daily.csv.gz",
            Asked(("sma_crossover",)),
            ["fast=3,10", "slow=20..40/20", "venue.taker_bps=0,5"],
        ),
        (
            "es_trades.parquet",
            Asked(timeframe="1m"),
            ["window=7..21/7", f"{RISK}=0.005,0.02"],
        ),
    ],
    ids=["bars", "trades"],
)
def test_every_set_says_what_its_own_backtest_says(
    name: str, asked: Asked, swept: list[str], processes: int
) -> None:
    data = history(name)
    kinds = {one: one for one in asked.strategies} or KINDS
    sets = [(one, settings_of(asked, data.interval_ns, one)) for one in sets_of(sweeps_of(swept, kinds))]
    found = sweep(data, sets, "total_return", processes, lambda _: None)
    assert len(found.sets) == len(sets) > 3
    assert found.processes == processes
    assert [row.metrics.total_return for row in found.sets] == sorted(
        (row.metrics.total_return for row in found.sets), reverse=True
    )
    for row in found.sets[:: len(found.sets) // 3]:
        single = backtest(
            settings_of(asked, data.interval_ns, row.parameters), history(name), None, lambda *_: None
        )
        assert single.fills > 0
        for field in ("final_equity", "final_cash", "signals", "orders", "fills", "metrics"):
            assert getattr(row, field) == getattr(single, field), field


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("5..", "write KEY="),
        ("9..5", "write KEY="),
        ("1..9/0", "write KEY="),
        ("", "write KEY="),
        ("0..1/0.000001", "more than"),
        ("0..1e999999/1e-999999", "write KEY="),
        ("nan..nan", "write KEY="),
    ],
)
def test_ranges_that_are_none(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        values_of(text)


def test_a_key_is_swept_once() -> None:
    with pytest.raises(ConfigError, match="slow=7: strategies.sma_crossover.params.slow is swept already"):
        sweeps_of(["slow=5,6", "slow=7"], KINDS)


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_equals_stand_in_the_order_of_their_values(processes: int) -> None:
    data = history("us5_daily.csv.gz")
    values = sets_of({"risk.daily_drawdown.max_loss": [f"{n / 100}" for n in range(90, 97)]})
    asked = Asked(("sma_crossover",))
    sets = [(one, settings_of(asked, data.interval_ns, one)) for one in values]
    found = sweep(data, sets, "total_return", processes, lambda _: None)
    assert len({row.metrics.total_return for row in found.sets}) == 1
    assert [row.parameters for row in found.sets] == values


class Fragile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Goes long and flat in turn; with ``after`` bars of a symbol it divides by nothing."""

    after: int = 0

    def init(self) -> list[int]:
        return [0]

    def step(self, state: list[int], rows: BarRows) -> list[Intent]:
        state[0] += len(rows.bars)
        if 0 < self.after <= state[0]:
            return [Intent(1 // 0, "LONG", 1.0, 0.5, 0.0, "", {})]
        return [
            Intent(row, "LONG" if seen % 40 < 20 else "FLAT", 1.0, 0.5, 5.0, "turn", {})
            for row, seen in enumerate(rows.seen.tolist())
            if seen % 20 == 0
        ]


@pytest.mark.parametrize("processes", [1, 2])
def test_a_strategy_that_raises_ends_its_own_set_alone(
    processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its row says what its own backtest says: the fault, and what was done before it."""
    monkeypatch.setitem(STRATEGIES, "fragile", Fragile)
    name, asked = "es_trades.parquet", Asked(("fragile",), timeframe="1m")
    data = history(name)
    sets = [
        (one, settings_of(asked, data.interval_ns, one))
        for one in sets_of(sweeps_of(["after=0,600,900"], {"fragile": "fragile"}))
    ]
    found = sweep(data, sets, "total_return", processes, lambda _: None)
    assert [row.parameters["strategies.fragile.params.after"] for row in found.sets] == ["0", "600", "900"]
    assert [bool(row.fault) for row in found.sets] == [False, True, True]
    for row in found.sets:
        single = backtest(
            settings_of(asked, data.interval_ns, row.parameters), history(name), None, lambda *_: None
        )
        assert single.fills > 0
        for field in ("fault", "final_equity", "signals", "orders", "fills", "metrics"):
            assert getattr(row, field) == getattr(single, field), field


@pytest.fixture
def asked_to_stop() -> Iterator[None]:
    """Forget with the test that someone asked to stop."""
    stop.install()
    yield
    stop.install()


@pytest.mark.usefixtures("asked_to_stop")
def test_one_that_is_stopped_has_the_sets_that_came_to_their_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.sweep._AT_ONCE", 2)
    data, asked = history("us5_daily.csv.gz"), Asked(("sma_crossover",))
    sets = [
        (one, settings_of(asked, data.interval_ns, one))
        for one in sets_of(sweeps_of(["fast=3..7"], {"sma_crossover": "sma_crossover"}))
    ]
    whole = sweep(data, sets, "total_return", 1, lambda _: None)

    def stop_in_the_second_pass(bars: int) -> None:
        if bars > whole.bars * 1.5:
            stop.ask()

    part = sweep(data, sets, "total_return", 1, stop_in_the_second_pass)
    assert part.stopped and not whole.stopped
    assert len(part.sets) == 2 and all(row in whole.sets for row in part.sets)
    nothing = sweep(data, sets, "total_return", 2, lambda _: None)
    assert nothing.stopped and nothing.sets == []


def test_what_changes_the_bars_cannot_be_swept() -> None:
    with pytest.raises(ConfigError, match="symbol_leg.mark_interval: it changes the bars"):
        sets_of({"symbol_leg.mark_interval": ["1s", "2s"]})
    with pytest.raises(ConfigError, match="sets, and at most"):
        sets_of({"risk.a": ["1"] * 1000, "risk.b": ["1"] * 1000})


def test_a_metric_that_is_none() -> None:
    with pytest.raises(ConfigError, match="no such metric; there are .*sharpe_ratio"):
        sweep(history("us5_daily.csv.gz"), [], "luck", 1, lambda _: None)


def test_an_empty_sweep_is_empty() -> None:
    found: SweepSummary = sweep(history("us5_daily.csv.gz"), [], "total_return", 2, lambda _: None)
    assert found.sets == []
