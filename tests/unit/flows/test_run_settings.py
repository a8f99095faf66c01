"""Does a log say with which settings it was derived, and refuse others?"""

from pathlib import Path

import pytest

from flows.config import ConfigError, Settings, load_settings
from flows.connectors.log import Log
from flows.run_settings import note_settings, recorded, recorded_settings
from flows.runtime import open_configured_log


def settings_with(*overrides: str) -> Settings:
    """The defaults, and some keys."""
    return load_settings(None, {}, list(overrides))[0]


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return open_configured_log(settings_with(f"log.url=sqlite:///{tmp_path}/titan.db"))


def test_a_log_without_a_run_says_nothing(log: Log) -> None:
    assert recorded(log) is None
    assert recorded_settings(log, settings_with()) is None


def test_settings_are_noted_once_and_come_back_equal(log: Log) -> None:
    ran = settings_with(
        "strategies.sma_crossover.params.fast=7",
        "venue.slippage=volatility",
        "risk.order_rate.max_per_minute=9",
        "instruments.NEW.tick_size=0.01",
        "instruments.NEW.lot_size=1",
        "account.orders.order_type=LIMIT",
    )
    note_settings(log, ran)
    note_settings(log, ran)
    assert log.span("run_settings", 0) == (0, 1)
    found = recorded_settings(log, settings_with("run.poll_records=7", "venue.taker_bps=9"))
    assert found is not None
    assert found.run.poll_records == 7
    assert (found.strategies, found.venue, found.risk) == (ran.strategies, ran.venue, ran.risk)
    assert (found.instruments, found.account, found.sizing) == (ran.instruments, ran.account, ran.sizing)
    note_settings(log, found)
    assert log.span("run_settings", 0) == (0, 1)


def test_what_no_record_depends_on_may_change(log: Log) -> None:
    note_settings(log, settings_with())
    note_settings(log, settings_with("run.poll_records=7", "gateway.speed=0"))


def test_other_settings_are_refused_and_named(log: Log) -> None:
    note_settings(log, settings_with())
    with pytest.raises(ConfigError, match=r"strategies.sma_crossover.params.fast was 20, is 10") as error:
        note_settings(log, settings_with("strategies.sma_crossover.params.fast=10"))
    assert "titan replay --what-if" in str(error.value)


def test_every_account_has_its_own(log: Log) -> None:
    note_settings(log, settings_with())
    note_settings(log, settings_with("account.id=other", "account.cash=5"))
    assert recorded_settings(log, settings_with(), "other").account.cash == "5"  # type: ignore[union-attr]
    with pytest.raises(ConfigError, match="accounts other, paper"):
        recorded_settings(log, settings_with())
