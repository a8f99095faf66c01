"""What did the session pay on average: VWAP = sum of notional / sum of volume since the session began.

`vwap_distance` = (close - VWAP) / VWAP. A bar without volume keeps the last value; a session without any volume so far
has none (NaN). The caller numbers the sessions (`bar[SESSION]`); a change of number starts anew.
"""

from typing import ClassVar

import msgspec
import numpy as np
from numba import njit

from operators.bar_columns import CLOSE, NOTIONAL, SESSION, VOLUME
from operators.features.compensated import add, total
from operators.features.feature import NAN, Kernel, Vector

LAST_SESSION = 0
NOTIONAL_SUM = 1  # and its lost bits
VOLUME_SUM = 3  # and its lost bits
STATE_SIZE = 5


@njit(cache=True, error_model="numpy")
def step(state: Vector, params: Vector, bar: Vector, out: Vector) -> None:
    """Fold one bar: state (5,), params (0,), out [vwap, distance]."""
    if bar[SESSION] != state[LAST_SESSION]:
        state[:] = 0.0
        state[LAST_SESSION] = bar[SESSION]
    add(state, NOTIONAL_SUM, bar[NOTIONAL])
    add(state, VOLUME_SUM, bar[VOLUME])
    volume = total(state, VOLUME_SUM)
    vwap = total(state, NOTIONAL_SUM) / volume if volume > 0.0 else NAN
    out[0] = vwap
    out[1] = (bar[CLOSE] - vwap) / vwap if vwap != 0.0 else NAN


class SessionVwap(msgspec.Struct, frozen=True):
    """Volume-weighted average price of the session so far, and how far the close is from it.

    >>> from operators.features.fold import fold, ohlcv_bars
    >>> price = [10.0, 13.0, 20.0, 30.0]
    >>> bars = ohlcv_bars(price, price, price, price, volume=[2.0, 1.0, 0.0, 5.0], session=[1, 1, 1, 2])
    >>> fold(SessionVwap(), bars)[:, 0].tolist()
    [10.0, 11.0, 11.0, 30.0]
    """

    VERSION: ClassVar[int] = 1

    @property
    def outputs(self) -> tuple[str, ...]:
        """`vwap` (a price) and `vwap_distance` (a share of it)."""
        return "vwap", "vwap_distance"

    @property
    def state_size(self) -> int:
        """The session's number and two compensated sums."""
        return STATE_SIZE

    @property
    def nominal(self) -> int:
        """One bar with volume."""
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
