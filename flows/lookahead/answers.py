"""What does a strategy say about these bars? Its intents, or the error that it raised, in comparable form."""

import math
import pickle
import re
import traceback
from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np

from flows.lookahead.tape import Tape
from operators.strategies import BarRows, Strategy

_NUMBER = re.compile(r"(?<![A-Za-z_])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")


class Raised(msgspec.Struct, frozen=True):
    """An error of the strategy's own, and the last line of its that it came through."""

    words: str
    file: str
    line: int


class Answer(msgspec.Struct, frozen=True):
    """What was said: ``intents`` as (row, text that tells all fields), in the order said; or what was raised."""

    intents: list[tuple[int, str]]
    raised: Raised | None = None

    def upto(self, row: int) -> list[tuple[int, str]] | Raised:
        """Return what was said about the bars up to ``row``."""
        return self.raised or [entry for entry in self.intents if entry[0] <= row]

    def at(self, row: int) -> str:
        """Return in words what was said about one bar."""
        if self.raised:
            return f"an error ({self.raised.words})"
        return "; ".join(text for place, text in self.intents if place == row) or "nothing"


def ask(strategy: Strategy, tape: Tape) -> Answer:
    """Return what a fresh strategy says about a tape as one block."""
    return _guarded(lambda: _said(strategy.step(strategy.init(), tape.rows()), 0, len(tape)))


def ask_in_pieces(strategy: Strategy, tape: Tape, edges: Iterable[int]) -> Answer:
    """Return what it says when blocks begin at ``edges`` and its state is pickled between them, as by a restart."""
    places = sorted({0, len(tape), *edges})

    def fold() -> list[tuple[int, str]]:
        state, found = strategy.init(), list[tuple[int, str]]()
        for start, stop in zip(places[:-1], places[1:], strict=True):
            found += _said(strategy.step(state, tape.part(start, stop).rows()), start, stop)
            state = _restored(state)
        return found

    return _guarded(fold)


def changes_its_input(strategy: Strategy, tape: Tape) -> str:
    """Return the name of the first array of its rows that the strategy writes to; empty where it leaves all alone."""
    rows = tape.rows()
    before = _arrays(rows)
    _guarded(lambda: _said(strategy.step(strategy.init(), rows), 0, len(tape)))
    after = _arrays(rows)
    return next((name for name in before if before[name] != after[name]), "")


def first_difference(one: Answer, other: Answer, upto: int) -> int | None:
    """Return the first row up to ``upto`` of which two answers say something else; ``upto`` where one raised."""
    said, otherwise = one.upto(upto), other.upto(upto)
    if said == otherwise:
        return None
    if isinstance(said, Raised) or isinstance(otherwise, Raised):
        return upto
    rows = sorted({row for row, _ in set(said) ^ set(otherwise)} or {row for row, _ in said})
    return rows[0]


def only_rounding(said: str, otherwise: str) -> bool:
    """Say whether two answers differ in the last digits of their numbers alone.

    >>> only_rounding("LONG (strength 0.1)", "LONG (strength 0.10000000000000002)"), only_rounding("0.1", "0.2")
    (True, False)
    """
    if said == otherwise or _NUMBER.sub("", said) != _NUMBER.sub("", otherwise):
        return False
    pairs = zip(_NUMBER.findall(said), _NUMBER.findall(otherwise), strict=True)
    return all(math.isclose(float(one), float(other), rel_tol=1e-9, abs_tol=1e-12) for one, other in pairs)


def _restored(state: Any) -> Any:
    try:
        return pickle.loads(pickle.dumps(state))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise TypeError(f"its state cannot be pickled, so that no run could be resumed: {error}") from error


def _said(intents: Any, start: int, stop: int) -> list[tuple[int, str]]:
    if not isinstance(intents, list):
        raise TypeError(f"its step returns {type(intents).__name__}, not a list of intents")
    for intent in intents:
        if not 0 <= intent.row < stop - start:
            raise ValueError(f"it speaks of row {intent.row} of a block of {stop - start}")
    return [(int(intent.row) + start, _words(intent)) for intent in intents]


def _words(intent: Any) -> str:
    """Return every field but the row, floats to the last digit."""
    explained = " ".join(f"{name}={_plain(value)!r}" for name, value in intent.explanation.items())
    return (
        f"{intent.target} (strength {_plain(intent.strength)!r}, confidence {_plain(intent.confidence)!r}, "
        f"stop distance {_plain(intent.stop_distance)!r}; {intent.reason}; {explained})"
    )


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _guarded(fold: Any) -> Answer:
    """Return what ``fold`` says; whatever a strategy raises is an answer, too: it is code that we are here to judge."""
    try:
        with np.errstate(all="ignore"):
            return Answer(fold())
    except Exception as error:  # noqa: BLE001 - foreign code may raise anything
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
        last = frames[-1] if frames else traceback.FrameSummary("", 0, "")
        return Answer([], Raised(f"{type(error).__name__}: {error}", last.filename, last.lineno or 0))


def _arrays(rows: BarRows) -> dict[str, bytes]:
    values = msgspec.structs.asdict(rows)
    return {name: value.tobytes() for name, value in values.items() if isinstance(value, np.ndarray)}
