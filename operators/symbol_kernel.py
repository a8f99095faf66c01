"""One compiled call a poll: bytes of market data in; closed bars with features and regime, marks, refused rows out.

Rows of all kinds wait until nothing older can follow (``ts < complete_to``), then they are taken in (time, kind, source
row) order. So the result is the same however the stream was cut into messages and polls, and rows that came out of
order within the source's bound stand where they belong. Rows older than what was already promised are refused as late.
"""

import numpy as np
from numba import njit

from operators import symbol_layout as at
from operators.features.borrow import borrow
from operators.normalise import Doubles, Longs
from operators.symbol_memory import Scratch, Tables, view_scratch, view_state, view_tables
from operators.symbol_messages import read_head, read_rows
from operators.symbol_poll import END, OFFSET, START
from operators.symbol_rows import close_until, ends_by, refuse, said_to, take
from operators.symbol_trades import take_in_turn
from schemas.blocks import BARS, GAP, HEARTBEAT, QUOTES, TRADES
from schemas.columns import Bytes

_END_OF_TIME = np.iinfo(np.int64).max


@njit(cache=True)
def _refuse_message(scratch: Scratch, offset: int, reason: int) -> None:
    n = scratch.counts[at.REJECTS]
    scratch.reject_ints[n] = 0
    scratch.reject_ints[n, at.OFFSET] = offset
    scratch.reject_ints[n, at.ORDINAL] = -1
    scratch.reject_ints[n, at.REASON] = reason
    scratch.counts[at.REJECTS] = n + 1


@njit(cache=True, forceinline=True)
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
def _release(ints: Longs, floats: Doubles, tables: Tables, scratch: Scratch, waiting: int) -> None:
    """Take every waiting row that nothing older can precede, and keep the others.

    More rows than may wait are taken before their time; whatever would belong before them is late from then on.
    """
    _sort(scratch, waiting)
    released = 0
    forced = waiting - tables.params[at.P_HELD_MAX]
    while released < waiting:
        ts_ns = scratch.row_ints[released, at.TS]
        if ts_ns >= ints[at.COMPLETE_TO]:
            if released >= forced:
                break
            ints[at.COMPLETE_TO] = ts_ns
        take(ints, floats, tables, scratch, scratch.row_ints[released], scratch.rows[released])
        released += 1
    for i in range(released, waiting):
        _move(scratch, i, i - released)
    scratch.counts[at.HELD] = waiting - released


@njit(cache=True, forceinline=True)
def _promise(
    ints: Longs, floats: Doubles, tables: Tables, scratch: Scratch, said: tuple[int, int], offset: int
) -> None:
    """Note what a message promises (``said``: complete_to and whether it is the last), and close what has ended."""
    ints[at.COMPLETE_TO] = max(ints[at.COMPLETE_TO], said[0])
    ints[at.FINAL] = said[1]
    said_to_ns = said_to(ints)
    if ends_by(ints, tables.params, said_to_ns):
        close_until(ints, floats, tables, scratch, said_to_ns, offset)


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
    held = int(scratch.counts[at.HELD])
    expected = ints[at.NEXT_SEQ + kind]
    if seq > expected and rows > 0:
        ints[at.GAP_TO] = max(ints[at.GAP_TO], scratch.row_ints[held, at.TS])
        ints[at.GAP_OFFSET] = offset
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
        if row[at.TS] < ints[at.COMPLETE_TO] or row[at.TS] > at.LATEST:
            timely = 0 < row[at.TS] <= at.LATEST
            refuse(scratch, row, scratch.rows[held + i], at.LATE if timely else at.BAD_TIME)
            continue
        _move(scratch, held + i, waiting)
        waiting += 1
    ints[at.NEXT_SEQ + kind] = max(expected, seq + rows)
    return waiting


@njit(cache=True)
def _admit_beside(ints: Longs, scratch: Scratch, kind: int, rows: int, offset: int) -> int:
    """Let rows wait that a person sent again beside the present session, unless they are late; say how many wait now.

    They have no number among the session's rows, and stand behind the last one that came.
    """
    held = int(scratch.counts[at.HELD])
    expected = ints[at.NEXT_SEQ + kind]
    waiting = _admit(ints, scratch, kind, expected, rows, offset)
    ints[at.NEXT_SEQ + kind] = expected
    for i in range(held, waiting):
        scratch.row_ints[i, at.SEQ] = max(expected - 1, 0)
    return waiting


@njit(cache=True)
def _admit_gaps(scratch: Scratch, seq: int, rows: int, offset: int) -> int:
    """Let the gaps just read wait for their turn, which for one told too late is now; return how many rows now wait."""
    held = int(scratch.counts[at.HELD])
    waiting = held
    for i in range(rows):
        row = scratch.row_ints[held + i]
        row[at.SEQ] = seq
        row[at.KIND] = GAP
        row[at.OFFSET] = offset
        row[at.ORDINAL] = i
        if row[at.TS] <= 0 or row[at.DELAY] <= row[at.TS]:
            refuse(scratch, row, scratch.rows[held + i], at.BAD_GAP)
            continue
        _move(scratch, held + i, waiting)
        waiting += 1
    return waiting


@njit(cache=True)
def _begin_session(ints: Longs, session: int, from_ns: int, offset: int) -> None:
    """Listen to a new source session: its rows count from zero, and bars begun before it are partial.

    It begins at ``from_ns`` where a heartbeat comes first, else with its oldest row (``_END_OF_TIME`` until that is
    taken): what a block promises depends on how the session was cut.
    """
    ints[at.SESSION] = session
    ints[at.SESSION_OFFSET] = offset
    ints[at.STARTED] = 1
    ints[at.LISTENING_FROM] = from_ns
    ints[at.FINAL] = 0
    ints[at.FED_BY] = at.BY_NOTHING
    ints[at.GAP_TO] = 0
    ints[at.LAST_QUOTE_ID] = 0
    for kind in range(3):
        ints[at.NEXT_SEQ + kind] = 0


@njit(cache=True, forceinline=True)
def _take_message(
    ints: Longs, floats: Doubles, tables: Tables, scratch: Scratch, buffer: Bytes, place: tuple[int, int, int]
) -> bool:
    """Take the message in ``buffer[start:end]``; ``place`` is start, end and its offset in the log.

    False where another version of the schema wrote it: it is left as it is.
    """
    start, end, offset = place
    position, reason, kind, session, seq, complete_to, final = read_head(buffer, start, end, tables.name)
    if position < 0:
        if reason == at.OTHER_VERSION:
            return False
        _refuse_message(scratch, offset, reason)
        return True
    known = ints[at.STARTED] != 0 and session == ints[at.SESSION]
    if known and kind == TRADES and scratch.counts[at.HELD] == 0:
        head = (seq, complete_to)
        if take_in_turn(ints, floats, tables, scratch, buffer, (position, end, offset), head):
            _promise(ints, floats, tables, scratch, (complete_to, final), offset)
            return True
    rows = 0
    if kind != HEARTBEAT:
        rows, position = read_rows(scratch, buffer, position, end, kind)
    if position != end:
        _refuse_message(scratch, offset, at.MALFORMED)
        return True
    if session < 0:
        if kind > BARS:
            _refuse_message(scratch, offset, at.MALFORMED)
        else:
            _release(ints, floats, tables, scratch, _admit_beside(ints, scratch, kind, rows, offset))
        return True
    if not known:
        announced = kind == HEARTBEAT and complete_to > 0
        _begin_session(ints, session, complete_to if announced else _END_OF_TIME, offset)
    waiting = scratch.counts[at.HELD]
    if kind == GAP:
        waiting = _admit_gaps(scratch, seq, rows, offset)
    elif kind != HEARTBEAT:
        waiting = _admit(ints, scratch, kind, seq, rows, offset)
    ints[at.COMPLETE_TO] = max(ints[at.COMPLETE_TO], complete_to)
    _release(ints, floats, tables, scratch, waiting)
    _promise(ints, floats, tables, scratch, (complete_to, final), offset)
    return True


@njit(cache=True)
def advance(
    state: Longs, shared: Longs, own: Longs, room: Longs, memory: Bytes, places: Longs, first: int, end: int
) -> tuple[int, int, int, int, int, int]:  # fmt: skip
    """Take the messages [first, end) of a poll, all of one symbol, in order; return how many rows wait, bars closed,
    marks were written and rows were refused, the time up to which the symbol has said everything, and ``end``, or the
    first message that another version of the schema wrote, which was not taken.

    ``state`` is packed by ``operators.symbol_state``; the tables ``shared`` and ``own`` and ``room`` by
    ``operators.symbol_memory``; ``memory`` and ``places`` are those of ``operators.symbol_poll``. ``room`` holds the
    rows that wait and says how many, and must have space for every row of the messages and for all that they close.
    """
    ints, floats = view_state(state)
    tables = view_tables(shared, own)
    scratch = view_scratch(room)
    buffer, spans = borrow(memory), borrow(places)
    counts = scratch.counts
    counts[at.BARS] = counts[at.MARKS] = counts[at.REJECTS] = 0
    taken = end
    for i in range(first, end):
        place = (int(spans[i, START]), int(spans[i, END]), int(spans[i, OFFSET]))
        if not _take_message(ints, floats, tables, scratch, buffer, place):
            taken = i
            break
    return counts[at.HELD], counts[at.BARS], counts[at.MARKS], counts[at.REJECTS], said_to(ints), taken
