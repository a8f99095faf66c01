"""How is a poll grouped by key when a record may cost next to nothing? In columns: one sort, no list a key."""

from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from operators.symbol_poll import END, OFFSET, START, Poll

Place = tuple[int, bytes]
"""(partition, key)"""
Longs = NDArray[np.int64]
Slots = NDArray[np.integer]


class KeyRuns(msgspec.Struct, gc=False):
    """A poll whose records stand by key: those of ``keys[i]`` are [edges[i], edges[i + 1]), offsets rising."""

    keys: list[Place]
    edges: list[int]
    poll: Poll


class KeySlots:
    """Numbers the (partition, key)s that a reader has met: ``table[slot]`` is one of them."""

    def __init__(self) -> None:
        self.table: list[Place] = []
        self._slots: dict[Place, int] = {}
        self._latest: dict[bytes, int] = {}
        self._partitions = np.empty(0, np.int32)

    def of_keys(self, keys: list[bytes]) -> Slots | None:
        """Return the slot of each key, as last met; None where one is new (or is none)."""
        kind = (
            np.uint16 if len(self.table) < 1 << 16 else np.int64
        )  # numpy sorts 16 bits by digits: five times faster
        try:
            return np.fromiter(map(self._latest.__getitem__, keys), kind, len(keys))
        except KeyError:
            return None

    def of_places(self, keys: list[bytes], partitions: NDArray[np.int32], guess: Slots | None) -> Slots:
        """Return the slot of each (partition, key); ``guess`` is right where each key keeps to its partition."""
        if guess is not None and np.array_equal(self._partitions[guess], partitions):
            return guess
        slots = [self._slot(place) for place in zip(partitions.tolist(), keys, strict=True)]
        self._partitions = np.array([partition for partition, _ in self.table], np.int32)
        return np.array(slots, np.int64)

    def _slot(self, place: Place) -> int:
        slot = self._slots.setdefault(place, len(self.table))
        if slot == len(self.table):
            self.table.append(place)
        self._latest[place[1]] = slot
        return slot


class Taken(msgspec.Struct, gc=False):
    """Records as they came, in pieces: slots and offsets in columns, and the values."""

    slots: list[Slots]
    offsets: list[Longs]
    values: list[bytes]


def runs_of(found: Mapping[Place, tuple[list[int], list[bytes]]]) -> KeyRuns:
    """Return what ``Reader.poll_by_key`` gives, as runs."""
    slots = np.repeat(np.arange(len(found)), [len(offsets) for offsets, _ in found.values()])
    offsets = [np.array(offsets, np.int64) for offsets, _ in found.values()]
    values = [value for _, values in found.values() for value in values]
    return sorted_runs(list(found), Taken([slots], offsets, values))


def sorted_runs(table: list[Place], taken: Taken) -> KeyRuns:
    """Return the records in runs; record i has the key ``table[slot of i]``. There is at least one."""
    slots = np.concatenate(taken.slots)
    order = np.argsort(slots, kind="stable")
    slots = slots[order]
    values = list(map(taken.values.__getitem__, order.tolist()))  # what is read together shall stand together
    lengths = np.fromiter(map(len, values), np.int64, len(values))
    places = np.empty((len(values), 3), np.int64)
    places[:, END] = lengths.cumsum()
    places[:, START] = places[:, END] - lengths
    places[:, OFFSET] = np.concatenate(taken.offsets)[order]
    firsts = np.flatnonzero(np.concatenate(([True], slots[1:] != slots[:-1])))
    largest = int(np.add.reduceat(lengths, firsts).max())
    return KeyRuns(
        keys=[table[slot] for slot in slots[firsts].tolist()],
        edges=[*firsts.tolist(), len(values)],
        poll=Poll(np.frombuffer(bytearray().join(values), np.uint8), places, largest),
    )
