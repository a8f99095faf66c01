"""How far does the price travel in a bar: average true range, Wilder 1978.

    TR = max(high, last close) - min(low, last close)    ATR = Wilder average (a = 1/n) of TR

The first bar has no last close and no TR; the seed is the mean of the n that follow (TA-Lib, stock-indicators). talipp
and `ta` let the first bar in with high - low.
"""

import math
from typing import ClassVar

import msgspec
import numpy as np
from numba import njit

from operators.bar_columns import CLOSE, HIGH, LOW
from operators.features.feature import NAN, TINY, Kernel, Vector, require_at_least

COUNT = 0  # true ranges averaged, up to the window
LAST = 1
AVERAGE = 2
STATE_SIZE = 3

WINDOW = 0


@njit(cache=True, error_model="numpy")
def true_range(high: float, low: float, last_close: float) -> float:
    """Range of a bar that starts at the last close; NaN where that is NaN."""
    if math.isnan(last_close):
        return NAN
    return max(high, last_close) - min(low, last_close)


@njit(cache=True, error_model="numpy")
def step(state: Vector, params: Vector, bar: Vector, out: Vector) -> None:
    """Fold one bar: state (3,), params [window], out [atr, true range]."""
    travelled = true_range(bar[HIGH], bar[LOW], state[LAST])
    state[LAST] = bar[CLOSE]
    out[0] = NAN
    out[1] = travelled
    if math.isnan(travelled):
        return
    window = params[WINDOW]
    if state[COUNT] < window:
        state[COUNT] += 1
    state[AVERAGE] += (travelled - state[AVERAGE]) / state[COUNT]
    if state[AVERAGE] < TINY:
        state[AVERAGE] = 0.0
    if state[COUNT] == window:
        out[0] = state[AVERAGE]


class Atr(msgspec.Struct, frozen=True):
    """Average true range over `window` bars, in price units.

    >>> from operators.features.fold import close_bars, fold
    >>> fold(Atr(window=2), close_bars([10.0, 12.0, 11.0, 14.0])).tolist()
    [[nan, nan], [nan, 2.0], [1.5, 1.0], [2.25, 3.0]]
    """

    VERSION: ClassVar[int] = 1

    window: int = 14

    def __post_init__(self) -> None:
        """Raise ValueError where the window is too short."""
        require_at_least(2, window=self.window)

    @property
    def outputs(self) -> tuple[str, ...]:
        """`atr_<window>` and `true_range_<window>` (the range of this bar alone, whatever the window)."""
        return f"atr_{self.window}", f"true_range_{self.window}"

    @property
    def state_size(self) -> int:
        """Count, last close, average."""
        return STATE_SIZE

    @property
    def nominal(self) -> int:
        """As many true ranges as the window has, so one bar more."""
        return self.window + 1

    @property
    def warm(self) -> int:
        """Eight windows (112 for 14): the seed's weight is then e^-7."""
        return 8 * self.window

    @property
    def kernel(self) -> Kernel:
        """`step` of this file."""
        return step

    def params(self) -> Vector:
        """[window]."""
        return np.array([self.window], dtype=np.float64)

    def init(self) -> Vector:
        """No bar seen."""
        state = np.zeros(STATE_SIZE)
        state[LAST] = NAN
        return state
