"""Do a file's rows stand in order of time?"""

import numpy as np

from flows.connectors.input_errors import InputError
from flows.connectors.recorded.source import NEVER
from flows.connectors.recorded.times import LATEST_NS, show
from schemas.market import Longs

MOST_STRAGGLERS = 0.5


class OrderCheck:
    """Counts, batch by batch, the rows that are older, by more than the bound, than what came before them."""

    def __init__(self, path: str, disorder_ns: int, what: str = "") -> None:
        self._path, self._disorder_ns, self._what = path, disorder_ns, what
        self._reached = NEVER
        self._rows = self._late = 0
        self._first: tuple[int, int, int] | None = None

    def add(self, ts_ns: Longs, rows: Longs) -> None:
        """Look at rows [n] with their numbers in the file [n], in file order."""
        usable = np.flatnonzero((ts_ns > 0) & (ts_ns < LATEST_NS))
        if not len(usable):
            return
        ts = ts_ns[usable]
        reached = np.maximum(np.maximum.accumulate(ts), self._reached)
        late = np.flatnonzero(ts < reached - self._disorder_ns)
        if len(late) and self._first is None:
            at = int(late[0])
            self._first = int(rows[usable[at]]), int(reached[at]), int(ts[at])
        self._reached = int(reached[-1])
        self._rows += len(ts)
        self._late += len(late)

    def finish(self) -> None:
        """Raise InputError if most rows are late. Fewer go on as they are: the symbol leg refuses each."""
        if self._first is None or self._late <= MOST_STRAGGLERS * self._rows:
            return
        row, newest, ts = self._first
        raise InputError(
            f"{self._path}: row {row}{self._what}: time goes back from {show(newest)} to {show(ts)}, and "
            f"{self._late:,} of {self._rows:,} rows are older than what stands before them: sort the file by time, "
            "or give a file for each symbol"
        )
