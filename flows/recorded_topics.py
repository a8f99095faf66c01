"""What does a log hold of a topic, read no faster than it is needed? One reader for each partition, opened when asked.

Symbols stand in a log in the order in which polls met them; who needs the next event of one symbol reads on in its
partition alone, so that little of the others has to wait.
"""

from collections.abc import Iterable
from typing import Self

from flows.connectors.held import until
from flows.connectors.log import Log, Position, Reader, Record
from flows.connectors.partitioner import partition_of

_BATCH = 100


class RecordedTopics:
    """Reads topics from their beginning to where they ended when it was made. Close it."""

    def __init__(self, log: Log, topics: Iterable[str]) -> None:
        there = log.topics()
        self._log = log
        self._partitions = {topic: there[topic] for topic in topics if topic in there}
        self._stops: dict[Position, int] = {}
        self._starts: dict[Position, int] = {}
        self._readers: dict[Position, Reader] = {}
        self.records = dict.fromkeys(topics, 0)
        for topic in self._partitions:
            for partition, (first, end) in enumerate(log.spans(topic)):
                if end > first:
                    self._starts[topic, partition], self._stops[topic, partition] = first, end

    def partition(self, topic: str, key: bytes) -> Position:
        """Return where the records of a key stand."""
        return topic, partition_of(key, self._partitions.get(topic, 1))

    def open(self) -> list[Position]:
        """Return the partitions that have not been read to their end."""
        return list(self._stops)

    def is_open(self, source: Position) -> bool:
        """Whether a partition has records that were not read yet."""
        return source in self._stops

    def read(self, source: Position) -> list[Record]:
        """Return the next records of a partition; none at its end only."""
        if source not in self._stops:
            return []
        reader = self._readers.get(source)
        if reader is None:
            reader = self._readers[source] = self._log.reader({source: self._starts[source]})
        found: list[Record] = []
        for _ in until(self._log, reader, {source: self._stops[source]}):
            found = [r for r in reader.poll(_BATCH, 1.0) if r.offset < self._stops[source]]
            if found:
                break
        if reader.at_end({source: self._stops[source]}):
            del self._stops[source]
            self._readers.pop(source).close()
        self.records[source[0]] += len(found)
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the readers."""
        for reader in self._readers.values():
            reader.close()
        self._readers.clear()
