"""Is this bar's volume a surprise: z = (volume - mean) / sd of the n bars BEFORE it, sd with ddof 0.

The current bar is left out of mean and sd: inside, it would pull both towards itself, and no z could ever exceed
sqrt(n - 1). Where the n volumes before are all equal sd is 0 and z is NaN.
"""

from typing import ClassVar

import msgspec
import numpy as np
from numba import njit

from operators.bar_columns import VOLUME
from operators.features.feature import NAN, Kernel, Vector, require_at_least
from operators.features.ring import deviation, is_full, mean_offset, newest, push, ring_size

WINDOW = 0


@njit(cache=True, error_model="numpy")
def step(state: Vector, params: Vector, bar: Vector, out: Vector) -> None:
    """Fold one bar: state is a ring of volumes, params [window], out (1,)."""
    window = int(params[WINDOW])
    volume = bar[VOLUME]
    out[0] = NAN
    if is_full(state, window):
        origin = newest(state, window)
        offset = mean_offset(state, window, origin)
        sd = deviation(state, window, origin, offset, 0)
        if sd > 0.0:
            out[0] = ((volume - origin) - offset) / sd
    push(state, window, volume)


class VolumeZ(msgspec.Struct, frozen=True):
    """Surprise in the volume against the `window` bars before.

    >>> from operators.features.fold import fold, ohlcv_bars
    >>> price = [10.0] * 4
    >>> fold(VolumeZ(window=2), ohlcv_bars(price, price, price, price, volume=[1.0, 3.0, 4.0, 3.5]))[:, 0].tolist()
    [nan, nan, 2.0, 0.0]
    """

    VERSION: ClassVar[int] = 1

    window: int = 20

    def __post_init__(self) -> None:
        """Raise ValueError where the window is too short."""
        require_at_least(2, window=self.window)

    @property
    def outputs(self) -> tuple[str, ...]:
        """One column, `volume_z_<window>`."""
        return (f"volume_z_{self.window}",)

    @property
    def state_size(self) -> int:
        """A ring of volumes."""
        return ring_size(self.window)

    @property
    def nominal(self) -> int:
        """A full window, and the bar that is compared with it."""
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
        """An empty ring."""
        return np.zeros(self.state_size)
