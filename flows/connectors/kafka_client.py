"""How do all our Kafka clients connect, and what do librdkafka's errors mean for the log?

librdkafka writes to stderr unless told otherwise: its lines go to the Python logger `titan.kafka`, silent by
default.
"""

import logging

from confluent_kafka import KafkaError, KafkaException

from flows.connectors.log import LogSettings
from flows.connectors.log_errors import (
    MAX_RECORD_BYTES,
    DeliveryFailed,
    LogError,
    LogFull,
    LogSettingsError,
    LogUnreachable,
    OffsetOutOfRange,
    RecordTooLarge,
    TopicMismatch,
    UnknownTopic,
)
from flows.secrets import Secret

logger = logging.getLogger("titan.kafka")
logger.addHandler(logging.NullHandler())

RECORD_OVERHEAD = 64 * 1024
"""What headers and framing may add to MAX_RECORD_BYTES."""

Config = dict[str, object]

_UNREACHABLE = {
    KafkaError._TRANSPORT,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._TIMED_OUT,
    KafkaError._RESOLVE,
    KafkaError._AUTHENTICATION,
    KafkaError._SSL,
    KafkaError.REQUEST_TIMED_OUT,
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError.BROKER_NOT_AVAILABLE,
    KafkaError.LEADER_NOT_AVAILABLE,
}
_RIGHTS = "Give its user READ, WRITE, CREATE and DESCRIBE on Titan's topics"
_MEANING: dict[int, tuple[type[LogError], str]] = {
    KafkaError.UNKNOWN_TOPIC_OR_PART: (UnknownTopic, "Create it with: titan topics apply"),
    KafkaError._UNKNOWN_TOPIC: (UnknownTopic, "Create it with: titan topics apply"),
    KafkaError._UNKNOWN_PARTITION: (UnknownTopic, "The topic has fewer partitions: see titan topics list"),
    KafkaError.KAFKA_STORAGE_ERROR: (
        LogFull,
        "The broker cannot write its log: free space on it and restart it",
    ),
    KafkaError.MSG_SIZE_TOO_LARGE: (
        RecordTooLarge,
        "Raise the topic's max.message.bytes, or cut smaller blocks",
    ),
    KafkaError.OFFSET_OUT_OF_RANGE: (OffsetOutOfRange, "Records were deleted: rebuild from the first offset"),
    KafkaError._AUTO_OFFSET_RESET: (OffsetOutOfRange, "Records were deleted: rebuild from the first offset"),
    KafkaError.TOPIC_AUTHORIZATION_FAILED: (LogUnreachable, _RIGHTS),
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: (LogUnreachable, _RIGHTS),
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: (
        LogUnreachable,
        "Give its user WRITE and DESCRIBE on the transactional ids that begin with titan:",
    ),
    KafkaError._INVALID_ARG: (LogSettingsError, "Correct the setting of log.kafka that it names"),
    KafkaError.TOPIC_ALREADY_EXISTS: (TopicMismatch, "Somebody else has just made it: try again"),
}


def client_config(servers: str, settings: LogSettings) -> Config:
    """What every client gets; the user's librdkafka settings come last and win."""
    return {
        "bootstrap.servers": servers,
        "client.id": "titan",
        "logger": logger,
        "socket.keepalive.enable": True,
        "reconnect.backoff.max.ms": 1000,
        **{name: v.reveal() if isinstance(v, Secret) else v for name, v in settings.kafka.items()},
    }


def producer_config(servers: str, settings: LogSettings, fence: str | None = None) -> Config:
    """Idempotent, in order, sent at once; with a fence in transactions, one owner of its name at a time.

    Without one a record never expires by itself: younger ones behind it would then be sent, and it would be missing.
    """
    timeout_ms = max(1000, int(settings.flush_timeout_s * 1000))
    transactional: Config = {
        "transactional.id": f"titan:{fence}",
        "transaction.timeout.ms": timeout_ms + 1000,
        "socket.timeout.ms": min(60_000, timeout_ms),
    }
    return {
        "enable.idempotence": True,
        "linger.ms": settings.linger_ms,
        "message.timeout.ms": timeout_ms if fence else 0,
        "message.max.bytes": MAX_RECORD_BYTES + RECORD_OVERHEAD,
        "queue.buffering.max.kbytes": 262_144,
        "allow.auto.create.topics": False,
        **(transactional if fence else {}),
        **client_config(servers, settings),
    }


def consumer_config(servers: str, settings: LogSettings) -> Config:
    """Assigned by hand, nothing committed, no silent reset; the 5 ms back-off spares a stall of a second."""
    return {
        "group.id": "titan-assigned-by-hand",
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "error",
        "enable.partition.eof": True,
        "fetch.wait.max.ms": 50,  # an end that follows a transaction is told with the next answer only
        "fetch.queue.backoff.ms": 5,
        "fetch.message.max.bytes": 1
        << 20,  # larger records come one at a time; larger fetches leave the cache
        "queued.max.messages.kbytes": 65_536,
        **client_config(servers, settings),
    }


def translated(error: KafkaException | KafkaError, url: str, doing: str, reason: str = "") -> LogError:
    """The LogError that says what a Kafka error means for the log; `reason`: why no broker answers, if it is known."""
    cause: KafkaError = error.args[0] if isinstance(error, KafkaException) else error
    if reason and cause.code() in _UNREACHABLE:
        return LogUnreachable(f"{url}: cannot {doing}: {reason}")
    what = f"{url}: cannot {doing}: {cause.str()} ({cause.name()})"
    if cause.code() in _UNREACHABLE:
        return LogUnreachable(f"{what}. Is a broker listening there? titan doctor looks for the reason")
    kind, advice = _MEANING.get(cause.code(), (DeliveryFailed, "See the broker's log"))
    return kind(f"{what}. {advice}")
