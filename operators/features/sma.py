"""What did the close average over the last n bars: SMA[t] = (close[t] + ... + close[t-n+1]) / n.

Summed around the newest close, so a flat series gives that close exactly (see `ring`).
"""

from typing import ClassVar

import msgspec
import numpy as np
from numba import njit

from operators.bar_columns import CLOSE
from operators.features.feature import NAN, Kernel, Vector, require_at_least
from operators.features.ring import is_full, mean_offset, push, ring_size

WINDOW = 0


@njit(cache=True, error_model="numpy")
def step(state: Vector, params: Vector, bar: Vector, out: Vector) -> None:
    """Fold one bar: state is a ring of closes, params [window], out (1,)."""
    window = int(params[WINDOW])
    close = bar[CLOSE]
    push(state, window, close)
    out[0] = close + mean_offset(state, window, close) if is_full(state, window) else NAN


class Sma(msgspec.Struct, frozen=True):
    """Simple moving average of the close over `window` bars (>= 2).

    >>> from operators.features.fold import close_bars, fold
    >>> fold(Sma(window=3), close_bars([1.0, 2.0, 3.0, 4.0]))[:, 0].tolist()
    [nan, nan, 2.0, 3.0]
    """

    VERSION: ClassVar[int] = 1

    window: int = 20

    def __post_init__(self) -> None:
        """Raise ValueError where the window is too short."""
        require_at_least(2, window=self.window)

    @property
    def outputs(self) -> tuple[str, ...]:
        """One column, `sma_<window>`."""
        return (f"sma_{self.window}",)

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
        """[window]."""
        return np.array([self.window], dtype=np.float64)

    def init(self) -> Vector:
        """An empty ring."""
        return np.zeros(self.state_size)
