"""How is a record found without reading the log? By offset, by time, or by looking for its id in a stretch of bytes.

Nothing here reads a topic from its start: a stretch begins where time or another record says, or at the topic's end.
"""

import time
from collections.abc import Callable, Iterator
from functools import cache

from flows.connectors.log import Log, LogUnreachable, Position, Record
from flows.connectors.partitioner import partition_of

FAR = 50_000
"""Records that are looked through forward from a time before the whole topic is searched backward."""
_STEP, _STEPS_GROW = 1024, 4
_POLLS = (32, 128, 512, 2000)
_SILENT_S = 10.0


class Ranges:
    """A log, read by stretches; what it says about topics and spans is asked once."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.topics = log.topics()
        self._spans = cache(log.spans)
        self._offsets_at = cache(log.offsets_at)

    def partition(self, topic: str, key: str) -> int:
        """Return the partition that holds a key."""
        return partition_of(key.encode(), self.topics[topic])

    def span(self, topic: str, partition: int = 0) -> tuple[int, int]:
        """Return (first, end) offset; (0, 0) where the log lacks the topic or partition."""
        spans = self._spans(topic) if topic in self.topics else []
        return spans[partition] if 0 <= partition < len(spans) else (0, 0)

    def at(self, topic: str, partition: int, ts_ns: int) -> int:
        """Return the first offset of a record that is not older than ``ts_ns``."""
        if topic not in self.topics:
            return 0
        return int(self._offsets_at(topic, max(1, ts_ns // 1_000_000))[partition])

    def read(self, topic: str, partition: int, start: int, stop: int | None = None) -> Iterator[Record]:
        """Yield the records of [start, stop), moved into what the log holds; to the end where ``stop`` is None.

        Raises:
            LogError: the log cannot be read.
        """
        place: Position = (topic, partition)
        first, end = self.span(topic, partition)
        start, stop = max(first, start), end if stop is None else min(end, stop)
        if start >= stop:
            return
        polls, heard = iter(_POLLS), time.monotonic()
        size = next(polls)
        with self.log.reader({place: start}) as reader:
            while reader.positions()[place] < stop:
                records = reader.poll(min(size, stop - start), 0.2)
                if not records and time.monotonic() - heard > _SILENT_S:
                    raise LogUnreachable(
                        f"{self.log.url}: nothing came of {topic}/{partition} for {_SILENT_S:g} s"
                    )
                if records:
                    heard, size = time.monotonic(), next(polls, size)
                for record in records:
                    if record.offset >= stop:
                        return
                    if record.value is not None:
                        yield record

    def backward(self, topic: str, partition: int, stop: int | None = None) -> Iterator[list[Record]]:
        """Yield stretches of records before ``stop``, the newest stretch first, each four times the one before."""
        first, end = self.span(topic, partition)
        stop, step = end if stop is None else min(stop, end), _STEP
        while stop > first:
            start = max(first, stop - step)
            yield list(self.read(topic, partition, start, stop))
            stop, step = start, step * _STEPS_GROW

    def search(
        self, topic: str, needle: bytes, from_ns: int | None, fits: Callable[[Record], bool]
    ) -> Record | None:
        """Return a record that holds ``needle`` and ``fits``.

        Looked for in ``FAR`` records of each partition from ``from_ns`` on; then, for time alone need not find it (the
        accounts of a partition may live in different years), backward from the end. None: backward only.
        """
        partitions = range(self.topics.get(topic, 0))
        if from_ns is not None:
            for partition in partitions:
                start = self.at(topic, partition, from_ns)
                for record in self.read(topic, partition, start, start + FAR):
                    if needle in (record.value or b"") and fits(record):
                        return record
        for partition in partitions:
            for records in self.backward(topic, partition):
                for record in reversed(records):
                    if needle in (record.value or b"") and fits(record):
                        return record
        return None

    def gone(self, topic: str, partition: int = 0) -> str:
        """Say that the log lacks the topic, or the beginning of it; empty where it is whole."""
        first, _ = self.span(topic, partition)
        if topic not in self.topics:
            return f"the log has no topic {topic}"
        if first > 0:
            return f"{topic}/{partition} begins at offset {first}: what was before has been removed"
        return ""
