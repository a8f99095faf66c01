"""One compiled call a poll: bytes of market data in; closed bars with features and regime, marks, refused rows out.

Rows of all kinds wait until nothing older can follow (``ts < complete_to``), then they are taken in (time, kind, source
row) order. So the result is the same however the stream was cut into messages and polls, and rows that came out of
order within the source's bound stand where they belong. Rows older than what was already promised are refused as late.
"""

import numpy as np
from numba import njit

from operators import bars, marks
from operators import symbol_layout as at
from operators.bar_columns import BAR_WIDTH, SESSION
from operators.features.borrow import borrow
from operators.features.fused import step_features
from operators.normalise import ACCEPTED, Doubles, Longs, check
from operators.regime import step as step_regime
from operators.symbol_memory import Scratch, Tables, view_scratch, view_tables
from schemas.blocks import BARS, GAP, HEARTBEAT, QUOTES, TRADES
from schemas.columns import Bytes, read_doubles, read_long, read_longs, skip_string

_HEADER = 5
_END_OF_TIME = np.iinfo(np.int64).max


@njit(cache=True)
def _refuse(scratch: Scratch, row: Longs, values: Doubles, reason: int) -> None:
    n = scratch.counts[at.REJECTS]
    scratch.reject_ints[n, : at.ROW_INTS] = row
    scratch.reject_ints[n, at.REASON] = reason
    scratch.rejects[n] = values
    scratch.counts[at.REJECTS] = n + 1


@njit(cache=True)
def _refuse_message(scratch: Scratch, offset: int, reason: int) -> None:
    n = scratch.counts[at.REJECTS]
    scratch.reject_ints[n] = 0
    scratch.reject_ints[n, at.OFFSET] = offset
    scratch.reject_ints[n, at.ORDINAL] = -1
    scratch.reject_ints[n, at.REASON] = reason
    scratch.counts[at.REJECTS] = n + 1


@njit(cache=True)
def _trading_session(ints: Longs, sessions: Longs, ts_ns: int) -> float:
    """Return the number of the trading session that holds ``ts_ns``."""
    if ts_ns >= ints[at.TRADING_SESSION_END] or ints[at.TRADING_SESSION_END] == 0:
        after = np.searchsorted(sessions, ts_ns, side="right")
        ints[at.TRADING_SESSION] = after
        ints[at.TRADING_SESSION_END] = sessions[after] if after < sessions.shape[0] else _END_OF_TIME
    return float(ints[at.TRADING_SESSION])


@njit(cache=True)
def _close_bar(ints: Longs, floats: Doubles, slot: int, tables: Tables, scratch: Scratch, offset: int) -> None:
    """Write the bar of one timeframe with its features and regime, and begin with none."""
    base = at.INTS + slot * at.BAR_INTS
    own = ints[base : base + at.BAR_INTS]
    width = at.FEATURE_STATE + tables.state_at[-1] + tables.params[at.P_REGIME_STATE]
    state = floats[at.FLOATS + slot * width : at.FLOATS + (slot + 1) * width]
    n = scratch.counts[at.BARS]
    out = scratch.bars[n]
    bar = state[:BAR_WIDTH]
    bar[SESSION] = _trading_session(ints, tables.sessions, own[at.BAR_START])
    out[:BAR_WIDTH] = bar
    features_end = BAR_WIDTH + tables.out_at[-1]
    features = out[BAR_WIDTH:features_end]
    regime_at = at.FEATURE_STATE + tables.state_at[-1]
    step_features(
        state[at.FEATURE_STATE : regime_at], tables.feature_params, bar, features,
        tables.state_at, tables.params_at, tables.out_at,
    )  # fmt: skip
    volatility = features[tables.params[at.P_VOLATILITY]]
    step_regime(state[regime_at:], tables.regime_params, volatility, out[features_end:])
    own[at.BARS_SEEN] += 1
    row = scratch.bar_ints[n]
    row[at.OUT_TS] = own[at.BAR_END]
    row[at.OUT_TIMEFRAME] = tables.params[at.PARAM_INTS + slot]
    row[at.OUT_QUALITY] = bars.quality(ints, own)
    row[at.OUT_REVISION] = 0
    row[at.OUT_CAUSE] = offset
    row[at.OUT_FIRST_SEQ] = own[at.FIRST_SEQ]
    row[at.OUT_LAST_SEQ] = own[at.LAST_SEQ]
    row[at.OUT_SEEN] = own[at.BARS_SEEN]
    scratch.counts[at.BARS] = n + 1
    own[at.BAR_END] = 0


@njit(cache=True)
def _write_mark(ints: Longs, floats: Doubles, scratch: Scratch) -> None:
    n = scratch.counts[at.MARKS]
    marks.write(ints, floats, scratch.mark_ints[n], scratch.marks[n])
    scratch.counts[at.MARKS] = n + 1


@njit(cache=True)
def _close_until(ints: Longs, floats: Doubles, tables: Tables, scratch: Scratch, to_ns: int, offset: int) -> None:
    """Close the mark and every bar that ends at or before ``to_ns``: the earliest end first, then table order."""
    if 0 < ints[at.MARK_END] <= to_ns:
        _write_mark(ints, floats, scratch)
    while True:
        first = -1
        end = to_ns + 1
        for slot in range(tables.params[at.P_TIMEFRAMES]):
            slot_end = ints[at.INTS + slot * at.BAR_INTS + at.BAR_END]
            if 0 < slot_end < end:
                first, end = slot, slot_end
        if first < 0:
            return
        _close_bar(ints, floats, first, tables, scratch, offset)


@njit(cache=True, forceinline=True)
def _take_trade(ints: Longs, floats: Doubles, tables: Tables, row: Longs, values: Doubles) -> None:
    price = values[0]
    sign = floats[at.LAST_SIGN]
    if price > floats[at.LAST_PRICE]:
        sign = 1.0
    elif price < floats[at.LAST_PRICE]:
        sign = -1.0
    floats[at.LAST_SIGN] = sign
    aggressor = float(row[at.SIDE]) if row[at.SIDE] != 0 else sign
    width = at.FEATURE_STATE + tables.state_at[-1] + tables.params[at.P_REGIME_STATE]
    for slot in range(tables.params[at.P_TIMEFRAMES]):
        base = at.INTS + slot * at.BAR_INTS
        start = at.FLOATS + slot * width
        bars.add_trade(
            ints[base : base + at.BAR_INTS], floats[start : start + BAR_WIDTH], row, values,
            tables.params[at.PARAM_INTS + slot], aggressor, sign,
        )  # fmt: skip
    floats[at.LAST_PRICE] = price
    ints[at.LAST_TS] = row[at.TS]
    marks.add_trade(ints, floats, row[at.TS], price, values[1], tables.params[at.P_MARK_NS])


@njit(cache=True)
def _take_bar(
    ints: Longs, floats: Doubles, tables: Tables, scratch: Scratch, row: Longs, values: Doubles
) -> None:
    width = at.FEATURE_STATE + tables.state_at[-1] + tables.params[at.P_REGIME_STATE]
    for slot in range(tables.params[at.P_TIMEFRAMES]):
        timeframe = tables.params[at.PARAM_INTS + slot]
        base = at.INTS + slot * at.BAR_INTS
        start = at.FLOATS + slot * width
        if timeframe % row[at.SIDE] == 0:
            own = ints[base : base + at.BAR_INTS]
            bars.add_bar(own, floats[start : start + BAR_WIDTH], row, values, timeframe)
    floats[at.LAST_PRICE] = values[3]
    ints[at.LAST_TS] = row[at.TS]
    marks.take_bar(ints, floats, row, values)
    _write_mark(ints, floats, scratch)


@njit(cache=True, forceinline=True)
def _take(
    ints: Longs, floats: Doubles, tables: Tables, scratch: Scratch, row: Longs, values: Doubles
) -> None:
    """Take one row whose turn has come: refuse it, or close what it passes and add it."""
    begins = row[at.TS] - row[at.SIDE] if row[at.KIND] == BARS else row[at.TS]
    reason = check(ints, floats, row, values, tables.params, tables.scales)
    if reason != ACCEPTED:
        _refuse(scratch, row, values, reason)
        return
    _close_until(ints, floats, tables, scratch, begins, row[at.OFFSET])
    if row[at.KIND] == TRADES:
        _take_trade(ints, floats, tables, row, values)
    elif row[at.KIND] == QUOTES:
        floats[at.BID] = values[0]
        floats[at.ASK] = values[2]
        marks.add_quote(ints, floats, row[at.TS], tables.params[at.P_MARK_NS])
    else:
        _take_bar(ints, floats, tables, scratch, row, values)


@njit(cache=True)
def _sort(scratch: Scratch, rows: int) -> None:
    """Order the first ``rows`` waiting rows by (time, kind), keeping source order, unless they are so already."""
    ints = scratch.row_ints
    ordered = True
    for i in range(1, rows):
        if ints[i, at.TS] < ints[i - 1, at.TS] or (
            ints[i, at.TS] == ints[i - 1, at.TS] and ints[i, at.KIND] < ints[i - 1, at.KIND]
        ):
            ordered = False
            break
    if ordered:
        return
    by_kind = np.argsort(ints[:rows, at.KIND], kind="mergesort")
    order = by_kind[np.argsort(ints[:rows, at.TS][by_kind], kind="mergesort")]
    scratch.row_ints[:rows] = ints[:rows][order]
    scratch.rows[:rows] = scratch.rows[:rows][order]


@njit(cache=True, forceinline=True)
def _release(
    ints: Longs, floats: Doubles, tables: Tables, scratch: Scratch, waiting: int, offset: int
) -> None:
    """Take every waiting row that nothing older can precede, keep the others, and close what has ended."""
    _sort(scratch, waiting)
    released = 0
    limit = waiting - tables.params[at.P_HELD_MAX]
    while released < waiting and (scratch.row_ints[released, at.TS] < ints[at.COMPLETE_TO] or released < limit):
        _take(ints, floats, tables, scratch, scratch.row_ints[released], scratch.rows[released])
        released += 1
    for i in range(released, waiting):
        _move(scratch, i, i - released)
    scratch.counts[at.HELD] = waiting - released
    _close_until(ints, floats, tables, scratch, ints[at.COMPLETE_TO], offset)


@njit(cache=True, forceinline=True)
def _read_rows(scratch: Scratch, buffer: Bytes, position: int, end: int, kind: int) -> tuple[int, int]:
    """Read a block's columns behind the waiting rows; return (rows, position after them) or (0, -1)."""
    held = scratch.counts[at.HELD]
    third = at.SIDE if kind == BARS else at.ID
    rows = -1
    for i in range(4 if kind in (TRADES, GAP) else 3):
        column = (at.TS, at.DELAY, third, at.SIDE)[i]
        count, position = read_longs(buffer, position, end, scratch.row_ints[held:, column])
        if position < 0 or (rows >= 0 and count != rows):
            return 0, -1
        rows = count
    doubles = 0
    if kind != GAP:
        doubles = 2 if kind == TRADES else (4 if kind == QUOTES else 5)
    for i in range(doubles):
        count, position = read_doubles(buffer, position, end, scratch.rows[held:, i])
        if position < 0 or count != rows:
            return 0, -1
    return rows, position


@njit(cache=True)
def _declare_gap(ints: Longs, from_ns: int, to_ns: int) -> None:
    """Remember a stretch without data; one that touches the last one widens it."""
    if from_ns <= ints[at.GAP_TO] and to_ns >= ints[at.GAP_FROM]:
        ints[at.GAP_FROM] = min(ints[at.GAP_FROM], from_ns)
        ints[at.GAP_TO] = max(ints[at.GAP_TO], to_ns)
    else:
        ints[at.GAP_FROM] = from_ns
        ints[at.GAP_TO] = to_ns
    ints[at.GAP_FILLED] = 0


@njit(cache=True, forceinline=True)
def _move(scratch: Scratch, source: int, target: int) -> None:
    """Copy a waiting row; plain loops, as assigning slices that may overlap makes numba copy them first."""
    if source == target:
        return
    for column in range(at.ROW_INTS):
        scratch.row_ints[target, column] = scratch.row_ints[source, column]
    for column in range(at.ROW_FLOATS):
        scratch.rows[target, column] = scratch.rows[source, column]


@njit(cache=True, forceinline=True)
def _admit(ints: Longs, scratch: Scratch, kind: int, seq: int, rows: int, offset: int) -> int:
    """Number the rows just read, drop the ones seen before and the late ones; return how many rows now wait."""
    held = scratch.counts[at.HELD]
    expected = ints[at.NEXT_SEQ + kind]
    if seq > expected and rows > 0:
        _declare_gap(ints, ints[at.COMPLETE_TO], scratch.row_ints[held, at.TS])
        _refuse_message(scratch, offset, at.MISSING_ROWS)
    waiting = held
    for i in range(rows):
        row = scratch.row_ints[held + i]
        if seq + i < expected:
            continue
        row[at.SEQ] = seq + i
        row[at.KIND] = kind
        row[at.OFFSET] = offset
        row[at.ORDINAL] = i
        if kind == QUOTES:
            row[at.SIDE] = 0
        elif kind == BARS:
            row[at.ID] = 0
        if row[at.TS] < ints[at.COMPLETE_TO]:
            _refuse(scratch, row, scratch.rows[held + i], at.LATE)
            continue
        if ints[at.GAP_FROM] <= row[at.TS] < ints[at.GAP_TO]:
            ints[at.GAP_FILLED] += 1
        _move(scratch, held + i, waiting)
        waiting += 1
    ints[at.NEXT_SEQ + kind] = max(expected, seq + rows)
    return waiting


@njit(cache=True)
def _begin_session(ints: Longs, session: int, from_ns: int) -> None:
    """Listen to a new source session: its rows count from zero, and bars begun before it are partial."""
    ints[at.SESSION] = session
    ints[at.STARTED] = 1
    ints[at.LISTENING_FROM] = from_ns
    ints[at.FINAL] = 0
    for kind in range(3):
        ints[at.NEXT_SEQ + kind] = 0


@njit(cache=True)
def _read_head(buffer: Bytes, start: int, end: int, name: Bytes) -> tuple[int, int, int, int, int, int, int]:
    """Return (position or -1, reason, branch, session, seq, complete_to, final) of the message in [start, end)."""
    bad = (-1, at.MALFORMED, 0, 0, 0, 0, 0)
    if end - start < _HEADER or buffer[start] != 0:
        return bad
    if buffer[start + 1] or buffer[start + 2] or buffer[start + 3] or buffer[start + 4] != 1:
        return bad
    branch, position = read_long(buffer, start + _HEADER, end)
    if position < 0 or branch < TRADES or branch > GAP:
        return bad
    at_name, length, position = skip_string(buffer, position, end)
    if position < 0:
        return bad
    same = length == name.shape[0]
    for i in range(length):
        same = same and buffer[at_name + i] == name[i]
    _, _, position = skip_string(buffer, position, end)
    if position < 0:
        return bad
    session, position = read_long(buffer, position, end)
    if position < 0:
        return bad
    seq, position = read_long(buffer, position, end)
    if position < 0:
        return bad
    complete_to, position = read_long(buffer, position, end)
    if position < 0 or position >= end:
        return bad
    if not same:
        return -1, at.WRONG_SYMBOL, 0, 0, 0, 0, 0
    return position + 1, -1, branch, session, seq, complete_to, 1 if buffer[position] != 0 else 0


@njit(cache=True, forceinline=True)
def _take_message(
    ints: Longs, floats: Doubles, tables: Tables, scratch: Scratch, buffer: Bytes, bounds: Longs
) -> None:
    """Take the message in ``buffer[bounds[0]:bounds[1]]``, which has offset ``bounds[2]``."""
    start, end, offset = bounds[0], bounds[1], bounds[2]
    position, reason, kind, session, seq, complete_to, final = _read_head(buffer, start, end, tables.name)
    if position < 0:
        _refuse_message(scratch, offset, reason)
        return
    rows = 0
    held = scratch.counts[at.HELD]
    if kind != HEARTBEAT:
        rows, position = _read_rows(scratch, buffer, position, end, kind)
    if kind == GAP and position >= 0:
        _, _, position = skip_string(buffer, position, end)
    if position != end or seq < 0:
        _refuse_message(scratch, offset, at.MALFORMED)
        return
    if ints[at.STARTED] == 0 or session != ints[at.SESSION]:
        first_ns = scratch.row_ints[held, at.TS] if rows > 0 else complete_to
        _begin_session(ints, session, min(first_ns, complete_to))
    waiting = held
    if kind == GAP:
        for i in range(rows):
            _declare_gap(ints, scratch.row_ints[held + i, at.TS], scratch.row_ints[held + i, at.DELAY])
    elif kind != HEARTBEAT:
        waiting = _admit(ints, scratch, kind, seq, rows, offset)
    ints[at.COMPLETE_TO] = max(ints[at.COMPLETE_TO], complete_to)
    ints[at.FINAL] = final
    _release(ints, floats, tables, scratch, waiting, offset)


@njit(cache=True)
def advance(
    state: tuple[Longs, Doubles], tables: tuple[Longs, Doubles, Bytes], room: tuple[Longs, Doubles],
    buffer: Bytes, bounds: Longs,
) -> None:  # fmt: skip
    """Take the messages of one poll of one symbol, in order.

    ``state`` is laid out by ``operators.symbol_layout``; ``tables`` and ``room`` are packed by
    ``operators.symbol_memory``; ``bounds`` is [messages, 3]: start and end in ``buffer``, offset in the log. ``room``
    must hold every row of the messages and all that they close (see ``operators.symbol_leg``).
    """
    ints, floats = borrow(state[0]), borrow(state[1])
    own_tables = view_tables(tables[0], tables[1], tables[2])
    scratch = view_scratch(room[0], room[1])
    own_buffer, own_bounds = borrow(buffer), borrow(bounds)
    for i in range(bounds.shape[0]):
        _take_message(ints, floats, own_tables, scratch, own_buffer, own_bounds[i])
