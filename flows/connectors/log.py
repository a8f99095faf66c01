"""The log: what can be asked of it, whichever backend holds it.

`open_log("sqlite:///data/titan.db")` or `open_log("kafka://host:port")` gives the same promises:

- a topic has a fixed number of partitions; a key always lies in the same one (`partitioner.py`);
- offsets of a partition rise from 0, are never used again, and survive compaction (by one, but on Kafka the ends of
  fenced writers' batches take offsets too: who wants to know how many records there are counts records);
- what `Writer.flush` has returned for is durable; a reader never sees a record before the log holds it;
- of the writers opened with one fence only the last can write, and each of its batches is written as a whole;
- a record carries key, value (None = tombstone), headers and a timestamp in ms, which is *event* time;
- a position that the log does not hold is an error, never a silent skip.

Errors: one small tree under LogError, drawn in `log_errors.py`; import them from here.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Self

import msgspec

from flows.connectors.key_runs import KeyRuns, runs_of
from flows.connectors.log_errors import (
    MAX_RECORD_BYTES,
    DeliveryFailed,
    IdentityChanged,
    LogCorrupt,
    LogError,
    LogFull,
    LogSettingsError,
    LogUnreachable,
    LogUrlError,
    LogVersionError,
    OffsetOutOfRange,
    RecordTooLarge,
    TopicMismatch,
    UnknownTopic,
    WriterFenced,
)
from flows.connectors.log_settings import LogSettings
from flows.secrets import without_user

__all__ = [
    "MAX_RECORD_BYTES",
    "DeliveryFailed",
    "Headers",
    "IdentityChanged",
    "Log",
    "LogCorrupt",
    "LogError",
    "LogFull",
    "LogSettings",
    "LogSettingsError",
    "LogUnreachable",
    "LogUrlError",
    "LogVersionError",
    "OffsetOutOfRange",
    "Position",
    "Positions",
    "Reader",
    "Record",
    "RecordTooLarge",
    "TopicMismatch",
    "TopicSpec",
    "UnknownTopic",
    "Writer",
    "WriterFenced",
    "open_log",
]

Position = tuple[str, int]
"""(topic, partition)"""
Positions = Mapping[Position, int]
"""(topic, partition) -> offset of the next record to read."""
Headers = tuple[tuple[str, bytes], ...]


class TopicSpec(msgspec.Struct, frozen=True):
    """A topic to create: retention_ms -1 keeps everything; compacted keeps the newest record of a key."""

    name: str
    partitions: int
    compacted: bool = False
    retention_ms: int = -1


class Record(msgspec.Struct, frozen=True, gc=False):
    """One record as read; value None is a tombstone."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes
    value: bytes | None
    headers: Headers


class Writer(ABC):
    """Appends in order. One owner thread."""

    @abstractmethod
    def append(
        self,
        topic: str,
        key: bytes,
        value: bytes | None,
        timestamp_ms: int,
        headers: Headers = (),
        partition: int | None = None,
    ) -> None:
        """Buffer a record, durable after `flush`. timestamp_ms > 0; partition None: the key decides."""

    @abstractmethod
    def flush(self, timeout_s: float | None = None) -> None:
        """Return when all appended records are durable; raise DeliveryFailed, LogFull or LogUnreachable.

        It waits for `timeout_s` at most; None: `log.flush_timeout_s`.
        """

    def send(self) -> None:
        """Let readers have what was appended as soon as may be; raise what `flush` would, for what is known so far.

        It need not be durable yet. A batch that only `flush` makes whole, or that only it shows to others, is flushed.
        """
        self.flush()

    def check_fence(self, topic: str) -> None:  # noqa: B027
        """Raise WriterFenced if another has taken over; `topic` is one that this writer may write: nothing stays."""

    @abstractmethod
    def ends(self) -> dict[Position, int]:
        """Next offset per partition that this writer has written to, as of the last flush."""

    @abstractmethod
    def close(self) -> None:
        """Flush what is left and release everything."""

    @abstractmethod
    def abandon(self) -> None:
        """Release everything; what was not flushed may be lost."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()


class Reader(ABC):
    """Reads given partitions from given offsets on. One owner thread; nothing is committed anywhere."""

    @abstractmethod
    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        """Up to max_records, each partition in offset order; [] when none came in timeout_s, or one was at its end."""

    @abstractmethod
    def poll_by_key(
        self, max_records: int, timeout_s: float
    ) -> dict[tuple[int, bytes], tuple[list[int], list[bytes]]]:
        """One poll of a one-topic reader: (partition, key) -> (offsets, values), offsets rising; a tombstone is b""."""

    def poll_runs(self, max_records: int, timeout_s: float) -> KeyRuns | None:
        """The same poll in columns, for thousands of records at once; None where there are none."""
        found = self.poll_by_key(max_records, timeout_s)
        return runs_of(found) if found else None

    @abstractmethod
    def hold(self, places: Collection[Position]) -> None:
        """Leave these partitions alone, and none but these, until told otherwise."""

    @abstractmethod
    def positions(self) -> dict[Position, int]:
        """Offset of the next record per partition: a copy, fit for a snapshot."""

    @abstractmethod
    def ends(self) -> dict[Position, int]:
        """End offset (one past the last record) per partition now: where a read to the end stops."""

    @abstractmethod
    def close(self) -> None:
        """Release everything."""

    def at_end(self, stop: Positions) -> bool:
        """Whether every partition in `stop` has been read up to that offset."""
        here = self.positions()
        return all(here.get(part, 0) >= offset for part, offset in stop.items())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Log(ABC):
    """An open log. Writers and readers have connections of their own and outlive no process."""

    url: str
    patience_s: float = 45.0
    """How long who reads to an end that is known waits for the next record before the log counts as unreachable."""

    @abstractmethod
    def apply(self, specs: Iterable[TopicSpec]) -> list[str]:
        """Create the missing topics and name them; TopicMismatch where the partition count of one differs."""

    @abstractmethod
    def topics(self) -> dict[str, int]:
        """Topic name -> number of partitions."""

    @abstractmethod
    def identity(self, topics: Sequence[str] = ()) -> str:
        """Which log this is, the same until it is made anew; with `topics`, theirs too (`check_identity`)."""

    @abstractmethod
    def spans(self, topic: str) -> list[tuple[int, int]]:
        """(first, end) offset per partition; end is one past the last."""

    @abstractmethod
    def offsets_at(self, topic: str, timestamp_ms: int) -> list[int]:
        """First offset per partition of a record not older than timestamp_ms; the end where none is."""

    @abstractmethod
    def clean(self, topics: Sequence[str] = (), now_ms: int | None = None) -> int:
        """Compact and expire `topics` (default all); how many records went. 0 on Kafka: its brokers do it."""

    @abstractmethod
    def writer(self, fence: str | None = None) -> Writer:
        """A writer of its own connection; with `fence` it takes over from all earlier writers of that name.

        From then on an earlier one's flush raises WriterFenced, also when it was only paused, and what it had not
        flushed gets nowhere. What a fenced writer flushes is in the log as a whole or not at all.
        """

    @abstractmethod
    def reader(self, positions: Positions, identity: str | None = None) -> Reader:
        """A reader from `positions`; OffsetOutOfRange, UnknownTopic, IdentityChanged (if one is expected)."""

    @abstractmethod
    def close(self) -> None:
        """Release everything."""

    def span(self, topic: str, partition: int) -> tuple[int, int]:
        """(first, end) offset of one partition."""
        spans = self.spans(topic)
        if not 0 <= partition < len(spans):
            raise UnknownTopic(
                f"{self.url}: topic {topic!r} has partitions 0..{len(spans) - 1}, not {partition}"
            )
        return spans[partition]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_SAYS = "write sqlite:///relative.db, sqlite:////absolute/path.db or kafka://host:port[,host:port]"


def open_log(url: str, settings: LogSettings | None = None) -> Log:
    """The log at `url`; LogUrlError, LogUnreachable, LogCorrupt or LogVersionError where none opens.

    `sqlite:path`, `sqlite:///relative/path` and `sqlite:////absolute/path` name a file (as SQLAlchemy writes
    them); `kafka://host:port,host:port` the bootstrap servers.
    """
    settings = settings or LogSettings()
    log = _opened(url, settings)
    log.patience_s = settings.patience_s
    return log


def _opened(url: str, settings: LogSettings) -> Log:
    scheme, colon, rest = url.partition(":")
    if not colon:
        raise LogUrlError(f"log URL {without_user(url)!r} has no scheme: {_SAYS}")
    if scheme == "sqlite":
        from flows.connectors.sqlite_log import SqliteLog

        return SqliteLog(url, sqlite_path(url), settings)
    if scheme == "kafka":
        servers = rest.removeprefix("//").rstrip("/")
        if not rest.startswith("//") or not re.fullmatch(
            r"[^\s,/@?]+:\d{1,5}(,[^\s,/@?]+:\d{1,5})*", servers
        ):
            raise LogUrlError(
                f"log URL {without_user(url)!r} names no host:port: write kafka://host:port[,host:port]"
            )
        from flows.connectors.kafka_log import KafkaLog

        return KafkaLog(url, servers, settings)
    raise LogUrlError(f"log URL {without_user(url)!r} has the unknown scheme {scheme!r}: {_SAYS}")


def sqlite_path(url: str) -> str:
    """The file that a sqlite URL names; LogUrlError where it names none.

    >>> [sqlite_path(url) for url in ("sqlite:///data/titan.db", "sqlite:////var/titan.db", "sqlite:titan.db")]
    ['data/titan.db', '/var/titan.db', 'titan.db']
    """
    rest = url.removeprefix("sqlite:")
    if rest.startswith("///"):
        path = rest[3:]
    elif rest.startswith("//"):
        raise LogUrlError(f"log URL {without_user(url)!r} has two slashes, which would name a host: {_SAYS}")
    else:
        path = rest
    if path in ("", ":memory:") or path.endswith("/"):
        raise LogUrlError(f"log URL {without_user(url)!r} names no file: {_SAYS}")
    return path
