"""Fade the extreme: buy when the relative strength index falls below a low bound, sell short above a high one.

A position is taken at the bar at which the index crosses the bound and closed at the bar at which it has come back to
``exit``. The index is Wilder's (New Concepts in Technical Trading Systems, 1978); nothing is said before it is warm.
"""

from functools import lru_cache

import msgspec
import numpy as np
from numba import njit

from operators.features import FEATURE_SET
from operators.features.borrow import borrow
from operators.features.rsi import Rsi
from operators.features.rsi import step as step_rsi
from operators.strategies.strategy import BarRows, Doubles, Intent, rows_with_news, stop_distance

_ATR_WARM = FEATURE_SET.warm_bars(["atr_14"])
_LONG, _SHORT, _FLAT = 1.0, -1.0, 2.0
_BARS, _POSITION, _OWN = 0, 1, 2
_TARGETS = {_LONG: "LONG", _SHORT: "SHORT", _FLAT: "FLAT"}


@njit(cache=True)
def _fold(state: Doubles, params: Doubles, bars: Doubles, out: Doubles) -> None:
    """Write (wanted, index) of every bar to ``out`` [n, 2].

    ``params`` are window, low, high, exit, warm bars, short allowed.
    """
    state, params, bars, out = borrow(state), borrow(params), borrow(bars), borrow(out)
    low, high, exit_, warm, short_allowed = params[1], params[2], params[3], params[4], params[5]
    for i in range(bars.shape[0]):
        step_rsi(state[_OWN:], params[0:1], bars[i], out[i, 1:2])
        state[_BARS] += 1.0
        index = out[i, 1]
        wanted = 0.0
        if state[_BARS] >= warm:
            if state[_POSITION] == _LONG and index >= exit_ or state[_POSITION] == _SHORT and index <= exit_:
                wanted = _FLAT
            if index < low and state[_POSITION] != _LONG:
                wanted = _LONG
            elif index > high and state[_POSITION] != _SHORT and short_allowed > 0.0:
                wanted = _SHORT
        if wanted != 0.0:
            state[_POSITION] = 0.0 if wanted == _FLAT else wanted
        out[i, 0] = wanted


@lru_cache(maxsize=1024)
def _params(window: int, low: float, high: float, exit_: float, allow_short: bool) -> Doubles:
    """Return what ``_fold`` reads: made once, as making it costs more than folding one bar."""
    return np.array((window, low, high, exit_, Rsi(window=window).warm, allow_short), np.float64)


class RsiReversion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Mean reversion of the relative strength index over ``window`` bars; 0 < low < exit < high < 100.

    ``stop_atr`` average true ranges are named as the distance to the protective stop, for sizing.
    """

    window: int = 14
    low: float = 30.0
    high: float = 70.0
    exit: float = 50.0
    allow_short: bool = True
    stop_atr: float = 3.0

    def __post_init__(self) -> None:
        """Raise ValueError where the window is too short or the bounds are out of order."""
        if self.window < 2:
            raise ValueError(f"window is {self.window}; it must be at least 2")
        if not 0.0 < self.low < self.exit < self.high < 100.0:
            raise ValueError(
                f"low {self.low}, exit {self.exit}, high {self.high} must satisfy 0 < low < exit < high < 100"
            )

    def init(self) -> Doubles:
        """Bars seen, position wanted, and the index's own state."""
        return np.concatenate(([0.0, 0.0], Rsi(window=self.window).init()))

    def step(self, state: Doubles, rows: BarRows) -> list[Intent]:
        """Return an intent for every bar at which a position is opened, turned or closed."""
        out = np.empty((len(rows.bars), 2))
        params = _params(self.window, self.low, self.high, self.exit, self.allow_short)
        _fold(state, params, rows.bars, out)
        return [self._intent(rows, row, *out[row].tolist()) for row in rows_with_news(out)]

    def _intent(self, rows: BarRows, row: int, wanted: float, index: float) -> Intent:
        bound = {
            _LONG: f"below {self.low:g}",
            _SHORT: f"above {self.high:g}",
            _FLAT: f"back at {self.exit:g}",
        }
        return Intent(
            row=row,
            target=_TARGETS[wanted],  # type: ignore[arg-type]
            strength=1.0,
            confidence=0.5,
            stop_distance=stop_distance(rows, row, self.stop_atr, _ATR_WARM),
            reason=f"RSI{self.window} is {bound[wanted]}",
            explanation={f"rsi_{self.window}": index},
        )
