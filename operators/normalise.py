"""Is this row a fact that can be used? Rounding to tick and lot, and every reason to refuse a row.

A refused row is never lost: it leaves with its reason and becomes a dead letter. A print is bad when it lies further
than a fraction from the last accepted price; the third in a row at one level is believed (the market has moved, or a
split was not adjusted for), and after a pause of trading any price is.

A session's bars are built from its trades or from a vendor's bars, whichever comes first, never from both: each would
count again what the other has told.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from operators import symbol_layout as at
from operators.bars import fits
from schemas.blocks import QUOTES, TRADES

Longs = NDArray[np.int64]
Doubles = NDArray[np.float64]
ACCEPTED = -1
_BELIEVED_AFTER = 3


@njit(cache=True, forceinline=True)
def round_to(value: float, step: float, inverse: float) -> float:
    """Return ``value`` at the nearest multiple of ``step``; an exact decimal where ``inverse`` (1/step) is given."""
    if inverse > 0.0:
        return float(np.rint(value * inverse) / inverse)
    return float(np.rint(value / step) * step)


def inverse_of(step: float) -> float:
    """Return 1/step where that is a whole number, else 0.

    >>> inverse_of(0.01), inverse_of(5.0)
    (100.0, 0.0)
    """
    inverse = float(np.rint(1.0 / step))
    return inverse if step < 1.0 and abs(inverse * step - 1.0) < 1e-12 else 0.0


@njit(cache=True)
def _is_repeated(ints: Longs, trade_id: int) -> bool:
    """Remember a venue trade id; true if it is among the last RING_SIZE ones. One above all of them needs no search."""
    if trade_id <= ints[at.RING_TOP]:
        for i in range(at.RING, at.RING + at.RING_SIZE):
            if ints[i] == trade_id:
                return True
    else:
        ints[at.RING_TOP] = trade_id
    head = ints[at.RING_HEAD]
    ints[at.RING + head] = trade_id
    ints[at.RING_HEAD] = (head + 1) % at.RING_SIZE
    return False


@njit(cache=True, forceinline=True)
def _is_bad_print(
    ints: Longs, floats: Doubles, price: float, ts_ns: int, params: Longs, fraction: float
) -> bool:
    last = floats[at.LAST_PRICE]
    pause = ts_ns - ints[at.LAST_TS] > params[at.P_BAD_RESET_NS]
    if math.isnan(last) or pause or abs(price - last) <= fraction * last:
        ints[at.BAD_COUNT] = 0
        return False
    level = floats[at.BAD_PRICE]
    if ints[at.BAD_COUNT] > 0 and abs(price - level) <= fraction * level:
        ints[at.BAD_COUNT] += 1
    else:
        ints[at.BAD_COUNT] = 1
        floats[at.BAD_PRICE] = price
    if ints[at.BAD_COUNT] < _BELIEVED_AFTER:
        return True
    ints[at.BAD_COUNT] = 0
    return False


@njit(cache=True, forceinline=True)
def check_trade(
    ints: Longs,
    floats: Doubles,
    key: tuple[int, int],
    price: float,
    size: float,
    params: Longs,
    scales: Doubles,
) -> tuple[int, float, float]:
    """Return (ACCEPTED or the reason against it, rounded price, rounded size); ``key`` is time and venue id."""
    ts_ns, trade_id = key
    if not (math.isfinite(price) and math.isfinite(size)):
        return at.NOT_FINITE, price, size
    if price <= 0.0 or size <= 0.0:
        return at.NOT_POSITIVE, price, size
    price = round_to(price, scales[at.F_TICK], scales[at.F_TICK_INVERSE])
    size = round_to(size, scales[at.F_LOT], scales[at.F_LOT_INVERSE])
    if size <= 0.0 or price <= 0.0:
        return at.BELOW_LOT, price, size
    if trade_id != 0 and _is_repeated(ints, trade_id):
        return at.DUPLICATE, price, size
    if _is_bad_print(ints, floats, price, ts_ns, params, scales[at.F_BAD_FRACTION]):
        return at.BAD_PRINT, price, size
    return ACCEPTED, price, size


@njit(cache=True)
def check_quote(ints: Longs, row: Longs, values: Doubles, scales: Doubles) -> int:
    """Round a quote's prices in place; return ACCEPTED or the reason against it."""
    for i in range(4):
        if not math.isfinite(values[i]):
            return at.NOT_FINITE
    if values[0] <= 0.0 or values[2] <= 0.0 or values[1] < 0.0 or values[3] < 0.0:
        return at.NOT_POSITIVE
    if values[0] > values[2]:
        return at.CROSSED
    if row[at.ID] != 0:
        if row[at.ID] <= ints[at.LAST_QUOTE_ID]:
            return at.DUPLICATE
        ints[at.LAST_QUOTE_ID] = row[at.ID]
    values[0] = round_to(values[0], scales[at.F_TICK], scales[at.F_TICK_INVERSE])
    values[2] = round_to(values[2], scales[at.F_TICK], scales[at.F_TICK_INVERSE])
    return ACCEPTED


@njit(cache=True)
def check_bar(ints: Longs, row: Longs, values: Doubles, params: Longs, scales: Doubles) -> int:
    """Round a vendor bar's prices in place; return ACCEPTED or the reason against it."""
    for i in range(5):
        if not math.isfinite(values[i]):
            return at.NOT_FINITE
    if min(values[0], values[1], values[2], values[3]) <= 0.0 or values[4] < 0.0:
        return at.NOT_POSITIVE
    tick, inverse = scales[at.F_TICK], scales[at.F_TICK_INVERSE]
    open_, high = round_to(values[0], tick, inverse), round_to(values[1], tick, inverse)
    low, close = round_to(values[2], tick, inverse), round_to(values[3], tick, inverse)
    if high < max(open_, close) or low > min(open_, close) or row[at.SIDE] <= 0:
        return at.BAD_BAR
    if low <= 0.0:
        return at.BELOW_LOT
    reason = _place(ints, row, params)
    if reason == ACCEPTED:
        values[0], values[1], values[2], values[3] = open_, high, low, close
    return reason


@njit(cache=True)
def _place(ints: Longs, row: Longs, params: Longs) -> int:
    """Return ACCEPTED if a timeframe can be built from the vendor bar, and nothing in its interval was used yet."""
    if row[at.TS] - row[at.SIDE] < ints[at.LAST_TS]:
        return at.OVERLAPPING
    reason = at.NO_TIMEFRAME
    for i in range(params[at.P_TIMEFRAMES]):
        timeframe = params[at.PARAM_INTS + i]
        if fits(row, timeframe):
            return ACCEPTED
        if timeframe % row[at.SIDE] == 0:
            reason = at.MISALIGNED
    return reason


@njit(cache=True, forceinline=True)
def check(ints: Longs, floats: Doubles, row: Longs, values: Doubles, params: Longs, scales: Doubles) -> int:
    """Return ACCEPTED, the row rounded in place, or the reason against it, the row untouched."""
    if row[at.TS] <= 0:
        return at.BAD_TIME
    if row[at.KIND] == TRADES:
        if ints[at.FED_BY] == at.BY_BARS:
            return at.MIXED
        key = (row[at.TS], row[at.ID])
        reason, price, size = check_trade(ints, floats, key, values[0], values[1], params, scales)
        if reason == ACCEPTED:
            values[0], values[1] = price, size
        return reason
    if row[at.KIND] == QUOTES:
        return check_quote(ints, row, values, scales)
    if ints[at.FED_BY] == at.BY_TRADES:
        return at.MIXED
    return check_bar(ints, row, values, params, scales)
