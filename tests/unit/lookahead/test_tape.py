"""Does a strategy see of a tape what the symbol leg hands it, and nothing behind; are other futures really other?"""

from typing import Any

import msgspec
import numpy as np
import pytest

from flows.config import load_settings
from flows.lookahead.recording import Recording, Source, leg_with, recordings
from flows.lookahead.tape import COLUMNS, REGIME, SEEN, TIME, blended, changed, shuffled
from operators.bar_columns import CLOSE
from operators.features import FEATURE_SET
from operators.strategies import BarRows, Intent
from operators.symbol_leg import StrategyInstance
from tests.unit.gateways.sessions import DEMO

SETTINGS = load_settings(None, {}, [])[0]


class Keeps(msgspec.Struct, frozen=True):
    """Keeps the rows that it is handed."""

    def init(self) -> list[BarRows]:
        return []

    def step(self, state: list[BarRows], rows: BarRows) -> list[Intent]:
        state.append(rows)
        return []


@pytest.fixture(scope="module")
def spy() -> Recording:
    (recording,) = recordings((Source((str(DEMO / "spy_1m.csv"),)),), SETTINGS, "1m", 20_000)
    return recording


def test_the_rows_of_a_tape_are_those_of_the_leg(spy: Recording) -> None:
    leg = leg_with(SETTINGS, spy.timeframe_ns, (StrategyInstance("keeps", spy.timeframe_ns, Keeps()),))
    state = leg.init("SPY")
    leg.step(state, 0, list(range(len(spy.messages))), spy.messages)
    (handed,) = state.strategies[0]
    mine = spy.tape.rows()
    for name in BarRows.__struct_fields__:
        given: Any = getattr(handed, name)
        made: Any = getattr(mine, name)
        if isinstance(given, np.ndarray):
            assert (given.dtype, given.shape) == (made.dtype, made.shape), name
            assert given.tobytes() == made.tobytes(), name
        else:
            assert given == made, name


def test_behind_the_last_row_there_is_nothing(spy: Recording) -> None:
    rows = spy.tape.part(0, 50).rows()
    base: Any = rows.bars.base
    assert np.isnan(base[50:60]).all()
    assert not np.shares_memory(rows.bars, spy.tape.wide)


def test_columns_have_the_names_of_what_they_hold(spy: Recording) -> None:
    assert COLUMNS[CLOSE] == "close"
    assert COLUMNS.index("atr_14") == 12 + FEATURE_SET.column("atr_14")
    assert (COLUMNS[REGIME], COLUMNS[TIME], COLUMNS[SEEN]) == ("regime", "ts_event_ns", "seen")
    assert len(COLUMNS) == SEEN + 1


def test_another_future_leaves_the_past_alone(spy: Recording) -> None:
    tape, rng = spy.tape.part(0, 400), np.random.default_rng(0)
    for other in (shuffled(tape, 300, rng), changed(tape, 300, rng)):
        assert other.part(0, 300).rows().bars.tobytes() == tape.part(0, 300).rows().bars.tobytes()
        assert (other.ts_event_ns[:300] == tape.ts_event_ns[:300]).all()
        assert (np.diff(other.ts_event_ns) > 0).all()
    mixed = shuffled(tape, 300, rng)
    assert sorted(mixed.wide[300:, CLOSE]) == sorted(tape.wide[300:, CLOSE])
    assert (mixed.wide[300:, CLOSE] != tape.wide[300:, CLOSE]).any()
    strange = changed(tape, 300, rng)
    unlike = [
        column
        for column in range(REGIME + 1)
        if (strange.wide[300:, column] != tape.wide[300:, column]).all()
    ]
    assert {"open", "close", "volume", "session", "sma_20", "rsi_14", "regime"} <= {
        COLUMNS[c] for c in unlike
    }
    assert (strange.ts_event_ns[300:] != tape.ts_event_ns[300:]).any()


def test_a_blend_takes_whole_rows_and_then_some_columns(spy: Recording) -> None:
    tape = spy.tape.part(0, 400)
    other = changed(tape, 300, np.random.default_rng(0))
    both = blended(tape, other, 300, 310, (CLOSE, TIME))
    assert (both.wide[300:310] == other.wide[300:310])[:, CLOSE].all()
    assert both.wide[310, CLOSE] == other.wide[310, CLOSE]
    assert both.ts_event_ns[310] == other.ts_event_ns[310]
    assert both.wide[310, 0] == tape.wide[310, 0]
    assert np.array_equal(both.wide[311:], tape.wide[311:], equal_nan=True)
