"""How is history written to Kafka, so that a broker's restart doubles none of it?

A broker forgets an idempotent producer whose newest record is older than `producer.id.expiration.ms` (a day), by the
record's timestamp, which with us is event time: when it starts, and every ten minutes. A batch of yesterday's market
data that it kept and could not acknowledge before it died is then kept once more when librdkafka repeats it. It does
not forget a producer in the middle of a transaction. So records of old times are written in transactions, each ended
by `send` and `flush`, and those of now without (docs/adr/0028).
"""

import time
from collections.abc import Callable

from flows.connectors.kafka_transactions import TransactionalWriter
from flows.connectors.kafka_writer import KafkaWriter
from flows.connectors.log import Headers, Position, Writer

RECENT_MS = 3_600_000
"""Younger records go without a transaction: a day less an hour is left for deliveries, and for clocks that differ."""
_SHOWN_AFTER_S = 1.0
"""How long who only appends may hide what it wrote; a transaction must also end before the broker's patience does."""
_FORGOTTEN_S = 86_400.0
"""A name that has been idle for a week is forgotten (`transactional.id.expiration.ms`): it is taken anew before."""


class DatedWriter(Writer):
    """Writes by `recent`, and what is old by the writer that `history` opens; order within a partition stays.

    `taken` is one that is open already.
    """

    def __init__(
        self,
        recent: KafkaWriter,
        history: Callable[[], TransactionalWriter],
        taken: TransactionalWriter | None = None,
    ) -> None:
        self._recent: KafkaWriter = recent
        self._open_history, self._history = history, taken
        self._in_use = recent
        self._turned_at = time.time()

    def append(
        self,
        topic: str,
        key: bytes,
        value: bytes | None,
        timestamp_ms: int,
        headers: Headers = (),
        partition: int | None = None,
    ) -> None:
        now = time.time()
        if self._in_use is not self._recent and not 0.0 <= now - self._turned_at < _SHOWN_AFTER_S:
            self.send()
        if self._in_use is self._recent and timestamp_ms < now * 1000.0 - RECENT_MS:
            self._turn_to_history(now)
        self._in_use.append(topic, key, value, timestamp_ms, headers, partition)

    def flush(self, timeout_s: float | None = None) -> None:
        self._in_use.flush(timeout_s)
        self._in_use = self._recent

    def send(self) -> None:
        self._in_use.send()
        self._in_use = self._recent

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

    def _turn_to_history(self, now: float) -> None:
        """From here to the next `send` all goes into one transaction, after what went without."""
        self._recent.flush()
        if self._history is None or now - self._turned_at > _FORGOTTEN_S:
            self._history = self._open_history()
        self._in_use, self._turned_at = self._history, now
