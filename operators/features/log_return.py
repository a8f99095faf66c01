"""What did the close gain since the bar before: r[t] = ln(close[t] / close[t-1]), natural logarithm.

NaN on the first bar, and where either price is not positive (a logarithm has no value there).
"""

import math
from typing import ClassVar

import msgspec
import numpy as np
from numba import njit

from operators.bar_columns import CLOSE
from operators.features.feature import NAN, Kernel, Vector

LAST = 0
STATE_SIZE = 1


@njit(cache=True, error_model="numpy")
def log_ratio(now: float, before: float) -> float:
    """ln(now / before) to the last digits, also where the two are nearly equal; NaN where one is not positive."""
    if not (now > 0.0 and before > 0.0):
        return NAN
    # Within a factor of two now - before is exact (Sterbenz), and log1p loses nothing.
    if 0.5 * before <= now <= 2.0 * before:
        return math.log1p((now - before) / before)
    return math.log(now / before)


@njit(cache=True, error_model="numpy")
def step(state: Vector, params: Vector, bar: Vector, out: Vector) -> None:
    """Fold one bar: state (1,), params (0,), bar (BAR_WIDTH,), out (1,)."""
    out[0] = log_ratio(bar[CLOSE], state[LAST])
    state[LAST] = bar[CLOSE]


class LogReturn(msgspec.Struct, frozen=True):
    """Log return of the close over one bar.

    >>> from operators.features.fold import close_bars, fold
    >>> fold(LogReturn(), close_bars([100.0, 101.0, 101.0, 99.0]))[:, 0].round(6).tolist()
    [nan, 0.00995, 0.0, -0.020001]
    """

    VERSION: ClassVar[int] = 1

    @property
    def outputs(self) -> tuple[str, ...]:
        """One column: `log_return`."""
        return ("log_return",)

    @property
    def state_size(self) -> int:
        """The last close."""
        return STATE_SIZE

    @property
    def nominal(self) -> int:
        """Two closes."""
        return 2

    @property
    def warm(self) -> int:
        """As nominal: nothing is remembered beyond one bar."""
        return self.nominal

    @property
    def kernel(self) -> Kernel:
        """`step` of this file."""
        return step

    def params(self) -> Vector:
        """None."""
        return np.empty(0)

    def init(self) -> Vector:
        """No close seen: NaN."""
        return np.full(STATE_SIZE, NAN)
