"""What is a strategy: frozen parameters, a small state, and a fold from closed bars to what it wants to hold.

A strategy is a frozen struct of parameters. It reads the closed bars of a group in one timeframe: one symbol, or, for a
pair or a universe, several symbols in (time, symbol) order. It sees nothing else, so it cannot look ahead, and it says
nothing before its inputs are warm. The same object serves live (one bar at a time) and replay (thousands).
"""

from typing import Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from schemas.orders import Target

Longs = NDArray[np.int64]
Doubles = NDArray[np.float64]


class StrategyError(RuntimeError):
    """A strategy raised: the message names it, the symbol and the bars; the cause is what it raised."""


class BarRows(msgspec.Struct, frozen=True):
    """Closed bars of one group in one timeframe, oldest first; n rows.

    ``symbol`` [n] indexes ``symbols``; ``bars`` [n, BAR_WIDTH] has the columns of ``operators.bar_columns``;
    ``features`` [n, len(columns)] has those of the feature registry; ``seen`` [n] counts the symbol's bars so far;
    ``regime`` [n] is -1 unknown, 0 low, 1 normal, 2 high volatility.
    """

    symbols: tuple[str, ...]
    symbol: Longs
    ts_event_ns: Longs
    bars: Doubles
    features: Doubles
    columns: tuple[str, ...]
    seen: Longs
    regime: Longs

    def feature(self, name: str) -> Doubles:
        """Return one feature column [n]; raise ``ValueError`` where the registry has no such column."""
        return self.features[:, self.columns.index(name)]


class Intent(msgspec.Struct, frozen=True, gc=False):
    """What the strategy wants to hold from row ``row`` on, and why; prices and distances in quote currency."""

    row: int
    target: Target
    strength: float
    confidence: float
    stop_distance: float
    reason: str
    explanation: dict[str, float]


class Strategy(Protocol):
    """Parameters of one strategy; a class of the registry in ``operators.strategies``."""

    def init(self) -> Any:
        """Return a new state, before the first bar: picklable, of bounded size."""

    def step(self, state: Any, rows: BarRows) -> list[Intent]:
        """Fold ``rows`` into ``state`` (in place) and return what is wanted, in row order."""


def stop_distance(rows: BarRows, row: int, multiple: float, warm_bars: int) -> float:
    """Return ``multiple`` average true ranges, or 0 while that range is not warm."""
    if rows.seen[row] < warm_bars:
        return 0.0
    return float(multiple * rows.feature("atr_14")[row])


def rows_with_news(out: Doubles) -> list[int]:
    """Return the rows whose first column is not 0; of a single one without asking numpy, as when bars come one by one.

    >>> rows_with_news(np.array([[0.0, 1.0], [2.0, 1.0]]))
    [1]
    """
    if len(out) == 1:
        return [0] if out.item(0) != 0.0 else []
    found: list[int] = np.flatnonzero(out[:, 0]).tolist()
    return found
