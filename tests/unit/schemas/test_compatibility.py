"""Can today's schemas, and today's readers, read what every older version wrote?

A golden file of tests/golden/schemas holds the schemas as they were, and records of every kind that fastavro wrote by
them. A change of a schema adds a file; it never changes one. The same schemas stand in schemas/history.
"""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from schemas import avro_files
from schemas.avro_files import records, source
from schemas.codec import BLOCK_TOPICS, decode, decode_rows
from schemas.compatibility import check, differences
from schemas.flatten import flatten
from schemas.topics import TOPICS
from tests.unit.schemas.avro_values import event_of

VERSIONS = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parents[2] / "golden/schemas").glob("version_*.json"))
}
CASES = [(version, topic) for version, topics in VERSIONS.items() for topic in topics]


def bytes_again(value: Any) -> Any:
    """JSON's {"hex": ...} is bytes."""
    if isinstance(value, dict):
        return (
            bytes.fromhex(value["hex"])
            if set(value) == {"hex"}
            else {k: bytes_again(v) for k, v in value.items()}
        )
    return [bytes_again(element) for element in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("version", "topic"), CASES)
def test_todays_schema_reads_every_older_one(version: str, topic: str) -> None:
    assert topic in TOPICS, "a topic is never dropped from the table: its records are still in logs"
    golden = VERSIONS[version][topic]
    assert check(golden["schema"], source(topic)) == []
    assert golden["schema_id"] in TOPICS[topic].schema_ids
    kept = avro_files.version(topic, golden["schema_id"])
    assert differences(golden["schema"], kept) == [], "the history was changed"


@pytest.mark.parametrize(("version", "topic"), CASES)
def test_todays_reader_reads_the_records_of_every_older_version(version: str, topic: str) -> None:
    for record in VERSIONS[version][topic]["records"]:
        value, fields = bytes.fromhex(record["value"]), bytes_again(record["fields"])
        schema = next(known for known in records(topic) if known["name"] == record["record"])
        if topic in BLOCK_TOPICS:
            rows = decode_rows(topic, value)
            columns = fields.pop("values", {})
            for name, expected in {**fields, **columns}.items():
                got = {**rows.head, **rows.tail}.get(name)
                assert (rows.column(name).tolist() if got is None else got) == expected, name
        else:
            assert decode(topic, value) == event_of(schema, fields)
        assert record["record"] == "Heartbeat" or flatten(topic, value)


def test_every_topic_and_record_is_in_the_newest_version() -> None:
    """A new topic or record gets its golden bytes with the version that brings it."""
    newest = VERSIONS[max(VERSIONS)]
    said = {topic: [record["record"] for record in newest[topic]["records"]] for topic in newest}
    assert said == {topic: [record["name"] for record in records(topic)] for topic in TOPICS}


def record(*fields: Any, name: str = "Order") -> dict[str, Any]:
    """A record of fields (name, type) or (name, type, default)."""
    keys = ("name", "type", "default")
    return {
        "type": "record",
        "name": name,
        "fields": [dict(zip(keys, field, strict=False)) for field in fields],
    }


def enum(*symbols: str, **more: str) -> dict[str, Any]:
    """An enum called Side."""
    return {"type": "enum", "name": "Side", "symbols": list(symbols), **more}


LONG = record(("a", "long"))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (LONG, LONG, []),
        (LONG, record(("a", "long"), ("b", "long", 0)), []),
        (LONG, record(("a", "long"), ("b", "long")), ["Order.b: is new and has no default"]),
        (LONG, record(("a", "long"), ("b", "long", "0")), ["Order.b: is new and its default '0' is no long"]),
        (LONG, record(("a", "long"), ("b", "string", 0)), ["Order.b: is new and its default 0 is no string"]),
        (LONG, record(("a", "long"), ("b", "double", 0)), []),
        (LONG, record(("a", "long"), ("b", {"type": "array", "items": "double"}, [])), []),
        (
            LONG,
            record(("a", "long"), ("b", enum("BUY"), "SELL")),
            ["Order.b: is new and its default 'SELL' is no Side"],
        ),
        (record(("a", "long"), ("b", "long")), LONG, ["Order.b: was taken away"]),
        (record(("a", "long"), ("b", "long", 0)), LONG, []),
        (record(("a", "long", 0)), LONG, ["Order.a: lost its default 0"]),
        (LONG, record(("a", "long", 0)), []),
        (record(("a", "long", 0)), record(("a", "long", 1)), ["Order.a: its default was 0 and is 1"]),
        (
            {**LONG, "namespace": "titan"},
            {**LONG, "namespace": "desk"},
            ["schema: record Order moved from namespace titan to desk"],
        ),
        ({**LONG, "namespace": "titan"}, {**LONG, "namespace": "desk", "aliases": ["titan.Order"]}, []),
        (LONG, record(("a", "double")), []),
        (record(("a", "double")), LONG, ["Order.a: written as double, read as long"]),
        (record(("a", "string")), record(("a", "bytes")), []),
        (
            LONG,
            record(("a", {"type": "array", "items": "long"})),
            ["Order.a: written as long, read as array"],
        ),
        (
            LONG,
            record(("a", "long"), name="Fill"),
            ["schema: record Order is called Fill now"],
        ),
        (LONG, {**record(("a", "long"), name="Fill"), "aliases": ["Order"]}, []),
        (
            LONG,
            record(("b", "long")),
            ["Order.b: is new and has no default", "Order.a: was taken away"],
        ),
        (LONG, {**record(), "fields": [{"name": "b", "type": "long", "aliases": ["a"]}]}, []),
        (record(("s", enum("BUY"))), record(("s", enum("BUY", "SELL"))), []),
        (
            record(("s", enum("BUY", "SELL"))),
            record(("s", enum("BUY"))),
            ["Order.s: Side lost SELL"],
        ),
        (record(("s", enum("BUY", "SELL"))), record(("s", enum("BUY", default="BUY"))), []),
        (
            record(("a", {"type": "array", "items": record(("b", "long"), name="Leg")})),
            record(("a", {"type": "array", "items": record(("b", "string"), name="Leg")})),
            ["Order.a[].Leg.b: written as long, read as string"],
        ),
        (
            record(("a", {"type": "map", "values": "double"})),
            record(("a", {"type": "map", "values": "long"})),
            ["Order.a[]: written as double, read as long"],
        ),
        ([LONG, record(name="Fill")], [record(name="Fill"), LONG], []),
        ([LONG, record(name="Fill")], [LONG], ["schema: Fill was dropped from the union"]),
        (
            [LONG],
            [record(("a", "string")), record(name="Fill")],
            ["Order.a: written as long, read as string"],
        ),
        (LONG, [record(name="Fill"), record(name="Cancel")], ["schema: Order was dropped from the union"]),
        (
            record(("s", enum("BUY")), ("t", "Side")),
            record(("s", enum("BUY")), ("t", "string")),
            ["Order.t: written as Side, read as string"],
        ),
        (
            {"type": "fixed", "name": "Hash", "size": 8},
            {"type": "fixed", "name": "Hash", "size": 16},
            ["schema: Hash had 8 bytes, and has 16 now"],
        ),
    ],
)
def test_the_rules_of_resolution(old: Any, new: Any, says: list[str]) -> None:
    assert [f"{found.path}: {found.says}" for found in check(old, new)] == says
    assert all(found.remedy for found in check(old, new))
    assert all(found.says for found in differences(old, new)) or old == new


@pytest.mark.parametrize("topic", TOPICS)
def test_a_field_without_default_is_named_with_its_record(topic: str) -> None:
    changed = copy.deepcopy(source(topic))
    last = changed[-1] if isinstance(changed, list) else changed
    last["fields"].append({"name": "surprise", "type": "long", "doc": "New one."})
    (found,) = check(source(topic), changed)
    assert found.fault.startswith(f"{last['name']}.surprise: is new and has no default; give it one")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (LONG, LONG, []),
        (LONG, {**LONG, "doc": "An order."}, []),
        (LONG, record(("a", "double")), ["Order.a: written as long, read as double"]),
        (LONG, record(("a", "long"), ("b", "long", 0)), ["Order.b: is new, 0 in older records"]),
        (record(("s", enum("BUY"))), record(("s", enum("BUY", "SELL"))), ["Order.s: Side got SELL"]),
        (
            record(("s", enum("BUY", "SELL"))),
            record(("s", enum("SELL", "BUY"))),
            ["Order.s: the order was BUY, SELL and is SELL, BUY"],
        ),
        (
            record(("a", "long"), ("b", "long")),
            record(("b", "long"), ("a", "long")),
            ["Order: the order was a, b and is b, a"],
        ),
        (LONG, {**record(), "fields": [{"name": "b", "type": "long", "aliases": ["a"]}]}, ["Order.b: was called a"]),
        ([LONG], [LONG, record(name="Fill")], ["schema: Fill is new in the union"]),
        (
            [LONG, record(name="Fill")],
            [record(name="Fill"), LONG],
            ["schema: the order was Order, Fill and is Fill, Order"],
        ),
    ],
)  # fmt: skip
def test_differences_that_can_be_read(old: Any, new: Any, says: list[str]) -> None:
    assert [found.fault for found in differences(old, new)] == says


def test_a_namespace_may_be_that_of_the_type_around() -> None:
    inner = enum("BUY")
    outer = {**record(("s", inner)), "namespace": "titan"}
    said = {**record(("s", {**inner, "namespace": "titan"})), "name": "titan.Order"}
    assert differences(outer, said) == []
