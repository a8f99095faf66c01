"""How do columns of numbers stand in Avro bytes? Compiled readers and writers of Avro arrays.

An Avro array is a series of blocks: a count as zigzag varint (negative: its absolute value, followed by the block's
size in bytes), the items, and a count of zero at the end. A long is a zigzag varint, a double eight little-endian
bytes (Avro 1.12 specification, "Binary Encoding"). Readers return the position after what they read, or -1 where the
bytes are not valid; they never read outside ``[position, end)``.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from schemas.words import double_at, put_double, word_at

Bytes = NDArray[np.uint8]
Longs = NDArray[np.int64]
Doubles = NDArray[np.float64]

INVALID = -1
_NONE, _ONE, _SEVEN, _CONTINUED = np.uint64(0), np.uint64(1), np.uint64(0x7F), np.uint64(0x80)
_MORE = np.uint64(0x8080808080808080)
_LOW_7, _HIGH_7 = np.uint64(0x007F007F007F007F), np.uint64(0x7F007F007F007F00)
_LOW_14, _HIGH_14 = np.uint64(0x00003FFF00003FFF), np.uint64(0x3FFF00003FFF0000)
_LOW_28, _HIGH_28 = np.uint64(0x000000000FFFFFFF), np.uint64(0x0FFFFFFF00000000)


@njit(cache=True, forceinline=True)
def read_long(buffer: Bytes, position: int, end: int) -> tuple[int, int]:
    """Read one zigzag varint; return (value, position after it) or (0, -1).

    Inlined: a call costs more than the varint. One byte and nine bytes (times in nanoseconds) are read without a loop.
    """
    if position >= end:
        return 0, INVALID
    raw = np.uint64(buffer[position])
    if raw & _CONTINUED == _NONE:
        return (int(np.int64(raw >> _ONE)) ^ -int(np.int64(raw & _ONE))), position + 1
    if end - position > 8:
        word = word_at(buffer, position)
        if word & _MORE == _MORE and buffer[position + 8] < 0x80:
            raw = _compact(word) | np.uint64(buffer[position + 8]) << np.uint64(56)
            return (int(np.int64(raw >> _ONE)) ^ -int(np.int64(raw & _ONE))), position + 9
    raw &= _SEVEN
    for shift in range(7, 70, 7):
        position += 1
        if position >= end:
            return 0, INVALID
        byte = np.uint64(buffer[position])
        if shift == 63 and byte > _ONE:
            return 0, INVALID
        raw |= (byte & _SEVEN) << np.uint64(shift)
        if byte & _CONTINUED == _NONE:
            return (int(np.int64(raw >> _ONE)) ^ -int(np.int64(raw & _ONE))), position + 1
    return 0, INVALID


@njit(cache=True, forceinline=True)
def _compact(word: np.uint64) -> np.uint64:
    """Return the low seven bits of each of eight bytes side by side: by halves, quarters, eighths."""
    word = (word & _LOW_7) | (word & _HIGH_7) >> _ONE
    word = (word & _LOW_14) | (word & _HIGH_14) >> np.uint64(2)
    return (word & _LOW_28) | (word & _HIGH_28) >> np.uint64(4)


@njit(cache=True, forceinline=True)
def skip_string(buffer: Bytes, position: int, end: int) -> tuple[int, int, int]:
    """Read the bounds of a string; return (start, length, position after it) or (0, 0, -1).

    Bytes above 127 are refused: names in the header are plain ASCII.
    """
    length, position = read_long(buffer, position, end)
    if position < 0 or length < 0 or length > end - position:
        return 0, 0, INVALID
    for i in range(position, position + length):
        if buffer[i] > 127:
            return 0, 0, INVALID
    return position, length, position + length


@njit(cache=True, forceinline=True)
def _read_count(buffer: Bytes, position: int, end: int) -> tuple[int, int]:
    """Read an array block's count, skipping the byte size that a negative count announces."""
    count, position = read_long(buffer, position, end)
    if position < 0 or count == np.int64(-9223372036854775808):
        return 0, INVALID
    if count < 0:
        count = -count
        _, position = read_long(buffer, position, end)
    return count, position


@njit(cache=True, forceinline=True)
def read_longs(buffer: Bytes, position: int, end: int, out: Longs) -> tuple[int, int]:
    """Read an array of longs into ``out``; return (rows, position after it) or (0, -1)."""
    rows = 0
    while True:
        count, position = _read_count(buffer, position, end)
        if position < 0:
            return 0, INVALID
        if count == 0:
            return rows, position
        if count > end - position or count > out.shape[0] - rows:
            return 0, INVALID
        for i in range(rows, rows + count):
            value, position = read_long(buffer, position, end)
            if position < 0:
                return 0, INVALID
            out[i] = value
        rows += count


@njit(cache=True, forceinline=True)
def read_doubles(buffer: Bytes, position: int, end: int, out: Doubles) -> tuple[int, int]:
    """Read an array of doubles into ``out``; return (rows, position after it) or (0, -1)."""
    rows = 0
    while True:
        count, position = _read_count(buffer, position, end)
        if position < 0:
            return 0, INVALID
        if count == 0:
            return rows, position
        if count > (end - position) // 8 or count > out.shape[0] - rows:
            return 0, INVALID
        for i in range(count):
            out[rows + i] = double_at(buffer, position + 8 * i)
        position += 8 * count
        rows += count


@njit(cache=True, forceinline=True)
def write_long(buffer: Bytes, position: int, value: int) -> int:
    """Write one zigzag varint (at most 10 bytes); return the position after it."""
    raw = (np.uint64(value) << _ONE) ^ np.uint64(np.int64(value) >> np.int64(63))
    while raw >= _CONTINUED:
        buffer[position] = np.uint8(raw & _SEVEN) | np.uint8(0x80)
        raw >>= np.uint64(7)
        position += 1
    buffer[position] = np.uint8(raw)
    return position + 1


@njit(cache=True)
def _write_columns(buffer: Bytes, longs: Longs, doubles: Doubles, labels: Bytes, label_ends: Longs) -> int:
    """Write every column of ``longs`` [rows, k] and ``doubles`` [rows, m]; label i stands before double column i."""
    rows = longs.shape[0]
    position = 0
    for column in range(longs.shape[1]):
        if rows:
            position = write_long(buffer, position, rows)
        for row in range(rows):
            position = write_long(buffer, position, longs[row, column])
        buffer[position] = 0
        position += 1
    start = 0
    for column in range(doubles.shape[1]):
        for i in range(start, label_ends[column]):
            buffer[position] = labels[i]
            position += 1
        start = label_ends[column]
        if rows:
            position = write_long(buffer, position, rows)
        for row in range(rows):
            put_double(buffer, position, doubles[row, column])
            position += 8
        buffer[position] = 0
        position += 1
    return position


def write_columns(longs: Longs, doubles: Doubles, labels: Bytes, label_ends: Longs) -> bytes:
    """Return the Avro bytes of the columns of ``longs`` [rows, k], then ``doubles`` [rows, m].

    ``labels[label_ends[i-1]:label_ends[i]]`` stands before double column i (the key of a map entry, or nothing).
    """
    rows, width = longs.shape
    bound = width * (10 * rows + 11) + doubles.shape[1] * (8 * rows + 11) + labels.shape[0] + 16
    buffer = np.empty(bound, np.uint8)
    size = _write_columns(buffer, longs, doubles, labels, label_ends)
    return buffer[:size].tobytes()


def read_columns(
    value: bytes, position: int, long_columns: int, double_columns: int
) -> tuple[Longs, Doubles, int]:
    """Read ``long_columns`` long arrays, then ``double_columns`` double arrays, all of one length.

    Returns:
        (longs [rows, k], doubles [rows, m], position after them).

    Raises:
        ValueError: the bytes are not valid, or the columns differ in length.
    """
    end = len(value)
    buffer = np.frombuffer(value, np.uint8)
    rows = _count_rows(buffer, position, end, long_columns > 0) if long_columns + double_columns else 0
    longs, doubles = (
        np.empty((max(rows, 0), long_columns), np.int64),
        np.empty((max(rows, 0), double_columns)),
    )
    column, position = (0, INVALID) if rows < 0 else _read_columns(buffer, position, end, longs, doubles)
    if position < 0:
        raise ValueError(f"column {column} is cut short, malformed or longer or shorter than the first")
    return longs, doubles, position


@njit(cache=True)
def _count_rows(buffer: Bytes, position: int, end: int, of_longs: bool) -> int:
    """Return how many items the array at ``position`` has, or -1."""
    rows = 0
    while True:
        count, position = _read_count(buffer, position, end)
        if position < 0 or count > end - position or (not of_longs and count > (end - position) // 8):
            return INVALID
        if count == 0:
            return rows
        rows += count
        if not of_longs:
            position += 8 * count
            continue
        for _ in range(count):
            _, position = read_long(buffer, position, end)
            if position < 0:
                return INVALID


@njit(cache=True)
def _read_columns(buffer: Bytes, position: int, end: int, longs: Longs, doubles: Doubles) -> tuple[int, int]:
    """Fill ``longs`` and ``doubles`` column by column; return (last column, position after it), or -1 as position."""
    rows, column = longs.shape[0], 0
    for column in range(longs.shape[1]):
        count, position = read_longs(buffer, position, end, longs[:, column])
        if position < 0 or count != rows:
            return column, INVALID
    for i in range(doubles.shape[1]):
        column = longs.shape[1] + i
        count, position = read_doubles(buffer, position, end, doubles[:, i])
        if position < 0 or count != rows:
            return column, INVALID
    return column, position
