"""In which cuts did the account leg take its inputs? The journal of a recorded run, entry by entry.

It is believed only as far as it agrees with itself and with its log.
"""

from collections.abc import Iterable, Iterator

from flows.connectors.account_inputs import REPORTS
from flows.connectors.account_source import JOURNAL
from flows.connectors.held import between
from flows.connectors.latest import newest
from flows.connectors.log import Log, Record
from flows.connectors.log import Position as Source
from flows.connectors.partitioner import partition_of
from flows.differences import Difference
from flows.place import Place
from schemas.account import JournalEntry
from schemas.codec import DecodeError, decode
from schemas.flatten import flatten


class JournalBroken(Exception):
    """The journal contradicts itself or its log; ``difference`` says where."""

    def __init__(self, difference: Difference) -> None:
        super().__init__(difference.text)
        self.difference = difference


class Journal:
    """One account's journal, up to where it ended when this was made."""

    def __init__(self, log: Log, account: str) -> None:
        self._log = log
        self._account = account
        self._key = account.encode()
        self._source: Source = (JOURNAL, partition_of(self._key, len(log.spans(JOURNAL))))
        self._span = log.span(*self._source)
        self._record: Record | None = None
        self._ends: dict[Source, int] = {}
        self._before: JournalEntry | None = None
        self.count = 0

    def holds_reports(self) -> bool:
        """Whether the venue's reports were inputs, as those of a venue outside the leg are."""
        for back in (1, 64, 4096):
            for record in reversed(newest(self._log, JOURNAL, back)):
                entry = _entry(record)
                if entry is not None and entry.account == self._account:
                    return any(position.topic == REPORTS for position in entry.positions)
        return False

    def entries(self) -> Iterator[JournalEntry]:
        """Yield the entries in order.

        Raises:
            JournalBroken: an entry cannot be read, is missing, or goes back.
        """
        first, end = self._span
        for record in between(self._log, {self._source: first}, {self._source: end}):
            if record.key != self._key:
                continue
            self._record = record
            entry = _entry(record)
            yield self._checked(entry)
            self._before = entry
            self.count += 1

    def positions(self, entry: JournalEntry) -> dict[Source, int]:
        """Return how far the entry had read each input.

        Raises:
            JournalBroken: the log does not hold as much, or the entry before had read more.
        """
        found = {(position.topic, position.partition): position.next_offset for position in entry.positions}
        before = (
            {}
            if self._before is None
            else {(p.topic, p.partition): p.next_offset for p in self._before.positions}
        )
        for (topic, partition), offset in found.items():
            if offset > self._end(topic, partition):
                end = self._end(topic, partition)
                raise self._broken(entry, f"it has read {topic}/{partition} to {offset}, which ends at {end}")
        for (topic, partition), offset in before.items():
            if found.get((topic, partition), 0) < offset:
                there = found.get((topic, partition), 0)
                raise self._broken(
                    entry, f"it has read {topic}/{partition} to {there}, the entry before to {offset}"
                )
        return found

    def check_time(self, entry: JournalEntry, promised_ns: int) -> None:
        """Compare the time of a cut with what its inputs had promised by then.

        Raises:
            JournalBroken: the cut takes more, although nobody's patience had run out.
        """
        if not entry.forced and entry.taken_to_ns > promised_ns:
            raise self._broken(
                entry,
                f"it takes all up to {entry.taken_to_ns}, but what it had read promises only {promised_ns}",
            )

    def at(self) -> Place:
        """Return where the entry that was yielded last stands."""
        offset = self._record.offset if self._record else self._span[1]
        return Place(JOURNAL, self._source[1], offset)

    def ends(self, sources: Iterable[Source]) -> dict[Source, int]:
        """Return where inputs end."""
        return {source: self._end(*source) for source in sources}

    def _end(self, topic: str, partition: int) -> int:
        source = (topic, partition)
        if source not in self._ends:
            spans = self._log.spans(topic) if topic in self._log.topics() else []
            self._ends |= {(topic, p): end for p, (_, end) in enumerate(spans)}
        return self._ends.get(source, 0)

    def _checked(self, entry: JournalEntry | None) -> JournalEntry:
        if entry is None:
            raise self._broken(None, "it is no journal entry")
        if entry.seq != self.count or entry.id != f"{self._account}:{self.count}":
            raise self._broken(entry, f"it is number {entry.seq}, where number {self.count} should be")
        if self._before is not None and entry.taken_to_ns < self._before.taken_to_ns:
            raise self._broken(entry, f"it takes up to {entry.taken_to_ns}, less than the entry before")
        return entry

    def _broken(self, entry: JournalEntry | None, why: str) -> JournalBroken:
        at = self.at()
        text = f"entry {self.count} of the journal, at {JOURNAL}/{at.partition}@{at.offset}: {why}"
        value = self._record.value if self._record is not None and entry is not None else None
        return JournalBroken(
            Difference(
                kind="broken",
                topic=JOURNAL,
                key=self._account,
                number=self.count,
                id=entry.id if entry else f"{self._account}:{self.count}",
                ts_event_ns=entry.taken_to_ns if entry else 0,
                at=at,
                recorded=flatten(JOURNAL, value)[0] if value else None,
                text=text,
            )
        )


def _entry(record: Record) -> JournalEntry | None:
    try:
        entry = decode(JOURNAL, record.value or b"")
    except DecodeError:
        return None
    return entry if isinstance(entry, JournalEntry) else None
