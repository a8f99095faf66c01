"""Honest strategies that look as if they were not: none of them may be accused."""

from typing import Any

import msgspec
import numpy as np

from operators.bar_columns import CLOSE, HIGH, LOW, SESSION
from operators.strategies.strategy import BarRows, Doubles, Intent
from tests.unit.lookahead.cheats import Stateless, intents


class HonestPasses(msgspec.Struct, frozen=True):
    """Several passes over the block, vectorised and in loops, with scratch of the block's length: all of it allowed."""

    def init(self) -> Doubles:
        """The session's number and its highest close."""
        return np.array([-1.0, 0.0])

    def step(self, state: Doubles, rows: BarRows) -> list[Intent]:
        """Buy where the close is the highest since the session began; tell how wild the bar was."""
        close, session = rows.bars[:, CLOSE], rows.bars[:, SESSION]
        wanted = np.empty(len(close))
        for i in range(len(close)):
            if session[i] != state[0]:
                state[:] = session[i], 0.0
            wanted[i] = close[i] > state[1]
            state[1] = max(state[1], close[i])
        span = (rows.bars[:, HIGH] - rows.bars[:, LOW]) / close
        return intents(np.flatnonzero((wanted > 0) & (span > 0.0) & (rows.seen % 5 == 0)))


class HonestBuffer(msgspec.Struct, frozen=True):
    """A dict for a state, NaN in its explanation, and a window that it carries over."""

    window: int = 10

    def init(self) -> dict[str, Any]:
        """Nothing seen."""
        return {"closes": []}

    def step(self, state: dict[str, Any], rows: BarRows) -> list[Intent]:
        """Buy above the average of the window."""
        found = []
        for i in range(len(rows.bars)):
            close = float(rows.bars[i, CLOSE])
            past = state["closes"]
            if len(past) == self.window and close > 1.001 * sum(past) / self.window:
                told = {"volume_z": float(rows.features[i, -3]), "missing": float("nan")}
                found.append(Intent(i, "LONG", 1.0, 0.5, 0.0, "above", told))
            state["closes"] = [*past, close][-self.window :]
        return found


class Breakout(msgspec.Struct, frozen=True):
    """An expanding list, cut to its window; sets and lists in the state."""

    def init(self) -> dict[str, Any]:
        """Nothing seen."""
        return {"closes": [], "sessions": set()}

    def step(self, state: dict[str, Any], rows: BarRows) -> list[Intent]:
        """Buy the highest close of thirty."""
        found = []
        for i, close in enumerate(rows.bars[:, CLOSE].tolist()):
            state["closes"] = [*state["closes"], close][-30:]
            state["sessions"].add(rows.bars[i, SESSION])
            if len(state["closes"]) == 30 and close >= max(state["closes"]):
                found.append(i)
        return intents(np.array(found, np.int64))


class Columns(Stateless, frozen=True):
    """Whole columns of features, compared row by row."""

    def step(self, state: Doubles, rows: BarRows) -> list[Intent]:
        """Buy the oversold, the more the lower."""
        index, span = rows.feature("rsi_14"), rows.feature("atr_14")
        chosen = np.flatnonzero((rows.seen >= 112) & (index < 35.0))
        return [
            Intent(int(i), "LONG", float(35.0 - index[i]) / 35.0, 0.5, float(2.0 * span[i]), "", {})
            for i in chosen
        ]
