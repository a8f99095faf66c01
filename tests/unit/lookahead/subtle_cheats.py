"""More strategies that cheat, as is easily done by mistake; the line to be named is marked "# <- cheat"."""

import numpy as np
from numba import njit

from operators.bar_columns import CLOSE, HIGH, LOW, VOLUME
from operators.strategies.strategy import BarRows, Doubles, Intent
from tests.unit.lookahead.cheats import Stateless, intents


class Backward(Stateless, frozen=True):
    """A decaying maximum, folded from the end."""

    def step(self, state: Doubles, rows: BarRows) -> list[Intent]:
        """Buy below it."""
        close = rows.bars[:, CLOSE]
        best = np.empty(len(close))
        top = 0.0
        for i in range(len(close) - 1, -1, -1):
            top = max(0.99 * top, close[i])  # <- cheat
            best[i] = top
        return intents(np.flatnonzero(best > 1.0005 * close))


class Pivot(Stateless, frozen=True):
    """A high that is known to be one only two bars later."""

    def step(self, state: Doubles, rows: BarRows) -> list[Intent]:
        """Buy every third of them."""
        high, found = rows.bars[:, HIGH], []
        for i in range(2, len(high) - 2):
            window = high[i - 2 : i + 3]  # <- cheat
            if high[i] == window.max() and rows.seen[i] % 3 == 0:
                found.append(i)
        return intents(np.array(found, np.int64))


class BeforeTheBreak(Stateless, frozen=True):
    """Knows that the next bar comes late."""

    def step(self, state: Doubles, rows: BarRows) -> list[Intent]:
        """Buy before a break of an hour."""
        pause = np.append(np.diff(rows.ts_event_ns), 0)  # <- cheat
        return intents(np.flatnonzero(pause > 3600 * 10**9))


class OnlyExplains(Stateless, frozen=True):
    """Decides honestly, and tells the future in its explanation."""

    def step(self, state: Doubles, rows: BarRows) -> list[Intent]:
        """Buy every twentieth bar."""
        later = np.roll(rows.bars[:, CLOSE], -2)  # <- cheat
        chosen = np.flatnonzero(rows.seen % 20 == 0)
        return [Intent(int(i), "LONG", 1.0, 0.5, 0.0, "", {"later": float(later[i])}) for i in chosen]


class Percentile(Stateless, frozen=True):
    """Ranks a bar among all bars."""

    def step(self, state: Doubles, rows: BarRows) -> list[Intent]:
        """Buy on high volume."""
        volume = rows.bars[:, VOLUME]
        limit = np.percentile(volume, 95)  # <- cheat
        return intents(np.flatnonzero(volume > limit))


@njit(cache=True)
def _low_ahead(bars: Doubles, i: int) -> float:
    return float(bars[i + 2, LOW])  # <- cheat


@njit(cache=True)
def _fold_lows(bars: Doubles, out: Doubles) -> None:
    average = bars[0, CLOSE]
    for i in range(bars.shape[0] - 2):
        average += 0.1 * (bars[i, CLOSE] - average)
        if _low_ahead(bars, i) > 1.001 * average:
            out[i] = 1.0


class Nested(Stateless, frozen=True):
    """Hides the reading in a kernel that a kernel calls."""

    def step(self, state: Doubles, rows: BarRows) -> list[Intent]:
        """Buy before lows that lie above the average."""
        out = np.zeros(len(rows.bars))
        _fold_lows(rows.bars, out)
        return intents(np.flatnonzero(out))


@njit(cache=True)
def _two_passes(bars: Doubles, average: Doubles, out: Doubles) -> None:
    last, value = bars.shape[0] - 1, bars[0, CLOSE]
    for i in range(bars.shape[0]):
        value += 0.1 * (bars[i, CLOSE] - value)
        average[i] = value
    for i in range(bars.shape[0]):
        j = min(i + 4, last)
        if bars[i, CLOSE] < 0.9995 * average[j]:  # <- cheat
            out[i] = 1.0


class TwoPasses(Stateless, frozen=True):
    """An honest first pass over all bars, and a second one that reads its future."""

    def step(self, state: Doubles, rows: BarRows) -> list[Intent]:
        """Buy below the average to come."""
        average, out = np.empty(len(rows.bars)), np.zeros(len(rows.bars))
        _two_passes(rows.bars, average, out)
        return intents(np.flatnonzero(out))


class NextRegime(Stateless, frozen=True):
    """Knows the regime of the next bar."""

    def step(self, state: Doubles, rows: BarRows) -> list[Intent]:
        """Buy before it gets wild."""
        coming = np.concatenate([rows.regime[1:], rows.regime[-1:]])  # <- cheat
        return intents(np.flatnonzero((coming == 2) & (rows.regime != 2)))


class LengthDecides(Stateless, frozen=True):
    """Looks at the last bar only where the block has a certain length."""

    def step(self, state: Doubles, rows: BarRows) -> list[Intent]:
        """Buy every eleventh bar."""
        close, found = rows.bars[:, CLOSE], []
        for i in range(len(close)):
            if rows.seen[i] % 11 == 0:
                wanted = len(close) % 7 != 0 or close[-1] > close[i]  # <- cheat
                if wanted:
                    found.append(i)
        return intents(np.array(found, np.int64))


class RunLength(Stateless, frozen=True):
    """Counts how long a rise will go on."""

    def step(self, state: Doubles, rows: BarRows) -> list[Intent]:
        """Buy where it goes on for four bars."""
        close, i, found = rows.bars[:, CLOSE], 0, []
        while i < len(close):
            j = i
            while j + 1 < len(close) and close[j + 1] >= close[j]:  # <- cheat
                j += 1
            if j - i >= 4:
                found.append(i)
            i = j + 1
        return intents(np.array(found, np.int64))
