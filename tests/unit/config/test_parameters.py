"""Settings become the parameter objects of the operators, whatever stands in their registries."""

import pytest

from flows.config import load_settings, ns, recovery_dir, text
from flows.config.parameters import instrument_table, nanos, rules, simulated_venue, sizer, symbol_parameters
from flows.secrets import masked
from operators.rules import RULES
from operators.sizing import SIZERS
from operators.slippage import SLIPPAGE


def test_every_rule_sizer_and_slippage_model_of_the_registries_can_be_set() -> None:
    settings, _ = load_settings()
    assert list(rules(settings)) == list(RULES)
    for kind, cls in SIZERS.items():
        assert type(sizer(load_settings(overrides=[f"sizing.kind={kind}"])[0])) is cls
    for kind, cls in SLIPPAGE.items():
        assert type(simulated_venue(load_settings(overrides=[f"venue.slippage={kind}"])[0]).slippage) is cls


def test_parameters_carry_what_was_set() -> None:
    settings, _ = load_settings(
        overrides=[
            "venue.latency=7ms",
            "venue.slippage=volatility",
            "venue.slippage_models.volatility.k=0.25",
            "risk.position_limit.max_fraction=0.5",
            "symbol_leg.bad_print_pct=5",
            "strategies.rsi_reversion.enabled=false",
            "strategies.sma_crossover.params.fast=10",
        ]
    )
    venue, leg = simulated_venue(settings), symbol_parameters(settings)
    assert (venue.latency_ns, venue.slippage.k) == (7_000_000, 0.25)  # type: ignore[attr-defined]
    assert rules(settings)["position_limit"].max_fraction == 0.5  # type: ignore[attr-defined]
    assert leg.bad_print_fraction == 0.05
    assert [(one.name, one.strategy.fast) for one in leg.strategies] == [("sma_crossover", 10)]


def test_a_configured_instrument_stands_before_the_table_and_keeps_what_is_not_set() -> None:
    settings, _ = load_settings(
        overrides=[
            "instruments.ES.multiplier=5",
            "instruments.NEW.tick_size=0.05",
            "instruments.NEW.lot_size=0.1",
        ]
    )
    table = instrument_table(settings)
    assert (table.lookup("ES").multiplier, table.lookup("ES").tick_size_nanos) == (5, 250_000_000)
    assert (table.lookup("NEW").lot_size_nanos, table.lookup("NEW").venue) == (100_000_000, "SIM")
    assert table.lookup("BTCUSDT").currency == "USDT"


@pytest.mark.parametrize(
    ("duration", "length_ns"),
    [
        ("1ns", 1),
        ("250ms", 250_000_000),
        ("1.5s", 1_500_000_000),
        ("5m", 300_000_000_000),
        ("1d", 86_400_000_000_000),
    ],
)
def test_durations_are_exact(duration: str, length_ns: int) -> None:
    assert ns(duration) == length_ns
    assert ns(text(length_ns)) == length_ns


@pytest.mark.parametrize("duration", ["", "1", "s", "-1s", "1 s", "1e3s", "1w", "١s"])
def test_what_is_no_duration_is_refused(duration: str) -> None:
    with pytest.raises(ValueError, match="a duration"):
        ns(duration)


def test_money_is_exact() -> None:
    assert nanos("0.1") == 100_000_000
    assert nanos("123456789.123456789") == 123_456_789_123_456_789


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("sqlite:///data/titan.db", "data/recovery/titan"),
        ("sqlite:////var/x/log.db", "/var/x/recovery/log"),
        ("kafka://host:9092,other:9092", "data/recovery/host_9092_other_9092"),
    ],
)
def test_each_log_has_a_recovery_folder_of_its_own(url: str, folder: str) -> None:
    assert str(recovery_dir(load_settings(overrides=[f"log.url={url}"])[0])) == folder
    assert str(recovery_dir(load_settings(overrides=["run.recovery_dir=/tmp/r"])[0])) == "/tmp/r"


@pytest.mark.parametrize(
    "key",
    ["sasl.password", "sasl.jaas.config", "ssl.key.pem", "sasl.pasword", "api_secret", "basic.auth.token"],
)
def test_secrets_are_masked(key: str) -> None:
    assert "hunter2" not in masked(("log", "kafka", key), "hunter2")
