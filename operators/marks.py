"""What was the symbol worth, second by second? Prices conflated over fixed intervals of event time.

A mark is written for every interval in which the symbol traded or its quote changed, once nothing older than the
interval's end can follow. A vendor bar is a mark of its own, in place of the quotes of its last interval. Volatility is
the exponentially weighted standard deviation of log returns between marks (RiskMetrics 1996, lambda 0.94).
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from operators import symbol_layout as at
from operators.bars import Trades

Longs = NDArray[np.int64]
Doubles = NDArray[np.float64]
_DECAY = 0.94


@njit(cache=True)
def _begin(ints: Longs, floats: Doubles, ts_ns: int, interval_ns: int) -> None:
    ints[at.MARK_START] = ts_ns // interval_ns * interval_ns
    ints[at.MARK_END] = ints[at.MARK_START] + interval_ns
    ints[at.MARK_LAST_TS] = ints[at.LAST_TS]
    last = floats[at.LAST_PRICE]
    floats[at.MARK_OPEN] = last
    floats[at.MARK_HIGH] = last
    floats[at.MARK_LOW] = last
    floats[at.MARK_CLOSE] = last
    floats[at.MARK_VOLUME] = 0.0


@njit(cache=True, forceinline=True)
def add_trades(ints: Longs, floats: Doubles, trades: Trades, first: int, end: int, interval_ns: int) -> None:
    """Add the trades [first, end), at least one and all of one interval, to the mark being built."""
    if ints[at.MARK_END] == 0:
        _begin(ints, floats, trades.ts_ns[first], interval_ns)
    if floats[at.MARK_VOLUME] == 0.0:
        floats[at.MARK_OPEN] = trades.price[first]
        floats[at.MARK_HIGH] = trades.price[first]
        floats[at.MARK_LOW] = trades.price[first]
    high, low, volume = floats[at.MARK_HIGH], floats[at.MARK_LOW], floats[at.MARK_VOLUME]
    for i in range(first, end):
        high = max(high, trades.price[i])
        low = min(low, trades.price[i])
        volume += trades.size[i]
    floats[at.MARK_HIGH], floats[at.MARK_LOW], floats[at.MARK_VOLUME] = high, low, volume
    floats[at.MARK_CLOSE] = trades.price[end - 1]
    ints[at.MARK_LAST_TS] = trades.ts_ns[end - 1]


@njit(cache=True)
def add_quote(ints: Longs, floats: Doubles, ts_ns: int, interval_ns: int) -> None:
    """Note that the quote changed; a mark without a trade needs a last price."""
    if ints[at.MARK_END] == 0 and not math.isnan(floats[at.LAST_PRICE]):
        _begin(ints, floats, ts_ns, interval_ns)


@njit(cache=True)
def write(ints: Longs, floats: Doubles, out_ints: Longs, out: Doubles) -> None:
    """Write the mark being built and forget it."""
    close = floats[at.MARK_CLOSE]
    if not math.isnan(floats[at.MARK_PREVIOUS]):
        change = math.log(close / floats[at.MARK_PREVIOUS])
        floats[at.MARK_VARIANCE] = _DECAY * floats[at.MARK_VARIANCE] + (1.0 - _DECAY) * change * change
    floats[at.MARK_PREVIOUS] = close
    out_ints[0] = ints[at.MARK_END]
    out_ints[1] = ints[at.MARK_LAST_TS]
    out_ints[2] = ints[at.MARK_START]
    out[0] = floats[at.MARK_OPEN]
    out[1] = floats[at.MARK_HIGH]
    out[2] = floats[at.MARK_LOW]
    out[3] = close
    out[4] = floats[at.MARK_VOLUME]
    out[5] = floats[at.BID]
    out[6] = floats[at.ASK]
    out[7] = math.sqrt(floats[at.MARK_VARIANCE])
    ints[at.MARK_END] = 0


@njit(cache=True)
def take_bar(ints: Longs, floats: Doubles, row: Longs, values: Doubles) -> None:
    """Make the mark being built equal to a vendor bar; without volume, of a symbol that has some, nothing traded."""
    ints[at.MARK_START] = row[at.TS] - row[at.SIDE]
    ints[at.MARK_END] = row[at.TS]
    ints[at.MARK_LAST_TS] = row[at.TS]
    if values[4] > 0.0:
        ints[at.HAS_VOLUME] = 1
    elif ints[at.HAS_VOLUME]:
        ints[at.MARK_LAST_TS] = ints[at.MARK_START] - 1
    floats[at.MARK_OPEN] = values[0]
    floats[at.MARK_HIGH] = values[1]
    floats[at.MARK_LOW] = values[2]
    floats[at.MARK_CLOSE] = values[3]
    floats[at.MARK_VOLUME] = values[4]
