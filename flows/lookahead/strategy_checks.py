"""Does a strategy say the same whatever follows? Answers about the past, the future cut off, shuffled, changed.

All of a recording's bars are one block, so that a strategy that looks ahead inside its block can. Then its future is
taken away at many bars, and what it said about the bars before must stay, to the last digit.
"""

import inspect
from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec
import numpy as np

from flows.lookahead.answers import Answer, Raised, ask, ask_in_pieces, changes_its_input, first_difference
from flows.lookahead.reads import watched_reads
from flows.lookahead.tape import Tape, changed, shuffled
from operators.strategies import Strategy

LIVE = "one bar at a time"
READS = "reads only its bars"
Future = Callable[[Tape, int, np.random.Generator], Tape]

_FOLLOWING = 1000
"""Bars that follow in a shuffled or changed future."""
FUTURES: dict[str, Future] = {
    "future cut off": lambda tape, known, _rng: tape.part(0, known),
    "future shuffled": shuffled,
    "future changed": changed,
}
CHECKS: dict[str, str] = {
    "runs to the end": "it raises nothing",
    "same answer twice": "the same bars give the same signals again, bar by bar and all at once",
    READS: "no file, socket, other program or clock",
    "leaves its bars alone": "no array that it is handed is written to",
    LIVE: "as live: block by block, the state pickled between, it says what it says of all at once",
    "future cut off": "signals up to a bar stay when nothing follows it",
    "future shuffled": "signals up to a bar stay when what follows it comes in another order",
    "future changed": "signals up to a bar stay when other prices, features and times follow it",
}


class Failure(msgspec.Struct, frozen=True):
    """A check that failed: about ``row`` it said something else, the bars up to ``known`` (excluded) being the same."""

    check: str
    row: int
    known: int
    said: str
    otherwise: str
    detail: str = ""
    raised: Raised | None = None


class Outcome(msgspec.Struct, frozen=True):
    """What one check compared, and where it failed."""

    check: str
    compared: int
    failures: list[Failure]


class Heard(NamedTuple):
    """What a strategy said when it was asked first: bar by bar, then all at once.

    In this order: bar by bar, and first of all, it cannot know the future even from a memory outside its state.
    """

    live: Answer
    whole: Answer


def listen(strategy: Strategy, tape: Tape) -> Heard:
    """Ask a strategy that was not asked before."""
    return Heard(ask_in_pieces(strategy, tape, range(len(tape))), ask(strategy, tape))


def check_strategy(strategy: Strategy, tape: Tape, heard: Heard, times: int, seed: int) -> Iterator[Outcome]:
    """Yield the outcome of every check in the order of ``CHECKS``; one of the first two that fails ends them.

    ``heard`` is what it said when it was asked first. ``times`` bars are tried, chosen by ``seed``: those of signals
    and the bars before them first.
    """
    whole, last = heard.whole, len(tape) - 1
    if whole.raised:
        yield Outcome(
            "runs to the end",
            1,
            [Failure("runs to the end", last, last + 1, "", "", whole.raised.words, whole.raised)],
        )
        return
    yield Outcome("runs to the end", 1, [])
    again = listen(strategy, tape)
    unlike = [
        failure
        for once, twice in zip(heard, again, strict=True)
        for failure in _compare("same answer twice", once, twice, last)
    ]
    yield Outcome("same answer twice", len(heard), unlike)
    if unlike:
        return
    yield Outcome(READS, 1, _reads(strategy, tape))
    written = changes_its_input(strategy, tape)
    said = [Failure("leaves its bars alone", 0, 0, "", "", written)] if written else []
    yield Outcome("leaves its bars alone", 1, said)
    live, compared = _live(strategy, tape, heard, seed)
    yield Outcome(LIVE, compared, live)
    rng = np.random.default_rng(seed)
    chosen = _rows_to_try(whole, len(tape), [failure.row for failure in live], times, rng)
    for check, future in FUTURES.items():
        yield Outcome(
            check, len(chosen), _with_other_futures(strategy, tape, whole, chosen, (check, future, seed))
        )


def _reads(strategy: Strategy, tape: Tape) -> list[Failure]:
    with watched_reads(inspect.getfile(type(strategy))) as reads:
        ask(strategy, tape)
    last = len(tape) - 1
    return [
        Failure(READS, last, last + 1, "", "", read.words, Raised(read.words, read.file, read.line))
        for read in reads[:1]
    ]


def _live(strategy: Strategy, tape: Tape, heard: Heard, seed: int) -> tuple[list[Failure], int]:
    """Compare with one bar at a time, and with blocks of random sizes."""
    n, rng, whole = len(tape), np.random.default_rng(seed), heard.whole
    cuts = [rng.integers(0, n, count).tolist() for count in (5, max(1, n // 10))]
    found = list[Failure]()
    answers = [heard.live, *(ask_in_pieces(strategy, tape, edges) for edges in cuts)]
    for pieces in answers:
        if pieces.raised:
            said, otherwise = whole.at(n - 1), pieces.at(n - 1)
            found.append(Failure(LIVE, n - 1, n - 1, said, otherwise, pieces.raised.words, pieces.raised))
            continue
        said_of, other_of = _by_row(whole), _by_row(pieces)
        rows = sorted(row for row in {*said_of, *other_of} if said_of.get(row) != other_of.get(row))
        found += [Failure(LIVE, row, row, whole.at(row), pieces.at(row)) for row in rows]
    return found, len(answers)


def _by_row(answer: Answer) -> dict[int, list[str]]:
    rows: dict[int, list[str]] = {}
    for row, words in answer.intents:
        rows.setdefault(row, []).append(words)
    return rows


def _rows_to_try(
    whole: Answer, n: int, suspicious: list[int], times: int, rng: np.random.Generator
) -> list[int]:
    """Return the last known rows: suspicious ones, then signals and the bars before them, then any."""
    signals = [row for row, _ in whole.intents]
    near = rng.permutation([row for signal in signals for row in (signal, signal - 1)])
    chosen: dict[int, None] = dict.fromkeys(suspicious[: times // 4])
    for rows, limit in ((near, times * 3 // 4), (rng.permutation(n), times)):
        for row in rows:
            if len(chosen) >= limit:
                break
            chosen[int(row)] = None
    return sorted(row for row in chosen if 0 <= row < n - 1)


def _with_other_futures(
    strategy: Strategy, tape: Tape, whole: Answer, rows: list[int], how: tuple[str, Future, int]
) -> list[Failure]:
    check, future, seed = how
    found = list[Failure]()
    for row in rows:
        other = ask(
            strategy, future(tape.part(0, row + _FOLLOWING), row + 1, np.random.default_rng((seed, row)))
        )
        found += _compare(check, whole, other, row)
    return found


def _compare(check: str, whole: Answer, other: Answer, upto: int) -> list[Failure]:
    row = first_difference(whole, other, upto)
    return [] if row is None else [Failure(check, row, upto + 1, whole.at(row), other.at(row))]
