"""How much do returns scatter: the close-to-close estimator, sd of the last n log returns, ddof 1, per bar.

Not annualised: multiply by the root of the number of bars in a year. ddof is 1 (an unbiased variance, as in the
volatility literature and Yang-Zhang's estimator); Bollinger's bands and z-scores have ddof 0. A price that is not
positive has no return: the window starts anew behind it.
"""

import math
from typing import ClassVar

import msgspec
import numpy as np
from numba import njit

from operators.bar_columns import CLOSE
from operators.features.feature import NAN, Kernel, Vector, require_at_least
from operators.features.log_return import log_ratio
from operators.features.ring import clear, deviation, is_full, mean_offset, push, ring_size

LAST = 0
RETURNS = 1

WINDOW = 0


@njit(cache=True, error_model="numpy")
def step(state: Vector, params: Vector, bar: Vector, out: Vector) -> None:
    """Fold one bar: state = last close and a ring of returns, params [window], out (1,)."""
    window = int(params[WINDOW])
    ring = state[RETURNS:]
    gain = log_ratio(bar[CLOSE], state[LAST])
    state[LAST] = bar[CLOSE]
    out[0] = NAN
    if math.isnan(gain):
        clear(ring)
        return
    push(ring, window, gain)
    if is_full(ring, window):
        out[0] = deviation(ring, window, gain, mean_offset(ring, window, gain), 1)


class RealisedVolatility(msgspec.Struct, frozen=True):
    """Standard deviation (ddof 1) of the last `window` log returns of the close.

    >>> from operators.features.fold import close_bars, fold
    >>> fold(RealisedVolatility(window=2), close_bars([100.0, 101.0, 100.0, 100.0]))[:, 0].round(6).tolist()
    [nan, nan, 0.014072, 0.007036]
    """

    VERSION: ClassVar[int] = 1

    window: int = 20

    def __post_init__(self) -> None:
        """Raise ValueError where the window is too short."""
        require_at_least(2, window=self.window)

    @property
    def outputs(self) -> tuple[str, ...]:
        """One column, `realised_volatility_<window>`."""
        return (f"realised_volatility_{self.window}",)

    @property
    def state_size(self) -> int:
        """Last close and a ring of returns."""
        return RETURNS + ring_size(self.window)

    @property
    def nominal(self) -> int:
        """As many returns as the window has, so one close more."""
        return self.window + 1

    @property
    def warm(self) -> int:
        """As nominal: what is older than the window has no effect."""
        return self.nominal

    @property
    def kernel(self) -> Kernel:
        """`step` of this file."""
        return step

    def params(self) -> Vector:
        """[window]."""
        return np.array([self.window], dtype=np.float64)

    def init(self) -> Vector:
        """No close seen, an empty ring."""
        state = np.zeros(self.state_size)
        state[LAST] = NAN
        return state
