"""What can go wrong with a log, and the checks that both backends share.

Errors, all raised with what was wrong, where, and what to do:

    LogError
    ├── LogUrlError (also ValueError)   the URL names no log
    ├── LogSettingsError (also ValueError)  a setting that the log's client does not take
    ├── LogUnreachable                  no such file or server, no permission, or locked too long
    ├── LogFull                         no room for the batch, of which nothing was written
    ├── LogCorrupt                      the file is no log, or damaged
    ├── LogVersionError                 the file was written by another version of Titan
    ├── UnknownTopic                    the log has no such topic or partition
    ├── TopicMismatch                   the topic exists with another partition count
    ├── RecordTooLarge                  over MAX_RECORD_BYTES
    ├── OffsetOutOfRange                position before the first or after the end offset
    ├── DeliveryFailed                  the server did not acknowledge: the writer is finished
    ├── WriterFenced                    a later writer took over the name: this one is finished
    ├── LogContradicted                 a restarted leg says something else than the log holds
    └── IdentityChanged                 not the log that the positions were taken from
"""

import re

MAX_RECORD_BYTES = 8 * 1024 * 1024
"""Key and value of one record together; the same on both backends, so that nothing fits in one only."""


class LogError(Exception):
    """Root of everything that a log raises on purpose."""


class LogUrlError(LogError, ValueError):
    """The URL names no log."""


class LogSettingsError(LogError, ValueError):
    """A setting that the log's client does not take."""


class LogUnreachable(LogError):
    """No such file or server, no permission, or locked for too long."""


class LogFull(LogError):
    """The log cannot grow; nothing of the batch was written, and the writer still holds it."""


class LogCorrupt(LogError):
    """The file is not a log, or it is damaged."""


class LogVersionError(LogError):
    """The file's layout belongs to another version."""


class UnknownTopic(LogError):
    """The log has no such topic or partition."""


class TopicMismatch(LogError):
    """The topic exists with another number of partitions, which can never change."""


class RecordTooLarge(LogError):
    """A record over MAX_RECORD_BYTES."""


class OffsetOutOfRange(LogError):
    """A position outside the span that the log holds."""


class DeliveryFailed(LogError):
    """The server did not acknowledge a record; whether it holds it is unknown."""


class WriterFenced(LogError):
    """A later writer has taken over the name that this one was opened with; nothing of its batch was written."""


class LogContradicted(LogError):
    """What the log holds is not what today's code says over the same inputs."""


class IdentityChanged(LogError):
    """Another log, or a topic deleted and made anew, behind the same address."""


def check_identity(expected: str, actual: str, url: str) -> None:
    """Raise IdentityChanged unless `actual` is the log (and the topics) that `expected` was taken from.

    An identity is `backend:id[;topic=id]...`. The head must agree, and every topic that both name.
    """
    head, *topics = expected.split(";")
    new_head, *new_topics = actual.split(";")
    known = dict(topic.rsplit("=", 1) for topic in topics)
    changed = [t for t, i in (topic.rsplit("=", 1) for topic in new_topics) if known.get(t, i) != i]
    if head != new_head or changed:
        what = f"topic {changed[0]!r} was made anew" if head == new_head else f"it is {new_head}, not {head}"
        raise IdentityChanged(
            f"{url} is not the log that the saved positions belong to: {what}. "
            "Point log.url at that one, or delete the recovery folder to rebuild from this one"
        )


def fenced(url: str, name: str, instead: str = "") -> WriterFenced:
    """The error of a writer that another one has followed; `instead` says what else it may be."""
    return WriterFenced(
        f"{url}: {name.replace(':', ' ')} is now run by another process{instead}; this one stops, and nothing of what "
        "it was about to write is in the log. The other goes on from there: let only one run"
    )


def check_record(topic: str, key: bytes, value: bytes | None, timestamp_ms: int) -> None:
    """Raise ValueError or RecordTooLarge for what one of the backends could not hold."""
    if not 0 < timestamp_ms < 1 << 63:
        raise ValueError(
            f"record for {topic!r}: timestamp_ms must be positive (ms since 1970) and below 2^63, not {timestamp_ms}"
        )
    size = len(key) + len(value or b"")
    if size > MAX_RECORD_BYTES:
        raise RecordTooLarge(
            f"record of {size} bytes for {topic!r} is over {MAX_RECORD_BYTES}: cut it into more blocks"
        )


def check_span(url: str, part: tuple[str, int], offset: int, span: tuple[int, int]) -> None:
    """Raise OffsetOutOfRange unless first <= offset <= end."""
    if not span[0] <= offset <= span[1]:
        raise OffsetOutOfRange(
            f"{url}: offset {offset} of {part[0]}/{part[1]} is outside the log's {span[0]}..{span[1]}: "
            "records were deleted, or the log was restored from a copy. Rebuild from the first offset"
        )


def check_topic(name: str, partitions: int, existing: int | None, url: str) -> None:
    """ValueError for a topic that a backend would refuse; TopicMismatch if `existing` partitions differ."""
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,249}", name) or name in (".", ".."):
        raise ValueError(f"topic name {name!r}: use 1 to 249 of A-Z a-z 0-9 . _ -")
    if partitions < 1:
        raise ValueError(f"topic {name!r}: a topic has at least one partition, not {partitions}")
    if existing is not None and existing != partitions:
        raise TopicMismatch(
            f"{url}: topic {name!r} has {existing} partitions and {partitions} are asked for. "
            "The count never changes, as it decides where each key lies: keep it, or start a new log"
        )
