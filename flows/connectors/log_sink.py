"""How do results enter the log exactly once? A sink in the commit path, with a fence after a restart.

Every result is a deterministic function of the log, so a restarted run says again what it had said after its last
snapshot. The sink reads what its topics hold beyond the snapshot's positions (all of it, where there is no snapshot)
and lets through only what is not there yet. So the log holds nothing twice from one writer (docs/adr/0007).

A run may be killed again before it has said all of that again. So a snapshot holds the log's end and what up to there
still waits to be said again: the next run suppresses that too.
"""

import pickle
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import msgspec
from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition

from flows import stop
from flows.connectors.held import until
from flows.connectors.log import Headers, Log, Position, Record, Writer
from flows.connectors.log_errors import LogContradicted, check_identity
from flows.meter import Meter

_SCAN_RECORDS = 2000


class Outgoing(msgspec.Struct, gc=False):
    """A record about to be written; one that is ``patient`` may wait for others, or for the snapshot."""

    topic: str
    key: bytes
    value: bytes
    timestamp_ms: int
    patient: bool = False
    headers: Headers = ()


class Outbox(Protocol):
    """Turns items into records, leaving out what the log was found to hold."""

    topics: tuple[str, ...]

    def recall(self, record: Record) -> None:
        """Note a record that the log holds beyond the snapshot."""

    def waiting(self) -> Any:
        """Return what was recalled and not said again yet, for the snapshot; small once a restart is over."""

    def wait_for(self, waiting: Any) -> None:
        """Take up what a snapshot says that was waiting."""

    def records(self, item: Any) -> Iterable[Outgoing]:
        """Return the records that an item gives."""


class LogSink(FixedPartitionedSink[Any, bytes]):
    """Writes all items of a step by one writer, its own or the one that ``writer`` opens.

    What was written is durable when a snapshot has been taken; with ``waits`` after each batch.
    """

    def __init__(
        self,
        log: Log,
        outbox: Outbox,
        meter: Meter,
        writer: Callable[[], Writer] | None = None,
        waits: bool = False,
    ) -> None:
        self._log = log
        self._outbox = outbox
        self._meter = meter
        self._writer = writer or log.writer
        self._waits = waits

    def list_parts(self) -> list[str]:
        """One part: one writer."""
        return ["log"]

    def part_fn(self, item_key: str) -> int:
        """Send everything to the one part."""
        return 0

    def build_part(
        self, _step_id: str, _for_part: str, resume_state: bytes | None
    ) -> StatefulSinkPartition[Any, bytes]:
        """Open the writer, then recall what the log holds beyond the snapshot: nobody else adds to it now."""
        writer = self._writer()
        identity, saved = self._log.identity(self._outbox.topics), dict[Position, int]()
        if resume_state:
            known, saved, waiting = pickle.loads(resume_state)
            check_identity(known, identity, self._log.url)
            self._outbox.wait_for(waiting)
        ends = recall(self._log, self._outbox, saved)
        return _Part(writer, identity, self._outbox, ends, self._meter, self._waits)


def recall(log: Log, outbox: Outbox, saved: dict[Position, int]) -> dict[Position, int]:
    """Show ``outbox`` every record of its topics from ``saved`` (else the beginning) on; return where they end.

    Raises:
        LogUnreachable: the log has fallen silent.
        Stopped: someone asked to stop before all was read.
    """
    positions: dict[Position, int] = {}
    end: dict[Position, int] = {}
    for topic in outbox.topics:
        for partition, (first, stop_at) in enumerate(log.spans(topic)):
            positions[topic, partition] = max(first, saved.get((topic, partition), first))
            end[topic, partition] = stop_at
    with log.reader(positions) as reader:
        for _ in until(log, reader, end):
            if stop.asked():
                raise stop.Stopped
            for record in reader.poll(_SCAN_RECORDS, 1.0):
                outbox.recall(record)
    return end


class _Part(StatefulSinkPartition[Any, bytes]):
    def __init__(
        self,
        writer: Writer,
        identity: str,
        outbox: Outbox,
        ends: dict[Position, int],
        meter: Meter,
        waits: bool,
    ) -> None:
        self._writer = writer
        self._hand_on = writer.flush if waits else writer.send
        self._identity = identity
        self._outbox = outbox
        self._ends = ends
        self._meter = meter
        self._waiting: list[Outgoing] = []

    def write_batch(self, items: list[Any]) -> None:
        try:
            for item in items:
                self._waiting += self._outbox.records(item)
        except LogContradicted:
            self._writer.check_fence(
                self._outbox.topics[0]
            )  # then the log speaks of the next owner, not of us
            raise
        if not all(record.patient for record in self._waiting):
            self._append()
            self._hand_on()
        self._meter.wrote()

    def snapshot(self) -> bytes:
        self._append()
        self._writer.flush()
        self._ends |= self._writer.ends()
        return pickle.dumps((self._identity, self._ends, self._outbox.waiting()))

    def _append(self) -> None:
        append, written = self._writer.append, self._meter.written
        for record in self._waiting:
            append(record.topic, record.key, record.value, record.timestamp_ms, record.headers)
            written[record.topic] += 1
        self._waiting.clear()

    def close(self) -> None:
        """Release the writer; all was flushed, or has failed: raising again while Bytewax unwinds would abort it."""
        self._writer.abandon()
