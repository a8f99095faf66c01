"""What must be known of each symbol to value one more mark? A row a symbol, in two arrays that compiled code reads.

Rows are numbered as symbols are first seen, and are kept up to date where something changes: by each mark, each
fill, each order that starts or ends. So a run of marks (``quiet_marks``) needs nothing but these arrays, however many
symbols there are.
"""

import msgspec
import numpy as np

from operators.mark_run import DOUBLES, Doubles, Longs
from schemas.market import Mark

# columns of ``ints``: the last mark's times; the price in ticks; what one tick is worth as held, and on the worse side
# with the working orders (both 1e-9 of the currency; the latter ``TOO_LARGE`` where it does not fit); 1 where the venue
# awaits the symbol's marks
TS_EVENT, TS_LAST, TS_OPEN, TICKS, HELD, WORST, BUSY = range(7)
INTS = 7
# columns of ``floats``: the last mark's prices, volume, quote and volatility; what a price is multiplied with for ticks
TICKS_PER_UNIT = DOUBLES
FLOATS = DOUBLES + 1

NOT_SEEN, NOT_TRADED = -1, -2  # in place of a row: no mark was seen yet; no instrument has the name
LIMIT = 1 << 60
"""Amounts below it can be added and compared in 64 bits; larger ones are left to Python's integers."""
TOO_LARGE = 2 * LIMIT  # times any change of price is beyond the limit
_ROWS = 16


class MarkTable(msgspec.Struct, eq=False):
    """``rows`` by symbol; ``names`` and ``places`` remember where the symbols of the last run stand."""

    rows: dict[str, int] = msgspec.field(default_factory=dict)
    ints: Longs = msgspec.field(default_factory=lambda: np.zeros((_ROWS, INTS), np.int64))
    floats: Doubles = msgspec.field(default_factory=lambda: np.zeros((_ROWS, FLOATS)))
    names: tuple[str, ...] = ()
    places: Longs = msgspec.field(default_factory=lambda: np.zeros(0, np.int64))

    def __eq__(self, other: object) -> bool:
        """Equal where the rows in use are, bit for bit."""
        if not isinstance(other, MarkTable) or self.rows != other.rows:
            return False
        used = len(self.rows)
        mine, theirs = ((t.ints[:used].tobytes(), t.floats[:used].tobytes()) for t in (self, other))
        return mine == theirs

    def add(self, symbol: str, ticks_per_unit: float) -> int:
        """Begin a row; returns its number."""
        row = self.rows[symbol] = len(self.rows)
        if row == len(self.ints):
            self.ints = np.concatenate((self.ints, np.zeros_like(self.ints)))
            self.floats = np.concatenate((self.floats, np.zeros_like(self.floats)))
        self.floats[row, TICKS_PER_UNIT] = ticks_per_unit
        self._place(symbol, row)
        return row

    def ticks(self, row: int) -> int:
        """The symbol's price in ticks; 0 before the first."""
        return self.ints.item(row, TICKS)

    def hold(self, row: int, held: int, worst: int) -> None:
        """Set what one tick is worth to the account: as held, and on the worse side, which is never less."""
        if worst >= LIMIT:
            held, worst = 0, TOO_LARGE
        self.ints[row, HELD] = held
        self.ints[row, WORST] = worst

    def last(self, row: int, symbol: str) -> Mark | None:
        """The symbol's last mark; None before the first."""
        times = self.ints[row, : TS_OPEN + 1].tolist()
        return Mark(symbol, *times, *self.floats[row, :DOUBLES].tolist()) if times[0] else None

    def note(self, row: int, mark: Mark) -> None:
        """Keep a mark as the symbol's last."""
        self.ints[row, : TS_OPEN + 1] = (mark.ts_event_ns, mark.ts_last_ns, mark.ts_open_ns)
        self.floats[row, :DOUBLES] = (
            mark.open, mark.high, mark.low, mark.close, mark.volume, mark.bid, mark.ask, mark.volatility
        )  # fmt: skip

    def places_of(self, names: tuple[str, ...]) -> Longs:
        """Where the symbols of a run stand: row numbers, ``NOT_SEEN`` or ``NOT_TRADED``."""
        if names is not self.names and names != self.names:
            self.names = names
            self.places = np.array([self.rows.get(name, NOT_SEEN) for name in names], np.int64)
        return self.places

    def ignore(self, symbol: str) -> None:
        """Note that no instrument has the name."""
        self._place(symbol, NOT_TRADED)

    def _place(self, symbol: str, place: int) -> None:
        if symbol in self.names:
            self.places[self.names.index(symbol)] = place
