"""What is one poll of market data? The messages of all its symbols in one memory, those of a symbol side by side."""

from collections.abc import Sequence
from typing import Self

import msgspec
import numpy as np

from operators.normalise import Longs
from schemas.columns import Bytes

START, END, OFFSET = range(3)


class Poll(msgspec.Struct, gc=False):
    """Message i is ``memory[places[i, START] : places[i, END]]`` and has the offset ``places[i, OFFSET]`` in the log.

    ``largest`` is the most bytes that the messages of one symbol have: it bounds what can follow from them. ``memory``
    is writable only because compiled code is slower to take what is not; nothing writes to it.
    """

    memory: Bytes
    places: Longs
    largest: int

    @classmethod
    def of(cls, offsets: Sequence[int], values: Sequence[bytes]) -> Self:
        """Return the poll of one symbol's messages."""
        memory = bytearray().join(values)
        places = np.empty((len(values), 3), np.int64)
        ends = np.fromiter(map(len, values), np.int64, len(values)).cumsum()
        places[1:, START] = ends[:-1]
        places[:1, START] = 0
        places[:, END] = ends
        places[:, OFFSET] = offsets
        return cls(np.frombuffer(memory, np.uint8), places, len(memory))

    def parts(self, first: int, end: int, most: int) -> list[tuple[int, int]]:
        """Cut the messages [first, end) into spans of at most ``most`` bytes, or of one message."""
        spans, size = [], 0
        sizes = (self.places[first:end, END] - self.places[first:end, START]).tolist()
        for i, length in enumerate(sizes, first):
            if size and size + length > most:
                spans.append((first, i))
                first, size = i, 0
            size += length
        return [*spans, (first, end)]

    def message(self, first: int, end: int, offset: int) -> bytes:
        """Return the message of [first, end) that has this offset."""
        (row,) = np.flatnonzero(self.places[first:end, OFFSET] == offset)[:1]
        start, stop, _ = self.places[first + row].tolist()
        return self.memory[start:stop].tobytes()
