"""How does what is said become record values and back? The Confluent frame around every topic's Avro.

A value is one zero byte, the schema id as four big-endian bytes, then the Avro body; the body of a topic whose schema
is a union starts with the branch. ``DecodeError`` is the one error for bytes that cannot be read.
"""

import msgspec

from schemas import account, orders
from schemas.avro_files import records
from schemas.block_codec import BlockCodec, ReadColumns, Rows
from schemas.columns import read_columns
from schemas.record_codec import Decode, Encode, make_decoder, make_encoder
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
)

_TYPES: dict[str, type] = {
    name: value
    for module in (orders, account)
    for name, value in vars(module).items()
    if isinstance(value, type) and issubclass(value, msgspec.Struct)
}


class DecodeError(ValueError):
    """The bytes are not a record of the topic; the message says why."""


def frame(topic: str, branch: int = 0) -> bytes:
    """Return what stands before the record: the Confluent header and, for a union, the branch."""
    header = b"\x00" + TOPICS[topic].schema_id.to_bytes(4, "big")
    return header + write_long(branch) if len(records(topic)) > 1 else header


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


def _open(topic: str, value: bytes) -> tuple[int, int]:
    """Check the frame; return (branch, position of the record)."""
    if len(value) < HEADER_BYTES or value[0] != 0:
        raise DecodeError(
            f"{topic}: no Confluent header (zero byte and 4-byte schema id) in {len(value)} bytes"
        )
    schema_id = int.from_bytes(value[1:HEADER_BYTES], "big")
    if schema_id != TOPICS[topic].schema_id:
        raise DecodeError(
            f"{topic}: schema id {schema_id}, but this topic's is {TOPICS[topic].schema_id}; "
            "the record was written for another topic or by another version"
        )
    branches = len(records(topic))
    if branches == 1:
        return 0, HEADER_BYTES
    branch, position = read_long(value, HEADER_BYTES)
    if not 0 <= branch < branches:
        raise DecodeError(f"{topic}: union branch {branch}, known are 0 to {branches - 1}")
    return branch, position


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
        branch, position = _open(topic, value)
        event, position = _DECODERS[topic][branch](value, position)
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
        branch, position = _open(topic, value)
        rows, position = BLOCKS[topic][branch].decode(value, position, read)
    except DecodeError:
        raise
    except (ValueError, IndexError) as error:
        raise _unreadable(topic, value, error) from error
    _check_end(topic, value, position)
    return rows
