"""What does the close average, recent bars first: EMA += a * (close - EMA), a = 2 / (n + 1).

The seed is the mean of the first n closes, as in stock-indicators, TA-Lib and talipp (`ta` and pandas' `ewm` seed with
the first close instead).
"""

from typing import ClassVar

import msgspec
import numpy as np
from numba import njit

from operators.bar_columns import CLOSE
from operators.features.feature import NAN, Kernel, Vector, require_at_least

COUNT = 0
VALUE = 1
STATE_SIZE = 2

WINDOW = 0


@njit(cache=True, error_model="numpy")
def advance(average: Vector, window: float, value: float) -> float:
    """Fold `value` into `average` (2,) = [count, value]; its new value, NaN before `window` values."""
    if average[COUNT] < window:
        average[COUNT] += 1
        average[VALUE] += (value - average[VALUE]) / average[COUNT]
    else:
        average[VALUE] += 2.0 / (window + 1.0) * (value - average[VALUE])
    return float(average[VALUE]) if average[COUNT] == window else NAN


@njit(cache=True, error_model="numpy")
def step(state: Vector, params: Vector, bar: Vector, out: Vector) -> None:
    """Fold one bar: state (2,), params [window], out (1,)."""
    out[0] = advance(state, params[WINDOW], bar[CLOSE])


class Ema(msgspec.Struct, frozen=True):
    """Exponential moving average of the close, a = 2 / (window + 1).

    >>> from operators.features.fold import close_bars, fold
    >>> fold(Ema(window=3), close_bars([1.0, 2.0, 3.0, 5.0, 5.0]))[:, 0].tolist()
    [nan, nan, 2.0, 3.5, 4.25]
    """

    VERSION: ClassVar[int] = 1

    window: int = 20

    def __post_init__(self) -> None:
        """Raise ValueError where the window is too short."""
        require_at_least(2, window=self.window)

    @property
    def outputs(self) -> tuple[str, ...]:
        """One column, `ema_<window>`."""
        return (f"ema_{self.window}",)

    @property
    def state_size(self) -> int:
        """Count and value."""
        return STATE_SIZE

    @property
    def nominal(self) -> int:
        """The seed's window."""
        return self.window

    @property
    def warm(self) -> int:
        """Four windows: the seed's weight is then about e^-6, and it differed from the price by a few per cent."""
        return 4 * self.window

    @property
    def kernel(self) -> Kernel:
        """`step` of this file."""
        return step

    def params(self) -> Vector:
        """[window]."""
        return np.array([self.window], dtype=np.float64)

    def init(self) -> Vector:
        """Nothing averaged yet."""
        return np.zeros(STATE_SIZE)
