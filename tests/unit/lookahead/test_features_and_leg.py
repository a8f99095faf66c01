"""Would a kernel that reads the next bar be caught, and a leg that lets a poll's end into its beginning?"""

from collections.abc import Callable

import msgspec
import numpy as np
import pytest
from numba import njit

from flows.config import load_settings
from flows.lookahead.feature_checks import check_features
from flows.lookahead.leg_checks import check_leg
from flows.lookahead.recording import Recording, Source, leg_with, recordings
from operators.bar_columns import BAR_WIDTH, CLOSE
from operators.features import FEATURE_SET, FEATURES
from operators.features.feature import Kernel, Vector
from operators.symbol_leg import SymbolLeg, SymbolOutput, SymbolState
from tests.unit.gateways.sessions import DEMO

SETTINGS = load_settings(None, {}, [])[0]


@pytest.fixture(scope="module")
def spy() -> Recording:
    """Minute bars of four days."""
    (recording,) = recordings((Source((str(DEMO / "spy_1m.csv"),)),), SETTINGS, "1m", 20_000)
    return recording


@njit(cache=True, error_model="numpy")
def _peek(state: Vector, params: Vector, bar: Vector, out: Vector) -> None:
    out[0] = bar[BAR_WIDTH + CLOSE] - bar[CLOSE]


class Peek(msgspec.Struct, frozen=True):
    """The change of the close to the next bar, which lies behind this one in a matrix."""

    VERSION = 1
    outputs: tuple[str, ...] = ("peek",)
    state_size: int = 0
    nominal: int = 1
    warm: int = 1

    @property
    def kernel(self) -> Kernel:
        return _peek

    def params(self) -> Vector:
        return np.empty(0)

    def init(self) -> Vector:
        return np.empty(0)


def test_a_kernel_that_reads_behind_its_bar_is_named(spy: Recording) -> None:
    compared, (found,) = check_features(spy.tape, {**FEATURES, "peek": Peek()})
    assert compared > 10_000
    assert (found.feature, found.column, found.row) == ("peek", "peek", 0)
    assert found.culprit.place.rpartition(":")[0] == __file__
    assert "def _peek" in found.culprit.source


def test_a_column_that_training_would_see_otherwise_is_named(spy: Recording) -> None:
    wide = spy.tape.wide.copy()
    wide[700, BAR_WIDTH + FEATURE_SET.column("ema_20")] += 1e-9
    _, (found,) = check_features(msgspec.structs.replace(spy.tape, wide=wide), FEATURES)
    assert (found.column, found.row) == ("ema_20", 700)


class Leaky(SymbolLeg):
    """Says in every bar of a poll what is known at its end."""

    spoil: Callable[[SymbolOutput], None]

    def step(
        self, state: SymbolState, partition: int, offsets: list[int], values: list[bytes]
    ) -> SymbolOutput:
        output = super().step(state, partition, offsets, values)
        if len(output.bars):
            self.spoil(output)
        return output


def _spoil_rsi(output: SymbolOutput) -> None:
    output.bars[:, BAR_WIDTH + FEATURE_SET.column("rsi_14")] = output.bars[-1, CLOSE]


def _spoil_high(output: SymbolOutput) -> None:
    output.bars[:, 1] = output.bars[:, 1].max()


def _spoil_regime(output: SymbolOutput) -> None:
    output.bars[:, BAR_WIDTH + FEATURE_SET.width] = len(output.bars)


def _spoil_marks(output: SymbolOutput) -> None:
    output.marks[:, 3] = output.marks[-1, 3]


@pytest.mark.parametrize(
    ("spoil", "column", "file"),
    [
        (_spoil_rsi, "rsi_14", "rsi.py"),
        (_spoil_high, "high", ""),
        (_spoil_regime, "regime", ""),
        (_spoil_marks, "mark", "marks.py"),
    ],
)
def test_a_leg_that_leaks_is_caught_by_its_column(
    spy: Recording, spoil: Callable[[SymbolOutput], None], column: str, file: str
) -> None:
    honest = leg_with(SETTINGS, spy.timeframe_ns, ())
    leg = Leaky(honest.parameters, honest.instruments)
    leg.spoil = spoil
    outcomes = list(check_leg(leg, spy, 10, 1))
    assert [check for check, _, failures in outcomes if not failures] in ([], ["leg: future shuffled"])
    first = outcomes[0][2][0]
    assert first.column == column
    assert (first.culprit.file if first.culprit else "").endswith(file)


def test_an_honest_leg_passes(spy: Recording) -> None:
    leg = leg_with(SETTINGS, spy.timeframe_ns, ())
    assert [failures for _, _, failures in check_leg(leg, spy, 20, 1)] == [[], [], []]
