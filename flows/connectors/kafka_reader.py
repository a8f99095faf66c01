"""How is Kafka read: one consumer for all partitions, assigned by hand, from positions that we keep.

`m = poll(t)` and then `[m] + consume(N - 1, 0)`: a blocking `consume(N, t)` would wait out t whenever fewer
than N are there. When the connection was lost, the log's identity is asked for again before anything more is
believed: a broker that came back with an empty disk would else be read on at the old offsets.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import numpy as np
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from flows.connectors.kafka_client import consumer_config, translated
from flows.connectors.kafka_refusals import Refusals, why
from flows.connectors.key_runs import KeyRuns, KeySlots, Taken, sorted_runs
from flows.connectors.log import LogSettings, Position, Positions, Reader, Record
from flows.connectors.log_errors import LogError, LogUnreachable, check_identity, check_span

_PASSING = {
    KafkaError._TRANSPORT,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._TIMED_OUT,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.REQUEST_TIMED_OUT,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
}
"""Troubles that librdkafka gets over by itself, and a right on groups, which a reader that commits nothing can lack."""

_CHUNK = 1000


class Admin(Protocol):
    """What a reader asks the log itself."""

    def identity(self, topics: Sequence[str] = ()) -> str: ...

    def spans(self, topic: str) -> list[tuple[int, int]]: ...


class KafkaReader(Reader):
    """Owns one consumer; asks `log` for ends, and `afresh`, a new view of it, when it doubts its own connection."""

    def __init__(
        self,
        url: str,
        servers: str,
        settings: LogSettings,
        positions: Positions,
        log: Admin,
        afresh: Callable[[], Admin],
        identity: str,
    ) -> None:
        self._url = url
        self._log, self._afresh = log, afresh
        self._identity = identity
        self._doubt = False
        self._servers, self._settings, self._refusals = servers, settings, Refusals()
        self._positions: dict[Position, int] = dict(positions)
        self._topics = sorted({topic for topic, _ in positions})
        self._slots = KeySlots()
        self._held: set[Position] = set()
        try:
            self._consumer = Consumer(consumer_config(servers, settings) | {"error_cb": self._noticed})
            self._assign()
        except KafkaException as error:
            raise translated(error, url, "make a consumer") from error

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        records: list[Record] = []
        moved: dict[Position, int] = {}
        for m in self._take(max_records, timeout_s):
            if m.error() is not None:
                self._met(m, moved)
                continue
            headers = tuple((name, value or b"") for name, value in m.headers() or ())
            topic, partition, offset = m.topic(), m.partition(), m.offset()
            records.append(
                Record(topic, partition, offset, m.timestamp()[1], m.key() or b"", m.value(), headers)
            )
            moved[topic, partition] = offset + 1
        self._positions.update(moved)
        return records

    def poll_by_key(
        self, max_records: int, timeout_s: float
    ) -> dict[tuple[int, bytes], tuple[list[int], list[bytes]]]:
        topic = self._topic()
        by_partition: dict[int, dict[bytes, tuple[list[int], list[bytes]]]] = {}
        moved: dict[Position, int] = {}
        partition = -1
        runs: dict[bytes, tuple[list[int], list[bytes]]] = {}
        for m in self._take(max_records, timeout_s):
            key = m.key()
            if key is None:  # an event without a record has no key, a record may lack one
                if m.error() is not None:
                    self._met(m, moved)
                    continue
                key = b""
            if m.partition() != partition:
                partition = m.partition()
                runs = by_partition.setdefault(partition, {})
            run = runs.get(key)
            offset = m.offset()
            if run is None:
                runs[key] = ([offset], [m.value() or b""])
            else:
                run[0].append(offset)
                run[1].append(m.value() or b"")
        grouped = {(p, key): run for p, keys in by_partition.items() for key, run in keys.items()}
        for (p, _), (offsets, _) in grouped.items():
            if offsets[-1] >= moved.get((topic, p), 0):
                moved[topic, p] = offsets[-1] + 1
        self._positions.update(moved)
        return grouped

    def poll_runs(self, max_records: int, timeout_s: float) -> KeyRuns | None:
        """See Reader; taken a thousand at a time, as ten thousand messages at once cost 0.25 us more each."""
        found, moved = Taken([], [], []), dict[Position, int]()
        messages = self._take(min(_CHUNK, max_records), timeout_s)
        while messages:
            self._take_apart(messages, found, moved)
            room = min(_CHUNK, max_records - len(found.values))
            messages = self._take(room, 0.0) if len(messages) >= _CHUNK and room > 0 else []
        self._positions.update(moved)
        return sorted_runs(self._slots.table, found) if found.values else None

    def _take_apart(self, messages: list[Message], found: Taken, moved: dict[Position, int]) -> None:
        keys = list(map(Message.key, messages))
        slots = self._slots.of_keys(keys)
        if slots is None:  # an event without a record has no key, a record may lack one
            messages = [
                m for m in messages if m.key() is not None or m.error() is None or self._met(m, moved)
            ]
            keys = [m.key() or b"" for m in messages]
        partitions = np.fromiter(map(Message.partition, messages), np.int32, len(messages))
        offsets = np.fromiter(map(Message.offset, messages), np.int64, len(messages))
        for partition in np.unique(partitions).tolist():
            place = (self._topic(), partition)
            moved[place] = max(moved.get(place, 0), int(offsets[partitions == partition].max()) + 1)
        found.slots.append(self._slots.of_places(keys, partitions, slots))
        found.offsets.append(offsets)
        found.values.extend([value or b"" for value in map(Message.value, messages)])

    def hold(self, places: Collection[Position]) -> None:
        """See Reader; what was fetched of them is dropped, and fetched again when they are let go."""
        wanted = set(places)
        if wanted == self._held:
            return
        self._consumer.resume([TopicPartition(*place) for place in self._held - wanted])
        self._consumer.pause([TopicPartition(*place) for place in wanted - self._held])
        self._held = wanted

    def positions(self) -> dict[Position, int]:
        return dict(self._positions)

    def ends(self) -> dict[Position, int]:
        spans = {topic: self._log.spans(topic) for topic in self._topics}
        return {(topic, partition): spans[topic][partition][1] for topic, partition in self._positions}

    def close(self) -> None:
        self._consumer.close()

    def _topic(self) -> str:
        if len(self._topics) != 1:
            raise ValueError("poll_by_key serves readers of one topic: use poll, or one reader per topic")
        return self._topics[0]

    def _take(self, max_records: int, timeout_s: float) -> list[Message]:
        """Messages and events as soon as one is there; [] after timeout_s."""
        with self._rewound_on_error():
            try:
                first = self._consumer.poll(timeout_s)
                if first is None:
                    self._check_refusals()
                    return []
                messages = (
                    [first, *self._consumer.consume(max_records - 1, 0)] if max_records > 1 else [first]
                )
            except KafkaException as error:
                raise translated(error, self._url, "read " + ", ".join(self._topics)) from error
            if self._doubt:
                check_identity(self._identity, self._afresh().identity(self._topics), self._url)
                self._doubt = False
        return messages

    def _met(self, message: Message, moved: dict[Position, int]) -> None:
        """An event in the place of a record: the end of a partition, or an error to raise."""
        error, place = message.error(), (message.topic(), message.partition())
        if error.code() == KafkaError._PARTITION_EOF:
            moved[place] = max(moved.get(place, self._positions[place]), message.offset())
            return
        with self._rewound_on_error():
            if error.code() in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
                log = self._afresh()
                check_identity(self._identity, log.identity(self._topics), self._url)
                check_span(self._url, place, self._positions[place], log.spans(place[0])[place[1]])
            if error.code() not in _PASSING:
                raise translated(error, self._url, f"read {place[0]}/{place[1]}")

    @contextmanager
    def _rewound_on_error(self) -> Iterator[None]:
        """What a failed poll has taken was given to nobody: the next poll must meet it again."""
        try:
            yield
        except LogError:
            self._assign()
            raise

    def _assign(self) -> None:
        self._consumer.assign([TopicPartition(t, p, offset) for (t, p), offset in self._positions.items()])
        self._held = set()

    def _noticed(self, error: KafkaError) -> None:
        """Called while polling when a connection fails; librdkafka itself goes on trying."""
        self._doubt = True
        self._refusals.noticed(error)

    def _check_refusals(self) -> None:
        """A broker that is down comes back; a password that was changed does not."""
        if self._refusals.last_for(self._settings.timeout_s):
            reason = why(self._refusals, self._servers, self._settings.kafka)
            raise LogUnreachable(f"{self._url}: cannot read {', '.join(self._topics)}: {reason}")
