"""Does the volatility regime rank rightly, hold still, and resume?"""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.features import FEATURES
from operators.features.feature import Vector
from operators.features.fold import Matrix, fold
from operators.regime import HIGH, LOW, NORMAL, OUTPUTS, REGIMES, UNKNOWN, VolatilityBuckets, bucket, step
from tests.golden.series import quotes

VOLATILITIES = st.lists(st.floats(1e-9, 10.0), min_size=1, max_size=80)


def run(buckets: VolatilityBuckets, state: Vector, volatilities: list[float] | Vector) -> Matrix:
    """Outputs (n, 5) over a series, changing `state`."""
    out = np.empty((len(volatilities), len(OUTPUTS)))
    for volatility, row in zip(volatilities, out, strict=True):
        step(state, buckets.params(), volatility, row)
    return out


def fresh(buckets: VolatilityBuckets, volatilities: list[float] | Vector) -> Matrix:
    """Outputs of a new state."""
    return run(buckets, buckets.init(), volatilities)


@given(VOLATILITIES)
@settings(max_examples=60, deadline=None)
def test_oracle(volatilities: list[float]) -> None:
    """Rank, code and memberships by their definition, at every prefix."""
    buckets, code = VolatilityBuckets(window=10), NORMAL
    for i, row in enumerate(fresh(buckets, volatilities)):
        if i < 10:
            assert row[0] == UNKNOWN
            assert np.isnan(row[1:]).all()
            continue
        tenths = sum(v < volatilities[i] for v in volatilities[i - 10 : i])
        stays_high, stays_low = code == HIGH and tenths >= 7, code == LOW and tenths <= 3
        code = HIGH if tenths >= 8 or stays_high else LOW if tenths <= 2 or stays_low else NORMAL
        high, low = min(max(tenths - 7, 0), 1), min(max(3 - tenths, 0), 1)
        assert row[0] == code
        assert row[1:] == pytest.approx([tenths / 10, low, 1 - low - high, high], abs=1e-12)


@given(VOLATILITIES, st.integers(0, 80))
@settings(max_examples=40, deadline=None)
def test_resume_and_prefix(volatilities: list[float], cut: int) -> None:
    """A pickled state goes on as if never stopped."""
    buckets = VolatilityBuckets(window=10)
    whole, state = buckets.init(), buckets.init()
    expected = run(buckets, whole, volatilities)
    first = run(buckets, state, volatilities[:cut])
    state = pickle.loads(pickle.dumps(state))
    second = run(buckets, state, volatilities[cut:])
    np.testing.assert_array_equal(np.vstack([first, second]), expected)
    np.testing.assert_array_equal(state, whole)


@given(VOLATILITIES, st.sampled_from([2.0**-20, 2.0**10, 2.0**30]))
@settings(max_examples=40, deadline=None)
def test_scale_does_not_matter(volatilities: list[float], factor: float) -> None:
    """Per bar or per year, in any unit."""
    buckets = VolatilityBuckets(window=10)
    scaled = np.array(volatilities) * factor
    np.testing.assert_array_equal(fresh(buckets, scaled), fresh(buckets, volatilities))


@pytest.mark.parametrize("level", [0.0, 1e-12, 0.02])
def test_constant_series_does_not_flap(level: float) -> None:
    """Nothing is strictly below: rank 0, LOW from the first known bar on."""
    codes = fresh(REGIMES["volatility_buckets"], np.full(500, level))[:, 0]
    assert (codes[:100] == UNKNOWN).all()
    assert (codes[100:] == LOW).all()


def test_hysteresis() -> None:
    """Entered at the outer limit, left only beyond the inner one, on both sides."""
    ranks = [0.79, 0.80, 0.71, 0.70, 0.69, 0.79, 0.21, 0.20, 0.29, 0.30, 0.31, 0.90, 0.10]
    codes, code = [], UNKNOWN
    for rank in ranks:
        code = bucket(code, rank, 0.80, 0.70)
        codes.append(code)
    assert codes == [NORMAL, HIGH, HIGH, HIGH, *[NORMAL] * 3, LOW, LOW, LOW, NORMAL, HIGH, LOW]


def test_warm_is_the_first_known_bar() -> None:
    """One more than the window."""
    buckets = VolatilityBuckets()
    codes = fresh(buckets, np.random.default_rng(0).random(300))[:, 0]
    assert int(np.argmax(codes != UNKNOWN)) + 1 == buckets.warm == 101


def test_unknown_volatility_is_forgotten() -> None:
    """NaN gives UNKNOWN and changes nothing."""
    buckets = VolatilityBuckets(window=3)
    state = buckets.init()
    run(buckets, state, [1.0, 2.0, 3.0, 4.0])
    before = state.copy()
    row = run(buckets, state, [float("nan")])[0]
    assert row[0] == UNKNOWN
    assert np.isnan(row[1:]).all()
    np.testing.assert_array_equal(state, before)


def test_on_real_volatility_it_holds_still() -> None:
    """SPY 2017-2018: all three buckets occur, February 2018 is HIGH, and hysteresis halves the changes."""
    volatility = fold(FEATURES["realised_volatility_20"], quotes("Default.csv"))[:, 0]
    codes = fresh(VolatilityBuckets(), volatility)[:, 0]
    bare = fresh(VolatilityBuckets(leave_high=0.7999), volatility)[:, 0]
    assert set(codes) == {UNKNOWN, LOW, NORMAL, HIGH}
    assert (codes[280:290] == HIGH).all()
    assert (np.diff(codes) != 0).sum() < (np.diff(bare) != 0).sum()


def test_overlapping_limits_are_refused() -> None:
    """With what to do."""
    with pytest.raises(ValueError, match="choose 0.5 <= leave_high < enter_high"):
        VolatilityBuckets(enter_high=0.7, leave_high=0.8)
