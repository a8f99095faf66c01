"""What does one message of market data hold? Its head and its columns, read by compiled code from the poll's bytes.

The layout is ``schemas/avro/market_data.avsc``: Confluent frame, branch of the union, six fields of head, columns.
"""

from numba import njit

from operators import symbol_layout as at
from operators.symbol_memory import Scratch
from schemas.blocks import BARS, GAP, QUOTES, TRADES
from schemas.columns import Bytes, read_doubles, read_long, read_longs, skip_string
from schemas.topics import TOPICS

_FRAME = 5
_SCHEMA_ID = TOPICS["market_data"].schema_id
_LARGEST_SEQ = 1 << 62
"""Rows are counted: a number beyond this is no count, and adding to it would overflow."""


@njit(cache=True)
def read_head(buffer: Bytes, start: int, end: int, name: Bytes) -> tuple[int, int, int, int, int, int, int]:
    """Return (position or -1, reason, branch, session, seq, complete_to, final) of the message in [start, end).

    Only today's version of the schema is read here: what another version wrote has the reason OTHER_VERSION.
    """
    bad = (-1, at.MALFORMED, 0, 0, 0, 0, 0)
    if end - start < _FRAME or buffer[start] != 0:
        return bad
    if buffer[start + 1] or buffer[start + 2] or buffer[start + 3] or buffer[start + 4] != _SCHEMA_ID:
        return -1, at.OTHER_VERSION, 0, 0, 0, 0, 0
    branch, position = read_long(buffer, start + _FRAME, end)
    if position < 0 or branch < TRADES or branch > GAP:
        return bad
    at_name, length, position = skip_string(buffer, position, end)
    if position < 0:
        return bad
    same = length == name.shape[0]
    if same:
        for i in range(length):
            same = same and buffer[at_name + i] == name[i]
    _, _, position = skip_string(buffer, position, end)
    if position < 0:
        return bad
    session, position = read_long(buffer, position, end)
    if position < 0:
        return bad
    seq, position = read_long(buffer, position, end)
    if position < 0 or seq < 0 or seq > _LARGEST_SEQ:
        return bad
    complete_to, position = read_long(buffer, position, end)
    if position < 0 or position >= end or complete_to > at.LATEST:
        return bad
    if not same:
        return -1, at.WRONG_SYMBOL, 0, 0, 0, 0, 0
    return position + 1, -1, branch, session, seq, complete_to, 1 if buffer[position] != 0 else 0


@njit(cache=True, forceinline=True)
def read_rows(scratch: Scratch, buffer: Bytes, position: int, end: int, kind: int) -> tuple[int, int]:
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
    if kind == GAP:
        _, _, position = skip_string(buffer, position, end)
    return rows, position
