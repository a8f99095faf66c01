"""How many bars does a value need until it no longer depends on where it began?

A recursive average keeps a trace of its first value, so a run that begins elsewhere says something else, for a while.
Every feature, and the strategy with them, is begun anew at several bars and compared with the run from the beginning.
"""

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from flows.config import Settings
from flows.config.parameters import symbol_parameters
from flows.connectors.input_errors import InputError
from flows.lookahead.answers import ask
from flows.lookahead.recording import Recording, Source, recordings
from flows.lookahead.subject import Subject
from flows.lookahead.tape import REGIME, Tape
from operators.bar_columns import BAR_WIDTH
from operators.features import FEATURE_SET, FEATURES
from operators.features.fold import fold
from operators.regime import OUTPUTS, VolatilityBuckets
from operators.regime import step as step_regime

TOLERANCE = 1e-9
"""Relative to the value, or to the column's usual size where the value is smaller."""
_STARTS = (0.1, 0.25, 0.4, 0.55)
_LEAST = 200
_FOLLOWED = 1500
"""Bars that are compared behind a start."""


class StartUp(msgspec.Struct, frozen=True):
    """A feature, or the strategy: the most ``bars`` over ``starts`` until it agreed; None: not within ``followed``.

    ``declared`` is what a feature calls warm, and ``left`` the largest relative difference there.
    """

    name: str
    starts: int
    bars: int | None
    followed: int
    declared: int | None = None
    left: float | None = None


class StartUpReport(msgspec.Struct, frozen=True):
    """The features in the order of their registry, and the strategy's signals (row and target)."""

    strategy: str
    tolerance: float
    features: list[StartUp]
    signals: StartUp


def start_up(
    subject: Subject, sources: Sequence[Source], settings: Settings, timeframe: str, most: int
) -> StartUpReport:
    """Return how long every feature, and the strategy, depends on where it began.

    Raises:
        InputError: a file cannot be read, no symbol has enough bars, or the strategy raises.
    """
    tapes = [
        one.tape for one in _long_enough(recordings(sources, settings, timeframe or subject.timeframe, most))
    ]
    places = [(tape, int(len(tape) * share)) for tape in tapes for share in _STARTS]
    regime = symbol_parameters(settings).regime
    restarts = [restarted(tape, start, regime) for tape, start in places]
    features = [
        _feature(
            name, [(tape, start, restart) for (tape, start), restart in zip(places, restarts, strict=True)]
        )
        for name in FEATURES
    ]
    ends = []
    for (tape, start), restart in zip(places, restarts, strict=True):
        ends.append(_signals(subject, tape.part(0, start + len(restart)), start, restart))
    return StartUpReport(subject.name, TOLERANCE, features, _most("signals", ends))


def restarted(tape: Tape, start: int, regime: VolatilityBuckets) -> Tape:
    """Return the bars behind ``start`` as they would be had the data begun there: features, regime and count anew."""
    part = tape.part(start, min(len(tape), start + _FOLLOWED))
    wide = part.wide.copy()
    bars = np.ascontiguousarray(wide[:, :BAR_WIDTH])
    wide[:, BAR_WIDTH:REGIME] = np.hstack([fold(feature, bars) for feature in FEATURES.values()])
    volatility = wide[:, BAR_WIDTH + FEATURE_SET.column("realised_volatility_20")]
    state, params, out = regime.init(), regime.params(), np.empty(len(OUTPUTS))
    for row, value in enumerate(volatility):
        step_regime(state, params, value, out)
        wide[row, REGIME] = out[0]
    return Tape(part.symbol, part.ts_event_ns, np.arange(1, len(part) + 1), wide)


def _long_enough(found: Iterable[Recording]) -> list[Recording]:
    read = list(found)
    long = [one for one in read if len(one.tape) >= _LEAST]
    if not long:
        most = max((len(one.tape) for one in read), default=0)
        raise InputError(
            f"no symbol has {_LEAST} bars to begin in (the most is {most}): use more --input, or a shorter --timeframe"
        )
    return long


def _intents(subject: Subject, tape: Tape) -> list[tuple[int, str]]:
    answer = ask(subject.strategy, tape)
    if answer.raised:
        raise InputError(
            f"{subject.name} raises {answer.raised.words}; titan check lookahead {subject.name} names the line"
        )
    return answer.intents


def _feature(name: str, cases: list[tuple[Tape, int, Tape]]) -> StartUp:
    feature, ends, left = FEATURES[name], [], 0.0
    first = BAR_WIDTH + FEATURE_SET.column(feature.outputs[0])
    columns = slice(first, first + len(feature.outputs))
    for tape, start, restart in cases:
        true = tape.wide[start : start + len(restart), columns]
        other = restart.wide[:, columns]
        unlike = _relative(true, other, tape.wide[:, columns])
        rows = np.flatnonzero((unlike > TOLERANCE).any(axis=1))
        ends.append((int(rows[-1]) + 1 if len(rows) else 0, len(restart)))
        if len(restart) >= feature.warm:
            left = max(left, float(unlike[max(0, feature.warm - 1)].max()))
    found = _most(name, ends)
    return msgspec.structs.replace(found, declared=feature.warm, left=left)


def _relative(true: np.ndarray, other: np.ndarray, column: np.ndarray) -> np.ndarray:
    known = [values[~np.isnan(values)] for values in np.abs(column).T]
    usual = np.array([np.median(values) if len(values) else 0.0 for values in known])
    with np.errstate(invalid="ignore"):
        size = np.maximum(np.maximum(np.abs(true), usual), 1e-300)
        unlike = np.abs(true - other) / size
    both = np.isnan(true) & np.isnan(other)
    return np.where(both, 0.0, np.where(np.isnan(unlike), np.inf, unlike))


def _signals(subject: Subject, tape: Tape, start: int, restart: Tape) -> tuple[int, int]:
    """Return the last bar behind ``start`` at which the signals differ, counted from 1, and the bars compared."""
    true = {(row - start, words.split(" ")[0]) for row, words in _intents(subject, tape) if row >= start}
    other = {(row, words.split(" ")[0]) for row, words in _intents(subject, restart)}
    return max((row + 1 for row, _ in true ^ other), default=0), len(restart)


def _most(name: str, ends: list[tuple[int, int]]) -> StartUp:
    """Return the most bars needed; a value that differs at its last bar has not agreed."""
    agreed = all(end < followed for end, followed in ends)
    followed = max((followed for _, followed in ends), default=0)
    return StartUp(name, len(ends), max((end for end, _ in ends), default=0) if agreed else None, followed)
