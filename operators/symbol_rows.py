"""What does one row change? Its turn has come: it is refused, or it closes what it passes and is added.

Every row of a symbol passes here once, in (time, kind, source row) order. A gap is a row, too: it has its place in time
and makes the bars that it touches partial.
"""

import numpy as np
from numba import njit

from operators import bars, marks
from operators import symbol_layout as at
from operators.bar_columns import BAR_WIDTH, SESSION
from operators.features.fused import step_features
from operators.normalise import ACCEPTED, Doubles, Longs, check
from operators.regime import step as step_regime
from operators.symbol_memory import Scratch, Tables
from schemas.blocks import BARS, GAP, QUOTES, TRADES


@njit(cache=True)
def refuse(scratch: Scratch, row: Longs, values: Doubles, reason: int) -> None:
    """Report a row that is not used."""
    n = scratch.counts[at.REJECTS]
    scratch.reject_ints[n, : at.ROW_INTS] = row
    scratch.reject_ints[n, at.REASON] = reason
    scratch.rejects[n] = values
    scratch.counts[at.REJECTS] = n + 1


@njit(cache=True)
def said_to(ints: Longs) -> int:
    """Return the time up to which, itself included, everything has been said.

    A trade at ``complete_to`` belongs to the bar that begins there, a vendor bar with that time ends there.
    """
    return int(ints[at.COMPLETE_TO] if ints[at.FED_BY] == at.BY_TRADES else ints[at.COMPLETE_TO] - 1)


@njit(cache=True)
def _trading_session(ints: Longs, sessions: Longs, ts_ns: int) -> float:
    """Return the number of the trading session that holds ``ts_ns``."""
    last, known = ints[at.TRADING_SESSION], sessions.shape[0]
    within = (
        last <= known
        and (last == 0 or sessions[last - 1] <= ts_ns)
        and (last == known or ts_ns < sessions[last])
    )
    if not within:
        last = np.searchsorted(sessions, ts_ns, side="right")
        ints[at.TRADING_SESSION] = last
    return float(last)


@njit(cache=True)
def _close_bar(
    ints: Longs, floats: Doubles, slot: int, tables: Tables, scratch: Scratch, offset: int
) -> None:
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


@njit(cache=True, forceinline=True)
def ends_by(ints: Longs, params: Longs, to_ns: int) -> bool:
    """Say whether the mark or a bar ends at or before ``to_ns``: looked at once a tick, where closing is a call."""
    if 0 < ints[at.MARK_END] <= to_ns:
        return True
    for slot in range(params[at.P_TIMEFRAMES]):  # noqa: SIM110 - numba compiles a loop to less than any()
        if 0 < ints[at.INTS + slot * at.BAR_INTS + at.BAR_END] <= to_ns:
            return True
    return False


@njit(cache=True)
def close_until(
    ints: Longs, floats: Doubles, tables: Tables, scratch: Scratch, to_ns: int, offset: int
) -> None:
    """Close the mark and every bar that ends at or before ``to_ns``: the earliest end first, then table order."""
    if 0 < ints[at.MARK_END] <= to_ns:
        _write_mark(ints, floats, scratch)
    while True:
        first = -1
        end = to_ns
        for slot in range(tables.params[at.P_TIMEFRAMES]):
            slot_end = ints[at.INTS + slot * at.BAR_INTS + at.BAR_END]
            if 0 < slot_end <= end and (first < 0 or slot_end < end):
                first, end = slot, slot_end
        if first < 0:
            return
        _close_bar(ints, floats, first, tables, scratch, offset)


@njit(cache=True)
def _fill(ints: Longs, tables: Tables) -> None:
    """Note that every bar being built got a row inside a gap that had been declared before."""
    for slot in range(tables.params[at.P_TIMEFRAMES]):
        ints[at.INTS + slot * at.BAR_INTS + at.BAR_FILLED] = 1


@njit(cache=True, forceinline=True)
def note_trade(ints: Longs, floats: Doubles, ts_ns: int, price: float) -> float:
    """Remember an accepted trade as the last; return its sign by the tick rule (an unchanged price carries one)."""
    sign = floats[at.LAST_SIGN]
    if price > floats[at.LAST_PRICE]:
        sign = 1.0
    elif price < floats[at.LAST_PRICE]:
        sign = -1.0
    floats[at.LAST_SIGN] = sign
    floats[at.LAST_PRICE] = price
    ints[at.LAST_TS] = ts_ns
    return float(sign)


@njit(cache=True, forceinline=True)
def add_trades(
    ints: Longs, floats: Doubles, tables: Tables, trades: bars.Trades, first: int, end: int
) -> None:
    """Add the trades [first, end), which close nothing, to the bar of every timeframe and to the mark."""
    width = at.FEATURE_STATE + tables.state_at[-1] + tables.params[at.P_REGIME_STATE]
    for slot in range(tables.params[at.P_TIMEFRAMES]):
        base = at.INTS + slot * at.BAR_INTS
        start = at.FLOATS + slot * width
        own, bar = ints[base : base + at.BAR_INTS], floats[start : start + BAR_WIDTH]
        bars.add_trades(own, bar, trades, first, end, tables.params[at.PARAM_INTS + slot])
    marks.add_trades(ints, floats, trades, first, end, tables.params[at.P_MARK_NS])


@njit(cache=True, forceinline=True)
def _take_trade(ints: Longs, floats: Doubles, tables: Tables, row: Longs, values: Doubles) -> None:
    sign = note_trade(ints, floats, row[at.TS], values[0])
    values[2] = float(row[at.SIDE]) if row[at.SIDE] != 0 else sign
    values[3] = sign
    columns = (values[0:1], values[1:2], values[2:3], values[3:4])
    trades = bars.Trades(row[at.TS : at.TS + 1], row[at.SEQ : at.SEQ + 1], *columns)
    add_trades(ints, floats, tables, trades, 0, 1)
    if row[at.TS] < ints[at.GAP_TO] and row[at.OFFSET] > ints[at.GAP_OFFSET]:
        _fill(ints, tables)
    ints[at.FED_BY] = at.BY_TRADES


@njit(cache=True)
def _take_bar(
    ints: Longs, floats: Doubles, tables: Tables, scratch: Scratch, row: Longs, values: Doubles
) -> None:
    width = at.FEATURE_STATE + tables.state_at[-1] + tables.params[at.P_REGIME_STATE]
    filled = row[at.TS] <= ints[at.GAP_TO] and row[at.OFFSET] > ints[at.GAP_OFFSET]
    for slot in range(tables.params[at.P_TIMEFRAMES]):
        timeframe = tables.params[at.PARAM_INTS + slot]
        base = at.INTS + slot * at.BAR_INTS
        start = at.FLOATS + slot * width
        if bars.fits(row, timeframe):
            own = ints[base : base + at.BAR_INTS]
            bars.add_bar(own, floats[start : start + BAR_WIDTH], row, values, timeframe)
            if filled:
                own[at.BAR_FILLED] = 1
    floats[at.LAST_PRICE] = values[3]
    ints[at.LAST_TS] = row[at.TS]
    ints[at.FED_BY] = at.BY_BARS
    if 0 < ints[at.MARK_END] < row[at.TS]:
        _write_mark(ints, floats, scratch)
    marks.take_bar(ints, floats, row, values)
    _write_mark(ints, floats, scratch)


@njit(cache=True, forceinline=True)
def take(ints: Longs, floats: Doubles, tables: Tables, scratch: Scratch, row: Longs, values: Doubles) -> None:
    """Take one row whose turn has come: refuse it, or close what it passes and add it."""
    begins = row[at.TS] - row[at.SIDE] if row[at.KIND] == BARS else row[at.TS]
    if row[at.KIND] != GAP:
        reason = check(ints, floats, row, values, tables.params, tables.scales)
        if reason != ACCEPTED:
            refuse(scratch, row, values, reason)
            return
        if begins < ints[at.LISTENING_FROM] and row[at.OFFSET] >= ints[at.SESSION_OFFSET]:
            ints[at.LISTENING_FROM] = begins
    if ends_by(ints, tables.params, begins):
        close_until(ints, floats, tables, scratch, begins, row[at.OFFSET])
    if row[at.KIND] == TRADES:
        _take_trade(ints, floats, tables, row, values)
    elif row[at.KIND] == QUOTES:
        floats[at.BID] = values[0]
        floats[at.ASK] = values[2]
        marks.add_quote(ints, floats, row[at.TS], tables.params[at.P_MARK_NS])
    elif row[at.KIND] == BARS:
        _take_bar(ints, floats, tables, scratch, row, values)
    elif row[at.DELAY] > ints[at.GAP_TO]:
        ints[at.GAP_TO] = row[at.DELAY]
        ints[at.GAP_OFFSET] = row[at.OFFSET]
