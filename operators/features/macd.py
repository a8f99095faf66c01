"""Do short and long trend part: MACD = EMA(fast) - EMA(slow), its signal EMA(signal) of it, and their difference.

Each average has its own seed, the mean of the first values that it sees (stock-indicators, talipp). TA-Lib starts the
fast average where the slow one starts and differs by 0.2 % on the 50th bar.
"""

import math
from typing import ClassVar

import msgspec
import numpy as np
from numba import njit

from operators.bar_columns import CLOSE
from operators.features.ema import advance
from operators.features.feature import NAN, Kernel, Vector, require_at_least

FAST = 0
SLOW = 2
SIGNAL = 4
STATE_SIZE = 6

FAST_WINDOW = 0
SLOW_WINDOW = 1
SIGNAL_WINDOW = 2


@njit(cache=True, error_model="numpy")
def step(state: Vector, params: Vector, bar: Vector, out: Vector) -> None:
    """Fold one bar: state (6,) = three averages, params [fast, slow, signal], out [macd, signal, histogram]."""
    fast = advance(state[FAST:SLOW], params[FAST_WINDOW], bar[CLOSE])
    slow = advance(state[SLOW:SIGNAL], params[SLOW_WINDOW], bar[CLOSE])
    macd = fast - slow
    signal = NAN
    if not math.isnan(macd):
        signal = advance(state[SIGNAL:STATE_SIZE], params[SIGNAL_WINDOW], macd)
    out[0] = macd
    out[1] = signal
    out[2] = macd - signal


class Macd(msgspec.Struct, frozen=True):
    """Moving average convergence divergence of the close; `fast` < `slow`.

    >>> from operators.features.fold import close_bars, fold
    >>> fold(Macd(fast=2, slow=3, signal=2), close_bars([1.0, 2.0, 4.0, 3.0])).round(4).tolist()[2:]
    [[0.8333, nan, nan], [0.3889, 0.6111, -0.2222]]
    """

    VERSION: ClassVar[int] = 1

    fast: int = 12
    slow: int = 26
    signal: int = 9

    def __post_init__(self) -> None:
        """Raise ValueError where a window is too short or fast is not faster than slow."""
        require_at_least(2, fast=self.fast, signal=self.signal)
        require_at_least(self.fast + 1, slow=self.slow)

    @property
    def outputs(self) -> tuple[str, ...]:
        """`macd_*`, `macd_signal_*`, `macd_histogram_*`, each ending in the three windows."""
        windows = f"{self.fast}_{self.slow}_{self.signal}"
        return f"macd_{windows}", f"macd_signal_{windows}", f"macd_histogram_{windows}"

    @property
    def state_size(self) -> int:
        """Three averages."""
        return STATE_SIZE

    @property
    def nominal(self) -> int:
        """The slow window, then the signal's (the MACD itself is there from the slow window on)."""
        return self.slow + self.signal - 1

    @property
    def warm(self) -> int:
        """Three slow windows and two signal windows (96 for 12/26/9)."""
        return 3 * self.slow + 2 * self.signal

    @property
    def kernel(self) -> Kernel:
        """`step` of this file."""
        return step

    def params(self) -> Vector:
        """[fast, slow, signal]."""
        return np.array([self.fast, self.slow, self.signal], dtype=np.float64)

    def init(self) -> Vector:
        """Nothing averaged yet."""
        return np.zeros(STATE_SIZE)
