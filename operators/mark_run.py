"""How do many marks travel together? In columns, from the log's record to the account leg, never one object each.

A row of ``longs`` is (ts_event_ns, ts_last_ns, ts_open_ns); a row of ``doubles`` is (open, high, low, close, volume,
bid, ask, volatility): the order of ``schemas/avro/marks.avsc``.
"""

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from schemas.market import Mark

Longs = NDArray[np.int64]
Doubles = NDArray[np.float64]

LONGS, DOUBLES = 3, 8


class MarkColumns(msgspec.Struct, frozen=True, eq=False):
    """Marks of one symbol: ``longs`` [n, 3], ``doubles`` [n, 8], both C-contiguous."""

    longs: Longs
    doubles: Doubles


class MarkRun(msgspec.Struct, frozen=True, eq=False):
    """Marks of several symbols in the order (ts_event_ns, symbol), at least one.

    ``symbol`` [n] is each row's index into ``symbols``, which is in alphabetical order. Runs cut from one another may
    share ``symbols``, and then name some that they hold no mark of.
    """

    symbols: tuple[str, ...]
    symbol: Longs
    longs: Longs
    doubles: Doubles

    def __len__(self) -> int:
        """Number of marks."""
        return len(self.symbol)

    def mark(self, row: int) -> Mark:
        """One row as a mark."""
        return Mark(
            self.symbols[self.symbol.item(row)], *self.longs[row].tolist(), *self.doubles[row].tolist()
        )

    def marks(self) -> list[Mark]:
        """Every row as a mark, in order."""
        rows = zip(self.symbol.tolist(), self.longs.tolist(), self.doubles.tolist(), strict=True)
        return [Mark(self.symbols[symbol], *longs, *doubles) for symbol, longs, doubles in rows]

    def part(self, start: int, end: int) -> "MarkRun":
        """Rows [start, end) as a run of their own, which shares this one's memory."""
        return MarkRun(self.symbols, self.symbol[start:end], self.longs[start:end], self.doubles[start:end])


def columns_of(marks: Sequence[Mark]) -> MarkColumns:
    """Marks of one symbol, in columns."""
    longs = [(mark.ts_event_ns, mark.ts_last_ns, mark.ts_open_ns) for mark in marks]
    doubles = [
        (mark.open, mark.high, mark.low, mark.close, mark.volume, mark.bid, mark.ask, mark.volatility)
        for mark in marks
    ]
    return MarkColumns(
        np.array(longs, np.int64).reshape(-1, LONGS), np.array(doubles, np.float64).reshape(-1, DOUBLES)
    )


def run_of(marks: Iterable[Mark]) -> MarkRun:
    """Marks of any symbols, in the order given, as one run."""
    rows = list(marks)
    symbols = tuple(sorted({mark.symbol for mark in rows}))
    columns = columns_of(rows)
    symbol = np.array([symbols.index(mark.symbol) for mark in rows], np.int64)
    return MarkRun(symbols, symbol, columns.longs, columns.doubles)


def merged(parts: Sequence[tuple[str, MarkColumns]]) -> MarkRun:
    """One run of columns that are each in the order of time; of marks of one time and symbol, the first part leads."""
    ordered = sorted(parts, key=_symbol_of) if len(parts) > 1 else parts
    longs = np.concatenate([columns.longs for _, columns in ordered])
    doubles = np.concatenate([columns.doubles for _, columns in ordered])
    names = [name for name, _ in ordered]
    symbols = tuple(dict.fromkeys(names))
    index = {name: number for number, name in enumerate(symbols)}
    sizes = [len(columns.longs) for _, columns in ordered]
    symbol = np.repeat(np.array([index[name] for name in names], np.int64), sizes)
    times = longs[:, 0]
    if len(ordered) > 1 and (times[1:] < times[:-1]).any():
        order = times.argsort(kind="stable")
        symbol, longs, doubles = symbol.take(order), longs.take(order, axis=0), doubles.take(order, axis=0)
    return MarkRun(symbols, symbol, longs, doubles)


def _symbol_of(part: tuple[str, MarkColumns]) -> str:
    return part[0]
