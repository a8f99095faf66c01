"""Which bars the laws are tried on: hypothesis strategies of walks, flats, spikes, silent and one-tick bars."""

import numpy as np
from hypothesis import strategies as st

from operators import bar_columns as at
from operators.features.fold import Matrix

SEGMENTS = ("walk", "flat", "spike", "silent", "one_tick", "trend")


@st.composite
def bar_series(draw: st.DrawFn, least: int = 1, most: int = 180) -> Matrix:
    """Bars (n, BAR_WIDTH) with low <= open, close <= high, at a price of 1e-8 to 1e8, in a few sessions."""
    kinds = draw(st.lists(st.sampled_from(SEGMENTS), min_size=1, max_size=6))
    base = draw(st.sampled_from([1e-8, 1.0, 100.0, 1e8]))
    sigma = draw(st.sampled_from([1e-9, 1e-4, 1e-2, 0.2]))
    n = draw(st.integers(least, most))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = np.repeat(kinds, -(-n // len(kinds)))[:n]
    return _bars(kind, base, sigma, rng)


def _bars(kind: np.ndarray, base: float, sigma: float, rng: np.random.Generator) -> Matrix:
    n = len(kind)
    steps = rng.normal(0.0, sigma, n)
    steps[np.isin(kind, ("flat", "silent"))] = 0.0
    steps[kind == "trend"] = np.abs(steps[kind == "trend"])
    close = base * np.exp(np.clip(np.cumsum(steps), -20.0, 20.0))
    open_ = np.concatenate([[base], close[:-1]])
    spread = np.abs(rng.normal(0.0, sigma, (2, n)))
    spread[:, np.isin(kind, ("flat", "silent", "one_tick"))] = 0.0
    open_[kind == "one_tick"] = close[kind == "one_tick"]
    high, low = np.maximum(open_, close) * (1.0 + spread[0]), np.minimum(open_, close) / (1.0 + spread[1])
    volume = np.round(rng.lognormal(3.0, 2.0, n), 2)
    volume[kind == "silent"] = 0.0
    volume[kind == "flat"] = 5.0
    spiked = rng.permutation(np.flatnonzero(kind == "spike"))[:1]
    for column in (open_, high, low, close, volume):
        column[spiked] *= 1e12
    bars = np.zeros((n, at.BAR_WIDTH))
    for column, values in (
        (at.OPEN, open_),
        (at.HIGH, high),
        (at.LOW, low),
        (at.CLOSE, close),
        (at.VOLUME, volume),
    ):
        bars[:, column] = values
    bars[:, at.NOTIONAL] = (high + low + close) / 3.0 * volume
    bars[:, at.BUY_VOLUME] = np.round(volume * rng.random(n), 2)
    bars[:, at.SELL_VOLUME] = volume - bars[:, at.BUY_VOLUME]
    bars[:, at.UPTICKS] = rng.integers(0, 9, n) * (volume > 0)
    bars[:, at.DOWNTICKS] = rng.integers(0, 9, n) * (volume > 0)
    bars[:, at.TRADES] = bars[:, at.UPTICKS] + bars[:, at.DOWNTICKS]
    bars[:, at.SESSION] = np.cumsum(rng.random(n) < 0.03)
    return bars
