"""How volatile is the price, judged by whole bars: Garman and Klass, Journal of Business 53 (1980) 67-78.

    sqrt( mean over n bars of  0.5 ln(high/low)^2 - (2 ln 2 - 1) ln(close/open)^2 )

Per bar, not annualised; blind to jumps between bars. The mean is never negative while low <= open, close <= high; NaN
otherwise. A price that is not positive has no logarithm: the window starts anew behind it.
"""

import math
from typing import ClassVar

import msgspec
import numpy as np
from numba import njit

from operators.bar_columns import CLOSE, HIGH, LOW, OPEN
from operators.features.feature import NAN, Kernel, Vector, require_at_least
from operators.features.log_return import log_ratio
from operators.features.ring import clear, is_full, mean_offset, push, ring_size

WINDOW = 0

BODY = 2.0 * math.log(2.0) - 1.0


@njit(cache=True, error_model="numpy")
def step(state: Vector, params: Vector, bar: Vector, out: Vector) -> None:
    """Fold one bar: state is a ring of variances, params [window], out (1,)."""
    window = int(params[WINDOW])
    span = log_ratio(bar[HIGH], bar[LOW])
    body = log_ratio(bar[CLOSE], bar[OPEN])
    variance = 0.5 * span * span - BODY * body * body
    out[0] = NAN
    if math.isnan(variance):
        clear(state)
        return
    push(state, window, variance)
    if is_full(state, window):
        mean = mean_offset(state, window, 0.0)
        out[0] = math.sqrt(mean) if mean >= 0.0 else NAN


class GarmanKlass(msgspec.Struct, frozen=True):
    """Garman-Klass volatility over `window` bars.

    >>> from operators.features.fold import fold, ohlcv_bars
    >>> bars = ohlcv_bars([10.0] * 3, [11.0] * 3, [9.0] * 3, [10.0, 10.5, 9.5], volume=1.0)
    >>> fold(GarmanKlass(window=2), bars)[:, 0].round(6).tolist()
    [nan, 0.140266, 0.138443]
    """

    VERSION: ClassVar[int] = 1

    window: int = 20

    def __post_init__(self) -> None:
        """Raise ValueError where the window is too short."""
        require_at_least(2, window=self.window)

    @property
    def outputs(self) -> tuple[str, ...]:
        """One column, `garman_klass_<window>`."""
        return (f"garman_klass_{self.window}",)

    @property
    def state_size(self) -> int:
        """A ring of variances."""
        return ring_size(self.window)

    @property
    def nominal(self) -> int:
        """A full window."""
        return self.window

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
        """An empty ring."""
        return np.zeros(self.state_size)
