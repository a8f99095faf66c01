"""Which value wins, where it came from, and what an unusable one says."""

from pathlib import Path

import pytest

from flows.config import BadValue, ConfigError, ConfigUnreadable, Settings, UnknownKey, load_settings
from flows.config.sources import Given, Origin, Text

FAST = "strategies.sma_crossover.params.fast"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "titan.toml"
    path.write_text(
        """
        [log]
        url = "sqlite:///from-file.db"
        [log.kafka]
        "sasl.username" = "me"
        sasl.mechanism = "PLAIN"
        [strategies.sma_crossover.params]
        fast = 11
        [strategies.quick]
        kind = "sma_crossover"
        params = { fast = 3, slow = 9 }
        [instruments."BRK.B"]
        tick_size = "0.01"
        lot_size = "1"
        """,
        encoding="utf-8",
    )
    return path


def test_without_sources_every_key_is_a_default() -> None:
    settings, provenance = load_settings()
    assert settings.log.url == "sqlite:///data/titan.db"
    assert settings.strategies["sma_crossover"].params["fast"] == 20
    assert {origin.layer for origin in provenance.values()} == {"default"}
    assert FAST in provenance


def test_each_source_beats_the_one_before(file: Path) -> None:
    environ = {"TITAN__STRATEGIES__SMA_CROSSOVER__PARAMS__FAST": "12"}
    for given, value, layer in (
        (load_settings(file), 11, "file"),
        (load_settings(file, environ), 12, "environment"),
        (load_settings(file, environ, [f"{FAST}=13"]), 13, "flag"),
        (load_settings(file, environ, [f"{FAST}=13", f"{FAST}=14"]), 14, "flag"),
    ):
        settings, provenance = given
        assert settings.strategies["sma_crossover"].params["fast"] == value
        assert provenance[FAST].layer == layer


def test_a_file_sets_dotted_names_new_strategies_and_instruments(file: Path) -> None:
    settings, provenance = load_settings(file)
    assert settings.log.kafka == {"sasl.username": "me", "sasl.mechanism": "PLAIN"}
    assert settings.strategies["quick"].params == {"fast": 3, "slow": 9, "allow_short": True, "stop_atr": 3.0}
    assert settings.instruments["BRK.B"].tick_size == "0.01"
    assert provenance['instruments."BRK.B".tick_size'].where == str(file)


def test_the_file_is_found_by_variable_and_in_the_working_folder(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings(None, {"TITAN_CONFIG": str(file)})[0].log.url == "sqlite:///from-file.db"
    monkeypatch.chdir(tmp_path)
    assert load_settings()[0].log.url == "sqlite:///from-file.db"


def test_the_alias_counts_less_than_the_full_variable() -> None:
    alias = {"TITAN_LOG": "sqlite:///alias.db"}
    assert load_settings(None, alias)[1]["log.url"] == Origin("environment", "TITAN_LOG")
    both = alias | {"TITAN__LOG__URL": "sqlite:///full.db"}
    assert load_settings(None, both)[0].log.url == "sqlite:///full.db"


def test_environment_names_reach_symbols_and_dotted_kafka_keys() -> None:
    environ = {
        "TITAN__INSTRUMENTS__ES__TICK_SIZE": "0.5",
        "TITAN__LOG__KAFKA__SECURITY__PROTOCOL": "SASL_SSL",
    }
    settings, _ = load_settings(None, environ)
    assert settings.instruments["ES"].tick_size == "0.5"
    assert settings.log.kafka == {"security.protocol": "SASL_SSL"}


@pytest.mark.parametrize(
    ("override", "section", "field", "value"),
    [
        ("account.cash=250000", "account", "cash", "250000"),
        ("account.cash='0.50'", "account", "cash", "0.50"),
        ("gateway.files=a.parquet, b.parquet", "gateway", "files", ["a.parquet", "b.parquet"]),
        ('gateway.files=["a,b.parquet"]', "gateway", "files", ["a,b.parquet"]),
        ("gateway.kind=none", "gateway", "kind", "none"),
        ("venue.participation=1", "venue", "participation", 1.0),
        ("symbol_leg.timeframes=1m,1h", "symbol_leg", "timeframes", ["1m", "1h"]),
    ],
)
def test_flags_are_read_as_the_type_of_their_key(
    override: str, section: str, field: str, value: object
) -> None:
    settings, _ = load_settings(overrides=[override])
    assert getattr(getattr(settings, section), field) == value


def test_an_option_with_a_name_of_its_own_is_named_as_the_source() -> None:
    given = Given(("log", "url"), Text("sqlite:///x.db"), Origin("flag", "--log"))
    assert load_settings(overrides=[given])[1]["log.url"].where == "--log"


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("gatway.kind=none", "did you mean gateway"),
        ("gateway.kindd=none", "did you mean gateway.kind?"),
        ("cash=1", "did you mean account.cash?"),
        ("strategies.sma_crossover.params.fats=3", "did you mean strategies.sma_crossover.params.fast?"),
        ("strategies.sma_crosover.params.fast=3", "did you mean strategies.sma_crossover?"),
        ("strategies.mine.kind=rsi_revertion", "did you mean rsi_reversion?"),
        ("gateway.speed.fast=3", "gateway.speed is a value, not a section"),
        ("risk.order_rate.per_minute=3", "risk.order_rate.max_per_minute"),
        ("nonsense", "write KEY=VALUE"),
        ("a b=3", "write KEY=VALUE"),
    ],
)
def test_an_unknown_key_names_its_source_and_the_nearest(override: str, says: str) -> None:
    with pytest.raises(UnknownKey) as error:
        load_settings(overrides=[override])
    assert says in str(error.value)
    assert "--set" in str(error.value)


@pytest.mark.parametrize(
    ("override", "says"),
    [
        (
            "venue.participation=2",
            "venue.participation = 2 (from --set venue.participation): write a number above 0 and at most 1",
        ),
        ("venue.participation=nan", "write a number"),
        ("venue.taker_bps=inf", "write a number at least 0"),
        ("gateway.kind=live", "one of 'recorded', 'synthetic', 'none'"),
        ("gateway.max_rows=many", "a whole number at least 1"),
        ("gateway.cut=5 minutes", "such as '250ms', '1m' or '1d'"),
        ("gateway.cut=0s", "above zero"),
        ("account.cash=1e6", "an exact decimal"),
        ("account.cash=-1", "an exact decimal"),
        ("log.url=postgres://x", "sqlite:///relative.db"),
        ("log.url=sqlite://host/x.db", "has two slashes"),
        ("log.timeout_s=-1", "must be above 0"),
        ("gateway=3", "this is a section"),
        ("gateway.timezone=Mars/Base", "no such time zone"),
        ("strategies.sma_crossover.timeframe=2m", "symbol_leg.timeframes"),
        ("strategies.sma_crossover.params.fast=60", "fast is 60 and slow is 50"),
        ("strategies.sma_crossover.params.fast=quick", "a whole number"),
        ("sizing.kind=kelly", "one of fixed_fractional"),
        ("sizing.fixed_fractional.risk_fraction=0", "must be a positive number"),
        ("risk.order_rate.max_per_minute=0", "must be at least 1"),
        ("instruments.NEW.tick_size=0.01", "it lacks lot_size"),
        ("instruments.ES.tick_size=0.0000000015", "an exact decimal"),
        ("symbol_leg.regime.leave_high=0.9", "choose 0.5 <= leave_high"),
    ],
)
def test_a_bad_value_says_what_is_allowed(override: str, says: str) -> None:
    with pytest.raises(BadValue) as error:
        load_settings(overrides=[override])
    assert says in str(error.value)


def test_a_secret_never_stands_in_a_message() -> None:
    with pytest.raises(ConfigError) as error:
        load_settings(environ={"TITAN__LOG__KAFKA": '{"sasl.password" = [1, 2, 31415]}'})
    assert "31415" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"[log\nurl = 1", "line 1"),
        (b"a = \xff", "not UTF-8"),
        (b"[log]\nurll = 'x'", "did you mean log.url?"),
        (b"[log]\ncreate = 'yes'", "write true or false"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "broken.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as error:
        load_settings(path)
    assert says in str(error.value)
    assert "broken.toml" in str(error.value)


def test_a_named_file_that_is_missing_or_a_folder_is_an_error(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(ConfigUnreadable, match="cannot read the configuration file"):
            load_settings(path)


def test_every_leaf_has_a_provenance_and_every_key_can_be_set_to_what_it_is() -> None:
    from flows.config.keys import dotted, leaves

    settings, provenance = load_settings()
    keys = {dotted(path): value for path, value in leaves(settings)}
    assert set(keys) == set(provenance)
    overrides = [f"{key}={_toml(value)}" for key, value in keys.items() if key != "registry.password"]
    assert load_settings(overrides=overrides)[0] == settings


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(f'"{part}"' for part in value) + "]"
    return str(value)


def test_the_tree_is_frozen() -> None:
    with pytest.raises(AttributeError):
        Settings().log.url = "sqlite:///other.db"  # type: ignore[misc]
