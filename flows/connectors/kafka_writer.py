"""How are records appended to Kafka so that none is lost silently?

An idempotent producer sends at once; every record's delivery report is looked at. `flush` returns only when all are
acknowledged, `send` does not wait. A writer that lost one record refuses everything after it: who appends restarts
from a snapshot.
"""

import time
from collections.abc import Callable
from contextlib import suppress

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from flows.connectors.kafka_client import producer_config, translated
from flows.connectors.log import Headers, LogSettings, Position, Writer
from flows.connectors.log_errors import DeliveryFailed, LogError, LogFull, LogUnreachable, check_record
from flows.connectors.partitioner import partition_of

_POLL_EVERY = 256
"""Appends between two looks at the delivery reports."""


class KafkaWriter(Writer):
    """Owns one producer. `count` says how many partitions a topic has, or raises UnknownTopic."""

    def __init__(
        self,
        url: str,
        servers: str,
        settings: LogSettings,
        count: Callable[[str], int],
        fence: str | None = None,
    ) -> None:
        self._url = url
        self._count = count
        self._timeout_s = settings.flush_timeout_s
        self._partitions: dict[str, int] = {}
        self._waiting = 0
        self._reports: dict[Position, dict[KafkaError | None, Message]] = {}
        self._callbacks: dict[Position, Callable[[KafkaError | None, Message], None]] = {}
        self._ends: dict[Position, int] = {}
        self._lost: LogError | None = None
        self._last_error: KafkaError | None = None
        config = producer_config(servers, settings, fence) | {"error_cb": self._noticed}
        try:
            self._producer = Producer(config)
        except KafkaException as error:
            raise translated(error, url, "make a producer") from error
        self._produce = self._producer.produce

    def append(
        self,
        topic: str,
        key: bytes,
        value: bytes | None,
        timestamp_ms: int,
        headers: Headers = (),
        partition: int | None = None,
    ) -> None:
        check_record(topic, key, value, timestamp_ms)
        count = self._partitions.get(topic) or self._look_up(topic)
        if partition is None:
            partition = partition_of(key, count)
        if self._lost is not None:
            raise self._lost
        sent = list(headers) if headers else None
        report = self._callbacks.get((topic, partition)) or self._report_to(topic, partition)
        record = (topic, value, key, partition, report, None, timestamp_ms, sent)
        try:
            self._produce(*record)
        except BufferError:
            self._produce_when_there_is_room(record)
        except KafkaException as error:
            known = self._last_error if error.args[0].code() == KafkaError._FATAL else None
            raise translated(known or error, self._url, f"append to {topic}/{partition}") from error
        self._waiting += 1
        if self._waiting >= _POLL_EVERY:
            self._producer.poll(0)
            self._take_reports()

    def flush(self, timeout_s: float | None = None) -> None:
        limit_s = self._timeout_s if timeout_s is None else timeout_s
        left = self._flushed(limit_s)
        self._take_reports()
        if self._lost is not None:
            raise self._lost
        if left:
            self._lost = DeliveryFailed(
                f"{self._url}: {left} records were not acknowledged within {limit_s:g} s"
                f"{f': {self._last_error.str()}' if self._last_error else ''}. "
                "Look whether the broker is up, then restart from the last snapshot"
            )
            raise self._lost

    def send(self) -> None:
        """The producer sends by itself: look at what came back."""
        self._flushed(0)
        self._take_reports()
        if self._lost is not None:
            raise self._lost

    def ends(self) -> dict[Position, int]:
        return dict(self._ends)

    def close(self) -> None:
        try:
            self.flush()
        finally:
            self.abandon()

    def abandon(self) -> None:
        with suppress(KafkaException, SystemError):  # what it says now was said before
            self._producer.purge()
            self._producer.poll(0)

    def _flushed(self, timeout_s: float) -> int:
        """How many records are still not acknowledged; a refusal for good is raised in the middle of a callback."""
        try:
            return self._producer.flush(timeout_s)
        except (KafkaException, SystemError) as error:
            cause = error if isinstance(error, KafkaException) else error.__cause__
            if not isinstance(cause, KafkaException):
                raise
            self._lost = DeliveryFailed(str(translated(cause, self._url, "append")))
            raise self._lost from error

    def _report_to(self, topic: str, partition: int) -> Callable[[KafkaError | None, Message], None]:
        """Return what is called with each delivery report of a partition: it keeps the last one of each outcome.

        A dict's own method, as a Python function would cost a third of what producing a record costs.
        """
        reports: dict[KafkaError | None, Message] = {}
        self._reports[topic, partition] = reports
        self._callbacks[topic, partition] = reports.__setitem__
        return reports.__setitem__

    def _take_reports(self) -> None:
        """Note how far each partition has come, and the first record that was lost."""
        self._waiting = 0
        for place, reports in self._reports.items():
            last = reports.pop(None, None)
            if last is not None:
                self._ends[place] = last.offset() + 1
            if reports:
                self._note_lost(place, next(iter(reports)))

    def _note_lost(self, place: Position, error: KafkaError) -> None:
        """A record got nowhere: nothing may follow it."""
        if self._lost is None:
            said = translated(error, self._url, f"append to {place[0]}/{place[1]}")
            self._lost = said if isinstance(said, LogFull | DeliveryFailed) else DeliveryFailed(str(said))

    def _noticed(self, error: KafkaError) -> None:
        self._last_error = error

    def _produce_when_there_is_room(self, record: tuple[object, ...]) -> None:
        """The producer's queue is full: wait for deliveries, LogUnreachable if none come."""
        until = time.monotonic() + self._timeout_s
        while True:
            self._producer.poll(0.05)
            try:
                return self._produce(*record)
            except BufferError as full:
                if time.monotonic() > until:
                    raise LogUnreachable(
                        f"{self._url}: {len(self._producer)} records wait, none left in {self._timeout_s:g} s"
                    ) from full

    def _look_up(self, topic: str) -> int:
        self._partitions[topic] = count = self._count(topic)
        return count
