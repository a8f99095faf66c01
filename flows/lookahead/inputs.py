"""Which input must not matter and does? Found by halving: the bar ahead, then its column.

Let g(k) be the answer about the bars up to ``row`` when k bars behind it come from another future. g(0) is the true
answer and g(all) another one, so halving finds a k at which the answer turns: bar ``row + k`` matters. The same again
with the columns of that bar. Both turns are proofs, whatever else the strategy reads.
"""

from collections.abc import Callable

import msgspec
import numpy as np

from flows.lookahead.answers import ask, ask_in_pieces, first_difference
from flows.lookahead.strategy_checks import FUTURES, Failure
from flows.lookahead.tape import COLUMNS, Tape, blended, changed
from operators.strategies import Strategy

_TRIES = 6
_TAILS = (1, 5, 25, 125, 625)
"""Bars from the one that matters on that are kept, the fewest that show it: two runs over them are traced."""


class Dependence(msgspec.Struct, frozen=True, eq=False):
    """Two tapes that agree up to ``row`` and of which the strategy says something else there.

    They differ in ``column`` of the bar ``ahead`` bars later; or, where ``column`` is empty, in length: ``other`` ends
    ``ahead`` bars earlier. ``ahead`` below 0 counts bars before a block that ``row`` needs in its own block.
    """

    row: int
    ahead: int
    column: str
    true: Tape
    other: Tape
    said: str
    otherwise: str


def what_follows(strategy: Strategy, tape: Tape, failure: Failure, seed: int) -> Dependence | None:
    """Return the input behind ``failure`` that changes what is said about its row; None where none does."""
    for row in dict.fromkeys((failure.row, failure.known - 1)):
        if row + 1 >= len(tape):
            continue
        for name, future in FUTURES.items():
            for attempt in range(_TRIES if name != "future cut off" else 0):
                other = future(tape, row + 1, np.random.default_rng((seed, row, attempt)))
                if _differs(strategy, tape, other, row):
                    return _narrowed(strategy, tape, other, row)
        if _differs(strategy, tape, tape.part(0, row + 1), row):
            return _lengths(strategy, tape, row)
    return None


def what_precedes(strategy: Strategy, tape: Tape, row: int) -> Dependence | None:
    """Return how many bars before ``row`` must stand in one block with it; None where one cut does not show it."""
    short = tape.part(0, row + 1)
    whole = ask(strategy, short)

    def together(back: int) -> bool:
        return first_difference(whole, ask_in_pieces(strategy, short, [row - back]), row) is None

    if together(0):
        return None
    turn = _turn(together, row)
    pieces = ask_in_pieces(strategy, short, [row - turn + 1])
    return Dependence(row, -turn, "", short, short, whole.at(row), pieces.at(row))


def _narrowed(strategy: Strategy, tape: Tape, other: Tape, row: int) -> Dependence:
    known, every = row + 1, tuple(range(len(COLUMNS)))

    def with_bars(k: int) -> Tape:
        return tape if k == 0 else blended(tape, other, known, row + k, every)

    ahead = _turn(lambda k: _differs(strategy, tape, with_bars(k), row), len(tape) - known)

    def with_columns(count: int) -> Tape:
        return blended(tape, other, known, row + ahead, every[:count])

    last = _turn(lambda count: _differs(strategy, tape, with_columns(count), row), len(every))
    true, false = with_columns(last - 1), with_columns(last)
    for more in _TAILS:
        end = row + ahead + more
        if _differs(strategy, true.part(0, end), false.part(0, end), row):
            true, false = true.part(0, end), false.part(0, end)
            break
    return _dependence(strategy, row, ahead, COLUMNS[last - 1], true, false)


def _lengths(strategy: Strategy, tape: Tape, row: int) -> Dependence:
    """Return how many more bars must follow; or, where what the last of them holds matters, its column."""
    whole = ask(strategy, tape)
    more = _turn(
        lambda k: first_difference(whole, ask(strategy, tape.part(0, row + 1 + k)), row) is None,
        len(tape) - row - 1,
    )
    end = row + 1 + more
    long, short = tape.part(0, end), tape.part(0, end - 1)
    for other in (
        _repeated(long, row),
        *(changed(long, end - 1, np.random.default_rng(i)) for i in range(_TRIES)),
    ):
        if _differs(strategy, long, other, row):
            return _narrowed(strategy, long, other, row)
    return _dependence(strategy, row, end - 1 - row, "", long, short)


def _dependence(strategy: Strategy, row: int, ahead: int, column: str, true: Tape, other: Tape) -> Dependence:
    """Return the dependence of the first row up to ``row`` about which something else is said."""
    said, otherwise = ask(strategy, true), ask(strategy, other)
    first = first_difference(said, otherwise, row)
    first = row if first is None else first
    return Dependence(first, ahead + row - first, column, true, other, said.at(first), otherwise.at(first))


def _repeated(tape: Tape, row: int) -> Tape:
    """Return the tape with the last bar holding what the bar ``row`` holds; its time stays."""
    wide = tape.wide.copy()
    wide[-1] = wide[row]
    return msgspec.structs.replace(tape, wide=wide)


def _differs(strategy: Strategy, tape: Tape, other: Tape, row: int) -> bool:
    return first_difference(ask(strategy, tape), ask(strategy, other), row) is not None


def _turn(says_yes: Callable[[int], bool], most: int) -> int:
    """Return a k in 1..most with no at k - 1 and yes at k, given no at 0 and yes at ``most``."""
    no, yes = 0, most
    while yes - no > 1:
        middle = (no + yes) // 2
        if says_yes(middle):
            yes = middle
        else:
            no = middle
    return yes
