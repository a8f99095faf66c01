"""How do trades and vendor bars become the bar of one timeframe, and when is it closed?

A bar covers [start, end) of event time, start a multiple of the timeframe since the epoch. It is closed by
``complete_to`` alone: when nothing that belongs into it can follow. An interval without events has no bar. ``bar`` is a
vector of ``operators.bar_columns``, ``ints`` the timeframe's slice of the symbol's state.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from operators import symbol_layout as at
from operators.bar_columns import (
    BUY_VOLUME,
    CLOSE,
    DOWNTICKS,
    HIGH,
    LOW,
    NOTIONAL,
    OPEN,
    SELL_VOLUME,
    TRADES,
    UPTICKS,
    VOLUME,
)

Longs = NDArray[np.int64]
Doubles = NDArray[np.float64]


@njit(cache=True)
def _begin(ints: Longs, bar: Doubles, ts_ns: int, timeframe_ns: int, open_: float) -> None:
    """Begin the bar that holds ``ts_ns``."""
    ints[at.BAR_START] = ts_ns // timeframe_ns * timeframe_ns
    ints[at.BAR_END] = ints[at.BAR_START] + timeframe_ns
    ints[at.BAR_FILLED] = 0
    bar[:] = 0.0
    bar[OPEN] = open_
    bar[HIGH] = open_
    bar[LOW] = open_


class Trades(NamedTuple):
    """Accepted trades in time order, in columns; ``aggressor`` and ``tick`` (tick rule) are signs, 0 where unknown."""

    ts_ns: Longs
    seq: Longs
    price: Doubles
    size: Doubles
    aggressor: Doubles
    tick: Doubles


@njit(cache=True, forceinline=True)
def add_trades(ints: Longs, bar: Doubles, trades: Trades, first: int, end: int, timeframe_ns: int) -> None:
    """Add the trades [first, end), at least one and all of one bar, in order: the sums are those of one by one."""
    if ints[at.BAR_END] == 0:
        _begin(ints, bar, trades.ts_ns[first], timeframe_ns, trades.price[first])
        ints[at.FIRST_SEQ] = trades.seq[first]
    ints[at.LAST_SEQ] = trades.seq[end - 1]
    high, low, volume, notional = bar[HIGH], bar[LOW], bar[VOLUME], bar[NOTIONAL]
    bought, sold, ups, downs = bar[BUY_VOLUME], bar[SELL_VOLUME], bar[UPTICKS], bar[DOWNTICKS]
    for i in range(first, end):
        price, size = trades.price[i], trades.size[i]
        high = max(high, price)
        low = min(low, price)
        volume += size
        notional += price * size
        bought += size if trades.aggressor[i] > 0.0 else 0.0
        sold += size if trades.aggressor[i] < 0.0 else 0.0
        ups += 1.0 if trades.tick[i] > 0.0 else 0.0
        downs += 1.0 if trades.tick[i] < 0.0 else 0.0
    bar[HIGH], bar[LOW], bar[CLOSE], bar[VOLUME], bar[NOTIONAL] = (
        high,
        low,
        trades.price[end - 1],
        volume,
        notional,
    )
    bar[BUY_VOLUME], bar[SELL_VOLUME], bar[UPTICKS], bar[DOWNTICKS] = bought, sold, ups, downs
    bar[TRADES] += float(end - first)


@njit(cache=True)
def add_bar(ints: Longs, bar: Doubles, row: Longs, values: Doubles, timeframe_ns: int) -> None:
    """Add one vendor bar, whose interval (``row[SIDE]``) divides the timeframe."""
    if ints[at.BAR_END] == 0:
        _begin(ints, bar, row[at.TS] - row[at.SIDE], timeframe_ns, values[0])
        ints[at.FIRST_SEQ] = row[at.SEQ]
    ints[at.LAST_SEQ] = row[at.SEQ]
    bar[HIGH] = max(bar[HIGH], values[1])
    bar[LOW] = min(bar[LOW], values[2])
    bar[CLOSE] = values[3]
    bar[VOLUME] += values[4]
    bar[NOTIONAL] += (values[1] + values[2] + values[3]) / 3.0 * values[4]


@njit(cache=True, forceinline=True)
def fits(row: Longs, timeframe_ns: int) -> bool:
    """Say whether a vendor bar lies within one bar of a timeframe that is a multiple of its interval."""
    interval = row[at.SIDE]
    begin = row[at.TS] - interval
    return bool(timeframe_ns % interval == 0 and begin // timeframe_ns == (row[at.TS] - 1) // timeframe_ns)


@njit(cache=True)
def quality(symbol: Longs, ints: Longs) -> int:
    """Say whether the bar being closed is complete, partial (a gap or the session's start lies in it) or repaired.

    Gaps are taken in order of their start, so one that was taken before the bar is closed began before its end.
    """
    if ints[at.BAR_START] < symbol[at.LISTENING_FROM]:
        return at.PARTIAL
    if ints[at.BAR_START] >= symbol[at.GAP_TO]:
        return at.COMPLETE
    return at.REPAIRED if ints[at.BAR_FILLED] else at.PARTIAL
