"""How are columns read without compiled code? By numpy alone, for programs that decode a few records and end.

Loading the first compiled kernel costs 0.1 to 0.25 s of CPU; a block of a few rows costs some 20 us a column here.
The result equals that of ``schemas.columns.read_columns`` on every input that it accepts (tested).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.columns import Bytes, Doubles, Longs
from schemas.scalars import read_count

_MOST_BYTES = 10
"""Of a varint of 64 bits."""
_SEVEN = np.uint64(7)


def read_columns(
    value: bytes, position: int, long_columns: int, double_columns: int
) -> tuple[Longs, Doubles, int]:
    """Read ``long_columns`` long arrays, then ``double_columns`` double arrays, all of one length.

    Returns:
        (longs [rows, k], doubles [rows, m], position after them).

    Raises:
        ValueError, IndexError: the bytes are not valid, or the columns differ in length.
    """
    buffer = np.frombuffer(value, np.uint8)
    columns: list[NDArray[Any]] = []
    for column in range(long_columns + double_columns):
        parts: list[NDArray[Any]] = []
        while True:
            count, position = read_count(value, position)
            if not count:
                break
            part: NDArray[Any]
            if column < long_columns:
                part, position = _longs(buffer, position, count)
            else:
                part, position = _doubles(value, position, count)
            parts.append(part)
        kind = np.int64 if column < long_columns else np.float64
        columns.append(parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, kind), *parts]))
        if len(columns[column]) != len(columns[0]):
            raise ValueError(f"column {column} is longer or shorter than the first")
    rows = len(columns[0]) if columns else 0
    longs, doubles = columns[:long_columns], columns[long_columns:]
    return (
        np.stack(longs, axis=1) if longs else np.empty((rows, 0), np.int64),
        np.stack(doubles, axis=1) if doubles else np.empty((rows, 0)),
        position,
    )


def _doubles(value: bytes, position: int, count: int) -> tuple[Doubles, int]:
    end = position + 8 * count
    if end > len(value):
        raise ValueError("an array of doubles is cut short")
    return np.frombuffer(value, "<f8", count, position), end


def _longs(buffer: Bytes, position: int, count: int) -> tuple[Longs, int]:
    """Read ``count`` zigzag varints: where a byte is below 128 one ends."""
    room = buffer[position : position + _MOST_BYTES * count]
    ends = np.flatnonzero(room < 0x80)[:count]
    if len(ends) < count:
        raise ValueError("an array of longs is cut short or malformed")
    starts = np.append(0, ends[:-1] + 1)
    lengths = ends - starts + 1
    if lengths.max() > _MOST_BYTES or (room[ends[lengths == _MOST_BYTES]] > 1).any():
        raise ValueError("a long has more than 64 bits")
    used = int(ends[-1]) + 1
    place = np.arange(used) - np.repeat(starts, lengths)
    bits = (room[:used] & np.uint8(0x7F)).astype(np.uint64) << (_SEVEN * place.astype(np.uint64))
    raw = np.bitwise_or.reduceat(bits, starts)
    half = (raw >> np.uint64(1)).astype(np.int64)
    return np.where(raw & np.uint64(1), -half - 1, half), position + used
