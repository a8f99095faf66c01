"""Which rows wait to be cut? One lane for every source, symbol and kind, and the lane whose row comes next."""

import heapq
from bisect import bisect_left
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flows.connectors.recorded.source import LONG_FIELDS, Run, make_run

LaneKey = tuple[str, int, int]
"""(symbol, kind, index of the source): lanes of one symbol and kind stand in source order."""


class Lane:
    """Rows of one symbol and kind from one source, in slot order, of which the first ``taken`` are gone."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.taken = 0

    def head(self) -> int | None:
        """Return the next row's slot, or None."""
        return int(self.run.slots[self.taken]) if self.taken < len(self.run.slots) else None

    def add(self, run: Run) -> None:
        """Put more rows behind the waiting ones, each where its slot belongs."""
        old, start = self.run, self.taken
        self.taken = 0
        if start == len(old.slots):
            self.run = run
            return
        slots = np.concatenate((old.slots[start:], run.slots))
        columns = tuple(np.concatenate((a[start:], b)) for a, b in zip(old.columns, run.columns, strict=True))
        self.run = make_run(old.symbol, old.kind, slots, columns)

    def take(self, end_ns: int) -> Run:
        """Return, and remove, the rows with slots below ``end_ns``."""
        slots, start = self.run.slots, self.taken
        stop = bisect_left(slots, end_ns, start)
        self.taken = stop
        columns = tuple(column[start:stop] for column in self.run.columns)
        return Run(self.run.symbol, self.run.kind, slots[start:stop], columns)


class Lanes:
    """All lanes of a session, and a heap of their heads (whose outdated entries are skipped)."""

    def __init__(self) -> None:
        self._lanes: dict[LaneKey, Lane] = {}
        self._heap: list[tuple[int, LaneKey]] = []

    def add(self, run: Run, source: int, from_ns: int) -> None:
        """Let the rows with slots of at least ``from_ns`` wait."""
        if len(run.slots) and run.slots[0] < from_ns:
            first = bisect_left(run.slots, from_ns)
            run = Run(run.symbol, run.kind, run.slots[first:], tuple(c[first:] for c in run.columns))
        if not len(run.slots):
            return
        key = (run.symbol, run.kind, source)
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(run)
        else:
            lane.add(run)
        heapq.heappush(self._heap, (lane.head() or 0, key))

    def head(self) -> int | None:
        """Return the smallest slot that waits, or None."""
        while self._heap:
            slot, key = self._heap[0]
            if self._lanes[key].head() == slot:
                return slot
            heapq.heappop(self._heap)
        return None

    def heads(self) -> list[tuple[int, Run]]:
        """Return (head, rows) of every lane that has rows."""
        return [(head, lane.run) for lane in self._lanes.values() if (head := lane.head()) is not None]

    def take(self, end_ns: int) -> dict[str, list[Run]]:
        """Return, and remove, the rows with slots below ``end_ns``: by symbol, each run of another kind."""
        due: set[LaneKey] = set()
        heap = self._heap
        while heap and heap[0][0] < end_ns:
            due.add(heapq.heappop(heap)[1])
        taken: dict[str, list[Run]] = {}
        for key in sorted(due):
            lane = self._lanes[key]
            run = lane.take(end_ns)
            head = lane.head()
            if head is not None:
                heapq.heappush(heap, (head, key))
            if not len(run.slots):
                continue
            runs = taken.setdefault(run.symbol, [])
            if runs and runs[-1].kind == run.kind:
                runs[-1] = _join(runs[-1], run)
            else:
                runs.append(run)
        return taken


def _join(first: Run, second: Run) -> Run:
    slots = np.concatenate((first.slots, second.slots))
    columns: tuple[NDArray[Any], ...] = tuple(
        np.concatenate(pair) for pair in zip(first.columns, second.columns, strict=True)
    )
    return make_run(first.symbol, first.kind, slots, columns)


def from_lists(kind: int, columns: list[list[Any]]) -> tuple[NDArray[Any], ...]:
    """Return columns of Python numbers as arrays of the kind's types."""
    longs = LONG_FIELDS[kind]
    return tuple(np.array(c, np.int64 if i < longs else np.float64) for i, c in enumerate(columns))
