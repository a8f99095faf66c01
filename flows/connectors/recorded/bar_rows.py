"""What does a line of a csv file of bars say? Row by row in Python, with a compiled shortcut for the plain ones.

``BarRows`` is the definition; ``plain_rows`` reads the lines of which it is sure, and gives every other one back. Where
few lines are plain, ever more of them go to Python at once, so that asking first costs little.
"""

import csv
from array import array

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from flows.connectors.gateway import Reject
from flows.connectors.recorded import plain_rows as plain
from flows.connectors.recorded.headers import find_columns
from flows.connectors.recorded.lines import Block, Refusals, read_blocks
from flows.connectors.recorded.settings import RecordedSettings, symbol_of
from flows.connectors.recorded.times import is_usable, read_time, wall_to_utc
from schemas.market import Doubles, Longs

PRICES = ("open", "high", "low", "close", "volume")
_MOST_PATIENCE = 1024


class _Layout(msgspec.Struct, frozen=True):
    """Where a line's columns stand."""

    separator: str
    time: int
    clock: int
    symbol: int
    prices: tuple[int, ...]

    def roles(self) -> Longs:
        """Return what each column means to ``plain_rows``, up to the last one that matters."""
        at = {plain.TIME: self.time, plain.CLOCK: self.clock, plain.SYMBOL: self.symbol}
        at |= {plain.FIRST_PRICE + i: column for i, column in enumerate(self.prices)}
        roles = np.full(max(at.values()) + 1, -1)
        for role, column in at.items():
            if column >= 0:
                roles[column] = role
        return roles


class BarRows:
    """Reads a file's rows into columns, and ``rejects`` in file order; ``symbols`` gives their codes."""

    def __init__(self, path: str, refusals: Refusals, settings: RecordedSettings) -> None:
        self.symbols: dict[str, int] = {}
        self.rejects: list[Reject] = []
        self._times, self._walls, self._lines = array("q"), array("B"), array("q")
        self._codes, self._numbers = array("q"), array("d")
        self._path, self._refusals, self._settings = path, refusals, settings
        self._symbol = settings.symbol or symbol_of(path)
        self._layout: _Layout | None = None
        self._roles: Longs = np.empty(0, np.int64)
        self._names, self._scratch = plain.Names(), plain.make_scratch()
        self._patience = 1

    def __len__(self) -> int:
        return len(self._times)

    @property
    def codes(self) -> Longs:
        """Every row's index in ``symbols``."""
        return np.frombuffer(self._codes, np.int64)

    @property
    def lines(self) -> Longs:
        """Every row's number in the file."""
        return np.frombuffer(self._lines, np.int64)

    @property
    def numbers(self) -> Doubles:
        """PRICES of every row."""
        return np.frombuffer(self._numbers, np.float64).reshape(-1, len(PRICES))

    def read(self) -> None:
        """Read the file; InputError for one without the columns."""
        for block in read_blocks(self._path):
            if block.fault:
                self.rejects.append(self._refusals.refuse(block.first, "truncated_file", block.fault, b""))
            else:
                self._read_block(block)

    def _read_block(self, block: Block) -> None:
        memory = np.frombuffer(block.text, np.uint8)
        position, number = 0, block.first
        while position <= len(block.text):
            if self.symbols:
                rows, position, why = self._read_plain(memory, position, number)
                number += rows
                self._patience = 1 if rows > 8 * self._patience else min(2 * self._patience, _MOST_PATIENCE)
                if why != plain.ODD:
                    continue
            for _ in range(self._patience):
                end = block.text.find(b"\n", position)
                end = len(block.text) if end < 0 else end
                self._read_line(number, block.text[position:end])
                position, number = end + 1, number + 1
                if position > len(block.text):
                    break

    def _read_plain(self, memory: NDArray[np.uint8], position: int, number: int) -> tuple[int, int, int]:
        """Return rows taken from ``position`` on, the position after them, and why there were not more."""
        assert self._layout is not None
        only, out = 0 if self._layout.symbol < 0 else -1, self._scratch
        position, rows, texts, why = plain.read_plain(
            memory, position, ord(self._layout.separator), self._roles, only, self._names.table, out
        )
        if not rows:
            return 0, position, why
        if texts:
            size = int(out.ends[texts])
            pieces = [None, pa.py_buffer(out.ends[: texts + 1]), pa.py_buffer(out.text[:size])]
            exact = pa.StringArray.from_buffers(texts, *pieces[1:]).cast(pa.float64())
            out.numbers.reshape(-1)[out.places[:texts]] = exact.to_numpy()
        for column, found in (
            (self._times, out.times), (self._walls, out.walls), (self._codes, out.codes), (self._numbers, out.numbers),
            (self._lines, np.arange(number, number + rows)),
        ):  # fmt: skip
            column.frombytes(found[:rows].data.cast("B"))
        return rows, position, why

    def _read_line(self, number: int, line: bytes) -> None:
        if not line.strip():
            return
        if self._layout is None:
            self._layout = self._find_layout(line)
            self._roles = self._layout.roles()
        else:
            self._take(self._layout, number, line)

    def _find_layout(self, line: bytes) -> _Layout:
        text = line.decode("utf-8-sig", "replace").strip()
        separator = max(",;\t|", key=text.count)
        names = [name.strip() for name in text.split(separator)]
        at = find_columns(self._path, names, ("time", *PRICES), ("symbol", "clock"), _wide_hint(names))
        clock = at.get("clock", -1) if names[at["time"]].lower() == "date" else -1
        symbol = -1 if self._settings.symbol else at.get("symbol", -1)
        return _Layout(separator, at["time"], clock, symbol, tuple(at[name] for name in PRICES))

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
            self._times.append(ts)
            self._walls.append(is_wall)
            self._lines.append(number)
            self._codes.append(self._code_of(symbol))
            self._numbers.extend(numbers)

    def _code_of(self, symbol: str) -> int:
        code = self.symbols.setdefault(symbol, len(self.symbols))
        if code == len(self.symbols) - 1 == self._names.count:
            self._names.add(symbol.encode())
        return code

    def _refuse(self, number: int, why: str, line: bytes, symbol: str) -> None:
        detail = f"{why}; the row is refused: correct it, or leave it out"
        self.rejects.append(self._refusals.refuse(number, "not_a_bar", detail, line, symbol))

    def open_times(self) -> NDArray[np.int64]:
        """Return UTC ns of every row; InputError for a wall time that its zone skipped or showed twice."""
        times = np.frombuffer(self._times, np.int64)
        walls = np.frombuffer(self._walls, np.bool_)
        if walls.all():
            return wall_to_utc(times, self._settings.timezone, self._path, self.lines)
        times[walls] = wall_to_utc(times[walls], self._settings.timezone, self._path, self.lines[walls])
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
