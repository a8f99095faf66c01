"""Are typed events the records of their schemas, byte for byte as fastavro writes and reads them?"""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.avro_files import records
from schemas.codec import DecodeError, decode, encode, topic_of
from schemas.scalars import read_long, write_long
from tests.unit.schemas.avro_values import (
    RECORDS,
    STRUCTS,
    event_of,
    their_bytes,
    their_reading,
    values,
)


def plain(value: Any) -> str:
    """Exact text of a value: one NaN is like another, 0.0 is not -0.0."""
    return repr(value)


@pytest.mark.parametrize(("topic", "branch"), RECORDS)
@given(data=st.data())
@settings(max_examples=60)
def test_bytes_and_reading_equal_fastavros(topic: str, branch: int, data: st.DataObject) -> None:
    schema = records(topic)[branch]
    value = data.draw(values(schema))
    event = event_of(schema, value)
    encoded = encode(event)
    assert topic_of(event) == topic
    assert encoded == their_bytes(topic, branch, value)
    again = decode(topic, encoded)
    assert type(again) is STRUCTS[schema["name"]]
    assert plain(again) == plain(event)
    name, fields, left = their_reading(topic, encoded)
    assert (name, left) == (schema["name"], 0)
    assert plain(event_of(schema, fields)) == plain(again)


@pytest.mark.parametrize(("topic", "branch"), RECORDS)
@given(data=st.data())
@settings(max_examples=6)
def test_a_record_cut_short_or_with_more_behind_it_is_refused(
    topic: str, branch: int, data: st.DataObject
) -> None:
    encoded = their_bytes(topic, branch, data.draw(values(records(topic)[branch])))
    for end in range(len(encoded)):
        with pytest.raises(DecodeError):
            decode(topic, encoded[:end])
    with pytest.raises(DecodeError, match="3 bytes after the record's end"):
        decode(topic, encoded + b"abc")


@pytest.mark.parametrize(("topic", "branch"), RECORDS)
@given(data=st.data())
@settings(max_examples=60)
def test_any_bytes_are_an_event_that_fastavro_reads_too_or_an_error(
    topic: str, branch: int, data: st.DataObject
) -> None:
    encoded = bytearray(their_bytes(topic, branch, data.draw(values(records(topic)[branch]))))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(encoded) - 1))
        encoded[place] = data.draw(st.integers(0, 255))
    spoilt = bytes(encoded)
    try:
        event = decode(topic, spoilt)
    except DecodeError:
        return
    name, fields, left = their_reading(topic, spoilt)
    assert (STRUCTS[name], left) == (type(event), 0)
    schema = next(record for record in records(topic) if record["name"] == name)
    assert plain(event_of(schema, fields)) == plain(event)


@pytest.mark.parametrize(("topic", "branch"), RECORDS)
def test_the_struct_has_the_schemas_fields_in_order(topic: str, branch: int) -> None:
    for schema in nested_records(records(topic)[branch]):
        names = tuple(field["name"] for field in schema["fields"])
        assert STRUCTS[schema["name"]].__struct_fields__ == names


@pytest.mark.parametrize(("topic", "branch"), RECORDS)
def test_literals_are_the_schemas_enums(topic: str, branch: int) -> None:
    for schema in nested_records(records(topic)[branch]):
        types = {field.name: field.type for field in msgspec.structs.fields(STRUCTS[schema["name"]])}
        for field in schema["fields"]:
            if isinstance(field["type"], dict) and field["type"]["type"] == "enum":
                assert list(types[field["name"]].__args__) == field["type"]["symbols"], field["name"]


def test_a_number_that_does_not_fit_is_refused_with_its_value() -> None:
    schema = records("alerts")[0]
    event = event_of(
        schema,
        {"id": "", "source": "", "severity": "INFO", "code": "", "message": "", "ts_event_ns": 1 << 63},
    )
    with pytest.raises(ValueError, match="9223372036854775808 does not fit a 64-bit long"):
        encode(event)


def nested_records(schema: Any) -> list[dict[str, Any]]:
    """The record and the records that it holds in arrays."""
    inner = [
        field["type"]["items"]
        for field in schema["fields"]
        if isinstance(field["type"], dict) and field["type"]["type"] == "array"
    ]
    return [schema, *(kind for kind in inner if isinstance(kind, dict))]


@pytest.mark.parametrize("bits", [0, 6, 7, 13, 14, 27, 28, 41, 42, 55, 56, 62])
def test_a_long_of_any_length_is_written_as_it_is_read(bits: int) -> None:
    for number in ((1 << bits) - 1, 1 << bits, -(1 << bits), -(1 << bits) - 1):
        written = write_long(number)
        assert read_long(written, 0) == (number, len(written))
        assert len(written) == max(1, -(-len(f"{number << 1 ^ number >> 63:b}") // 7))
