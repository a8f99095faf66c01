"""Bars in a csv file, plain or gzip, of one or many symbols, ``, ; tab`` or ``|`` between its columns.

Columns by the names of ``headers.ALIASES``: time, open, high, low, close, volume; optional symbol, and a time of day
beside the date. The time is the bar's *open*; ``ts_event_ns`` is its close, open + interval, where the interval is the
most common distance between a symbol's rows unless one is given. ISO times, dates and epoch numbers; times without a
zone are read in ``timezone``. Symbols may follow each other, and a symbol's rows may run backwards (newest first): both
are put in order. Numbers go on as they parse, NaN and negative ones too; a row that does not parse is refused.
"""

import csv
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from flows.connectors.gateway import Reject
from flows.connectors.input_errors import InputError
from flows.connectors.recorded.headers import find_columns
from flows.connectors.recorded.lines import Refusals, content_hash, read_lines
from flows.connectors.recorded.order import OrderCheck
from flows.connectors.recorded.settings import RecordedSettings, symbol_of
from flows.connectors.recorded.source import NEVER, Batch, Run, assign_slots
from flows.connectors.recorded.times import is_usable, read_time, wall_to_utc
from schemas.blocks import BARS
from schemas.market import Doubles, Longs

BATCH_ROWS = 65_536
_PRICES = ("open", "high", "low", "close", "volume")


class OhlcvBars:
    """A csv file of bars, held as columns. InputError when made of another file or one without a usable row."""

    def __init__(self, path: str, settings: RecordedSettings) -> None:
        self.name = path
        content = content_hash(path)
        self.identity = settings.identity("ohlcv", content)
        self._disorder_ns = settings.disorder("ohlcv")
        reader = _Rows(path, Refusals(path, content), settings)
        reader.read()
        if not reader.times:
            why = f": {reader.rejects[0].detail}" if reader.rejects else ""
            raise InputError(f"{path}: no usable row, {len(reader.rejects)} refused{why}")
        self._rejects = reader.rejects
        open_ns = reader.open_times()
        codes = np.array(reader.codes, np.int64)
        lines = np.array(reader.lines, np.int64)
        numbers = np.array(reader.numbers, np.float64).reshape(-1, len(_PRICES))
        names = list(reader.symbols)
        intervals = _intervals(path, open_ns, codes, names, settings.interval_ns)
        self.heartbeat_ns = int(intervals.min())
        self.venues = dict.fromkeys(sorted(names), settings.venue or "RECORDED")
        self._runs = [
            self._order(name, open_ns[mine], numbers[mine], int(intervals[code]), lines[mine])
            for code, name in enumerate(names)
            for mine in [codes == code]
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
        order = np.argsort(slots, kind="stable")
        longs = (close_ns[order], np.zeros(len(order), np.int64), np.full(len(order), interval_ns))
        doubles = tuple(np.ascontiguousarray(numbers[order, i]) for i in range(len(_PRICES)))
        return Run(symbol, BARS, slots[order], longs + doubles)

    def read(self, resume: Any = None) -> Iterator[Batch]:
        """Batches of about BATCH_ROWS rows; ``resume`` is the watermark of an earlier batch."""
        slots = np.sort(np.concatenate([run.slots for run in self._runs]))
        start = NEVER if resume is None else int(resume)
        rejects = [(NEVER, reject) for reject in self._rejects] if resume is None else []
        while start <= int(slots[-1]):
            last = int(np.searchsorted(slots, start)) + BATCH_ROWS
            stop = int(slots[last]) if last < len(slots) else int(slots[-1]) + 1
            runs = [_between(run, start, max(stop, start + 1)) for run in self._runs]
            start = max(stop, start + 1)
            yield Batch(runs, rejects, start, start)
            rejects = []


def _between(run: Run, start: int, stop: int) -> Run:
    first, last = np.searchsorted(run.slots, (start, stop)).tolist()
    return Run(run.symbol, run.kind, run.slots[first:last], tuple(c[first:last] for c in run.columns))


def _intervals(path: str, open_ns: Longs, codes: Longs, names: list[str], given_ns: int) -> Longs:
    """Return each symbol's interval [symbols]; InputError where there is none to be seen."""
    if given_ns:
        return np.full(len(names), given_ns, np.int64)
    found = np.zeros(len(names), np.int64)
    for code in range(len(names)):
        steps = np.diff(np.unique(open_ns[codes == code]))
        if len(steps):
            sizes, counts = np.unique(steps, return_counts=True)
            found[code] = sizes[np.argmax(counts)]
    if not found.any():
        raise InputError(
            f"{path}: {len(open_ns)} usable row(s) at one time do not tell how long a bar is: "
            "give --interval (1m, 1h, 1d)"
        )
    sizes, counts = np.unique(found[found > 0], return_counts=True)
    found[found == 0] = sizes[np.argmax(counts)]
    return found


class _Layout(msgspec.Struct, frozen=True):
    """Where a line's columns stand."""

    separator: str
    time: int
    clock: int
    symbol: int
    prices: tuple[int, ...]


class _Rows:
    """Parses the lines: ``times`` (ns, is_wall), ``codes`` of symbols, ``numbers`` (five a row), rejects."""

    def __init__(self, path: str, refusals: Refusals, settings: RecordedSettings) -> None:
        self.times: list[int] = []
        self.walls: list[bool] = []
        self.lines: list[int] = []
        self.codes: list[int] = []
        self.numbers: list[float] = []
        self.symbols: dict[str, int] = {}
        self.rejects: list[Reject] = []
        self._path, self._refusals, self._settings = path, refusals, settings
        self._symbol = settings.symbol or symbol_of(path)

    def read(self) -> None:
        layout: _Layout | None = None
        for some in read_lines(self._path):
            for number, line in enumerate(some.lines, some.first):
                if not line.strip():
                    continue
                if layout is None:
                    layout = self._layout(line)
                    continue
                self._take(layout, number, line)
            if some.fault:
                self.rejects.append(self._refusals.refuse(some.first, "truncated_file", some.fault, b""))

    def _layout(self, line: bytes) -> _Layout:
        text = line.decode("utf-8-sig", "replace").strip()
        separator = max(",;\t|", key=text.count)
        names = [name.strip() for name in text.split(separator)]
        at = find_columns(self._path, names, ("time", *_PRICES), ("symbol", "clock"), _wide_hint(names))
        clock = at.get("clock", -1) if names[at["time"]].lower() == "date" else -1
        symbol = -1 if self._settings.symbol else at.get("symbol", -1)
        return _Layout(separator, at["time"], clock, symbol, tuple(at[name] for name in _PRICES))

    def _take(self, layout: _Layout, number: int, line: bytes) -> None:
        symbol = ""
        try:
            text = line.decode("utf-8")
            fields = text.split(layout.separator)
            if '"' in text:
                fields = next(csv.reader([text], delimiter=layout.separator))
            symbol = fields[layout.symbol].strip() if layout.symbol >= 0 else self._symbol
            if not symbol or not symbol.isascii():
                raise ValueError(f"symbol {symbol!r} is empty or not ASCII")
            moment = fields[layout.time] + (f" {fields[layout.clock].strip()}" if layout.clock >= 0 else "")
            ts, is_wall = read_time(moment)
            if not is_usable(ts):
                raise ValueError(f"time {moment!r} is not between 1970 and 2100")
            numbers = [float(fields[i]) for i in layout.prices]
        except IndexError:
            self._refuse(number, f"the row has {len(fields)} columns, fewer than the header", line, symbol)
        except (ValueError, OverflowError, csv.Error) as error:
            self._refuse(number, f"{error}", line, symbol)
        else:
            self.times.append(ts)
            self.walls.append(is_wall)
            self.lines.append(number)
            self.codes.append(self.symbols.setdefault(symbol, len(self.symbols)))
            self.numbers.extend(numbers)

    def _refuse(self, number: int, why: str, line: bytes, symbol: str) -> None:
        detail = f"{why}; the row is refused: correct it, or leave it out"
        self.rejects.append(self._refusals.refuse(number, "not_a_bar", detail, line, symbol))

    def open_times(self) -> NDArray[np.int64]:
        """Return UTC ns of every row; InputError for a wall time that its zone skipped or showed twice."""
        times = np.array(self.times, np.int64)
        walls = np.flatnonzero(np.array(self.walls))
        lines = np.array(self.lines, np.int64)[walls]
        times[walls] = wall_to_utc(times[walls], self._settings.timezone, self._path, lines)
        return times


def _wide_hint(names: list[str]) -> str:
    lower = {name.lower() for name in names}
    if (
        len(names) > 2
        and lower & {"date", "datetime", "timestamp"}
        and not lower & {"open", "high", "low", "close"}
    ):
        return "This looks like a table of closes with a column for each symbol, which holds no bars"
    return ""
