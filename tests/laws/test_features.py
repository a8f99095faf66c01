"""Do the laws of the design hold for every registered feature, and for all of them in one call?"""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.features import FEATURE_SET, FEATURES
from operators.features.feature import Vector
from operators.features.fold import Matrix, fold
from operators.features.fused import fold_features
from tests.golden.series import quotes
from tests.laws.bar_series import bar_series
from tests.laws.feature_oracles import ORACLES, oracle

LAYOUT = (FEATURE_SET.state_at, FEATURE_SET.params_at, FEATURE_SET.out_at)


def run(state: Vector, bars: Matrix) -> Matrix:
    """All features over `bars`, changing `state`."""
    out = np.empty((len(bars), FEATURE_SET.width))
    fold_features(state, FEATURE_SET.params, bars, out, *LAYOUT)
    return out


def same(a: np.ndarray, b: np.ndarray) -> bool:
    """Bit for bit, one NaN like another."""
    return np.array_equal(a, b, equal_nan=True)


def test_every_feature_has_an_oracle() -> None:
    """A new feature needs its definition in feature_oracles.py."""
    assert {type(feature) for feature in FEATURES.values()} <= set(ORACLES)


@pytest.mark.parametrize("name", FEATURES)
@given(bars=bar_series(least=60, most=200))
@settings(max_examples=40, deadline=None)
def test_oracle_at_every_prefix(name: str, bars: Matrix) -> None:
    """Law 4: on every bar equal to the definition in 100 digits, to 1e-12, and unknown where that is unknown."""
    expected, scale = oracle(FEATURES[name], bars)
    got = fold(FEATURES[name], bars)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
    known = ~np.isnan(expected)
    error = np.abs(got - expected)[known] / np.maximum(np.maximum(np.abs(expected), scale)[known], 1e-300)
    assert error.max(initial=0.0) <= 1e-12


@pytest.mark.parametrize("name", FEATURES)
def test_nominal_is_when_every_output_has_a_value(name: str) -> None:
    """On a real series without silent bars; tick counts are put in, as OHLCV has none."""
    bars = quotes("Default.csv")
    bars[:, 9] = 3.0
    known = ~np.isnan(fold(FEATURES[name], bars)).any(axis=1)
    assert int(np.argmax(known)) + 1 == FEATURES[name].nominal
    assert known[FEATURES[name].nominal - 1 :].all()
    assert FEATURES[name].warm >= FEATURES[name].nominal


@given(bars=bar_series())
@settings(max_examples=30, deadline=None)
def test_one_call_gives_what_each_feature_gives_alone(bars: Matrix) -> None:
    """The fused call is the registry, in its order."""
    alone = np.hstack([fold(feature, bars) for feature in FEATURES.values()])
    assert same(run(FEATURE_SET.init(), bars), alone)


@given(bars=bar_series(), cuts=st.lists(st.integers(0, 180), max_size=5))
@settings(max_examples=40, deadline=None)
def test_cut_prefix_and_resume(bars: Matrix, cuts: list[int]) -> None:
    """Laws 1-3: any cut, a pickled state at each of them, and no future: the same bits, outputs and state."""
    whole = FEATURE_SET.init()
    expected = run(whole, bars)
    state, rows = FEATURE_SET.init(), []
    for block in np.split(bars, sorted(min(cut, len(bars)) for cut in cuts)):
        state = pickle.loads(pickle.dumps(state))
        rows.append(run(state, block))
        seen = sum(map(len, rows))
        assert same(np.vstack(rows), expected[:seen])
    assert seen == len(bars)
    assert same(state, whole)


def test_state_is_bounded_over_a_million_bars() -> None:
    """Law 3: fixed size, finite, and small enough for a snapshot of 4 kB with the bars and the regime beside it."""
    state = FEATURE_SET.init()
    before = len(pickle.dumps(state))
    block = np.tile(quotes("Default.csv"), (100, 1))
    for _ in range(20):
        run(state, block)
    assert len(pickle.dumps(state)) == before < 2500
    assert np.isfinite(state).all()
