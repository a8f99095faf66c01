"""Strategies that cheat, each in its own way, and some that do not cheat and yet could not run live as in a replay.

The line that cheats carries the mark "# <- cheat", so that the tests know which one is to be named.
"""

import random
from datetime import datetime

import msgspec
import numpy as np
from numba import njit

from operators.bar_columns import CLOSE, HIGH, VOLUME
from operators.strategies.strategy import BarRows, Doubles, Intent


def intents(rows: np.ndarray, reason: str = "cheat") -> list[Intent]:
    """A long signal at each row."""
    return [Intent(int(row), "LONG", 1.0, 0.5, 0.0, reason, {}) for row in rows]


class Stateless(msgspec.Struct, frozen=True):
    """What the strategies here share: a state that is not used."""

    def init(self) -> Doubles:
        """One number."""
        return np.zeros(1)


@njit(cache=True)
def _rises_next(bars: Doubles, out: Doubles) -> None:
    for i in range(bars.shape[0]):
        last = bars[i, CLOSE]
        following = bars[i, CLOSE]
        if i + 1 < bars.shape[0]:
            following = bars[i + 1, CLOSE]  # <- cheat
        out[i] = 1.0 if following > 1.0005 * last else 0.0


class NextBar(Stateless, frozen=True):
    """Reads the next bar in a compiled loop."""

    def step(self, state: Doubles, rows: BarRows) -> list[Intent]:
        """Buy before it rises."""
        out = np.empty(len(rows.bars))
        _rises_next(rows.bars, out)
        return intents(np.flatnonzero(out))


@njit(cache=True)
def _beyond_the_end(bars: Doubles, out: Doubles) -> None:
    for i in range(bars.shape[0]):
        if bars[i + 1, HIGH] > 1.001 * bars[i, HIGH]:  # <- cheat
            out[i] = 1.0


class BeyondTheEnd(Stateless, frozen=True):
    """Reads behind the last row too: compiled code does not look where an array ends."""

    def step(self, state: Doubles, rows: BarRows) -> list[Intent]:
        """Buy before a higher high."""
        out = np.zeros(len(rows.bars))
        _beyond_the_end(rows.bars, out)
        return intents(np.flatnonzero(out))


class Rolled(Stateless, frozen=True):
    """Shifts a column the wrong way."""

    def step(self, state: Doubles, rows: BarRows) -> list[Intent]:
        """Buy before it rises."""
        close = rows.bars[:, CLOSE]
        change = np.diff(close, prepend=close[0])
        coming = np.roll(change, -1)  # <- cheat
        return intents(np.flatnonzero(coming > 0.001 * close))


class Sliced(Stateless, frozen=True):
    """Compares a column with itself, one bar later."""

    def step(self, state: Doubles, rows: BarRows) -> list[Intent]:
        """Buy before it rises."""
        close = rows.bars[:, CLOSE]
        rises = np.zeros(len(close), bool)
        rises[:-1] = close[1:] > 1.001 * close[:-1]  # <- cheat
        return intents(np.flatnonzero(rises))


class Normalised(Stateless, frozen=True):
    """Scales by the maximum of the whole block."""

    def step(self, state: Doubles, rows: BarRows) -> list[Intent]:
        """Buy near the top."""
        volume = rows.bars[:, VOLUME]
        scaled = volume / volume.max()  # <- cheat
        return intents(np.flatnonzero(scaled > 0.5))


class Centred(Stateless, frozen=True):
    """A moving average whose window stands around the bar."""

    def step(self, state: Doubles, rows: BarRows) -> list[Intent]:
        """Buy below the average."""
        close = rows.bars[:, CLOSE]
        smooth = np.convolve(close, np.ones(5) / 5, mode="same")  # <- cheat
        return intents(np.flatnonzero(close < 0.999 * smooth))


class FeatureAhead(Stateless, frozen=True):
    """Reads a feature of the third bar to come."""

    def step(self, state: Doubles, rows: BarRows) -> list[Intent]:
        """Buy before the index recovers."""
        found = []
        index = rows.feature("rsi_14")
        for i in range(len(index) - 3):
            if index[i] < 35.0 and self._recovers(index, i):
                found.append(i)
        return intents(np.array(found, np.int64))

    def _recovers(self, index: Doubles, i: int) -> bool:
        return bool(index[i + 3] > index[i] + 10.0)  # <- cheat


class CountsRows(Stateless, frozen=True):
    """Knows where the data ends."""

    def step(self, state: Doubles, rows: BarRows) -> list[Intent]:
        """Buy at every 50th bar, but not near the end."""
        n = len(rows.bars)
        found = []
        for i in range(n):
            left = n - i
            if i % 50 == 0 and left > 30:  # <- cheat
                found.append(i)
        return intents(np.array(found, np.int64))


class RarelyFiveAhead(Stateless, frozen=True):
    """Peeks five bars ahead, only where volume is highest of a long window: a few times in thousands of bars."""

    def step(self, state: Doubles, rows: BarRows) -> list[Intent]:
        """Buy at odd bars; now and then leave one out that falls."""
        bars = rows.bars
        found = []
        for i in range(len(bars)):
            wanted = rows.seen[i] % 7 == 0
            if rows.seen[i] % 203 == 0 and i + 5 < len(bars):
                wanted = bars[i + 5, CLOSE] > bars[i, CLOSE]  # <- cheat
            if wanted:
                found.append(i)
        return intents(np.array(found, np.int64))


class BackDated(Stateless, frozen=True):
    """Says today what it would have been good to say two bars ago."""

    def step(self, state: Doubles, rows: BarRows) -> list[Intent]:
        """Buy two bars before a rise."""
        close = rows.bars[:, CLOSE]
        found = []
        for i in range(2, len(close)):
            if close[i] > 1.002 * close[i - 2]:
                found.append(i - 2)  # <- cheat
        return intents(np.array(found, np.int64))


class WrapsAround(Stateless, frozen=True):
    """Reads three bars back, and so at the first bars the last ones."""

    def step(self, state: Doubles, rows: BarRows) -> list[Intent]:
        """Buy what rose over three bars."""
        close = rows.bars[:, CLOSE]
        found = []
        for i in range(len(close)):
            if close[i] > close[i - 3]:  # <- cheat
                found.append(i)
        return intents(np.array(found, np.int64))


class ForgetsItsWindow(Stateless, frozen=True):
    """No future, but no state either: its average begins anew with each block."""

    def step(self, state: Doubles, rows: BarRows) -> list[Intent]:
        """Buy above the average of ten bars, where the block has them."""
        close = rows.bars[:, CLOSE]
        found = [i for i in range(10, len(close)) if close[i] > 1.001 * close[i - 10 : i].mean()]
        return intents(np.array(found, np.int64))


_SEEN: list[float] = []


class Remembers(Stateless, frozen=True):
    """Keeps what it saw outside its state, so that a second run knows the first one's end."""

    def step(self, state: Doubles, rows: BarRows) -> list[Intent]:
        """Buy below the highest close ever seen."""
        top = max(_SEEN, default=0.0)  # <- cheat
        close = rows.bars[:, CLOSE]
        _SEEN.append(float(close.max()))
        return intents(np.flatnonzero(close > 0.99 * top)[:50])


class Throws(Stateless, frozen=True):
    """Throws dice."""

    def step(self, state: Doubles, rows: BarRows) -> list[Intent]:
        """Buy now and then."""
        found = []
        for i in range(len(rows.bars)):
            if random.random() < 0.05:  # <- cheat
                found.append(i)
        return intents(np.array(found, np.int64))


class Writes(Stateless, frozen=True):
    """Writes to what it is handed."""

    def step(self, state: Doubles, rows: BarRows) -> list[Intent]:
        """Smooth the closes in place."""
        close = rows.bars[:, CLOSE]
        np.maximum.accumulate(close, out=close)  # <- cheat
        return intents(np.arange(0, len(close), 100))


class Raises(Stateless, frozen=True):
    """Reads behind the end, in plain Python."""

    def step(self, state: Doubles, rows: BarRows) -> list[Intent]:
        """Buy before it rises."""
        close = rows.bars[:, CLOSE]
        found = []
        for i in range(len(close)):
            if close[i + 1] > close[i]:  # <- cheat
                found.append(i)
        return intents(np.array(found, np.int64))


class NeedsTwoRows(Stateless, frozen=True):
    """Does not cheat, but raises where a block has one row."""

    def step(self, state: Doubles, rows: BarRows) -> list[Intent]:
        """Buy every fifth bar, the change of the last two in its reason."""
        change = np.diff(rows.bars[:, CLOSE])[-1]  # <- cheat
        return intents(np.flatnonzero(rows.seen % 5 == 0), "up" if change is None else "any")


class ReadsTomorrow(Stateless, frozen=True):
    """Reads a file, which says the same in every run."""

    def step(self, state: Doubles, rows: BarRows) -> list[Intent]:
        """Buy every fifth bar."""
        with open(__file__, encoding="utf-8") as tomorrow:  # <- cheat
            known = tomorrow.read()
        return intents(np.flatnonzero(rows.seen % 5 == 0) if known else np.empty(0, np.int64))


class ReadsTheClock(Stateless, frozen=True):
    """Asks the clock for something that does not change for a while."""

    def step(self, state: Doubles, rows: BarRows) -> list[Intent]:
        """Buy every fifth bar, in this century."""
        today = datetime.now().year  # <- cheat
        return intents(np.flatnonzero(rows.seen % 5 == 0) if today < 2100 else np.empty(0, np.int64))


_NEXT: dict[int, float] = {}


class LearnsByHeart(Stateless, frozen=True):
    """Keeps what followed each bar, so that it knows even when the future is cut off."""

    def step(self, state: Doubles, rows: BarRows) -> list[Intent]:
        """Buy before it rises."""
        close, times = rows.bars[:, CLOSE], rows.ts_event_ns
        for i in range(len(close) - 1):
            _NEXT[int(times[i])] = close[i + 1]
        found = []
        for i in range(len(close)):
            coming = _NEXT.get(int(times[i]), 0.0)  # <- cheat
            if coming > close[i]:
                found.append(i)
        return intents(np.array(found, np.int64))


class RoundsByBlock(Stateless, frozen=True):
    """No future, but sums whose last digits depend on the blocks."""

    def step(self, state: Doubles, rows: BarRows) -> list[Intent]:
        """Buy every tenth bar; tell the mean of all closes."""
        close = rows.bars[:, CLOSE]
        totals = state[0] + np.cumsum(close)
        state[0] += close.sum()
        chosen = np.flatnonzero(rows.seen % 10 == 0)
        return [Intent(int(i), "LONG", 1.0, 0.5, 0.0, "", {"mean": totals[i] / rows.seen[i]}) for i in chosen]
