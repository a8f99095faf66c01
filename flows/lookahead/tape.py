"""What does a strategy see, and what would it see had the future been another? Closed bars, laid out as the leg does.

A tape is all closed bars of one symbol in one timeframe. ``rows`` hands out its first bars in memory of their own, with
NaN behind the last one: a strategy that reads past the end of its rows finds no true future there.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from operators import bar_columns
from operators import symbol_layout as at
from operators.features import FEATURE_SET
from operators.strategies import BarRows
from operators.symbol_state import SymbolOutput

Longs = NDArray[np.int64]
Doubles = NDArray[np.float64]

REGIME = bar_columns.BAR_WIDTH + FEATURE_SET.width
TIME, SEEN = REGIME + 1, REGIME + 2
BEHIND = 64
"""Rows of NaN behind the last row."""

_BARS = {
    value: name.lower() for name, value in vars(bar_columns).items() if name.isupper() and name != "BAR_WIDTH"
}
COLUMNS = (
    *(_BARS[i] for i in range(bar_columns.BAR_WIDTH)),
    *FEATURE_SET.columns,
    "regime",
    "ts_event_ns",
    "seen",
)
"""Names of all that a strategy reads of one bar, in the order in which a tape counts its columns."""


class Tape(msgspec.Struct, frozen=True, eq=False):
    """Closed bars of one symbol, oldest first; ``wide`` [n, REGIME + 1] holds bar, features and regime code."""

    symbol: str
    ts_event_ns: Longs
    seen: Longs
    wide: Doubles

    def __len__(self) -> int:
        """Number of bars."""
        return len(self.wide)

    def part(self, start: int, stop: int) -> "Tape":
        """Return bars ``start`` to ``stop``, without a copy."""
        return Tape(self.symbol, self.ts_event_ns[start:stop], self.seen[start:stop], self.wide[start:stop])

    def rows(self) -> BarRows:
        """Return the bars as the symbol leg hands them to a strategy, in memory of their own."""
        wide = _with_nothing_behind(self.wide, np.nan)
        n = len(self)
        return BarRows(
            symbols=(self.symbol,),
            symbol=_with_nothing_behind(np.zeros(n, np.int64), 0),
            ts_event_ns=_with_nothing_behind(self.ts_event_ns, 0),
            bars=wide[:, : bar_columns.BAR_WIDTH],
            features=wide[:, bar_columns.BAR_WIDTH : REGIME],
            columns=FEATURE_SET.columns,
            seen=_with_nothing_behind(self.seen, 0),
            regime=_with_nothing_behind(self.wide[:, REGIME].astype(np.int64), -1),
        )


def tape_of(symbol: str, output: SymbolOutput, timeframe_ns: int, most: int) -> Tape:
    """Return the first ``most`` bars of one timeframe of what the symbol leg said."""
    chosen = np.flatnonzero(output.bar_ints[:, at.OUT_TIMEFRAME] == timeframe_ns)[:most]
    ints = output.bar_ints[chosen]
    wide = np.ascontiguousarray(output.bars[chosen][:, : REGIME + 1])
    return Tape(symbol, ints[:, at.OUT_TS].copy(), ints[:, at.OUT_SEEN].copy(), wide)


def shuffled(tape: Tape, known: int, rng: np.random.Generator) -> Tape:
    """Return the tape with what the bars behind the first ``known`` hold in another order; their times stay."""
    wide = tape.wide.copy()
    wide[known:] = wide[known + rng.permutation(len(tape) - known)]
    return msgspec.structs.replace(tape, wide=wide)


def changed(tape: Tape, known: int, rng: np.random.Generator) -> Tape:
    """Return the tape with every number behind the first ``known`` bars another one: prices, features, times."""
    n, wide = len(tape) - known, tape.wide.copy()
    future = wide[known:]
    future[:, : bar_columns.BAR_WIDTH] *= rng.uniform(0.5, 1.5, (n, 1))
    future[:, bar_columns.BAR_WIDTH - 1] += 1.0  # another session
    future[:, bar_columns.VOLUME : bar_columns.BAR_WIDTH - 1] *= rng.uniform(0.5, 2.0, (n, 1))
    features = future[:, bar_columns.BAR_WIDTH : REGIME]
    features *= rng.uniform(-1.0, 2.0, features.shape)
    future[:, REGIME] = (future[:, REGIME] + 2.0) % 4.0 - 1.0
    later, step_ns = tape.ts_event_ns.copy(), _step_ns(tape.ts_event_ns)
    later[known:] = (tape.ts_event_ns[known - 1] if known else 0) + np.cumsum(rng.integers(1, 4, n)) * step_ns
    return msgspec.structs.replace(tape, wide=wide, ts_event_ns=later)


def blended(true: Tape, other: Tape, known: int, row: int, columns: Sequence[int]) -> Tape:
    """Return ``true`` with rows ``known`` to ``row`` from ``other``, and of ``row`` itself only ``columns``."""
    wide, times, seen = true.wide.copy(), true.ts_event_ns.copy(), true.seen.copy()
    wide[known:row], times[known:row], seen[known:row] = (
        other.wide[known:row],
        other.ts_event_ns[known:row],
        other.seen[known:row],
    )
    inside = [column for column in columns if column <= REGIME]
    wide[row, inside] = other.wide[row, inside]
    if TIME in columns:
        times[row] = other.ts_event_ns[row]
    if SEEN in columns:
        seen[row] = other.seen[row]
    return Tape(true.symbol, times, seen, wide)


def _with_nothing_behind(values: NDArray, nothing: float) -> NDArray:
    room = np.full((len(values) + BEHIND, *values.shape[1:]), nothing, values.dtype)
    room[: len(values)] = values
    return room[: len(values)]


def _step_ns(times: Longs) -> int:
    return int(np.diff(times).min()) if len(times) > 1 else 1
