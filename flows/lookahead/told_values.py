"""What may be compared of a variable, when two runs may differ behind a row?

A value for each row counts up to that row: an array as long as the tape, a list of row numbers, a list of intents. What
has no rows (a number, a text, a small array) is compared whole.
"""

import zlib
from typing import Any

import msgspec
import numpy as np

SKIP = object()
"""Stands for a value that is not compared."""
_SMALL = 64
"""Arrays and lists up to this length are compared whole, unless they are as long as the tape."""
_WINDOW = 600
"""An array that is shorter than the tape by less than this lacks its first rows."""
_DEEP = 2


class Allowed(msgspec.Struct, frozen=True, eq=False):
    """What a run may see: rows up to ``row`` of ``rows`` rows; ``inputs`` are the arrays that it is handed."""

    row: int
    rows: int
    inputs: list[Any] = []
    later: bool = False
    """Whether what a loop does on later rows is looked at, too: then the first line that sees any difference parts."""


class ByRow(msgspec.Struct, frozen=True):
    """What is told of a value that has rows: it must stay, whatever is done on later rows."""

    told: Any


class Whole(msgspec.Struct, frozen=True):
    """An int, and its distance to the number of rows: a count of rows may differ between tapes of two lengths."""

    value: int
    from_end: int

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Whole) and (self.value == other.value or self.from_end == other.from_end)

    def __hash__(self) -> int:
        return hash(self.value)


def tell(value: Any, allowed: Allowed, depth: int = 0) -> Any:
    """Return what is compared of a value: ``ByRow``, something that compares whole, or ``SKIP``."""
    if value is None or isinstance(value, bool | str | bytes):
        return value
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, int):
        return Whole(value, value - allowed.rows)
    if isinstance(value, float):
        return value.hex() if value == value else "nan"
    if isinstance(value, np.ndarray):
        return _array(value, allowed)
    if hasattr(value, "columns") and hasattr(value, "__array__"):  # a data frame
        return ByRow(tuple(_array(np.asarray(value[name]), allowed) for name in value.columns))
    if hasattr(value, "__array__"):
        return _array(np.asarray(value), allowed)
    if depth < _DEEP and isinstance(value, list | tuple | dict | set | msgspec.Struct):
        return _collection(value, allowed, depth)
    return SKIP


def _collection(value: Any, allowed: Allowed, depth: int) -> Any:
    if isinstance(value, msgspec.Struct):
        if hasattr(value, "bars") and hasattr(value, "features"):
            return SKIP
        value = msgspec.structs.asdict(value)
    listed, by_row = list(value.items()) if isinstance(value, dict) else list(value), True
    if len(listed) == allowed.rows and allowed.rows > _SMALL:
        listed = listed[: allowed.row + 1]
    elif all(_is_row(entry, allowed) for entry in listed):
        listed = [entry for entry in listed if entry <= allowed.row]
    elif all(hasattr(entry, "row") for entry in listed):
        listed = [entry for entry in listed if entry.row <= allowed.row]
    elif len(listed) > _SMALL:
        return SKIP
    else:
        by_row = False
    told = [tell(entry, allowed, depth + 1) for entry in listed]
    told = [entry for entry in told if entry is not SKIP]
    return ByRow(told) if by_row else told


def _is_row(entry: Any, allowed: Allowed) -> bool:
    return isinstance(entry, int | np.integer) and not isinstance(entry, bool) and 0 <= entry < allowed.rows


def _array(array: Any, allowed: Allowed) -> Any:
    if array.ndim == 0:
        return tell(array.item(), allowed)
    length, row, rows = len(array), allowed.row, allowed.rows
    if length == rows:
        if any(np.may_share_memory(array, given) for given in allowed.inputs):
            return SKIP
        return ByRow(_sum(array[: row + 1]))
    if array.ndim == 1 and array.dtype.kind in "iu" and length and array.min() >= 0 and array.max() < rows:
        return ByRow(_sum(array[array <= row]))
    if rows > length > max(_SMALL, rows - _WINDOW):
        return ByRow(_sum(array[: max(0, row + 1 - (rows - length))]))
    return SKIP if length > _SMALL else _sum(array)


def _sum(array: Any) -> Any:
    if array.dtype.kind == "O":
        return repr(array.tolist())
    return array.shape[1:], zlib.crc32(np.ascontiguousarray(array).tobytes())
