"""How is market data read in bulk, as a backtest wants it: in large blocks, all symbols at about the same event time?

Two kinds, one shape: ``SessionHistory`` reads recorded files through the same gateway as live, cut coarsely;
``LogHistory`` reads a log's ``market_data`` as it was recorded. Both yield chunks: polls of symbols for the symbol leg,
and the records that stand for them in a log. How far a partition may run ahead of the others is bounded by a chunk.
"""

from bisect import bisect_left
from collections.abc import Iterator
from typing import Protocol

import msgspec

from flows import stop
from flows.connectors.gateway import CutSettings
from flows.connectors.gateway_outbox import GatewayOutbox
from flows.connectors.held import until
from flows.connectors.log import Log, Record
from flows.connectors.log_sink import Outgoing
from flows.connectors.market_source import TOPIC
from flows.connectors.partitioner import partition_of
from flows.connectors.recorded import session_of
from flows.connectors.recorded.source import Source
from flows.progress import Progress
from operators.symbol_layout import LATEST
from schemas.blocks import decode_block
from schemas.codec import DecodeError
from schemas.topics import TOPICS

_SECOND = 1_000_000_000
_TRADES_CUT_NS = 600 * _SECOND
_CHUNK_ROWS = 131_072
_BLOCK_ROWS = 4096
_HEARTBEAT_NS = 60 * _SECOND
_POLL_RECORDS = 2000

Spans = list[tuple[int, int]]
"""(first, end) offset of every partition."""


class SymbolMessages(msgspec.Struct, gc=False):
    """One symbol's messages of a chunk, in log order."""

    symbol: str
    partition: int
    offsets: list[int]
    values: list[bytes]


class Chunk(msgspec.Struct, gc=False):
    """What one stretch of event time brought; ``records`` are the polls' records in the order in which they lie."""

    polls: list[SymbolMessages]
    records: list[Outgoing]


class History(Protocol):
    """Market data from its beginning to its end."""

    interval_ns: int
    """Length of the shortest bars; 0 where there are none, or where nobody knows."""

    def symbols(self) -> tuple[str, ...]:
        """Every symbol that it speaks of, sorted."""

    def chunks(self) -> Iterator[Chunk]:
        """Chunks in event-time order of their ends."""


class SessionHistory:
    """Open sources (recorded files, or a made-up market) as one session, in blocks of up to ``_BLOCK_ROWS`` rows.

    ``interval_ns`` is the length of the shortest bars, 0 where there are none.
    """

    def __init__(self, sources: list[Source]) -> None:
        self._sources = sources
        self._symbols = tuple(sorted({symbol for source in self._sources for symbol in source.venues}))
        intervals = [source.heartbeat_ns for source in self._sources if source.heartbeat_ns]
        self.interval_ns = min(intervals, default=0)
        rows = min(_BLOCK_ROWS, max(1, _CHUNK_ROWS // len(self._symbols)))
        self._cut = CutSettings(
            cut_ns=rows * self.interval_ns or _TRADES_CUT_NS,
            max_rows=_BLOCK_ROWS,
            heartbeat_ns=max(self.interval_ns, _HEARTBEAT_NS),
        )

    def symbols(self) -> tuple[str, ...]:
        """Every symbol of the sources."""
        return self._symbols

    def chunks(self) -> Iterator[Chunk]:
        """Slices of the session, with the offsets that an empty log would give their records."""
        outbox = GatewayOutbox(Progress())
        ends = [0] * TOPICS[TOPIC].partitions
        with session_of(self._sources, self._cut) as gateway:
            for slice_ in gateway:
                records = list(outbox.records(slice_))
                polls: dict[bytes, SymbolMessages] = {}
                for record in records:
                    if record.topic == TOPIC:
                        _add(polls, record.key, record.value, ends)
                yield Chunk(list(polls.values()), records)


class LogHistory:
    """What a log's ``market_data`` holds now, each partition in its order, the one furthest behind first."""

    def __init__(self, log: Log) -> None:
        self.interval_ns = 0
        self._log = log
        self._spans = log.spans(TOPIC)
        self._symbols = _speaking(log, self._spans)

    def symbols(self) -> tuple[str, ...]:
        """Every key with a block of its own that can be read; nothing is to be waited for from the others."""
        return self._symbols

    def chunks(self) -> Iterator[Chunk]:
        """Polls of one partition at a time."""
        readers = {
            partition: self._log.reader({(TOPIC, partition): first})
            for partition, (first, end) in enumerate(self._spans)
            if end > first
        }
        turns = {p: until(self._log, one, {(TOPIC, p): self._spans[p][1]}) for p, one in readers.items()}
        reached = dict.fromkeys(readers, 0)
        try:
            while readers:
                partition = min(readers, key=lambda p: (reached[p], p))
                if next(turns[partition], "ended") == "ended":
                    readers.pop(partition).close()
                    continue
                end = self._spans[partition][1]
                polled = readers[partition].poll(_POLL_RECORDS, 1.0)
                found = [record for record in polled if record.offset < end]
                if found:
                    reached[partition] = max(reached[partition], found[-1].timestamp_ms)
                    yield _chunk(found)
        finally:
            for reader in readers.values():
                reader.close()


def symbols_in(log: Log, topic: str) -> tuple[str, ...]:
    """Return every key that a topic holds now, by symbol, sorted."""
    found = {key for key, _ in _by_key(log, topic, log.spans(topic))}
    return tuple(sorted({key.decode(errors="replace") for key in found}))


def _speaking(log: Log, spans: Spans) -> tuple[str, ...]:
    """Return the keys of which a block says how far it is complete, by symbol, sorted."""
    found: set[bytes] = set()
    for key, values in _by_key(log, TOPIC, spans):
        if key not in found and any(_says(key, value) for value in values):
            found.add(key)
    return tuple(sorted(key.decode() for key in found))


def _says(key: bytes, value: bytes) -> bool:
    try:
        block = decode_block(value)
    except DecodeError:
        return False
    return block.symbol.encode() == key and 0 < block.complete_to_ns <= LATEST


def _by_key(log: Log, topic: str, spans: Spans) -> Iterator[tuple[bytes, list[bytes]]]:
    """Yield keys with values inside the spans, until someone asks to stop."""
    ends = {(topic, p): end for p, (_, end) in enumerate(spans)}
    with log.reader({(topic, p): first for p, (first, _) in enumerate(spans)}) as reader:
        for _ in until(log, reader, ends):
            if stop.asked():
                return
            for (partition, key), (offsets, values) in reader.poll_by_key(5000, 1.0).items():
                inside = bisect_left(offsets, ends[topic, partition])
                if inside:
                    yield key, values[:inside]


def _add(polls: dict[bytes, SymbolMessages], key: bytes, value: bytes, ends: list[int]) -> None:
    """Add a new record to its symbol's poll, at the end of its partition."""
    partition = partition_of(key, len(ends))
    poll = _poll_of(polls, key, partition)
    poll.offsets.append(ends[partition])
    poll.values.append(value)
    ends[partition] += 1


def _poll_of(polls: dict[bytes, SymbolMessages], key: bytes, partition: int) -> SymbolMessages:
    poll = polls.get(key)
    if poll is None:
        poll = polls[key] = SymbolMessages(key.decode(errors="replace"), partition, [], [])
    return poll


def _chunk(found: list[Record]) -> Chunk:
    polls: dict[bytes, SymbolMessages] = {}
    records: list[Outgoing] = []
    for record in found:
        value = record.value or b""
        poll = _poll_of(polls, record.key, record.partition)
        poll.offsets.append(record.offset)
        poll.values.append(value)
        records.append(Outgoing(TOPIC, record.key, value, record.timestamp_ms))
    return Chunk(list(polls.values()), records)
