"""How is a block of trades taken whose turn has come? In columns, without waiting.

Most blocks of trades go on where the last one ended, in time order, and promise that nothing older follows than their
own last row. Such a block need not wait row by row: it is checked in one pass over its columns, then added to bars and
mark in runs that end where one of them closes. What follows is bit for bit what ``operators.symbol_rows.take`` makes of
its rows one after the other (the law of cuts compares the two), at half the cost. Any other block is left to it.
"""

from typing import NamedTuple

from numba import njit

from operators import symbol_layout as at
from operators.bars import Trades
from operators.normalise import ACCEPTED, Doubles, Longs, check_trade
from operators.symbol_memory import Scratch, Tables
from operators.symbol_rows import add_trades, close_until, ends_by, note_trade
from schemas.blocks import TRADES
from schemas.columns import Bytes, read_doubles, read_long, read_longs


class _Block(NamedTuple):
    """The columns of a block of trades."""

    ts_ns: Longs
    delay: Longs
    trade_id: Longs
    side: Longs
    price: Doubles
    size: Doubles


@njit(cache=True, forceinline=True)
def take_in_turn(
    ints: Longs, floats: Doubles, tables: Tables, scratch: Scratch, buffer: Bytes,
    place: tuple[int, int, int], head: tuple[int, int],
) -> bool:  # fmt: skip
    """Take the block of the present session whose columns stand in ``buffer[start:end]``, or leave it and say False.

    ``place`` is start, end and the message's offset in the log; ``head`` is its seq and what it promises. No row waits.
    """
    start, end, offset = place
    seq, complete_to = head
    longs, doubles = scratch.longs, scratch.doubles
    rows = _read(longs, doubles, buffer, start, end)
    if rows == 0 or not _is_in_turn(ints, longs[:rows], seq, complete_to):
        return False
    block = _Block(
        longs[:rows], longs[rows : 2 * rows], longs[2 * rows : 3 * rows], longs[3 * rows : 4 * rows],
        doubles[:rows], doubles[rows : 2 * rows],
    )  # fmt: skip
    trades = Trades(
        block.ts_ns, longs[4 * rows : 5 * rows], block.price, block.size,
        doubles[2 * rows : 3 * rows], doubles[3 * rows : 4 * rows],
    )  # fmt: skip
    kept = _accept(ints, floats, tables, scratch, block, trades, (seq, offset))
    ints[at.NEXT_SEQ + TRADES] += rows
    if kept > 0:
        ints[at.FED_BY] = at.BY_TRADES
        if trades.ts_ns[0] < ints[at.LISTENING_FROM] and offset >= ints[at.SESSION_OFFSET]:
            ints[at.LISTENING_FROM] = trades.ts_ns[0]
    _add(ints, floats, tables, scratch, trades, kept, offset)
    return True


@njit(cache=True, forceinline=True)
def _read(longs: Longs, doubles: Doubles, buffer: Bytes, start: int, end: int) -> int:
    """Read the columns one behind the other; return the number of rows, 0 where they are not a whole block."""
    rows, _ = read_long(buffer, start, end)
    if rows <= 0 or rows > end - start:
        return 0
    position = start
    for column in range(4):
        count, position = read_longs(buffer, position, end, longs[column * rows : (column + 1) * rows])
        if count != rows:
            return 0
    for column in range(2):
        count, position = read_doubles(buffer, position, end, doubles[column * rows : (column + 1) * rows])
        if count != rows:
            return 0
    return int(rows) if position == end else 0


@njit(cache=True, forceinline=True)
def _is_in_turn(ints: Longs, ts_ns: Longs, seq: int, complete_to: int) -> bool:
    """Say whether the rows are the next ones, in time order, none late, none to wait and none in a gap."""
    if seq != ints[at.NEXT_SEQ + TRADES] or ints[at.FED_BY] == at.BY_BARS:
        return False
    earliest = max(ints[at.COMPLETE_TO], ints[at.GAP_TO], 1)
    for i in range(ts_ns.shape[0]):
        if ts_ns[i] < earliest:
            return False
        earliest = ts_ns[i]
    return bool(earliest < max(ints[at.COMPLETE_TO], complete_to))


@njit(cache=True, forceinline=True)
def _accept(
    ints: Longs, floats: Doubles, tables: Tables, scratch: Scratch, block: _Block, trades: Trades,
    named: tuple[int, int],
) -> int:  # fmt: skip
    """Check every row: refuse it, or add it to ``trades`` (in the same memory); return how many these are.

    ``named`` is the block's seq and offset.
    """
    seq, offset = named
    kept = 0
    for i in range(block.ts_ns.shape[0]):
        ts_ns, side = block.ts_ns[i], block.side[i]
        key, price, size = (ts_ns, block.trade_id[i]), block.price[i], block.size[i]
        reason, price, size = check_trade(ints, floats, key, price, size, tables.params, tables.scales)
        if reason != ACCEPTED:
            _refuse(scratch, block, i, seq + i, offset, reason)
            continue
        sign = note_trade(ints, floats, ts_ns, price)
        trades.ts_ns[kept], trades.seq[kept] = ts_ns, seq + i
        trades.price[kept], trades.size[kept] = price, size
        trades.aggressor[kept] = float(side) if side != 0 else sign
        trades.tick[kept] = sign
        kept += 1
    return kept


@njit(cache=True)
def _refuse(scratch: Scratch, block: _Block, i: int, seq: int, offset: int, reason: int) -> None:
    """Report row i, which is not used."""
    n = scratch.counts[at.REJECTS]
    row = scratch.reject_ints[n]
    row[at.TS], row[at.DELAY], row[at.ID] = block.ts_ns[i], block.delay[i], block.trade_id[i]
    row[at.SIDE], row[at.KIND] = block.side[i], TRADES
    row[at.SEQ], row[at.OFFSET], row[at.ORDINAL], row[at.REASON] = seq, offset, i, reason
    scratch.rejects[n, 0] = block.price[i]
    scratch.rejects[n, 1] = block.size[i]
    scratch.counts[at.REJECTS] = n + 1


@njit(cache=True, forceinline=True)
def _add(
    ints: Longs, floats: Doubles, tables: Tables, scratch: Scratch, trades: Trades, kept: int, offset: int
) -> None:
    """Close what the trades pass, and add them to what is being built, a run at once."""
    first = 0
    while first < kept:
        ts_ns = trades.ts_ns[first]
        if ends_by(ints, tables.params, ts_ns):
            close_until(ints, floats, tables, scratch, ts_ns, offset)
        until = _next_end(ints, tables.params, ts_ns)
        end = first + 1
        while end < kept and trades.ts_ns[end] < until:
            end += 1
        add_trades(ints, floats, tables, trades, first, end)
        first = end


@njit(cache=True, forceinline=True)
def _next_end(ints: Longs, params: Longs, ts_ns: int) -> int:
    """Return the first end of the mark and the bars that hold ``ts_ns``, begun or not."""
    interval = params[at.P_MARK_NS]
    until = ints[at.MARK_END] if ints[at.MARK_END] > 0 else (ts_ns // interval + 1) * interval
    for slot in range(params[at.P_TIMEFRAMES]):
        end = ints[at.INTS + slot * at.BAR_INTS + at.BAR_END]
        timeframe = params[at.PARAM_INTS + slot]
        until = min(until, end if end > 0 else (ts_ns // timeframe + 1) * timeframe)
    return int(until)
