"""Does the set lay its features out without overlap, name itself, and refuse what it cannot hold?"""

import pickle

import msgspec
import numpy as np
import pytest

from operators.features import FEATURE_SET, FEATURES, SLOTS, FeatureSet, feature_columns
from operators.features.bollinger import Bollinger
from operators.features.feature import Feature
from operators.features.macd import Macd
from operators.features.sma import Sma


def test_layout() -> None:
    """Slices follow one another, columns are in registry order, idle slots are empty."""
    assert feature_columns() == tuple(name for feature in FEATURES.values() for name in feature.outputs)
    assert len(set(feature_columns())) == FEATURE_SET.width == FEATURE_SET.out_at[-1]
    assert FEATURE_SET.state_size == sum(feature.state_size for feature in FEATURES.values())
    for offsets in (FEATURE_SET.state_at, FEATURE_SET.params_at, FEATURE_SET.out_at):
        assert len(offsets) == SLOTS + 1
        assert (np.diff(offsets) >= 0).all()
        assert (offsets[len(FEATURES) :] == offsets[-1]).all()


@pytest.mark.parametrize("name", FEATURES)
def test_declared_sizes_are_the_real_ones(name: str) -> None:
    """State and names are what the feature says, and the name appears in the registry only once."""
    feature = FEATURES[name]
    assert len(feature.init()) == feature.state_size
    assert feature.init().dtype == feature.params().dtype == np.float64
    assert len(set(feature.outputs)) == len(feature.outputs) > 0
    assert pickle.loads(pickle.dumps(feature)) == feature


def test_state_fits_a_snapshot() -> None:
    """The regime and the bars need the rest of the 4 kB."""
    assert FEATURE_SET.state_size * 8 < 2500


def test_hash_names_parameters_order_and_version() -> None:
    """Same set, same hash; any change, another."""
    base: dict[str, Feature] = {"a": Sma(window=20), "b": Sma(window=50)}
    others: list[dict[str, Feature]] = [
        {"a": Sma(window=21), "b": Sma(window=50)},
        {"b": Sma(window=50), "a": Sma(window=20)},
        {"c": Sma(window=20), "b": Sma(window=50)},
        {"a": Sma(window=20)},
    ]
    hashes = {FeatureSet.of(features).feature_set_hash for features in (base, dict(base), *others)}
    assert len(hashes) == 1 + len(others)
    assert len(FEATURE_SET.feature_set_hash) == 16


def test_hash_changes_with_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel whose numbers change says so."""
    before = FeatureSet.of({"a": Sma()}).feature_set_hash
    monkeypatch.setattr(Sma, "VERSION", 2)
    assert FeatureSet.of({"a": Sma()}).feature_set_hash != before


def test_warm_bars_by_column_or_feature() -> None:
    """The slowest of those named; by output column or by registry name."""
    assert FEATURE_SET.warm_bars([]) == 0
    assert FEATURE_SET.warm_bars(["sma_20", "macd_12_26_9"]) == 96
    assert FEATURE_SET.warm_bars(["macd_signal_12_26_9"]) == FEATURES["macd_12_26_9"].warm
    assert FEATURE_SET.warm_bars(["vwap_distance", "adx_14"]) == FEATURES["adx_14"].warm == 154
    assert FEATURE_SET.warm_bars(["rsi_14"]) == FEATURES["rsi_14"].warm == 112
    for name in feature_columns():
        owner = next(feature for feature in FEATURES.values() if name in feature.outputs)
        assert FEATURE_SET.warm_bars([name]) == owner.warm


def test_unknown_column_suggests_the_nearest() -> None:
    """A typing error costs no search."""
    with pytest.raises(ValueError, match=r"no feature column 'rsi_41': did you mean rsi_14"):
        FEATURE_SET.warm_bars(["rsi_41"])
    with pytest.raises(ValueError, match="known are: log_return"):
        FEATURE_SET.column("zzz")


def test_too_many_features_is_a_clear_error() -> None:
    """One more than the fused kernel has lines."""
    many: dict[str, Feature] = {f"sma_{n}": Sma(window=n) for n in range(2, SLOTS + 3)}
    with pytest.raises(ValueError, match=f"{SLOTS + 1} features for {SLOTS} slots: raise SLOTS"):
        FeatureSet.of(many)


def test_two_features_with_one_column_is_a_clear_error() -> None:
    """The same indicator under two names."""
    with pytest.raises(ValueError, match="two features write the column sma_20"):
        FeatureSet.of({"a": Sma(window=20), "b": Sma(window=20)})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Sma(window=1), "window is 1; it must be at least 2"),
        (lambda: Macd(fast=26, slow=12), "slow is 12; it must be at least 27"),
        (lambda: Bollinger(width=0.0), "width is 0.0; it must be at least 0.01"),
    ],
)
def test_impossible_parameters_are_refused(make: object, message: str) -> None:
    """At construction, with the value."""
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]


def test_parameters_are_frozen() -> None:
    """The object holds parameters only."""
    with pytest.raises(AttributeError):
        Sma().window = 3  # type: ignore[misc]
    assert msgspec.structs.replace(Sma(), window=3) == Sma(window=3)
