"""How is history written to Kafka, so that a broker's restart doubles none of it?

A broker forgets an idempotent producer whose newest record is older than `producer.id.expiration.ms` (a day), by the
record's timestamp, which with us is event time: when it starts, and every ten minutes. A batch of yesterday's market
data that it kept, and could not acknowledge before it died, would then be kept once more when librdkafka repeats it. So
what is old goes by a producer that repeats nothing: a batch that is not acknowledged ends the run, and the next one
reads what is there (docs/adr/0007, 0028).
"""

import time
from collections.abc import Callable

from flows.connectors.kafka_writer import KafkaWriter
from flows.connectors.log import Headers, Position, Writer

RECENT_MS = 3_600_000
"""Younger records may be repeated: a day less an hour is left for deliveries, and for clocks that differ."""
_LOOK_EVERY_S = 10.0
"""With what a flush may take far below the time after which librdkafka would repeat after all (`NEVER_MS`)."""


class DatedWriter(Writer):
    """Writes by `recent`, and what is old by the writer that `history` opens; order within a partition stays."""

    def __init__(self, recent: KafkaWriter, history: Callable[[], KafkaWriter]) -> None:
        self._recent, self._open_history = recent, history
        self._history: KafkaWriter | None = None
        self._in_use = recent
        self._met_old = False
        self._settled_s = 0.0
        self._old_ms = self._now()

    def append(
        self,
        topic: str,
        key: bytes,
        value: bytes | None,
        timestamp_ms: int,
        headers: Headers = (),
        partition: int | None = None,
    ) -> None:
        if timestamp_ms < self._old_ms:
            self._met_old = True
            if self._in_use is self._recent:
                self._turn_to_history()
        self._in_use.append(topic, key, value, timestamp_ms, headers, partition)

    def flush(self, timeout_s: float | None = None) -> None:
        self._in_use.flush(timeout_s)
        self._settled_s = time.monotonic()
        if not self._met_old:
            self._in_use = self._recent
        self._met_old = False
        self._old_ms = self._now()

    def send(self) -> None:
        """Old records that are on their way may wait a few seconds for their acknowledgement, and for no young one."""
        if self._in_use is self._recent or (
            self._met_old and time.monotonic() - self._settled_s < _LOOK_EVERY_S
        ):
            self._in_use.send()
            self._met_old = False
            self._old_ms = self._now()
        else:
            self.flush()

    def ends(self) -> dict[Position, int]:
        ends = self._recent.ends()
        for place, end in self._history.ends().items() if self._history else ():
            ends[place] = max(end, ends.get(place, 0))
        return ends

    def close(self) -> None:
        try:
            self.flush()
        finally:
            self.abandon()

    def abandon(self) -> None:
        self._recent.abandon()
        if self._history is not None:
            self._history.abandon()

    def _turn_to_history(self) -> None:
        self._recent.flush()
        if self._history is None:
            self._history = self._open_history()
        self._in_use, self._settled_s = self._history, time.monotonic()

    @staticmethod
    def _now() -> float:
        """Return the timestamp below which a record is old by now."""
        return time.time() * 1000.0 - RECENT_MS
