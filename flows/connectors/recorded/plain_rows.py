"""Which lines of bars can be read without asking Python, and what do they say?

A compiled reader of the plain lines, which are nearly all: no quotes, ASCII, times and numbers in their usual forms.
Whatever it takes, it reads exactly as ``bar_rows`` does; at the first line of which it is not sure it stops, and that
line is ``bar_rows``' to judge. So there is one definition of a row, and this is a shortcut to it.

Numbers too long to be sure of are handed back as text (``Scratch.text``).
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from flows.connectors.recorded.plain_text import (
    LONG,
    LONGEST_NUMBER,
    NEWLINE,
    NOT_PLAIN,
    PLUS,
    QUOTE,
    RETURN,
    SPACE,
    day_of,
    moment_of,
    number_of,
    time_of,
)
from flows.connectors.recorded.times import LATEST_NS
from schemas.columns import Bytes, Doubles, Longs

ROWS = 32_768
TIME, CLOCK, SYMBOL, FIRST_PRICE = range(4)
PRICES = 5
ROLES = FIRST_PRICE + PRICES
END, FULL, ODD = range(3)
"""Why the reader stopped: at the end, for want of room, or at a line that is not plain."""
LONGEST_SYMBOL = 32


class Scratch(NamedTuple):
    """What was read: ``places`` and ``ends`` say to which number (row * PRICES + i) each piece of ``text`` belongs."""

    times: Longs
    walls: Bytes
    codes: Longs
    numbers: Doubles
    text: Bytes
    ends: Any
    places: Longs


def make_scratch() -> Scratch:
    """Return room for ROWS rows."""
    return Scratch(
        np.empty(ROWS, np.int64),
        np.empty(ROWS, np.uint8),
        np.empty(ROWS, np.int64),
        np.empty((ROWS, PRICES)),
        np.empty(ROWS * 64, np.uint8),
        np.zeros(ROWS * PRICES + 1, np.int32),
        np.empty(ROWS * PRICES, np.int64),
    )


class Names:
    """The symbols that the reader knows, as an open hash table: (code or -1, bytes, lengths)."""

    def __init__(self) -> None:
        self._known: list[bytes] = []
        self._grow(64)

    @property
    def count(self) -> int:
        """How many names have a code."""
        return len(self._known)

    def add(self, name: bytes) -> None:
        """Give the next code to a name; a longer one than LONGEST_SYMBOL has a code that is never found."""
        self._known.append(name)
        if 2 * len(self._known) > len(self.table[0]):
            self._grow(4 * len(self.table[0]))
        else:
            self._put(len(self._known) - 1)

    def _grow(self, size: int) -> None:
        self.table = np.full(size, -1), np.zeros((size, LONGEST_SYMBOL), np.uint8), np.zeros(size, np.int64)
        for code in range(len(self._known)):
            self._put(code)

    def _put(self, code: int) -> None:
        name = np.frombuffer(self._known[code], np.uint8)
        if 0 < len(name) <= LONGEST_SYMBOL:
            codes, names, lengths = self.table
            place = _find_name(codes, names, lengths, name, 0, len(name))
            codes[place], names[place, : len(name)], lengths[place] = code, name, len(name)


@njit(cache=True)
def _find_name(codes: Longs, names: Any, lengths: Longs, buffer: Bytes, start: int, stop: int) -> int:
    """Return the place of a name in the table, or the empty one where it belongs."""
    mixed = np.int64(0)
    for i in range(start, stop):
        mixed = (mixed * 31 + np.int64(buffer[i])) & 0xFFFFFFFF
    place = (mixed ^ (mixed >> 15)) & (codes.shape[0] - 1)
    while codes[place] >= 0:
        same = lengths[place] == stop - start
        i = 0
        while same and i < stop - start:
            same = names[place, i] == buffer[start + i]
            i += 1
        if same:
            break
        place = (place + 1) & (codes.shape[0] - 1)
    return place


@njit(cache=True)
def _columns(buffer: Bytes, start: int, separator: int, roles: Longs, bounds: Longs) -> tuple[int, bool]:
    """Put each role's bounds, blanks left out, into ``bounds`` [roles, 2]; return (its end, whether it is plain)."""
    column, begin, i, end = 0, start, start, buffer.shape[0]
    while True:
        byte = buffer[i] if i < end else np.uint8(NEWLINE)
        if byte in (separator, NEWLINE):
            role = roles[column] if column < roles.shape[0] else -1
            if role >= 0:
                stop = i
                while begin < stop and buffer[begin] == SPACE:
                    begin += 1
                while begin < stop and (buffer[stop - 1] == SPACE or buffer[stop - 1] == RETURN):
                    stop -= 1
                bounds[role, 0], bounds[role, 1] = begin, stop
            column += 1
            begin = i + 1
            if byte == NEWLINE:
                return i, column >= roles.shape[0]
        elif byte == QUOTE or byte > 127:
            return i, False
        i += 1


@njit(cache=True)
def _row_time(buffer: Bytes, bounds: Longs, end: int, separator: int) -> tuple[int, int]:
    """Return (ns, whether without a zone) of a row whose line ends at ``end``; (0, 0) where its time is not plain."""
    start, stop = bounds[TIME, 0], bounds[TIME, 1]
    if bounds[CLOCK, 0] < 0:
        return time_of(buffer, start, stop)
    if stop < end and buffer[stop] != separator:
        return 0, 0
    return moment_of(buffer, day_of(buffer, start, stop), bounds[CLOCK, 0], bounds[CLOCK, 1])


@njit(cache=True)
def _keep_text(buffer: Bytes, start: int, stop: int, used: int, text: Bytes) -> int:
    """Put a long number behind the ``used`` bytes of text; return how many are used then."""
    start += 1 if buffer[start] == PLUS else 0
    text[used : used + stop - start] = buffer[start:stop]
    return int(used + stop - start)


@njit(cache=True)
def read_plain(
    buffer: Bytes, position: int, separator: int, roles: Longs, only: int, table: Any, out: Scratch
) -> tuple[int, int, int, int]:
    """Read plain lines from ``position``; return (position after them, rows, numbers left as text, why it stopped).

    ``roles`` says of each column up to the last that matters TIME, CLOCK, SYMBOL, FIRST_PRICE + i, or -1. ``only`` is
    the code of every row where no column names the symbol.
    """
    times, walls, codes, numbers, text, ends, places = (
        out  # taken apart once: a tuple costs 15 ns at every use
    )
    known, names, lengths = table
    bounds = np.full((ROLES, 2), -1)
    rows, texts = 0, 0
    while position <= buffer.shape[0]:
        if rows == ROWS or ends[texts] + PRICES * LONGEST_NUMBER > text.shape[0]:
            return position, rows, texts, FULL
        end, plain = _columns(buffer, position, separator, roles, bounds)
        ts, wall = _row_time(buffer, bounds, end, separator) if plain else (0, 0)
        code = only
        if only < 0 and plain and bounds[SYMBOL, 1] - bounds[SYMBOL, 0] <= LONGEST_SYMBOL:
            code = known[_find_name(known, names, lengths, buffer, bounds[SYMBOL, 0], bounds[SYMBOL, 1])]
        if ts <= 0 or ts >= LATEST_NS or code < 0:
            return position, rows, texts, ODD
        times[rows], walls[rows], codes[rows] = ts, wall, code
        more = texts
        for i in range(PRICES):
            start, stop = bounds[FIRST_PRICE + i, 0], bounds[FIRST_PRICE + i, 1]
            numbers[rows, i], kind = number_of(buffer, start, stop)
            if kind == NOT_PLAIN:
                return position, rows, texts, ODD
            if kind == LONG:
                ends[more + 1] = _keep_text(buffer, start, stop, ends[more], text)
                places[more] = rows * PRICES + i
                more += 1
        texts = more
        rows += 1
        position = end + 1
    return position, rows, texts, END
