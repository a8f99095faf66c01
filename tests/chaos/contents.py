"""What does a trial's log hold, and how does that differ from what an uninterrupted run would have written?

Events of every lane (topic and symbol or account) in order, market data record by record; alerts and dead letters have
several writers and no order. Where cuts into records and journal entries fell is wall time's doing.
"""

from collections import Counter
from typing import Any

import msgspec

from flows.connectors.log import Log
from schemas.account import JournalEntry
from schemas.codec import decode
from schemas.flatten import flatten
from schemas.topics import TOPICS
from tests.integration.log_contents import JOURNAL, records

Lane = tuple[str, str]
_UNORDERED = ("alerts", "dead_letters")
_FLAT = tuple(topic for topic in TOPICS if topic not in ("market_data", "risk_commands", JOURNAL))
BY_SYMBOL = ("market_data", "bars", "features", "regimes", "marks", "trade_signals")
REPEATABLE = (*BY_SYMBOL[1:], *_UNORDERED)
"""In which topics a second symbol leg repeats what the first said."""


class Contents(msgspec.Struct):
    """Events of each lane in order; those of market data are its records."""

    lanes: dict[Lane, list[tuple[str, Any]]]
    cuts: int

    @property
    def events(self) -> int:
        """How many there are."""
        return sum(map(len, self.lanes.values()))


class Difference(msgspec.Struct):
    """Events that are missing, there twice or never said, or otherwise; ``first`` names one."""

    losses: int = 0
    doubles: int = 0
    others: int = 0
    first: str = ""

    def note(self, kind: str, count: int, what: str) -> None:
        """Count."""
        setattr(self, kind, getattr(self, kind) + count)
        self.first = self.first or what

    def __bool__(self) -> bool:
        return bool(self.first)


def contents(log: Log) -> Contents:
    """Return what the log holds; AssertionError where its journal is not whole."""
    lanes: dict[Lane, list[tuple[str, Any]]] = {}
    for record in records(log, "market_data"):
        lane = lanes.setdefault(("market_data", str(record.partition)), [])
        lane.append((f"{record.partition}@{record.offset}", (record.key, record.timestamp_ms, record.value)))
    for topic in _FLAT:
        for record in records(log, topic):
            for event in flatten(topic, record.value or b""):
                within = event.get("symbol", event.get("account", ""))
                lanes.setdefault((topic, within), []).append((event["id"], event))
    for lane, found in lanes.items():
        if lane[0] in _UNORDERED:
            found.sort(key=lambda one: one[0])
    return Contents(lanes, _cuts(log))


def difference(expected: Contents, actual: Contents, topics: tuple[str, ...] = tuple(TOPICS)) -> Difference:
    """Return how ``actual`` differs in the topics."""
    found = Difference()
    for lane in sorted({*expected.lanes, *actual.lanes}):
        want, got = expected.lanes.get(lane, []), actual.lanes.get(lane, [])
        if want == got or lane[0] not in topics:
            continue
        wanted, had = Counter(name for name, _ in want), Counter(name for name, _ in got)
        lost, more = wanted - had, had - wanted
        if lost:
            found.note("losses", lost.total(), f"{lane} lacks {lost.total()}, such as {next(iter(lost))}")
        if more:
            found.note(
                "doubles", more.total(), f"{lane} holds {more.total()} more, such as {next(iter(more))}"
            )
        if not lost and not more:
            others = [(a, b) for a, b in zip(want, got, strict=True) if a != b]
            found.note("others", len(others), f"{lane} differs in {len(others)}, first {_told(*others[0])}")
    return found


def once(found: Contents) -> Contents:
    """Return it without what a second symbol leg repeated: the first of all equal events of such lanes."""
    lanes = {}
    for lane, events in found.lanes.items():
        seen: dict[str, Any] = {}
        lanes[lane] = [
            (name, event)
            for name, event in events
            if not (_may_repeat(lane, event) and seen.setdefault(name, event) is not event)
        ]
    return Contents(lanes, found.cuts)


def doubles(actual: Contents) -> Difference:
    """Return what is there twice, whatever was expected."""
    found = Difference()
    for lane, events in actual.lanes.items():
        twice = {name: n for name, n in Counter(name for name, _ in events).items() if n > 1}
        if twice:
            found.note("doubles", len(twice), f"{lane} holds {len(twice)} twice, such as {next(iter(twice))}")
    return found


def _told(want: tuple[str, Any], got: tuple[str, Any]) -> str:
    if want[0] != got[0]:
        return f"{want[0]} where {got[0]} stands"
    if isinstance(want[1], dict):
        fields = {k: (v, got[1].get(k)) for k, v in want[1].items() if got[1].get(k) != v}
        return f"{want[0]}: {fields}"
    return f"{want[0]}: {want[1]} against {got[1]}"


def _may_repeat(lane: Lane, event: Any) -> bool:
    if lane[0] == "alerts":
        return bool(event["source"] == "symbol_leg")
    if lane[0] == "dead_letters":
        return bool(event["topic"] == "market_data")
    return lane[0] in BY_SYMBOL[1:]


def _cuts(log: Log) -> int:
    """Every cut of the journal is there once, numbered from 0, and none goes back; return how many there are."""
    positions: dict[tuple[str, int], int] = {}
    taken_to_ns = -1
    number = 0
    for number, record in enumerate(records(log, JOURNAL), 1):
        entry = decode(JOURNAL, record.value or b"")
        assert isinstance(entry, JournalEntry)
        assert entry.seq == number - 1, f"entry {number - 1} of the journal has number {entry.seq}"
        assert entry.taken_to_ns >= taken_to_ns, f"entry {number - 1} of the journal goes back in time"
        now = {(at.topic, at.partition): at.next_offset for at in entry.positions}
        assert all(now.get(source, 0) >= offset for source, offset in positions.items()), (
            "the journal goes back"
        )
        taken_to_ns, positions = entry.taken_to_ns, now
    return number
