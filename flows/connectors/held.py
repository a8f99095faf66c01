"""What does a log hold now? Its records, read once through, up to where they ended when the reading began."""

from collections.abc import Iterator

from flows.connectors.log import Log, Positions, Record
from schemas.codec import DecodeError, Event, decode

_BATCH = 2000


def held(log: Log, *topics: str) -> Iterator[Record]:
    """Yield every record of the topics, each partition in offset order; a topic that the log lacks holds none."""
    there = log.topics()
    spans = {
        (topic, partition): span
        for topic in topics
        if topic in there
        for partition, span in enumerate(log.spans(topic))
    }
    yield from between(
        log,
        {source: first for source, (first, _) in spans.items()},
        {source: end for source, (_, end) in spans.items()},
    )


def between(log: Log, start: Positions, stop: Positions) -> Iterator[Record]:
    """Yield the records from ``start`` (inside the log) up to, and without, ``stop``, which has the same partitions."""
    with log.reader(start) as reader:
        while not reader.at_end(stop):
            for record in reader.poll(_BATCH, 1.0):
                if record.offset < stop[record.topic, record.partition]:
                    yield record


def event_of(record: Record) -> Event | None:
    """Return the event of a record of a single-record topic, or None where it cannot be decoded."""
    try:
        return decode(record.topic, record.value or b"")
    except DecodeError:
        return None
