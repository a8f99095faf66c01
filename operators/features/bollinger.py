"""How far is the close from its average, in deviations: Bollinger bands mid ± k * sd over n bars, sd with ddof 0.

    percent_b = (close - lower) / (upper - lower)    z = (close - mid) / sd    bandwidth = (upper - lower) / mid

On a flat window sd is exactly 0: bands and mid coincide, bandwidth is 0, percent_b and z are NaN (0 / 0; so too in
stock-indicators). Sums run around the newest close, so z keeps its digits where the price is 1e8 and sd 0.01.
"""

from typing import ClassVar

import msgspec
import numpy as np
from numba import njit

from operators.bar_columns import CLOSE
from operators.features.feature import NAN, Kernel, Vector, require_at_least
from operators.features.ring import deviation, is_full, mean_offset, push, ring_size

WINDOW = 0
WIDTH = 1


@njit(cache=True, error_model="numpy")
def step(state: Vector, params: Vector, bar: Vector, out: Vector) -> None:
    """Fold one bar: state is a ring of closes, params [window, k], out [mid, upper, lower, percent_b, z, bandwidth]."""
    window = int(params[WINDOW])
    close = bar[CLOSE]
    push(state, window, close)
    if not is_full(state, window):
        out[:] = NAN
        return
    offset = mean_offset(state, window, close)
    sd = deviation(state, window, close, offset, 0)
    reach = params[WIDTH] * sd
    mid = close + offset
    out[0] = mid
    out[1] = mid + reach
    out[2] = mid - reach
    out[3] = (reach - offset) / (2.0 * reach) if sd > 0.0 else NAN
    out[4] = -offset / sd if sd > 0.0 else NAN
    out[5] = 2.0 * reach / mid if mid != 0.0 else NAN


class Bollinger(msgspec.Struct, frozen=True):
    """Bollinger bands of the close over `window` bars, `width` deviations wide.

    >>> from operators.features.fold import close_bars, fold
    >>> fold(Bollinger(window=2, width=2.0), close_bars([10.0, 12.0, 12.0])).tolist()[1:]
    [[11.0, 13.0, 9.0, 0.75, 1.0, 0.36363636363636365], [12.0, 12.0, 12.0, nan, nan, 0.0]]
    """

    VERSION: ClassVar[int] = 1

    window: int = 20
    width: float = 2.0

    def __post_init__(self) -> None:
        """Raise ValueError where the window is too short or the bands have no width."""
        require_at_least(2, window=self.window)
        require_at_least(0.01, width=self.width)

    @property
    def outputs(self) -> tuple[str, ...]:
        """`bb_mid_*`, `bb_upper_*`, `bb_lower_*`, `bb_percent_b_*`, `bb_z_*`, `bb_bandwidth_*`, ending in n and k."""
        names = ("mid", "upper", "lower", "percent_b", "z", "bandwidth")
        return tuple(f"bb_{name}_{self.window}_{self.width:g}" for name in names)

    @property
    def state_size(self) -> int:
        """A ring of closes."""
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
        """[window, width]."""
        return np.array([self.window, self.width], dtype=np.float64)

    def init(self) -> Vector:
        """An empty ring."""
        return np.zeros(self.state_size)
