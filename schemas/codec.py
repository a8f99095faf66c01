"""How does what is said become record values and back? The Confluent frame around every topic's Avro.

A value is one zero byte, the schema id as four big-endian bytes, then the Avro body; the body of a topic whose schema
is a union starts with the branch. Today's version is written; every older version of a topic is read, as today's event.
``DecodeError`` is the one error for bytes that cannot be read, ``NewerVersion`` its case of bytes from a newer Titan.
"""

from functools import cache
from typing import Any

import msgspec

from schemas import account, orders
from schemas.avro_files import branches, records, source, version
from schemas.block_codec import BlockCodec, ReadColumns, Rows
from schemas.columns import read_columns
from schemas.record_codec import Decode, Encode, make_decoder, make_encoder
from schemas.resolution import today_of, todays_rows
from schemas.scalars import read_long, write_long
from schemas.topics import TOPICS

HEADER_BYTES = 5
BLOCK_TOPICS = ("market_data", "bars", "features", "regimes", "marks")
Event = (
    orders.Signal
    | orders.RiskDecision
    | orders.SubmitOrder
    | orders.CancelOrder
    | orders.ExecutionReport
    | account.RiskCommand
    | account.PortfolioUpdate
    | account.JournalEntry
    | account.DeadLetter
    | account.Alert
    | account.RunSettings
    | account.Redrive
)

_TYPES: dict[str, type] = {
    name: value
    for module in (orders, account)
    for name, value in vars(module).items()
    if isinstance(value, type) and issubclass(value, msgspec.Struct)
}


class DecodeError(ValueError):
    """The bytes are not a record of the topic; the message says why."""


class NewerVersion(DecodeError):
    """The bytes were written by a version of Titan that is newer than this one."""


def _union(schema: Any) -> int:
    """Return the number of branches of a union, 0 for a plain record, before which no branch stands."""
    return len(schema) if isinstance(schema, list) else 0


_HEADERS = {topic.name: b"\x00" + topic.schema_id.to_bytes(4, "big") for topic in TOPICS.values()}
_UNIONS = {topic: _union(source(topic)) for topic in TOPICS}


def frame(topic: str, branch: int = 0) -> bytes:
    """Return what stands before the record: the Confluent header and, for a union, the branch."""
    return _HEADERS[topic] + write_long(branch) if _UNIONS[topic] else _HEADERS[topic]


BLOCKS: dict[str, tuple[BlockCodec, ...]] = {
    topic: tuple(BlockCodec(schema) for schema in records(topic)) for topic in BLOCK_TOPICS
}
_ENCODERS: dict[type, tuple[str, bytes, Encode]] = {
    _TYPES[schema["name"]]: (topic, frame(topic, branch), make_encoder(schema))
    for topic in TOPICS
    if topic not in BLOCK_TOPICS
    for branch, schema in enumerate(records(topic))
}
_DECODERS: dict[str, tuple[Decode, ...]] = {
    topic: tuple(make_decoder(schema, _TYPES) for schema in records(topic))
    for topic in TOPICS
    if topic not in BLOCK_TOPICS
}


def topic_of(event: Event) -> str:
    """Return the topic that carries events of this type."""
    return _ENCODERS[type(event)][0]


def encode(event: Event) -> bytes:
    """Return the record value of one event of a single-record topic.

    Raises:
        ValueError: an integer does not fit 64 bits.
    """
    _, header, body = _ENCODERS[type(event)]
    return header + body(event)


def schema_id_of(topic: str, value: bytes) -> int:
    """Return the id of the schema that ``value`` was written with, one of the topic's versions.

    Raises:
        NewerVersion: no topic of this Titan has the id.
        DecodeError: there is none, or it is another topic's.
    """
    if len(value) < HEADER_BYTES or value[0] != 0:
        raise DecodeError(
            f"{topic}: no Confluent header (zero byte and 4-byte schema id) in {len(value)} bytes"
        )
    found, known = int.from_bytes(value[1:HEADER_BYTES], "big"), TOPICS[topic]
    if found == known.schema_id or found in known.older:
        return found
    newest = max(other.schema_id for other in TOPICS.values())
    if found > newest:
        raise NewerVersion(
            f"{topic}: schema id {found}, and this Titan knows those up to {newest}: the record was written by a newer "
            "Titan; upgrade this one, then send it again (titan deadletters redrive)"
        )
    owner = next((other.name for other in TOPICS.values() if found in other.schema_ids), "no topic")
    raise DecodeError(f"{topic}: schema id {found} belongs to {owner}; this topic's is {known.schema_id}")


def _branch(topic: str, value: bytes, count: int) -> tuple[int, int]:
    """Return (branch, position of the record) behind the header; ``count`` is that of a union, 0 for a plain record."""
    if not count:
        return 0, HEADER_BYTES
    branch, position = read_long(value, HEADER_BYTES)
    if not 0 <= branch < count:
        raise DecodeError(f"{topic}: union branch {branch}, known are 0 to {count - 1}")
    return branch, position


@cache
def _older_decoders(topic: str, schema_id: int) -> tuple[Decode, ...]:
    """Return what reads the branches of an older version as today's events."""
    todays = records(topic)
    return tuple(
        make_decoder(branch, _TYPES, todays[today_of(branch, todays)])
        for branch in branches(version(topic, schema_id))
    )


@cache
def _older_blocks(topic: str, schema_id: int) -> tuple[tuple[BlockCodec, int], ...]:
    """Return the codec of each branch of an older version, and the place of its record among today's."""
    return tuple(
        (BlockCodec(branch), today_of(branch, records(topic)))
        for branch in branches(version(topic, schema_id))
    )


def _unreadable(topic: str, value: bytes, error: ValueError | IndexError) -> DecodeError:
    why = "cut short" if isinstance(error, IndexError) else str(error)
    return DecodeError(f"{topic}: {why} (record of {len(value)} bytes)")


def _check_end(topic: str, value: bytes, position: int) -> None:
    if position != len(value):
        raise DecodeError(f"{topic}: {len(value) - position} bytes after the record's end")


def decode(topic: str, value: bytes) -> Event:
    """Return the event in a record value of a single-record topic.

    Raises:
        DecodeError: the bytes are not such a record.
    """
    try:
        if value.startswith(_HEADERS[topic]):
            branch, position = _branch(topic, value, _UNIONS[topic])
            event, position = _DECODERS[topic][branch](value, position)
        else:
            schema_id = schema_id_of(topic, value)
            branch, position = _branch(topic, value, _union(version(topic, schema_id)))
            event, position = _older_decoders(topic, schema_id)[branch](value, position)
    except DecodeError:
        raise
    except (ValueError, IndexError) as error:
        raise _unreadable(topic, value, error) from error
    _check_end(topic, value, position)
    return event  # type: ignore[no-any-return]


def decode_rows(topic: str, value: bytes, read: ReadColumns = read_columns) -> Rows:
    """Return the block in a record value of a block topic, its columns read by ``read``.

    Raises:
        DecodeError: the bytes are not such a record.
    """
    try:
        if value.startswith(_HEADERS[topic]):
            branch, position = _branch(topic, value, _UNIONS[topic])
            rows, position = BLOCKS[topic][branch].decode(value, position, read)
        else:
            rows, position = _older_rows(topic, schema_id_of(topic, value), value, read)
    except DecodeError:
        raise
    except (ValueError, IndexError) as error:
        raise _unreadable(topic, value, error) from error
    _check_end(topic, value, position)
    return rows


def _older_rows(topic: str, schema_id: int, value: bytes, read: ReadColumns) -> tuple[Rows, int]:
    blocks = _older_blocks(topic, schema_id)
    branch, position = _branch(topic, value, _union(version(topic, schema_id)))
    codec, place = blocks[branch]
    rows, position = codec.decode(value, position, read)
    return todays_rows(rows, BLOCKS[topic][place], records(topic)[place]), position
