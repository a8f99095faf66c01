"""How does only one process write under a name, in batches that are in the log as a whole or not at all?

Kafka's transactions: the broker knows the last producer that came with a `transactional.id` and refuses every earlier
one, also one that was only paused; readers see a batch when its commit is in the log. A transaction begins with the
first append and ends with `flush`. One that its process leaves open is undone when the next of that name opens, or
when its time is over; until then readers of the partitions that it touched wait before it.
"""

import time
from collections.abc import Callable
from contextlib import suppress

from confluent_kafka import KafkaError, KafkaException

from flows.connectors.kafka_client import logger, translated
from flows.connectors.kafka_writer import KafkaWriter
from flows.connectors.log import Headers, LogSettings, Position
from flows.connectors.log_errors import (
    DeliveryFailed,
    LogError,
    LogFull,
    RecordTooLarge,
    UnknownTopic,
    fenced,
)

_FENCED = {KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH}
_PASSING = {
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.CONCURRENT_TRANSACTIONS,
}
"""What a broker says that has just started, or ends another transaction of the name."""
_MEANT = (LogFull, RecordTooLarge, UnknownTopic)
"""What a person can mend by other means than a restart."""
_DEAD = KafkaError._FATAL
_TAKE_OVER_S = 30.0
"""How long a broker may need to end what an earlier owner had begun, however soon a delivery counts as failed."""
_ASK_S = 5.0
"""How long one question to the broker may take before it is asked again."""


class TransactionalWriter(KafkaWriter):
    """A KafkaWriter that takes over from all earlier ones of its fence when it is made."""

    def __init__(
        self, url: str, servers: str, settings: LogSettings, count: Callable[[str], int], fence: str
    ) -> None:
        super().__init__(url, servers, settings, count, fence)
        self._fence = fence
        self._open = False
        try:
            self._asked(self._producer.init_transactions, max(_TAKE_OVER_S, self._timeout_s))
        except KafkaException as error:
            raise translated(error, url, f"take over {fence.replace(':', ' ')}") from error

    def append(
        self,
        topic: str,
        key: bytes,
        value: bytes | None,
        timestamp_ms: int,
        headers: Headers = (),
        partition: int | None = None,
    ) -> None:
        if self._lost is not None:
            raise self._lost
        try:
            if not self._open:
                self._producer.begin_transaction()
                self._open = True
            super().append(topic, key, value, timestamp_ms, headers, partition)
        except KafkaException as error:
            raise self._finished(error.args[0]) from error
        except DeliveryFailed as error:
            cause = error.__cause__
            raise self._finished(cause.args[0] if isinstance(cause, KafkaException) else None) from error

    def flush(self, timeout_s: float | None = None) -> None:
        if self._lost is not None:
            raise self._lost
        if not self._open:
            return
        try:
            self._asked(
                self._producer.commit_transaction, self._timeout_s if timeout_s is None else timeout_s
            )
        except KafkaException as error:
            raise self._finished(error.args[0]) from error
        self._open = False
        self._take_reports()

    def send(self) -> None:
        """Nobody sees a batch before its commit."""
        self.flush()

    def check_fence(self, topic: str) -> None:
        """See Writer: begins a batch with a record that is never committed. In the middle of one, its end will tell."""
        if self._open or self._lost is not None:
            return
        try:
            self._producer.begin_transaction()
            self._open = True
            self._producer.produce(topic, None, partition=0)
            self._producer.flush(_ASK_S)
        except KafkaException as error:
            raise self._finished(error.args[0]) from error
        if (refused := self._undo()) is not None:
            raise self._finished(refused)

    def abandon(self) -> None:
        if self._open and self._lost is None:
            self._undo()
        with suppress(KafkaException):  # a fenced producer says so once more
            super().abandon()

    def _asked(self, question: Callable[[float], None], timeout_s: float) -> None:
        """Ask until there is an answer; KafkaException where it is a bad one, or none in time."""
        until = time.monotonic() + timeout_s
        while True:
            try:
                return question(max(0.01, min(_ASK_S, until - time.monotonic())))
            except KafkaException as error:
                passing = error.args[0].retriable() or error.args[0].code() in _PASSING
                if not passing or time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def _note_lost(self, place: Position, error: KafkaError) -> None:
        """Nothing: the commit says what has become of the batch."""

    def _finished(self, cause: KafkaError | None) -> LogError:
        """Undo what can be undone; the error that everything from now on raises."""
        undone = (
            self._undo()
            if cause is not None and (cause.txn_requires_abort() or cause.code() == _DEAD)
            else None
        )
        met = [error for error in (undone, cause, self._last_error) if error is not None]
        if any(error.code() in _FENCED for error in met):
            instead = (
                f" (or this one was paused for longer than the {self._timeout_s + 1:g} s of a transaction)"
            )
            self._lost = fenced(self._url, self._fence, instead)
            return self._lost
        why = f": {met[0].str()}" if met else ""
        self._lost = DeliveryFailed(
            f"{self._url}: the batch was not acknowledged{why}. Look whether the broker is up, then restart from the "
            "last snapshot"
        )
        if met and isinstance(meant := translated(met[0], self._url, "write it"), _MEANT):
            self._lost = meant
        return self._lost

    def _undo(self) -> KafkaError | None:
        """Undo the batch; return why the broker has to do it, which a producer that is finished says only now."""
        self._open = False
        try:
            self._producer.abort_transaction(_ASK_S)
        except KafkaException as error:
            logger.info("left to the broker to abort: %s", error)
            return error.args[0]  # type: ignore[no-any-return]
        return None
