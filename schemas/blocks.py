"""How do blocks of market data become record values and back?"""

from typing import Any

import numpy as np

from schemas.codec import BLOCKS, decode_rows, frame
from schemas.market import BarBlock, Gap, Heartbeat, MarketBlock, QuoteBlock, TradeBlock

TRADES, QUOTES, BARS, HEARTBEAT, GAP = range(5)

_CLASSES: tuple[type[Any], ...] = (TradeBlock, QuoteBlock, BarBlock, Heartbeat, Gap)
_BRANCHES = {cls: branch for branch, cls in enumerate(_CLASSES)}
_FRAMES = tuple(frame("market_data", branch) for branch in range(len(_CLASSES)))
_LABELS = tuple(codec.labels() for codec in BLOCKS["market_data"])
ROW_KINDS = ("trade", "quote", "bar", "heartbeat", "gap")


def encode_block(block: MarketBlock) -> bytes:
    """Return the ``market_data`` record value of a block.

    Raises:
        ValueError: the columns differ in length, or a name is not ASCII.
    """
    branch = _BRANCHES[type(block)]
    codec = BLOCKS["market_data"][branch]
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
    rows = decode_rows("market_data", value)
    columns: dict[str, Any] = {name: rows.longs[:, i] for i, name in enumerate(rows.long_names)}
    columns |= {name: rows.doubles[:, i] for i, name in enumerate(rows.double_names)}
    branch = next(i for i, cls in enumerate(_CLASSES) if cls.__name__ == rows.record)
    block: MarketBlock = _CLASSES[branch](**rows.head, **columns, **rows.tail)
    return block
