"""What does a log hold, event by event? And do two logs hold the same?

Cuts into records are nobody's promise, events are: their content, their ids, that none is there twice, and their order
for each symbol (or account) of each topic. ``account_journal`` says where cuts fell in wall time: it is checked apart.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from flows.connectors.log import Log, LogSettings, Record, TopicSpec, open_log
from schemas.account import JournalEntry
from schemas.codec import DecodeError, decode
from schemas.flatten import flatten
from schemas.topics import TOPICS

JOURNAL = "account_journal"
DERIVED = tuple(topic for topic in TOPICS if topic not in ("market_data", "risk_commands", JOURNAL))
"""What the legs write."""
COMPARED = tuple(topic for topic in TOPICS if topic != JOURNAL)

Event = dict[str, Any]
Lane = tuple[str, str]
"""A topic and the symbol (or account) whose order it keeps."""


def records(log: Log, topic: str) -> Iterator[Record]:
    """Return what the topic holds now, partition by partition in offset order."""
    stop = {(topic, partition): end for partition, (_, end) in enumerate(log.spans(topic))}
    with log.reader({(topic, p): first for p, (first, _) in enumerate(log.spans(topic))}) as reader:
        while not reader.at_end(stop):
            yield from reader.poll(5000, 1.0)


def events(url: str, topics: Sequence[str] = COMPARED, garbage: bool = False) -> dict[Lane, list[Event]]:
    """Return the events of the topics, in order; an AssertionError names ids that are there twice.

    With ``garbage`` records that cannot be decoded are passed over, else they are a DecodeError.
    """
    found: dict[Lane, list[Event]] = {}
    with open_log(url, LogSettings(create=False)) as log:
        for topic in topics:
            ids: Counter[str] = Counter()
            for record in records(log, topic):
                for event in _flat(topic, record, garbage):
                    ids[event["id"]] += 1
                    found.setdefault((topic, event.get("symbol", event.get("account", ""))), []).append(event)
            twice = [name for name, count in ids.items() if count > 1]
            assert not twice, f"{url}: {len(twice)} ids of {topic} are there twice, such as {twice[:3]}"
    return found


def _flat(topic: str, record: Record, garbage: bool) -> list[Event]:
    try:
        return flatten(topic, record.value or b"")
    except DecodeError:
        if not garbage:
            raise
        return []


def assert_same(
    expected: dict[Lane, list[Event]],
    actual: dict[Lane, list[Event]],
    topics: Sequence[str] = COMPARED,
    aside: Sequence[str] = (),
) -> int:
    """Compare the events of ``topics`` without the fields ``aside``; return how many are equal."""
    count = 0
    for lane in sorted(set(expected) | set(actual)):
        if lane[0] not in topics:
            continue
        want, got = (_without(found.get(lane, []), aside) for found in (expected, actual))
        if want != got:
            raise AssertionError(f"{lane}: {_difference(want, got)}")
        count += len(want)
    return count


def _without(lane: list[Event], aside: Sequence[str]) -> list[Event]:
    return [{k: v for k, v in event.items() if k not in aside} for event in lane] if aside else lane


def _difference(want: list[Event], got: list[Event]) -> str:
    """Say how two unequal lists differ."""
    by_id, got_by_id = ({event["id"]: event for event in found} for found in (want, got))
    missing, extra = list(by_id.keys() - got_by_id), list(got_by_id.keys() - by_id)
    if missing or extra:
        return (
            f"{len(missing)} of {len(want)} are missing ({missing[:3]}), {len(extra)} too many ({extra[:3]})"
        )
    for name, event in by_id.items():
        if event != got_by_id[name]:
            fields = [k for k in event if event[k] != got_by_id[name].get(k)]
            return f"{name} differs in {[(k, event[k], got_by_id[name].get(k)) for k in fields]}"
    first = next(i for i, (a, b) in enumerate(zip(want, got, strict=True)) if a != b)
    return f"the order differs from event {first} on: {want[first]['id']} against {got[first]['id']}"


def assert_journal_is_whole(url: str) -> int:
    """Every cut is there once, numbered from 0, and none goes back; return how many there are."""
    with open_log(url, LogSettings(create=False)) as log:
        entries = [decode(JOURNAL, record.value or b"") for record in records(log, JOURNAL)]
    positions: dict[tuple[str, int], int] = {}
    taken_to_ns = -1
    for number, entry in enumerate(entries):
        assert isinstance(entry, JournalEntry)
        assert entry.seq == number, f"{url}: entry {number} of the journal has number {entry.seq}"
        assert entry.taken_to_ns >= taken_to_ns
        now = {(at.topic, at.partition): at.next_offset for at in entry.positions}
        assert all(now.get(source, 0) >= offset for source, offset in positions.items()), entry
        taken_to_ns, positions = entry.taken_to_ns, now
    return len(entries)


def market_data(url: str) -> list[Record]:
    """Return the records of ``market_data`` as they lie: offsets, keys, times and bytes."""
    with open_log(url, LogSettings(create=False)) as log:
        return sorted(records(log, "market_data"), key=lambda record: (record.partition, record.offset))


def made(url: str) -> Log:
    """Return the open log, with all topics of the table."""
    log = open_log(url, LogSettings(timeout_s=10.0))
    log.apply([TopicSpec(topic.name, topic.partitions, topic.compacted) for topic in TOPICS.values()])
    return log


def divided(found: Sequence[Record], share: float) -> tuple[list[Record], list[Record]]:
    """Return the first ``share`` of every partition, and the rest."""
    ends = Counter(record.partition for record in found)
    first = [record for record in found if record.offset < share * ends[record.partition]]
    return first, [record for record in found if record.offset >= share * ends[record.partition]]


def copied(found: Sequence[Record], url: str) -> None:
    """Write records as they were into another log, to the same partitions."""
    with made(url) as log, log.writer() as writer:
        for record in found:
            writer.append(record.topic, record.key, record.value, record.timestamp_ms, (), record.partition)


def written(log: Log, topics: Sequence[str] = tuple(TOPICS)) -> int:
    """Return how far the topics have come, in offsets: ends of Kafka's transactions count too (``records`` do not)."""
    return sum(end - first for topic in topics for first, end in log.spans(topic))
