"""Who was in a hurry this session: cumulative volume delta, the sum of (buy volume - sell volume) since it began.

Buy and sell by the aggressor. 0 all along where the feed does not say (OHLCV). A change of `bar[SESSION]` starts anew.
"""

from typing import ClassVar

import msgspec
import numpy as np
from numba import njit

from operators.bar_columns import BUY_VOLUME, SELL_VOLUME, SESSION
from operators.features.compensated import add, total
from operators.features.feature import NAN, Kernel, Vector

LAST_SESSION = 0
DELTA_SUM = 1  # and its lost bits
STATE_SIZE = 3


@njit(cache=True, error_model="numpy")
def step(state: Vector, params: Vector, bar: Vector, out: Vector) -> None:
    """Fold one bar: state (3,), params (0,), out (1,)."""
    if bar[SESSION] != state[LAST_SESSION]:
        state[:] = 0.0
        state[LAST_SESSION] = bar[SESSION]
    add(state, DELTA_SUM, bar[BUY_VOLUME])
    add(state, DELTA_SUM, -bar[SELL_VOLUME])
    out[0] = total(state, DELTA_SUM)


class Cvd(msgspec.Struct, frozen=True):
    """Cumulative volume delta of the session so far, in units traded.

    >>> from operators.features.fold import close_bars, fold
    >>> from operators.bar_columns import BUY_VOLUME, SELL_VOLUME, SESSION
    >>> bars = close_bars([10.0] * 4)
    >>> bars[:, BUY_VOLUME], bars[:, SELL_VOLUME], bars[:, SESSION] = [3, 0, 1, 1], [1, 5, 0, 0], [1, 1, 1, 2]
    >>> fold(Cvd(), bars)[:, 0].tolist()
    [2.0, -3.0, -2.0, 1.0]
    """

    VERSION: ClassVar[int] = 1

    @property
    def outputs(self) -> tuple[str, ...]:
        """One column: `cvd`."""
        return ("cvd",)

    @property
    def state_size(self) -> int:
        """The session's number and a compensated sum."""
        return STATE_SIZE

    @property
    def nominal(self) -> int:
        """One bar."""
        return 1

    @property
    def warm(self) -> int:
        """One bar; a stream that starts inside a session is exact from the next session on."""
        return self.nominal

    @property
    def kernel(self) -> Kernel:
        """`step` of this file."""
        return step

    def params(self) -> Vector:
        """None."""
        return np.empty(0)

    def init(self) -> Vector:
        """No session yet."""
        state = np.zeros(STATE_SIZE)
        state[LAST_SESSION] = NAN
        return state
