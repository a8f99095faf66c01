"""How to run one feature over an array of bars, and make such an array from plain prices (tests, notebooks, batch)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from operators.bar_columns import BAR_WIDTH, CLOSE, HIGH, LOW, NOTIONAL, OPEN, SESSION, VOLUME
from operators.features.feature import Feature

Matrix = NDArray[np.float64]


def fold(feature: Feature, bars: Matrix) -> Matrix:
    """Outputs (bars, outputs) of a fresh `feature` over `bars` (bars, BAR_WIDTH), oldest first."""
    state, params, kernel = feature.init(), feature.params(), feature.kernel
    out = np.empty((len(bars), len(feature.outputs)))
    for bar, row in zip(bars, out, strict=True):
        kernel(state, params, bar, row)
    return out


def ohlcv_bars(
    open_: ArrayLike,
    high: ArrayLike,
    low: ArrayLike,
    close: ArrayLike,
    volume: ArrayLike,
    session: ArrayLike = 0.0,
) -> Matrix:
    """Bars (n, BAR_WIDTH) from columns of n; notional = typical price * volume, sides and ticks unknown (0)."""
    columns = {OPEN: open_, HIGH: high, LOW: low, CLOSE: close, VOLUME: volume, SESSION: session}
    bars = np.zeros((len(np.atleast_1d(np.asarray(close))), BAR_WIDTH))
    for column, values in columns.items():
        bars[:, column] = values
    bars[:, NOTIONAL] = (bars[:, HIGH] + bars[:, LOW] + bars[:, CLOSE]) / 3.0 * bars[:, VOLUME]
    return bars


def close_bars(closes: Sequence[float], volume: float = 1.0) -> Matrix:
    """Bars (n, BAR_WIDTH) whose open, high, low and close are all equal: one trade each."""
    return ohlcv_bars(closes, closes, closes, closes, volume)
