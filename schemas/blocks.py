"""How do blocks of market data become record values and back?"""

from typing import Any

import numpy as np
from numba import njit

from schemas.block_codec import Rows
from schemas.codec import BLOCKS, HEADER_BYTES, decode_rows, frame
from schemas.columns import Bytes, Longs, read_long, read_longs, skip_string
from schemas.market import BarBlock, Gap, Heartbeat, MarketBlock, QuoteBlock, TradeBlock

TRADES, QUOTES, BARS, HEARTBEAT, GAP = range(5)
_TOPIC = "market_data"

_CLASSES: tuple[type[Any], ...] = (TradeBlock, QuoteBlock, BarBlock, Heartbeat, Gap)
_BRANCHES = {cls: branch for branch, cls in enumerate(_CLASSES)}
_FRAMES = tuple(frame(_TOPIC, branch) for branch in range(len(_CLASSES)))
_LABELS = tuple(codec.labels() for codec in BLOCKS[_TOPIC])
ROW_KINDS = ("trade", "quote", "bar", "heartbeat", "gap")


def encode_block(block: MarketBlock) -> bytes:
    """Return the ``market_data`` record value of a block.

    Raises:
        ValueError: the columns differ in length, or a name is not ASCII.
    """
    branch = _BRANCHES[type(block)]
    codec = BLOCKS[_TOPIC][branch]
    if not (block.symbol.isascii() and block.venue.isascii()):
        raise ValueError(f"symbol {block.symbol!r} and venue {block.venue!r} must be ASCII")
    columns = [getattr(block, name) for name in codec.longs + codec.doubles]
    if len({len(column) for column in columns}) > 1:
        raise ValueError(f"{block.symbol}: columns of a block differ in length: {[len(c) for c in columns]}")
    rows = len(columns[0]) if columns else 0
    longs = np.empty((rows, len(codec.longs)), np.int64)
    doubles = np.empty((rows, len(codec.doubles)), np.float64)
    for i, column in enumerate(columns):
        target = longs if i < len(codec.longs) else doubles
        target[:, i if target is longs else i - len(codec.longs)] = column
    head = tuple(getattr(block, name) for name, _ in codec.head)
    tail = tuple(getattr(block, name) for name in codec.tail)
    return _FRAMES[branch] + codec.encode(head, longs, doubles, _LABELS[branch], tail)


def decode_block(value: bytes) -> MarketBlock:
    """Return the block in a ``market_data`` record value.

    Raises:
        DecodeError: the bytes are not such a record.
    """
    rows = decode_rows(_TOPIC, value)
    columns: dict[str, Any] = {name: rows.longs[:, i] for i, name in enumerate(rows.long_names)}
    columns |= {name: rows.doubles[:, i] for i, name in enumerate(rows.double_names)}
    branch = _branch_of(rows)
    block: MarketBlock = _CLASSES[branch](**rows.head, **columns, **rows.tail)
    return block


def as_today(value: bytes) -> bytes:
    """Return a ``market_data`` record value of any version as today's version writes it.

    Raises:
        DecodeError: the bytes are not such a record.
    """
    rows = decode_rows(_TOPIC, value)
    branch = _branch_of(rows)
    head, tail = tuple(rows.head.values()), tuple(rows.tail.values())
    codec = BLOCKS[_TOPIC][branch]
    return _FRAMES[branch] + codec.encode(head, rows.longs, rows.doubles, _LABELS[branch], tail)


def _branch_of(rows: Rows) -> int:
    return next(i for i, cls in enumerate(_CLASSES) if cls.__name__ == rows.record)


def count_rows(value: bytes) -> int:
    """Return how many trades, quotes or bars a valid ``market_data`` record value holds, without reading them all.

    Raises:
        ValueError: the bytes are not such a record.
    """
    if value[:HEADER_BYTES] != _FRAMES[0][:HEADER_BYTES]:
        rows_of = decode_rows(_TOPIC, value)
        return len(rows_of.longs) if _branch_of(rows_of) <= BARS else 0
    buffer = np.frombuffer(value, np.uint8)
    rows = _count_rows(buffer, np.empty(len(buffer), np.int64))
    if rows < 0:
        raise ValueError(f"not a block of market data: {len(value)} bytes")
    return int(rows)


@njit(cache=True)
def _count_rows(buffer: Bytes, room: Longs) -> int:
    """Return the length of the first column, 0 for a heartbeat or gap, or -1."""
    end = buffer.shape[0]
    kind, position = read_long(buffer, HEADER_BYTES, end)
    for _ in range(2):
        if position >= 0:
            _, _, position = skip_string(buffer, position, end)
    for _ in range(3):
        if position >= 0:
            _, position = read_long(buffer, position, end)
    if position < 0 or position >= end or kind > BARS:
        return 0 if position >= 0 else -1
    rows, position = read_longs(buffer, position + 1, end, room)
    return rows if position >= 0 else -1
