"""What are the events in a record, one by one, for people and machines that read JSON?

A block gives one event per row, a single record gives one. Every event has a deterministic ``id``: the same fact has
the same id in every run, however it was cut into blocks and however often it was sent.
"""

import math
from typing import Any

import msgspec

from schemas.block_codec import Rows
from schemas.blocks import ROW_KINDS
from schemas.codec import BLOCK_TOPICS, BLOCKS, decode, decode_rows
from schemas.event_ids import event_id

_KIND_OF = {codec.record: kind for codec, kind in zip(BLOCKS["market_data"], ROW_KINDS, strict=True)}


def flatten(topic: str, value: bytes) -> list[dict[str, Any]]:
    """Return the events of one record value, in order; field names are the schema's, NaN is ``None``.

    Raises:
        DecodeError: the bytes are not a record of ``topic``.
    """
    if topic not in BLOCK_TOPICS:
        event = decode(topic, value)
        plain = msgspec.to_builtins(event, builtin_types=(bytes,))
        return [{"id": event_id(event), "type": type(event).__name__, **plain}]
    rows = decode_rows(topic, value)
    if topic == "market_data":
        return _market_data(rows)
    head = {"symbol": rows.head["symbol"]}
    if topic == "features":
        head["feature_set"] = rows.head["feature_set"]
    return [{"id": _row_id(topic, row), **row} for row in (head | row for row in _rows(rows))]


def _row_id(topic: str, row: dict[str, Any]) -> str:
    if topic == "marks":
        return f"{row['symbol']}:{row['ts_event_ns']}"
    return f"{row['symbol']}:{row['timeframe_ns']}:{row['ts_event_ns']}:{row['revision']}"


def _rows(rows: Rows) -> list[dict[str, Any]]:
    longs = rows.longs.tolist()
    doubles = [[None if math.isnan(number) else number for number in row] for row in rows.doubles.tolist()]
    return [
        {**dict(zip(rows.long_names, ints, strict=True)), **dict(zip(rows.double_names, floats, strict=True))}
        for ints, floats in zip(longs, doubles, strict=True)
    ]


def _market_data(rows: Rows) -> list[dict[str, Any]]:
    kind = _KIND_OF[rows.record]
    head = rows.head
    source = f"{head['session']}:{head['symbol']}"
    if kind == "heartbeat":
        return [
            {"id": f"{source}:heartbeat:{head['complete_to_ns']}:{int(head['final'])}", "type": kind, **head}
        ]
    events = []
    for ordinal, row in enumerate(_rows(rows)):
        is_gap = kind == "gap"
        seq = head["seq"] if is_gap else head["seq"] + ordinal
        place = f"{rows.tail['reason']}:{row['from_ns']}" if is_gap else seq
        identity = f"{source}:{kind}:{place}"
        event = {"id": identity, "type": kind, **head, "seq": seq, **row, **rows.tail}
        if "recv_delay_ns" in event:
            event["ts_recv_ns"] = event["ts_event_ns"] + event["recv_delay_ns"]
        events.append(event)
    return events
