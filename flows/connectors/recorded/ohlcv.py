"""Bars in a csv file, plain or gzip, of one or many symbols, ``, ; tab`` or ``|`` between its columns.

Columns by the names of ``headers.ALIASES``: time, open, high, low, close, volume; optional symbol, and a time of day
beside the date. The time is the bar's *open*; ``ts_event_ns`` is its close, open + interval, where the interval is the
most common distance between a symbol's rows unless one is given. ISO times, dates and epoch numbers; times without a
zone are read in ``timezone``. Symbols may follow each other, and a symbol's rows may run backwards (newest first): both
are put in order. Numbers go on as they parse, NaN and negative ones too; a row that does not parse is refused.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from flows.connectors.input_errors import InputError
from flows.connectors.recorded.bar_rows import PRICES, BarRows
from flows.connectors.recorded.lines import Refusals, content_hash
from flows.connectors.recorded.order import OrderCheck
from flows.connectors.recorded.settings import RecordedSettings
from flows.connectors.recorded.source import NEVER, Batch, Run, assign_slots, make_run
from schemas.blocks import BARS
from schemas.market import Doubles, Longs

BATCH_ROWS = 65_536
_BATCH_ROWS_OF_A_SYMBOL = 1024


class OhlcvBars:
    """A csv file of bars, held as columns. InputError when made of another file or one without a usable row."""

    def __init__(self, path: str, settings: RecordedSettings) -> None:
        self.name = path
        content = content_hash(path)
        self.identity = settings.identity("ohlcv", content)
        self._disorder_ns = settings.disorder("ohlcv")
        reader = BarRows(path, Refusals(path, content), settings)
        reader.read()
        if not len(reader):
            why = f": {reader.rejects[0].detail}" if reader.rejects else ""
            raise InputError(f"{path}: no usable row, {len(reader.rejects)} refused{why}")
        self._rejects = reader.rejects
        names = list(reader.symbols)
        rows = _by_symbol(reader.codes, len(names))
        times, lines, numbers = reader.open_times(), reader.lines, reader.numbers
        open_ns = [times[mine] for mine in rows]
        intervals = _intervals(path, open_ns, settings.interval_ns)
        self.heartbeat_ns = int(intervals.min())
        self.venues = dict.fromkeys(sorted(names), settings.venue or "RECORDED")
        self._runs = [
            self._order(name, open_ns[code], numbers[mine], int(intervals[code]), lines[mine])
            for code, (name, mine) in enumerate(zip(names, rows, strict=True))
        ]

    def _order(self, symbol: str, open_ns: Longs, numbers: Doubles, interval_ns: int, lines: Longs) -> Run:
        """Return a symbol's rows in told order."""
        if len(open_ns) > 1 and (np.diff(open_ns) <= 0).all() and open_ns[0] > open_ns[-1]:
            open_ns, numbers, lines = open_ns[::-1], numbers[::-1], lines[::-1]
        close_ns = open_ns + interval_ns
        check = OrderCheck(self.name, self._disorder_ns, f" of {symbol}")
        check.add(close_ns, lines)
        check.finish()
        slots, _ = assign_slots(close_ns, NEVER, self._disorder_ns)
        zeros, lengths = np.zeros(len(slots), np.int64), np.full(len(slots), interval_ns)
        doubles = tuple(np.ascontiguousarray(numbers[:, i]) for i in range(len(PRICES)))
        return make_run(symbol, BARS, slots, (close_ns, zeros, lengths, *doubles))

    def read(self, resume: Any = None) -> Iterator[Batch]:
        """Batches of about BATCH_ROWS rows, more of many symbols; ``resume`` is the watermark of an earlier batch."""
        slots = np.sort(np.concatenate([run.slots for run in self._runs]))
        start = NEVER if resume is None else int(resume)
        most = max(BATCH_ROWS, _BATCH_ROWS_OF_A_SYMBOL * len(self._runs))
        rejects = [(NEVER, reject) for reject in self._rejects] if resume is None else []
        while start <= int(slots[-1]):
            last = int(np.searchsorted(slots, start)) + most
            stop = int(slots[last]) if last < len(slots) else int(slots[-1]) + 1
            runs = [_between(run, start, max(stop, start + 1)) for run in self._runs]
            start = max(stop, start + 1)
            yield Batch(runs, rejects, start, start)
            rejects = []


def _between(run: Run, start: int, stop: int) -> Run:
    first, last = np.searchsorted(run.slots, (start, stop)).tolist()
    return Run(run.symbol, run.kind, run.slots[first:last], tuple(c[first:last] for c in run.columns))


def _by_symbol(codes: Longs, symbols: int) -> list[Longs] | list[slice]:
    """Return each symbol's rows, in file order."""
    if symbols == 1:
        return [slice(None)]
    order = np.argsort(codes.astype(np.uint16) if symbols < 1 << 16 else codes, kind="stable")
    return np.split(order, np.cumsum(np.bincount(codes, minlength=symbols))[:-1])


def _intervals(path: str, open_ns: list[Longs], given_ns: int) -> Longs:
    """Return each symbol's interval [symbols]; InputError where there is none to be seen."""
    if given_ns:
        return np.full(len(open_ns), given_ns, np.int64)
    found = np.array([_commonest(_distances(times)) for times in open_ns], np.int64)
    if not found.any():
        rows = sum(map(len, open_ns))
        raise InputError(
            f"{path}: {rows} usable row(s) at one time do not tell how long a bar is: "
            "give --interval (1m, 1h, 1d)"
        )
    found[found == 0] = _commonest(found[found > 0])
    return found


def _distances(times: Longs) -> Longs:
    """Return the distances between times, in order and each once."""
    steps = np.diff(times)
    return steps if (steps > 0).all() else np.diff(np.unique(times))


def _commonest(sizes: Longs) -> int:
    """Return the most frequent of numbers, the smallest of those; 0 where there are none."""
    found, counts = np.unique(sizes, return_counts=True)
    return int(found[np.argmax(counts)]) if len(found) else 0
