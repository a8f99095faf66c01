"""Which dead letters does a log hold, and which of them were sent again?

A letter is known by its id; two accounts that could not read the same record have said the same letter. A record that
was sent again carries the id of its letter in a header, so a letter about such a record names the former one.
"""

from collections.abc import Iterator

import msgspec

from flows.connectors.held import between, event_of, held
from flows.connectors.log import Log, Record
from operators.symbol_layout import REASONS as BY_THE_LEG
from schemas.account import DeadLetter, Redrive

LETTERS, REDRIVES = "dead_letters", "redrives"
NOT_READ = ("not_a_frame", "not_a_bar", "no_place", "truncated_file")
"""Reasons of lines and rows of files, which never entered the log."""
REASONS = (*(reason for reason in BY_THE_LEG if reason != "missing_rows"), "unknown_symbol", *NOT_READ)
HEADER = "titan-redrive"
"""Of a record that was sent again: the id of its dead letter."""


class Letter(msgspec.Struct, frozen=True):
    """A dead letter, where it lies, and how it was sent again, if it was."""

    letter: DeadLetter
    partition: int
    offset: int
    redrive: Redrive | None

    @property
    def state(self) -> str:
        """Return open or redriven."""
        return "open" if self.redrive is None else "redriven"


class Wanted(msgspec.Struct, frozen=True):
    """Which letters are asked for; an empty field asks for all. Times are event times, [from, to)."""

    ids: frozenset[str] = frozenset()
    topic: str = ""
    reason: str = ""
    symbol: str = ""
    state: str = ""
    from_ns: int = 0
    to_ns: int = 0

    def takes(self, found: Letter) -> bool:
        """Say whether the letter is asked for."""
        letter = found.letter
        return (
            (not self.ids or letter.id in self.ids)
            and self.topic in ("", letter.topic)
            and self.reason in ("", letter.reason)
            and self.symbol in ("", letter.symbol)
            and self.state in ("", found.state)
            and (not self.from_ns or letter.ts_event_ns >= self.from_ns)
            and (not self.to_ns or 0 < letter.ts_event_ns < self.to_ns)
        )


def letters(log: Log, wanted: Wanted) -> Iterator[Letter]:
    """Yield the letters asked for, each id once, in the order of the log."""
    again = redrives(log)
    seen: set[str] = set()
    for record in held(log, LETTERS):
        letter = event_of(record)
        if not isinstance(letter, DeadLetter):
            continue
        found = Letter(letter, record.partition, record.offset, again.get(letter.id))
        if letter.id not in seen and wanted.takes(found):
            seen.add(letter.id)
            yield found


def redrives(log: Log) -> dict[str, Redrive]:
    """Return what was sent again, by the letter's id."""
    events = map(event_of, held(log, REDRIVES))
    return {event.id: event for event in events if isinstance(event, Redrive)}


def original_of(log: Log, letter: DeadLetter) -> Record | None:
    """Return the record that a letter is about; None where it never was in the log, or is there no more."""
    around_it = around(log, letter, 0)
    return around_it[0] if around_it else None


def around(log: Log, letter: DeadLetter, either_side: int) -> list[Record]:
    """Return the record that a letter is about, and those beside it in its partition, as far as the log holds them."""
    if letter.partition < 0 or letter.topic not in log.topics():
        return []
    source = (letter.topic, letter.partition)
    first, end = log.span(*source)
    start, stop = max(first, letter.offset - either_side), min(end, letter.offset + either_side + 1)
    if start >= stop:
        return []
    return [
        r
        for r in between(log, {source: start}, {source: stop})
        if abs(r.offset - letter.offset) <= either_side
    ]


def former_of(record: Record | None) -> str:
    """Return the id of the letter that a record was before it was sent again; empty where it was none."""
    headers = record.headers if record is not None else ()
    return next((value.decode(errors="replace") for name, value in headers if name == HEADER), "")
