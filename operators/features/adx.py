"""Does the price move in one direction: +DI, -DI and ADX, Wilder 1978, seeds as in stock-indicators.

    +DM = rise of the high where it is the larger of the two moves and positive, else 0; -DM = fall of the low likewise
    S(x) = sum of the first n, then S - S/n + x        +DI = 100 S(+DM) / S(TR)        -DI = 100 S(-DM) / S(TR)
    DX = 100 |+DI - -DI| / (+DI + -DI)                 ADX = Wilder average of DX, seeded with the mean of the first n

Where nothing has moved (S(TR) = 0) both DI and DX are 0; with no direction on either side DX is 0. TA-Lib seeds with
n - 1 bars and differs by 4 % on the 30th bar.
"""

import math
from typing import ClassVar

import msgspec
import numpy as np
from numba import njit

from operators.bar_columns import CLOSE, HIGH, LOW
from operators.features.atr import true_range
from operators.features.feature import NAN, TINY, Kernel, Vector, require_at_least

COUNT = 0  # moves summed, up to the window
LAST_HIGH = 1
LAST_LOW = 2
LAST_CLOSE = 3
RANGE_SUM = 4
PLUS_SUM = 5
MINUS_SUM = 6
DX_COUNT = 7
ADX = 8
STATE_SIZE = 9

WINDOW = 0


@njit(cache=True, error_model="numpy")
def step(state: Vector, params: Vector, bar: Vector, out: Vector) -> None:
    """Fold one bar: state (9,), params [window], out [+DI, -DI, ADX]."""
    rise = bar[HIGH] - state[LAST_HIGH]
    fall = state[LAST_LOW] - bar[LOW]
    travelled = true_range(bar[HIGH], bar[LOW], state[LAST_CLOSE])
    state[LAST_HIGH] = bar[HIGH]
    state[LAST_LOW] = bar[LOW]
    state[LAST_CLOSE] = bar[CLOSE]
    out[:] = NAN
    if math.isnan(travelled):  # the first bar
        return
    window = params[WINDOW]
    kept = 1.0 - 1.0 / window if state[COUNT] == window else 1.0
    state[RANGE_SUM] = state[RANGE_SUM] * kept + travelled
    state[PLUS_SUM] = state[PLUS_SUM] * kept + (rise if rise > fall and rise > 0.0 else 0.0)
    state[MINUS_SUM] = state[MINUS_SUM] * kept + (fall if fall > rise and fall > 0.0 else 0.0)
    if state[COUNT] < window:
        state[COUNT] += 1
    if state[COUNT] == window:
        _directions(state, window, out)


@njit(cache=True, error_model="numpy")
def _directions(state: Vector, window: float, out: Vector) -> None:
    """Write +DI, -DI and, once it has its seed, ADX."""
    if state[RANGE_SUM] < TINY:
        state[RANGE_SUM] = 0.0
        state[PLUS_SUM] = 0.0
        state[MINUS_SUM] = 0.0
        plus = minus = 0.0
    else:
        plus = 100.0 * state[PLUS_SUM] / state[RANGE_SUM]
        minus = 100.0 * state[MINUS_SUM] / state[RANGE_SUM]
    dx = 100.0 * abs(plus - minus) / (plus + minus) if plus + minus > 0.0 else 0.0
    if state[DX_COUNT] < window:
        state[DX_COUNT] += 1
    state[ADX] += (dx - state[ADX]) / state[DX_COUNT]
    if state[ADX] < TINY:
        state[ADX] = 0.0
    out[0] = plus
    out[1] = minus
    if state[DX_COUNT] == window:
        out[2] = state[ADX]


class Adx(msgspec.Struct, frozen=True):
    """Directional movement over `window` bars, each 0..100.

    >>> from operators.features.fold import close_bars, fold
    >>> fold(Adx(window=2), close_bars([10.0, 12.0, 11.0, 14.0])).round(4).tolist()[2:]
    [[66.6667, 33.3333, nan], [88.8889, 11.1111, 55.5556]]
    """

    VERSION: ClassVar[int] = 1

    window: int = 14

    def __post_init__(self) -> None:
        """Raise ValueError where the window is too short."""
        require_at_least(2, window=self.window)

    @property
    def outputs(self) -> tuple[str, ...]:
        """`plus_di_<window>`, `minus_di_<window>`, `adx_<window>`."""
        return f"plus_di_{self.window}", f"minus_di_{self.window}", f"adx_{self.window}"

    @property
    def state_size(self) -> int:
        """Two counts, the last bar, three sums and the average."""
        return STATE_SIZE

    @property
    def nominal(self) -> int:
        """n moves give the first DX, n DX the first ADX."""
        return 2 * self.window

    @property
    def warm(self) -> int:
        """Eleven windows (154 for 14): two averages in a row."""
        return 11 * self.window

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
        state[[LAST_HIGH, LAST_LOW, LAST_CLOSE]] = NAN
        return state
