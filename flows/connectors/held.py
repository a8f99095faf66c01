"""What does a log hold now? Its records, read once through, up to where they ended when the reading began."""

import time
from collections.abc import Iterator

from flows import stop
from flows.connectors.log import Log, LogUnreachable, Positions, Reader, Record
from schemas.codec import DecodeError, Event, decode

_BATCH = 2000
_STOPPING_S = 5.0
"""How long a silent log is waited for when someone has asked to stop."""


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


def between(log: Log, start: Positions, end: Positions) -> Iterator[Record]:
    """Yield the records from ``start`` (inside the log) up to, and without, ``end``, which has the same partitions.

    Raises:
        LogUnreachable: the log has fallen silent.
    """
    with log.reader(start) as reader:
        for _ in until(log, reader, end):
            for record in reader.poll(_BATCH, 1.0):
                if record.offset < end[record.topic, record.partition]:
                    yield record


def until(log: Log, reader: Reader, end: Positions) -> Iterator[None]:
    """Yield as long as the reader is not at ``end``, for its owner to poll it each time.

    Raises:
        LogUnreachable: nothing has come for ``log.patience_s``, or for a few seconds after someone asked to stop.
    """
    here, moved = reader.positions(), time.monotonic()
    while not reader.at_end(end):
        yield
        before, here = here, reader.positions()
        if here != before:
            moved = time.monotonic()
            continue
        silent_s = time.monotonic() - moved
        if silent_s > (_STOPPING_S if stop.asked() else log.patience_s):
            topic, partition = place = next(p for p, stop_at in end.items() if here.get(p, 0) < stop_at)
            raise LogUnreachable(
                f"{log.url}: {topic}/{partition} gave nothing for {silent_s:.0f} s at offset {here.get(place, 0)}, "
                f"before {end[place]}, where it was said to end: look whether its brokers are up, and run again"
            )


def event_of(record: Record) -> Event | None:
    """Return the event of a record of a single-record topic, or None where it cannot be decoded."""
    try:
        return decode(record.topic, record.value or b"")
    except DecodeError:
        return None
