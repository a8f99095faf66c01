"""What is remembered of one symbol between polls, and what follows from one poll of it."""

from collections.abc import Sequence
from typing import Any, Self

import msgspec
import numpy as np

from operators import symbol_layout as at
from operators.normalise import Doubles, Longs
from schemas.account import Alert, DeadLetter
from schemas.orders import Signal


class SymbolState(msgspec.Struct):
    """All that is remembered of one symbol; the layout of the vectors is ``operators.symbol_layout``.

    ``numbers`` is both vectors in one memory, after their lengths; ``ints`` and ``floats`` are views of it.
    """

    symbol: str
    tag: str
    numbers: Longs
    held_ints: Longs
    held: Doubles
    strategies: list[Any]
    ints: Longs = msgspec.field(default_factory=lambda: np.empty(0, np.int64))
    floats: Doubles = msgspec.field(default_factory=lambda: np.empty(0))

    def __post_init__(self) -> None:
        """Look at ``numbers`` as its two vectors."""
        count = int(self.numbers[0])
        self.ints = self.numbers[1 : 1 + count]
        self.floats = self.numbers[1 + count :].view(np.float64)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the vectors as their bytes: a quarter of the size of pickled small arrays."""
        vectors = (self.numbers.tobytes(), self.held_ints.tobytes(), self.held.tobytes())
        return _restore, (self.symbol, self.tag, vectors, self.strategies)


def pack_state(ints: Longs, floats: Doubles) -> Longs:
    """Return the number of ``ints``, they, and ``floats``, as one vector."""
    return np.concatenate((np.array([len(ints)]), ints, floats.view(np.int64)))


def _restore(symbol: str, tag: str, vectors: tuple[bytes, ...], strategies: list[Any]) -> SymbolState:
    numbers, held_ints = (np.frombuffer(vector, np.int64).copy() for vector in vectors[:2])
    held = np.frombuffer(vectors[2], np.float64).copy()
    rows = (held_ints.reshape(-1, at.ROW_INTS), held.reshape(-1, at.ROW_FLOATS))
    return SymbolState(symbol, tag, numbers, *rows, strategies)


class SymbolOutput(msgspec.Struct):
    """What follows from one poll of one symbol, in columns; ``bars`` holds bar, features and regime side by side."""

    symbol: str
    partition: int
    bar_ints: Longs
    bars: Doubles
    mark_ints: Longs
    marks: Doubles
    signals: list[Signal]
    dead_letters: list[DeadLetter]
    alerts: list[Alert]
    complete_to_ns: int
    final: bool
    signals_emitted: int

    @property
    def holds_rows(self) -> bool:
        """Say whether anything followed but that time went on."""
        rows = len(self.mark_ints) + len(self.bar_ints)
        return bool(rows or self.dead_letters or self.alerts or self.signals)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return what follows from parts of a poll, in order, as one."""
        last = parts[-1]
        return msgspec.structs.replace(
            last,
            bar_ints=np.concatenate([part.bar_ints for part in parts]),
            bars=np.concatenate([part.bars for part in parts]),
            mark_ints=np.concatenate([part.mark_ints for part in parts]),
            marks=np.concatenate([part.marks for part in parts]),
            signals=[signal for part in parts for signal in part.signals],
            dead_letters=[letter for part in parts for letter in part.dead_letters],
            alerts=[alert for part in parts for alert in part.alerts],
        )
