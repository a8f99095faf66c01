"""A run is repeated with what its log says; today's configuration adds nothing that nobody asked for."""

from pathlib import Path

import pytest

from flows.config import ConfigError, load_settings
from flows.connectors.log import Log
from flows.replay_settings import changes, replay_settings
from flows.run_settings import note_settings
from tests.integration.log_contents import made

TODAY = """
[venue]
taker_bps = 9
[strategies.other]
kind = "sma_crossover"
[instruments.NEW]
tick_size = "1"
lot_size = "1"
"""


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """The log of a run with fast = 15, and another configuration of today."""
    (tmp_path / "titan.toml").write_text(TODAY, encoding="utf-8")
    log = made(f"sqlite:///{tmp_path}/titan.db")
    settings, _ = load_settings(None, {}, ["strategies.sma_crossover.params.fast=15", "account.cash=70000"])
    note_settings(log, settings)
    return log


def of(log: Log, tmp_path: Path, *sets: str) -> dict[str, tuple[object, object]]:
    found = replay_settings(log, str(tmp_path / "titan.toml"), {}, sets)
    assert found.run.strategies["sma_crossover"].params["fast"] == 15 and found.run.account.cash == "70000"
    assert found.run.venue.taker_bps == 1.0 and "other" not in found.run.strategies and not found.notes
    return {change.key: (change.before, change.after) for change in changes(found.run, found.asked)}


def test_only_what_is_asked_for_is_otherwise(log: Log, tmp_path: Path) -> None:
    assert of(log, tmp_path) == {}
    assert of(log, tmp_path, "fast=30") == {"strategies.sma_crossover.params.fast": (15, 30)}
    assert of(log, tmp_path, "venue.taker_bps=9") == {"venue.taker_bps": (1.0, 9.0)}
    assert of(log, tmp_path, "gateway.speed=3") == {}
    assert set(of(log, tmp_path, "strategies.other.enabled=true")) >= {"strategies.other.enabled"}
    off = of(log, tmp_path, "strategies.rsi_reversion.enabled=false")
    assert off == {"strategies.rsi_reversion.enabled": (True, False)}
    instrument = of(log, tmp_path, "instruments.NEW.fee_bps=1")
    assert set(instrument) >= {"instruments.NEW.fee_bps", "instruments.NEW.tick_size"}


def test_a_log_that_keeps_no_settings(tmp_path: Path) -> None:
    log = made(f"sqlite:///{tmp_path}/titan.db")
    (tmp_path / "titan.toml").write_text(TODAY, encoding="utf-8")
    found = replay_settings(log, str(tmp_path / "titan.toml"), {})
    assert found.run.venue.taker_bps == 9.0 and "today's configuration" in " ".join(
        (found.source, *found.notes)
    )
    with pytest.raises(ConfigError, match="account nobody"):
        replay_settings(log, None, {}, (), "nobody")


def test_what_is_not_allowed_is_refused(log: Log, tmp_path: Path) -> None:
    for wrong in ("fst=3", "venue.taker_bps=-1", "venue.tker_bps=1", "low=1=2"):
        with pytest.raises(ConfigError):
            of(log, tmp_path, wrong)
