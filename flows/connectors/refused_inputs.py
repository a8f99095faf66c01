"""Which of an account's inputs does the log say were refused, and by whom?

A dead letter about an input carries the account that could not use it in a header: every account reads all marks, and
what one could not read another may have read. What was refused stays refused when inputs are read again, also where
today's code could read them: what followed then went without.
"""

from collections.abc import Mapping

from flows.connectors.held import between, event_of
from flows.connectors.log import Headers, Log, Position, Positions
from schemas.account import DeadLetter

LETTERS = "dead_letters"
HEADER = "titan-account"
"""Of a dead letter about an input: the account that could not use it."""

Known = dict[Position, dict[int, tuple[str, str]]]
"""Partition of an input -> offset -> reason and detail."""
Saved = tuple[Known, dict[Position, int]]


def said_by(account: str) -> Headers:
    """Return the headers of an account's letter."""
    return ((HEADER, account.encode()),)


def is_said_by(headers: Headers, account: str) -> bool:
    """Whether a letter about an input may be this account's: it says so, or does not say whose it is."""
    return all(value == account.encode() for name, value in headers if name == HEADER)


class RefusedInputs:
    """What was refused of an account's inputs from ``positions`` on; each is forgotten when it is met again.

    It reads the letters behind ``saved``, all of them where there is no snapshot.
    """

    def __init__(self, log: Log, account: str, positions: Positions, saved: Saved | None = None) -> None:
        self._known, read_to = saved or ({}, {})
        there = log.topics()
        spans = {(LETTERS, p): span for p, span in enumerate(log.spans(LETTERS) if LETTERS in there else ())}
        self._read_to = {place: end for place, (_, end) in spans.items()}
        start = {place: max(first, read_to.get(place, first)) for place, (first, _) in spans.items()}
        for record in between(log, start, self._read_to):
            letter = event_of(record)
            if not isinstance(letter, DeadLetter) or not is_said_by(record.headers, account):
                continue
            place = (letter.topic, letter.partition)
            if letter.offset >= positions.get(place, letter.offset + 1):
                self._known.setdefault(place, {})[letter.offset] = (letter.reason, letter.detail)

    def meet(self, topic: str, partition: int, offset: int) -> tuple[str, str] | None:
        """Return reason and detail where the input was refused; it is not asked for again."""
        known = self._known.get((topic, partition))
        return known.pop(offset, None) if known else None

    def saved(self, written: Mapping[Position, int]) -> Saved:
        """Return what waits to be met, and from where on later letters stand; ``written`` is where our writer is."""
        own = {place: end for place, end in written.items() if place in self._read_to}
        return {place: known for place, known in self._known.items() if known}, self._read_to | own
