"""How much of the recent movement was upwards: RSI = 100 * U / (U + D), Wilder 1978.

U and D are Wilder averages (a = 1/n, seeded with the mean of the first n) of the rises and falls of the close. A series
that does not move at all has RSI 50: neither side has anything (TA-Lib says 0 there, talipp 100).
"""

import math
from typing import ClassVar

import msgspec
import numpy as np
from numba import njit

from operators.bar_columns import CLOSE
from operators.features.feature import NAN, TINY, Kernel, Vector, require_at_least

COUNT = 0  # moves averaged, up to the window
LAST = 1
UP = 2
DOWN = 3
STATE_SIZE = 4

WINDOW = 0


@njit(cache=True, error_model="numpy")
def step(state: Vector, params: Vector, bar: Vector, out: Vector) -> None:
    """Fold one bar: state (4,), params [window], out (1,)."""
    move = bar[CLOSE] - state[LAST]
    state[LAST] = bar[CLOSE]
    if math.isnan(move):  # the first bar: there is no last close
        out[0] = NAN
        return
    window = params[WINDOW]
    if state[COUNT] < window:
        state[COUNT] += 1
    rise = max(0.0, move)
    fall = max(0.0, -move)
    state[UP] += (rise - state[UP]) / state[COUNT]
    state[DOWN] += (fall - state[DOWN]) / state[COUNT]
    moved = state[UP] + state[DOWN]
    if moved < TINY:
        state[UP] = 0.0
        state[DOWN] = 0.0
        moved = 0.0
    if state[COUNT] < window:
        out[0] = NAN
    else:
        out[0] = 100.0 * (state[UP] / moved) if moved > 0.0 else 50.0


class Rsi(msgspec.Struct, frozen=True):
    """Relative strength index of the close over `window` moves, 0..100.

    >>> from operators.features.fold import close_bars, fold
    >>> fold(Rsi(window=2), close_bars([1.0, 2.0, 1.0, 3.0, 3.0]))[:, 0].round(4).tolist()
    [nan, nan, 50.0, 83.3333, 83.3333]
    """

    VERSION: ClassVar[int] = 1

    window: int = 14

    def __post_init__(self) -> None:
        """Raise ValueError where the window is too short."""
        require_at_least(2, window=self.window)

    @property
    def outputs(self) -> tuple[str, ...]:
        """One column, `rsi_<window>`."""
        return (f"rsi_{self.window}",)

    @property
    def state_size(self) -> int:
        """Count, last close, average rise and fall."""
        return STATE_SIZE

    @property
    def nominal(self) -> int:
        """As many moves as the window has, so one close more."""
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
        """No close seen."""
        state = np.zeros(STATE_SIZE)
        state[LAST] = NAN
        return state
