"""What does a person say instead of a dead letter's original? The bytes of a record, or its fields as JSON."""

import hashlib
from typing import Any

import msgspec
import numpy as np

from flows.connectors.account_inputs import COMMANDS, REPORTS, SIGNALS
from flows.connectors.input_errors import InputError
from schemas.account import RiskCommand
from schemas.blocks import ROW_KINDS, decode_block, encode_block
from schemas.codec import DecodeError, encode
from schemas.market import BarBlock, MarketBlock, QuoteBlock, TradeBlock
from schemas.orders import ExecutionReport, Signal

MARKET_DATA = "market_data"
_EVENTS: dict[str, Any] = {COMMANDS: RiskCommand, SIGNALS: Signal, REPORTS: ExecutionReport}
_ROWS: dict[str, Any] = dict(zip(ROW_KINDS, (TradeBlock, QuoteBlock, BarBlock), strict=False))
_HEAD = 6
_UNSAID = ("recv_delay_ns", "trade_id", "side", "update_id")
"""Columns that are 0 where nobody says them."""


def value_of(topic: str, text: bytes) -> bytes:
    """Return the record value that ``text`` says: it is one, or JSON as ``titan deadletters show`` prints it.

    Raises:
        InputError: it is neither, or lacks a field.
    """
    if text.startswith(b"\x00"):
        return text
    try:
        said = msgspec.json.decode(text)
        if topic == MARKET_DATA:
            return _block(said if isinstance(said, list) else [said])
        if topic not in _EVENTS:
            raise InputError(f"{topic}: what cannot be read there is given as bytes, not as JSON")
        fields = {name: value for name, value in said.items() if name != "type"}
        return encode(msgspec.convert(fields, _EVENTS[topic]))
    except (msgspec.MsgspecError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{topic}: the corrected record cannot be read: {_why(error)}") from error


def beside(value: bytes, letter_id: str) -> bytes:
    """Return a block of market data as one that stands beside the present session, known by its letter.

    It promises nothing, and its rows have no number among the session's (docs/adr/0025).

    Raises:
        DecodeError: the bytes are no such block.
    """
    block = decode_block(value)
    return encode_block(
        msgspec.structs.replace(block, session=session_of(letter_id), seq=0, complete_to_ns=0, final=False)
    )


def session_of(letter_id: str) -> int:
    """Return the negative session number of what was sent again for a letter."""
    return -1 - (int.from_bytes(hashlib.sha256(letter_id.encode()).digest()[:8], "big") >> 1)


def rows_of(value: bytes) -> MarketBlock:
    """Return the rows of a block; DecodeError where it has none, or is none."""
    block = decode_block(value)
    if not isinstance(block, TradeBlock | QuoteBlock | BarBlock) or not len(block.ts_event_ns):
        raise DecodeError(f"a {type(block).__name__} of {block.symbol} holds no trade, quote or bar")
    return block


def _block(rows: list[dict[str, Any]]) -> bytes:
    kinds = {row.get("type") if isinstance(row, dict) else None for row in rows}
    if len(kinds) != 1 or not kinds <= _ROWS.keys():
        raise InputError(
            f"{MARKET_DATA}: the corrected record cannot be read: it says rows of one type, each with its field type: "
            f"{', '.join(_ROWS)}"
        )
    kind = _ROWS[rows[0]["type"]]
    names = kind.__struct_fields__[_HEAD:]
    columns = {}
    for name in names:
        said = [row.get(name, 0) if name in _UNSAID else row[name] for row in rows]
        whole = name.endswith("_ns") or name in _UNSAID
        columns[name] = np.array(said, np.int64 if whole else np.float64)
    head = {"symbol": rows[0]["symbol"], "venue": rows[0].get("venue", "")}
    return encode_block(kind(**head, session=0, seq=0, complete_to_ns=0, **columns))


def _why(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"it lacks {error}"
    return str(error)
