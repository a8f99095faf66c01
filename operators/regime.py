"""Is the market quiet or wild for its own standards: volatility buckets with hysteresis.

    rank[t] = share of the N volatilities before t that are strictly below volatility[t]

HIGH is entered at rank >= enter_high (0.80) and left at rank < leave_high (0.70); LOW is the mirror image: entered at
rank <= 1 - enter_high, left at rank > 1 - leave_high. The band between keeps a rank that trembles around one limit from
flapping. The rank depends on order alone, so the result is the same in any unit of volatility.

The present volatility is not in the window that it is compared with, and ties do not count: a constant series has rank
0 and stays LOW. Probabilities are memberships by the rank alone, without memory: p_high rises from 0 at leave_high to 1
at enter_high, p_low mirrors it, p_normal is the rest; so inside the band the code may differ from the likeliest bucket.
Before N volatilities, and where the volatility is NaN, the code is UNKNOWN and the numbers are NaN; a NaN is forgotten.
"""

import math
from typing import ClassVar

import msgspec
import numpy as np
from numba import njit

from operators.features.borrow import borrow
from operators.features.feature import NAN, Vector, require_at_least
from operators.features.ring import VALUES, is_full, push, ring_size

UNKNOWN = -1
LOW = 0
NORMAL = 1
HIGH = 2

CODE_OUT = 0
RANK_OUT = 1
P_LOW_OUT = 2
P_NORMAL_OUT = 3
P_HIGH_OUT = 4
OUTPUTS = ("regime", "rank", "p_low", "p_normal", "p_high")

BUCKET = 0  # the last code; UNKNOWN at first
RING = 1

WINDOW = 0
ENTER_HIGH = 1
LEAVE_HIGH = 2


@njit(cache=True, error_model="numpy")
def step(state: Vector, params: Vector, volatility: float, out: Vector) -> None:
    """Fold one volatility: state = last code and a ring, params [window, enter, leave], out (5,) as OUTPUTS."""
    state, params, out = borrow(state), borrow(params), borrow(out)
    window = int(params[WINDOW])
    ring = state[RING:]
    out[:] = NAN
    out[CODE_OUT] = UNKNOWN
    if not math.isnan(volatility):
        if is_full(ring, window):
            rank = count_below(ring, window, volatility) / window
            state[BUCKET] = bucket(int(state[BUCKET]), rank, params[ENTER_HIGH], params[LEAVE_HIGH])
            _write(state[BUCKET], rank, params[ENTER_HIGH], params[LEAVE_HIGH], out)
        push(ring, window, volatility)


@njit(cache=True, error_model="numpy")
def count_below(ring: Vector, window: int, value: float) -> int:
    """How many of the ring's `window` values are strictly below `value`."""
    below = 0
    for i in range(VALUES, VALUES + window):
        below += 1 if ring[i] < value else 0
    return below


@njit(cache=True, error_model="numpy")
def bucket(last: int, rank: float, enter: float, leave: float) -> int:
    """Bucket after `last` at this rank (0..1)."""
    code = NORMAL
    if rank >= enter or (last == HIGH and rank >= leave):
        code = HIGH
    elif 1.0 - rank >= enter or (last == LOW and 1.0 - rank >= leave):
        code = LOW
    return code


@njit(cache=True, error_model="numpy")
def _write(code: float, rank: float, enter: float, leave: float, out: Vector) -> None:
    p_high = min(1.0, max(0.0, (rank - leave) / (enter - leave)))
    p_low = min(1.0, max(0.0, (1.0 - rank - leave) / (enter - leave)))
    out[CODE_OUT] = code
    out[RANK_OUT] = rank
    out[P_LOW_OUT] = p_low
    out[P_NORMAL_OUT] = 1.0 - p_low - p_high
    out[P_HIGH_OUT] = p_high


class VolatilityBuckets(msgspec.Struct, frozen=True):
    """Parameters: `window` volatilities to rank against, and the ranks at which HIGH is entered and left.

    >>> import numpy as np
    >>> buckets = VolatilityBuckets(window=2)
    >>> state, out = buckets.init(), np.empty(len(OUTPUTS))
    >>> for volatility in (1.0, 2.0, 3.0, 2.5, 2.4):
    ...     step(state, buckets.params(), volatility, out)
    ...     print(int(out[CODE_OUT]), out[RANK_OUT])
    -1 nan
    -1 nan
    2 1.0
    1 0.5
    0 0.0
    """

    VERSION: ClassVar[int] = 1

    window: int = 100
    enter_high: float = 0.80
    leave_high: float = 0.70

    def __post_init__(self) -> None:
        """Raise ValueError where the window is too short or the limits do not leave a band above one half."""
        require_at_least(2, window=self.window)
        if not 0.5 <= self.leave_high < self.enter_high <= 1.0:
            raise ValueError(
                f"enter_high is {self.enter_high} and leave_high {self.leave_high}: choose"
                " 0.5 <= leave_high < enter_high <= 1, or the buckets overlap"
            )

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of what `step` writes."""
        return OUTPUTS

    @property
    def state_size(self) -> int:
        """The last code and a ring of volatilities."""
        return RING + ring_size(self.window)

    @property
    def warm(self) -> int:
        """Volatilities until the first known code (add the warm bars of the volatility itself)."""
        return self.window + 1

    def params(self) -> Vector:
        """[window, enter_high, leave_high]."""
        return np.array([self.window, self.enter_high, self.leave_high], dtype=np.float64)

    def init(self) -> Vector:
        """An empty ring, no code yet."""
        state = np.zeros(self.state_size)
        state[BUCKET] = UNKNOWN
        return state


REGIMES: dict[str, VolatilityBuckets] = {"volatility_buckets": VolatilityBuckets()}
