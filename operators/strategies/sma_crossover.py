"""Follow the trend: long while the fast average of the close stands above the slow one, else short or flat.

A signal is given at the bar at which the order of the two simple moving averages changes (Brock, Lakonishok & LeBaron,
"Simple Technical Trading Rules", Journal of Finance 47, 1992). The first order seen is not a change, and averages that
are equal have none: prices in decimals leave rounding in the last bits of their sums, which is no difference.
"""

from functools import lru_cache

import msgspec
import numpy as np
from numba import njit

from operators.bar_columns import CLOSE
from operators.features import FEATURE_SET
from operators.features.borrow import borrow
from operators.features.ring import ring_size
from operators.features.sma import step as step_sma
from operators.strategies.strategy import BarRows, Doubles, Intent, rows_with_news, stop_distance

_ROUNDING = 1e-13  # of the close: far above what sums of doubles leave, far below a tick over two windows
_ATR_WARM = FEATURE_SET.warm_bars(["atr_14"])


@njit(cache=True)
def _fold(state: Doubles, params: Doubles, split: int, bars: Doubles, out: Doubles) -> None:
    """Write (change, fast, slow) of every bar to ``out`` [n, 3]; change is 1 up, -1 down, 0 none."""
    state, params, bars, out = borrow(state), borrow(params), borrow(bars), borrow(out)
    last = state.shape[0] - 1
    for i in range(bars.shape[0]):
        step_sma(state[:split], params[0:1], bars[i], out[i, 1:2])
        step_sma(state[split:last], params[1:2], bars[i], out[i, 2:3])
        difference = out[i, 1] - out[i, 2]
        rounding = _ROUNDING * bars[i, CLOSE]
        side = 1.0 if difference > rounding else (-1.0 if difference < -rounding else 0.0)
        out[i, 0] = side if side != 0.0 and state[last] == -side else 0.0
        if side != 0.0:
            state[last] = side


@lru_cache(maxsize=1024)
def _params(fast: int, slow: int) -> Doubles:
    """Return what ``_fold`` reads: made once, as making it costs half of folding one bar."""
    return np.array((fast, slow), np.float64)


class SmaCrossover(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Crossing of two simple moving averages of the close, of ``fast`` and ``slow`` bars (2 <= fast < slow).

    ``stop_atr`` average true ranges are named as the distance to the protective stop, for sizing.
    """

    fast: int = 20
    slow: int = 50
    allow_short: bool = True
    stop_atr: float = 3.0

    def __post_init__(self) -> None:
        """Raise ValueError where the windows are out of order."""
        if not 2 <= self.fast < self.slow:
            raise ValueError(
                f"fast is {self.fast} and slow is {self.slow}; they must satisfy 2 <= fast < slow"
            )

    def init(self) -> Doubles:
        """Two rings of closes and the last order of the averages."""
        return np.zeros(ring_size(self.fast) + ring_size(self.slow) + 1)

    def step(self, state: Doubles, rows: BarRows) -> list[Intent]:
        """Return an intent for every bar at which the averages cross."""
        out = np.empty((len(rows.bars), 3))
        _fold(state, _params(self.fast, self.slow), ring_size(self.fast), rows.bars, out)
        return [self._intent(rows, row, *out[row].tolist()) for row in rows_with_news(out)]

    def _intent(self, rows: BarRows, row: int, change: float, fast: float, slow: float) -> Intent:
        up = change > 0
        return Intent(
            row=row,
            target="LONG" if up else ("SHORT" if self.allow_short else "FLAT"),
            strength=1.0,
            confidence=0.5,
            stop_distance=stop_distance(rows, row, self.stop_atr, _ATR_WARM),
            reason=f"SMA{self.fast} crossed {'above' if up else 'below'} SMA{self.slow}",
            explanation={f"sma_{self.fast}": fast, f"sma_{self.slow}": slow},
        )
