"""What is measured of a leg while it runs? Plain numbers, added where they arise, read by whoever exports them.

An addition costs well under a microsecond and happens once a poll or record; nothing here asks the log or a clock more
often than that.
"""

import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable

import msgspec

from flows.connectors.log import Position

SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Upper bounds of latencies: half a millisecond to ten seconds."""
RECORDS = (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000)
"""Upper bounds of polls."""


class Spread(msgspec.Struct):
    """How values are spread: ``counts[i]`` of them are at most ``bounds[i]``, the last count is of those beyond."""

    bounds: tuple[float, ...]
    counts: list[int] = []
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = self.counts or [0] * (len(self.bounds) + 1)

    def add(self, value: float) -> None:
        """Count a value.

        >>> polls = Spread((1, 10))
        >>> for size in (1, 2, 10, 11): polls.add(size)
        >>> polls.counts, polls.total
        ([1, 2, 1], 24.0)
        """
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class Meter(msgspec.Struct):
    """One leg (or gateway) of this process. Times are of the wall clock in ns, 0 for never."""

    positions: Callable[[], dict[Position, int]] = dict
    """Where the leg stands in each of its inputs now."""
    began: dict[Position, int] = {}
    event_time_ns: int = 0
    saved_ns: int = 0
    written: defaultdict[str, int] = msgspec.field(default_factory=lambda: defaultdict(int))
    """Records given to the log, by topic."""
    polls: Spread = msgspec.field(default_factory=lambda: Spread(RECORDS))
    seconds: Spread = msgspec.field(default_factory=lambda: Spread(SECONDS))
    """From a poll to its results' being given to the log."""
    polled_at: float = 0.0

    def opened(self, positions: Callable[[], dict[Position, int]]) -> None:
        """Note where the leg begins, and how to ask where it is."""
        self.positions, self.began = positions, positions()

    def polled(self, records: int) -> None:
        """Note that so many records were taken from the log."""
        self.polls.add(records)
        self.polled_at = time.monotonic()

    def wrote(self) -> None:
        """Note that what followed from the last poll was given to the log."""
        if self.polled_at:
            self.seconds.add(time.monotonic() - self.polled_at)

    def saved(self) -> None:
        """Note that a snapshot was taken."""
        self.saved_ns = time.time_ns()
