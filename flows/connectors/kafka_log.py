"""The log on Kafka or Redpanda: administration with a time limit on every question."""

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import closing
from typing import TypeVar

from confluent_kafka import KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, ClusterMetadata, ListOffsetsResultInfo, NewTopic, OffsetSpec

from flows.connectors.held import between
from flows.connectors.kafka_client import RECORD_OVERHEAD, client_config, translated
from flows.connectors.kafka_reader import KafkaReader
from flows.connectors.kafka_refusals import Refusals, why
from flows.connectors.kafka_transactions import TransactionalWriter
from flows.connectors.kafka_writer import KafkaWriter
from flows.connectors.log import Log, LogSettings, Position, Positions, TopicSpec, Writer
from flows.connectors.log_errors import (
    MAX_RECORD_BYTES,
    LogUnreachable,
    UnknownTopic,
    check_identity,
    check_span,
    check_topic,
)

T = TypeVar("T")

_UNSETTLED = {
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.UNKNOWN_LEADER_EPOCH,
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError._NOENT,  # librdkafka, while a partition has no leader
}
"""What brokers say for a moment after a topic was made or a leader died, of topics they do list."""

_FIRST_S = 1.0
"""After that we ask ourselves whether the rest of the time limit can bring anything but the same refusal."""
_ANY_TIME = "9223372036854775807"
"""Kafka refuses records over an hour ahead of its clock; ours carry event time, which may be anything."""


_FAR_MS = 3_600_000
"""A record that is so much later than the time asked for may be the end of a transaction over history."""


class KafkaLog(Log):
    """Asks the cluster once at opening, so that an absent broker is known within `timeout_s`."""

    def __init__(self, url: str, servers: str, settings: LogSettings) -> None:
        self.url = url
        self._servers = servers
        self._settings = settings
        self._refusals = Refusals()
        config = client_config(servers, settings) | {"error_cb": self._refusals.noticed}
        try:
            self._admin = AdminClient(config)
        except KafkaException as error:
            raise translated(error, url, "use the settings log.kafka.*") from error
        self.topics()

    def apply(self, specs: Iterable[TopicSpec]) -> list[str]:
        there = self.topics()
        missing: dict[str, TopicSpec] = {}
        for spec in specs:
            known = missing.get(spec.name)
            check_topic(
                spec.name, spec.partitions, known.partitions if known else there.get(spec.name), self.url
            )
            if spec.name not in there:
                missing[spec.name] = spec
        if missing:
            self._create(list(missing.values()))
        return list(missing)

    def topics(self) -> dict[str, int]:
        try:
            found = self._metadata().topics
        except KafkaException as error:
            reason = why(self._refusals, self._servers, self._settings.kafka)
            raise translated(error, self.url, "list topics", reason) from error
        return {name: len(found[name].partitions) for name in sorted(found) if not name.startswith("__")}

    def identity(self, topics: Sequence[str] = ()) -> str:
        """Cluster id; for `topics` also the id that each got when made (if the broker gives one)."""
        limit = self._settings.timeout_s
        try:
            cluster = self._wait(self._admin.describe_cluster(request_timeout=limit))
            found = (
                self._admin.describe_topics(TopicCollection(sorted(topics)), request_timeout=limit)
                if topics
                else {}
            )
            ids = {name: self._wait(future).topic_id for name, future in sorted(found.items())}
        except KafkaException as error:
            raise translated(error, self.url, f"ask who it is and for topics {', '.join(topics)}") from error
        known = [f";{n}={i}" for n, i in ids.items() if i is not None and i.get_most_significant_bits()]
        return f"kafka:{cluster.cluster_id}{''.join(known)}"

    def spans(self, topic: str) -> list[tuple[int, int]]:
        firsts, ends = (self._offsets(topic, spec()) for spec in (OffsetSpec.earliest, OffsetSpec.latest))
        return [(first.offset, end.offset) for first, end in zip(firsts, ends, strict=True)]

    def offsets_at(self, topic: str, timestamp_ms: int) -> list[int]:
        """See Log. The end of a transaction has the broker's time: where it may have found that, we look ourselves."""
        found = self._offsets(topic, OffsetSpec.for_timestamp(timestamp_ms))
        ends = [end.offset for end in self._offsets(topic, OffsetSpec.latest())]
        return [
            end
            if said.offset < 0
            else said.offset
            if said.timestamp - timestamp_ms < _FAR_MS
            else _first_since(self, (topic, partition), timestamp_ms, said.offset, end)
            for partition, (said, end) in enumerate(zip(found, ends, strict=True))
        ]

    def clean(self, topics: Sequence[str] = (), now_ms: int | None = None) -> int:
        """Nothing: brokers compact and expire by themselves."""
        return 0

    def writer(self, fence: str | None = None) -> Writer:
        if fence is not None:
            return TransactionalWriter(self.url, self._servers, self._settings, self._count, fence)
        return KafkaWriter(self.url, self._servers, self._settings, self._count)

    def reader(self, positions: Positions, identity: str | None = None) -> KafkaReader:
        names = sorted({topic for topic, _ in positions})
        now = self.identity(names)
        if identity is not None:
            check_identity(identity, now, self.url)
        spans = {name: self.spans(name) for name in names}
        for (topic, partition), offset in positions.items():
            if not 0 <= partition < len(spans[topic]):
                raise UnknownTopic(
                    f"{self.url}: topic {topic!r} has {len(spans[topic])} partitions, no {partition}"
                )
            check_span(self.url, (topic, partition), offset, spans[topic][partition])
        return KafkaReader(self.url, self._servers, self._settings, positions, self, self._afresh, now)

    def close(self) -> None:
        self._admin.poll(0)

    def _metadata(self) -> ClusterMetadata:
        """What the cluster says of itself, waited for as long as it may still come."""
        limit = self._settings.timeout_s
        first = min(_FIRST_S, limit)
        self._admin.poll(0)
        try:
            return self._admin.list_topics(timeout=first)
        except KafkaException:
            self._admin.poll(0)
            if self._refusals.refused or first == limit:
                raise
        try:
            return self._admin.list_topics(timeout=limit - first)
        finally:
            self._admin.poll(0)

    def _afresh(self) -> "KafkaLog":
        """The log through a new connection."""
        return KafkaLog(self.url, self._servers, self._settings)

    def _count(self, topic: str) -> int:
        """Partition count; UnknownTopic."""
        count = self.topics().get(topic, 0)
        if count:
            return count
        asked = self._admin.describe_topics(
            TopicCollection([topic]), request_timeout=self._settings.timeout_s
        )
        try:  # it may be there, but not for this user
            self._wait(asked[topic])
        except KafkaException as error:
            if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise translated(error, self.url, f"use topic {topic}") from error
        raise UnknownTopic(
            f"{self.url}: no topic {topic!r}. Create it with: titan topics apply --log {self.url}"
        )

    def _offsets(self, topic: str, spec: OffsetSpec) -> list[ListOffsetsResultInfo]:
        """One answer per partition, in one request, asked again while a partition has no settled leader."""
        parts = [TopicPartition(topic, partition) for partition in range(self._count(topic))]
        until = time.monotonic() + self._settings.timeout_s
        while True:
            asked = self._admin.list_offsets(
                dict.fromkeys(parts, spec), request_timeout=self._settings.timeout_s
            )
            try:
                found = {part.partition: self._wait(future) for part, future in asked.items()}
            except KafkaException as error:
                if error.args[0].code() not in _UNSETTLED or time.monotonic() > until:
                    raise translated(error, self.url, f"ask for the offsets of {topic}") from error
                time.sleep(0.02)
            else:
                return [found[partition] for partition in range(len(parts))]

    def _create(self, specs: list[TopicSpec]) -> None:
        """Create topics and wait until every one is served."""
        try:
            self._ask_to_create(specs, {"message.timestamp.after.max.ms": _ANY_TIME})
        except KafkaException as error:
            if error.args[0].code() != KafkaError.INVALID_CONFIG:
                raise translated(error, self.url, "create topics") from error
            try:  # an older broker, which has no such limit or one that it does not name
                self._ask_to_create(specs, {})
            except KafkaException as again:
                raise translated(again, self.url, "create topics") from again
        until = time.monotonic() + self._settings.timeout_s
        while not {spec.name for spec in specs} <= self._served():
            if time.monotonic() > until:
                raise LogUnreachable(f"{self.url}: topics were created but are not served yet: try again")
            time.sleep(0.02)

    def _ask_to_create(self, specs: list[TopicSpec], extra: dict[str, str]) -> None:
        new = [NewTopic(spec.name, spec.partitions, config=topic_config(spec) | extra) for spec in specs]
        for future in self._admin.create_topics(new, request_timeout=self._settings.timeout_s).values():
            try:
                future.result(self._settings.timeout_s + 1)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise

    def _served(self) -> set[str]:
        """Topics of which every partition has a leader."""
        found = self._admin.list_topics(timeout=self._settings.timeout_s).topics
        return {
            n for n, t in found.items() if t.partitions and all(p.leader >= 0 for p in t.partitions.values())
        }

    def _wait(self, future: "Future[T]") -> T:
        """The answer; KafkaException, or LogUnreachable if there is none in time."""
        try:
            return future.result(self._settings.timeout_s + 1)
        except FutureTimeout as error:
            raise LogUnreachable(
                f"{self.url}: no answer in {self._settings.timeout_s:g} s. Is the broker up?"
            ) from error


def topic_config(spec: TopicSpec) -> dict[str, str]:
    """Kafka's settings of a topic. Retention goes by record timestamp, which is event time: so no limit."""
    return {
        "cleanup.policy": "compact" if spec.compacted else "delete",
        "retention.ms": str(spec.retention_ms),
        "message.timestamp.type": "CreateTime",
        "max.message.bytes": str(MAX_RECORD_BYTES + RECORD_OVERHEAD),
    }


def _first_since(log: KafkaLog, place: Position, timestamp_ms: int, low: int, end: int) -> int:
    """Offset of the first record from `low` on that is not older, by halves: only who writes in order is fenced."""
    found = end
    while low < found:
        middle = (low + found) // 2
        with closing(between(log, {place: middle}, {place: end})) as records:
            record = next(records, None)
        if record is None or record.timestamp_ms >= timestamp_ms:
            found = middle
        else:
            low = record.offset + 1
    return found
