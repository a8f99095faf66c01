"""In which order does the account leg get its inputs, and how is that order kept? The journal is made here.

Every cut of the sequencer travels with its journal entry, and the leg's one fenced writer puts the entry and all that
follows from the cut into the log as one batch: the log holds both or neither. A restart takes over the fence, reads the
journal past its snapshot and takes the same cuts again; only then does it make new ones. What a process that was
killed or fenced had cut and not written was seen by nobody, and is cut anew.
"""

import pickle
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

from flows import stop
from flows.connectors.account_inputs import AccountInputs, input_partitions
from flows.connectors.held import between, event_of
from flows.connectors.log import Log, LogCorrupt, Position, Writer
from flows.connectors.log_errors import check_identity
from flows.connectors.partitioner import partition_of
from flows.connectors.read_ahead import needed, too_early
from flows.meter import Meter
from operators.sequencer import Sequencer, SequencerState
from operators.sequencer import Taken as Event
from schemas.account import DeadLetter, JournalEntry

JOURNAL = "account_journal"
_IDLE = timedelta(milliseconds=1)


class Taken(msgspec.Struct, gc=False):
    """The events of one cut, in the order taken, and what could not be read on the way.

    ``entry`` is for the journal; None where it stands there, or nothing was cut.
    """

    events: list[Event]
    refused: list[DeadLetter]
    entry: JournalEntry | None = None


class AccountSourceSettings(msgspec.Struct, frozen=True):
    """``expected`` symbols are waited for; ``to_end`` stops at the log's present end and takes all that waits then."""

    account: str
    patience_s: float
    expected: tuple[str, ...] = ()
    to_end: bool = False
    until_final: bool = False
    venue_reports: bool = False
    poll_records: int = 1000


class AccountSource(FixedPartitionedSource[tuple[str, Taken], bytes]):
    """The inputs of one account, as one part; ``writer`` opens its fenced one, to which the leg's sink writes."""

    def __init__(
        self, log: Log, settings: AccountSourceSettings, writer: Callable[[], Writer], meter: Meter
    ) -> None:
        self._log = log
        self._settings = settings
        self._writer = writer
        self._meter = meter

    def list_parts(self) -> list[str]:
        """One part: an account has one owner."""
        return [self._settings.account]

    def build_part(
        self, _step_id: str, _for_part: str, resume_state: bytes | None
    ) -> StatefulSourcePartition[tuple[str, Taken], bytes]:
        """Take the account over; then open the inputs where the snapshot left off, and the journal behind it."""
        writer = self._writer()
        saved = pickle.loads(resume_state) if resume_state else None
        return _Part(self._log, self._settings, saved, writer, self._meter)


class _Part(StatefulSourcePartition[tuple[str, Taken], bytes]):
    def __init__(
        self,
        log: Log,
        settings: AccountSourceSettings,
        saved: dict[str, Any] | None,
        writer: Writer,
        meter: Meter,
    ) -> None:
        self._settings = settings
        self._writer = writer
        self._meter = meter
        sources = input_partitions(log, settings.account, settings.venue_reports)
        self._identity = log.identity(sorted({JOURNAL, *(topic for topic, _ in sources)}))
        if saved is not None:
            check_identity(saved["identity"], self._identity, log.url)
        positions: dict[Position, int] = {source: log.span(*source)[0] for source in sources}
        known = saved["refused"] if saved is not None else None
        journal = (JOURNAL, partition_of(settings.account.encode(), log.topics()[JOURNAL]))
        self._journal, self._journal_at = journal, log.span(*journal)[0]
        self._sequencer = Sequencer(settings.expected)
        self._state: SequencerState = self._sequencer.init()
        self._seq = 0
        if saved is not None:
            positions |= saved["positions"]
            self._state, self._seq = saved["sequencer"], saved["seq"]
            self._journal_at = saved["journal"]
        self._inputs = AccountInputs(log, settings.account, positions, known)
        meter.opened(lambda: dict(self._inputs.given))
        self._replay = _entries(log, journal, self._journal_at, settings.account, self._seq)
        self._next_cut = next(self._replay, None)
        self._stop = self._inputs.ends() if settings.to_end else None
        self._held: list[Position] = []
        self._reopened = False
        self._awake: datetime | None = None
        self._moved = time.monotonic()

    def next_batch(self) -> list[tuple[str, Taken]]:
        if stop.asked():
            raise StopIteration
        events, entry = self._anew() if self._next_cut is None else self._again(*self._next_cut)
        refused, self._inputs.refused = self._inputs.refused, []
        self._awake = None if events or self._next_cut else datetime.now(UTC) + _IDLE
        return [(self._settings.account, Taken(events, refused, entry))] if events or refused else []

    def next_awake(self) -> datetime | None:
        return self._awake

    def snapshot(self) -> bytes:
        self._meter.saved()
        return pickle.dumps(
            {
                "identity": self._identity,
                "positions": self._inputs.given,
                "sequencer": self._state,
                "seq": self._seq,
                "refused": self._inputs.known.saved(self._writer.ends()),
                "journal": self._writer.ends().get(self._journal, self._journal_at),
            }
        )

    def close(self) -> None:
        self._inputs.close()

    def _again(self, offset: int, entry: JournalEntry) -> tuple[list[Event], None]:
        """Take a cut of the journal once more."""
        self._next_cut = next(self._replay, None)
        positions = {(p.topic, p.partition): p.next_offset for p in entry.positions}
        self._sequencer.offer(self._state, self._inputs.read_to(positions))
        self._seq, self._journal_at = entry.seq + 1, offset + 1
        self._meter.event_time_ns = entry.taken_to_ns
        return self._sequencer.take_to(self._state, entry.taken_to_ns), None

    def _anew(self) -> tuple[list[Event], JournalEntry | None]:
        """Read what there is and take what may be taken."""
        if self._stop is not None and not self._reopened:
            self._sequencer.reopen(self._state)
            self._reopened = True
        self._held = self._too_early()
        found = self._inputs.poll(self._settings.poll_records, self._held)
        self._sequencer.offer(self._state, found)
        if found:
            self._meter.polled(len(found))
        ended = self._has_ended() if not found else False
        force = ended or self._out_of_patience()
        taken_to_ns, events = self._sequencer.take(self._state, force)
        self._meter.event_time_ns = max(self._meter.event_time_ns, taken_to_ns)
        if not events and ended:
            raise StopIteration
        if events or not self._state.waiting:
            self._moved = time.monotonic()
        return events, self._entry(taken_to_ns, force) if events else None

    def _too_early(self) -> list[Position]:
        """Return what to leave alone; nothing where what is waited for will not come any more."""
        given, stop_at = self._inputs.given, self._stop
        early = too_early(self._state, given, self._held)
        if early and stop_at is not None:
            awaited = needed(self._state, given)
            return [] if all(given[source] >= stop_at[source] for source in awaited) else early
        return early

    def _has_ended(self) -> bool:
        if self._stop is not None:
            return all(self._inputs.given.get(source, 0) >= end for source, end in self._stop.items())
        clocks = self._state.clocks.values()
        return self._settings.until_final and bool(clocks) and all(clock.final for clock in clocks)

    def _out_of_patience(self) -> bool:
        """Say whether a silent symbol has held the others back for too long; a run with an end waits for that."""
        if self._stop is not None or self._settings.until_final:
            return False
        return self._state.waiting and time.monotonic() - self._moved > self._settings.patience_s

    def _entry(self, taken_to_ns: int, forced: bool) -> JournalEntry:
        """Number the cut."""
        account, seq = self._settings.account, self._seq
        self._seq += 1
        positions = self._sequencer.positions(self._state)
        return JournalEntry(f"{account}:{seq}", account, seq, taken_to_ns, forced, positions)


def _entries(
    log: Log, journal: Position, start: int, account: str, seq: int
) -> Iterator[tuple[int, JournalEntry]]:
    """Yield the account's journal entries from number ``seq`` on, with their offsets; ``start`` is not behind them.

    One after the other: a rebuild follows a journal of days, which must not stand in memory. What is no entry is passed
    over: ours are counted, so that none can be missing unnoticed that anything followed from.

    Raises:
        LogCorrupt: an entry is missing.
    """
    for record in between(log, {journal: start}, {journal: log.span(*journal)[1]}):
        entry = event_of(record)
        if not isinstance(entry, JournalEntry) or entry.account != account or entry.seq < seq:
            continue
        if entry.seq != seq:
            raise LogCorrupt(
                f"{log.url}: {JOURNAL}/{record.partition}@{record.offset}: entry {entry.seq} of account {account} "
                f"stands where {seq} should be: it was damaged, or written by something else than an account leg. "
                "Restore the log from a copy, or go on with another account.id"
            )
        yield record.offset, entry
        seq += 1
