"""Has every event one id, the same however its rows were cut into blocks? And the schema's field names."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.avro_files import records
from schemas.blocks import encode_block
from schemas.codec import BLOCKS, encode, frame
from schemas.flatten import flatten
from schemas.market import BarBlock, Gap, Heartbeat, QuoteBlock, TradeBlock
from tests.unit.schemas.avro_values import RECORDS, event_of
from tests.unit.schemas.hostile_blocks import some_value

HEAD = {"symbol": "ES", "venue": "CME", "session": 7}
KINDS = (TradeBlock, QuoteBlock, BarBlock)


def block(kind: type, start: int, stop: int) -> bytes:
    """Rows ``start`` to ``stop`` of a session in which the value of every column is the row's number."""
    names = [name for name in kind.__struct_fields__ if name not in ("seq", "complete_to_ns", "final", *HEAD)]
    types = kind.__annotations__
    columns = {
        name: np.arange(start, stop).astype(np.float64 if "float" in str(types[name]) else np.int64)
        for name in names
    }
    return encode_block(kind(**HEAD, seq=start, complete_to_ns=stop, **columns))


def said(event: dict) -> dict:
    """The event without its block's promise, which belongs to the cut."""
    return {name: value for name, value in event.items() if name not in ("complete_to_ns", "final")}


@given(st.lists(st.integers(0, 30), max_size=6))
def test_ids_are_unique_and_do_not_depend_on_the_cut(cuts: list[int]) -> None:
    edges = sorted({0, 30, *cuts})
    whole = [event for kind in KINDS for event in flatten("market_data", block(kind, 0, 30))]
    parts = [
        event
        for kind in KINDS
        for start, stop in zip(edges[:-1], edges[1:], strict=True)
        for event in flatten("market_data", block(kind, start, stop))
    ]
    assert list(map(said, parts)) == list(map(said, whole))
    assert len({event["id"] for event in whole}) == 90
    assert [event["id"] for event in whole[29:31]] == ["7:ES:trade:29", "7:ES:quote:0"]
    assert whole[5]["ts_recv_ns"] == whole[5]["ts_event_ns"] + whole[5]["recv_delay_ns"]


def test_gaps_and_heartbeats_have_ids_of_their_own() -> None:
    ends = np.array([20, 90])
    gap = Gap(
        **HEAD, seq=3, complete_to_ns=0, from_ns=ends - 10, to_ns=ends, first_missing_id=ends, last_missing_id=ends,
        reason="trade_id",
    )  # fmt: skip
    events = flatten("market_data", encode_block(gap))
    assert [event["id"] for event in events] == ["7:ES:gap:trade_id:10", "7:ES:gap:trade_id:80"]
    assert [event["seq"] for event in events] == [3, 3]
    other = flatten(
        "market_data",
        encode_block(Heartbeat(**HEAD, seq=0, complete_to_ns=5, final=True))
    )  # fmt: skip
    assert other == [
        {
            "id": "7:ES:heartbeat:5:1",
            "type": "heartbeat",
            **HEAD,
            "seq": 0,
            "complete_to_ns": 5,
            "final": True,
        }
    ]


@pytest.mark.parametrize("topic", ["bars", "features", "regimes", "marks"])
def test_rows_of_derived_blocks_are_named_by_what_they_are_about(topic: str) -> None:
    rng = np.random.default_rng(5)
    value = some_value(topic, 0, 6, rng)
    value |= {"symbol": "ES", "ts_event_ns": [60, 120, 60, 60, 60, 180]}
    if topic != "marks":
        value |= {"timeframe_ns": [60, 60, 30, 90, 60, 60], "revision": [0, 0, 0, 0, 1, 0]}
    else:
        value["ts_event_ns"] = [1, 2, 3, 4, 5, 6]
    events = flatten(topic, _encoded(topic, value))
    ids = [event["id"] for event in events]
    assert len(set(ids)) == 6
    assert ids[0] == ("ES:1" if topic == "marks" else "ES:60:60:0")
    assert ids[-1] == ("ES:6" if topic == "marks" else "ES:60:180:0")
    names = {field["name"] for field in records(topic)[0]["fields"]}
    columns = {name for name in names if isinstance(value[name], list)} | set(value.get("values", ()))
    assert columns <= set(events[0])


def _encoded(topic: str, value: dict) -> bytes:
    codec = BLOCKS[topic][0]
    doubles = value["values"] if codec.mapped else {name: value[name] for name in codec.doubles}
    longs = np.array([value[name] for name in codec.longs], np.int64).T.copy()
    numbers = np.array(list(doubles.values())).reshape(-1, 6).T.copy()
    head = tuple(value[name] for name, _ in codec.head)
    return frame(topic) + codec.encode(head, longs, numbers, codec.labels(tuple(doubles)))


def test_a_number_that_is_none_is_none() -> None:
    nothing = np.array([np.nan])
    one = np.array([1])
    value = TradeBlock(
        **HEAD, seq=0, complete_to_ns=0, ts_event_ns=one, recv_delay_ns=one, trade_id=one, side=one, price=nothing,
        size=nothing,
    )  # fmt: skip
    assert flatten("market_data", encode_block(value))[0]["price"] is None


@pytest.mark.parametrize(("topic", "branch"), RECORDS)
def test_a_single_record_is_one_event_with_the_schemas_fields(topic: str, branch: int) -> None:
    schema = records(topic)[branch]
    value = {field["name"]: _example(field["name"], field["type"]) for field in schema["fields"]}
    (event,) = flatten(topic, encode(event_of(schema, value)))
    assert event["type"] == schema["name"]
    assert event["id"]
    assert set(event) == {"id", "type"} | {field["name"] for field in schema["fields"]}


def _example(name: str, kind: object) -> object:
    if isinstance(kind, dict):
        return kind["symbols"][0] if kind["type"] == "enum" else ({} if kind["type"] == "map" else [])
    return {"long": 1, "double": 0.5, "string": name, "boolean": True, "bytes": b"x"}[kind]
