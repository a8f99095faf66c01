"""What is in a topic, event by event? Reading from a place on, flattening blocks, printing lines."""

import re
from collections.abc import Iterator
from itertools import repeat
from typing import Any

import msgspec

from flows.connectors.held import until
from flows.connectors.log import Log, Record
from flows.connectors.partitioner import partition_of
from schemas.codec import DecodeError
from schemas.flatten import flatten
from schemas.topics import TOPICS
from ui.cli.exits import UsageError
from ui.cli.output import flush, moment, note, write
from ui.cli.times import time_ns

POLL_RECORDS = 500
POLL_S = 0.2
_POSITION = ("topic", "partition", "offset", "ordinal", "key", "id")
_HEADER = ("venue", "session", "complete_to_ns", "final", "recv_delay_ns", "ts_recv_ns")
_HEAD = ("symbol", "account", "timeframe_ns", "type", "strategy", "side", "target", "verdict", "status")


class Tail(msgspec.Struct, frozen=True):
    """What to read: `start` is earliest, latest, an offset or an ISO time; `limit` counts events."""

    topic: str
    start: str = "latest"
    to_end: bool = False
    limit: int | None = None
    key: str | None = None


def known_topic(topic: str) -> None:
    """Raise UsageError, with the nearest name, for a topic that the table does not have."""
    if topic not in TOPICS:
        from flows.config.keys import nearest

        near = nearest(topic, TOPICS)
        hint = f"did you mean {near}?" if near else f"there are {', '.join(TOPICS)}"
        raise UsageError(f"no topic {topic!r}: {hint}")


def print_events(log: Log, wanted: Tail, as_json: bool) -> int:
    """Print the events, and return how many records could not be decoded."""
    broken = printed = 0
    for record in read(log, wanted):
        try:
            events = flatten(wanted.topic, record.value or b"")
        except DecodeError as error:
            where = f"{record.topic}/{record.partition}@{record.offset}"
            note(
                msgspec.json.encode({"error": str(error), "at": where}).decode()
                if as_json
                else f"{where}: {error}"
            )
            broken += 1
            continue
        for ordinal, event in enumerate(events):
            write(_json_line(record, ordinal, event) if as_json else _text_line(record, ordinal, event))
            printed += 1
            if printed == wanted.limit:
                flush()
                return broken
        if not wanted.to_end:
            flush()
    flush()
    return broken


def read(log: Log, wanted: Tail) -> Iterator[Record]:
    """Yield the records from the wanted place on, to the end as it is now or for ever, without tombstones.

    Raises:
        UsageError: the start is neither a word, an offset nor a time.
        LogError: the log cannot be read.
    """
    key = wanted.key.encode() if wanted.key is not None else None
    starts = _starts(log, wanted)
    stops = {(wanted.topic, partition): end for partition, (_, end) in enumerate(log.spans(wanted.topic))}
    if key is not None:
        only = (wanted.topic, partition_of(key, len(stops)))
        starts, stops = {only: starts[only]}, {only: stops[only]}
    with log.reader(starts) as reader:
        for _ in until(log, reader, stops) if wanted.to_end else repeat(None):
            for record in reader.poll(POLL_RECORDS, POLL_S):
                beyond = wanted.to_end and record.offset >= stops[record.topic, record.partition]
                if record.value is not None and not beyond and key in (None, record.key):
                    yield record


def _starts(log: Log, wanted: Tail) -> dict[tuple[str, int], int]:
    """Return the first offset to read of each partition, inside what the log holds."""
    spans = log.spans(wanted.topic)
    if wanted.start == "earliest":
        offsets = [first for first, _ in spans]
    elif wanted.start == "latest":
        offsets = [end for _, end in spans]
    elif re.fullmatch(r"\d{1,18}", wanted.start):
        offsets = [min(max(int(wanted.start), first), end) for first, end in spans]
    else:
        offsets = log.offsets_at(wanted.topic, _milliseconds(wanted.start))
    return {(wanted.topic, partition): offset for partition, offset in enumerate(offsets)}


def _milliseconds(start: str) -> int:
    found = time_ns(start)
    if found is None:
        raise UsageError(
            f"--from {start}: write earliest, latest, an offset, or a time such as 2013-09-02T14:30:00Z"
        )
    return max(1, found // 1_000_000)


def _json_line(record: Record, ordinal: int, event: dict[str, Any]) -> str:
    fields = dict(event)
    head = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "ordinal": ordinal,
        "key": record.key.decode("utf-8", "replace"),
        "id": fields.pop("id", None),
    }
    for name in ("topic", "partition", "offset", "ordinal", "key"):
        if name in fields:
            fields[f"of_{name}"] = fields.pop(name)
    return msgspec.json.encode(head | fields).decode()


def _text_line(record: Record, ordinal: int, event: dict[str, Any]) -> str:
    """Return time, position, who and what of an event in one line; times are UTC."""
    ts_ns = event.get("ts_event_ns") or event.get("complete_to_ns")
    when = moment(ts_ns) if ts_ns else "-"
    place = f"{record.partition}@{record.offset}.{ordinal}"
    head = [str(event[name]) for name in _HEAD if event.get(name) not in (None, "")]
    skip = {*_POSITION, *_HEAD, *_HEADER, "ts_event_ns"}
    rest = [
        f"{name}={_short(value)}"
        for name, value in event.items()
        if name not in skip and value not in (None, "")
    ]
    return f"{when:<24} {place:<12} {' '.join(head)}  {' '.join(rest)}"


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, dict):
        return "{" + " ".join(f"{name}:{_short(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{len(value)}]"
    if isinstance(value, bytes):
        return f"({len(value)} bytes)"
    return str(value)
