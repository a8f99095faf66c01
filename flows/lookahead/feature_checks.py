"""Does a feature look ahead? Each kernel over all bars at once, as training runs it, and over each bar alone, as live.

A kernel is handed one bar and its own state, so all that it could reach is memory behind the bar: in a matrix of bars,
that is the next bar. Alone, the bar has NaN behind it. Outputs of the two must be equal in every row, and equal to
those that the symbol leg gave.
"""

import inspect
from collections.abc import Mapping

import msgspec
import numpy as np

from flows.lookahead.findings import Culprit
from flows.lookahead.tape import BEHIND, Tape
from operators.bar_columns import BAR_WIDTH
from operators.features import FEATURE_SET, Feature

CHECKS: dict[str, str] = {
    "features see one bar": "every feature, shown each bar alone, says what it says of a matrix, and in the leg",
}


class FeatureFailure(msgspec.Struct, frozen=True):
    """A column of a feature that differs, first at ``row``."""

    feature: str
    column: str
    row: int
    said: str
    otherwise: str
    culprit: Culprit


def check_features(tape: Tape, features: Mapping[str, Feature]) -> tuple[int, list[FeatureFailure]]:
    """Return how many numbers were compared, and the first difference of each column that has one."""
    compared, found = 0, list[FeatureFailure]()
    bars = np.ascontiguousarray(tape.wide[:, :BAR_WIDTH])
    for name, feature in features.items():
        together, alone = _over_matrix(feature, bars), _over_single_bars(feature, bars)
        pairs = [(together, alone)]
        if FEATURE_SET.features.get(name) is feature:
            first = BAR_WIDTH + FEATURE_SET.column(feature.outputs[0])
            pairs.append((tape.wide[:, first : first + len(feature.outputs)], alone))
        for said, otherwise in pairs:
            compared += said.size
            found += _differences(name, feature, said, otherwise)
    return compared, found


def _differences(
    name: str, feature: Feature, said: np.ndarray, otherwise: np.ndarray
) -> list[FeatureFailure]:
    unlike = ~((said == otherwise) | (np.isnan(said) & np.isnan(otherwise)))
    return [
        FeatureFailure(
            name, column, row := int(np.argmax(unlike[:, i])),
            repr(float(said[row, i])), repr(float(otherwise[row, i])), where_is(feature),
        )
        for i, column in enumerate(feature.outputs)
        if unlike[:, i].any()
    ]  # fmt: skip


def where_is(feature: Feature) -> Culprit:
    """Return the file and the first line of a feature's kernel."""
    function = getattr(feature.kernel, "py_func", feature.kernel)
    lines, first = inspect.getsourcelines(function)
    at = next((i for i, line in enumerate(lines) if line.lstrip().startswith("def ")), 0)
    return Culprit(inspect.getfile(function), first + at, lines[at].strip())


def _over_matrix(feature: Feature, bars: np.ndarray) -> np.ndarray:
    room = np.full((len(bars) + BEHIND, BAR_WIDTH), np.nan)
    room[: len(bars)] = bars
    return _fold(feature, room[: len(bars)])


def _over_single_bars(feature: Feature, bars: np.ndarray) -> np.ndarray:
    room = np.full((len(bars), BAR_WIDTH * (BEHIND + 1)), np.nan)
    room[:, :BAR_WIDTH] = bars
    return _fold(feature, room[:, :BAR_WIDTH])


def _fold(feature: Feature, bars: np.ndarray) -> np.ndarray:
    state, params, kernel = feature.init(), feature.params(), feature.kernel
    out = np.empty((len(bars), len(feature.outputs)))
    for bar, row in zip(bars, out, strict=True):
        kernel(state, params, bar, row)
    return out
