"""Which values can a schema hold? Hypothesis strategies made from it, and the same values as typed events.

Also here: how fastavro, the other implementation, writes and reads a topic's records.
"""

import io
from typing import Any

import fastavro
import msgspec
from hypothesis import strategies as st

from schemas import account, orders
from schemas.avro_files import parsed, records
from schemas.codec import BLOCK_TOPICS, HEADER_BYTES
from schemas.topics import TOPICS

RECORD_TOPICS = [topic for topic in TOPICS if topic not in BLOCK_TOPICS]
RECORDS = [(topic, branch) for topic in RECORD_TOPICS for branch in range(len(records(topic)))]
BLOCKS = [(topic, branch) for topic in BLOCK_TOPICS for branch in range(len(records(topic)))]
STRUCTS: dict[str, type] = {
    name: value
    for module in (orders, account)
    for name, value in vars(module).items()
    if isinstance(value, type) and issubclass(value, msgspec.Struct)
}
LONGS = st.one_of(
    st.integers(-3, 3),
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.sampled_from([-(1 << 63), (1 << 63) - 1, 63, 64, -65]),
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
DOUBLES = st.floats(allow_nan=True, allow_infinity=True)
_SIMPLE: dict[str, st.SearchStrategy[Any]] = {
    "long": LONGS,
    "double": DOUBLES,
    "string": TEXT,
    "boolean": st.booleans(),
    "bytes": st.binary(max_size=20),
}


def values(schema: Any, rows: int | None = None) -> st.SearchStrategy[Any]:
    """Values of a schema as fastavro takes them; arrays have ``rows`` elements where that is given."""
    if isinstance(schema, str):
        return _SIMPLE[schema]
    kind = schema["type"]
    if kind == "enum":
        return st.sampled_from(schema["symbols"])
    if kind == "map":
        return st.dictionaries(TEXT, values(schema["values"], rows), max_size=4)
    if kind == "array":
        most = 4 if rows is None else rows
        return st.lists(values(schema["items"]), min_size=rows or 0, max_size=most)
    return st.fixed_dictionaries({field["name"]: values(field["type"], rows) for field in schema["fields"]})


def event_of(schema: Any, value: Any) -> Any:
    """The typed event of a value that fastavro takes."""
    if isinstance(schema, dict) and schema["type"] == "record":
        fields = {f["name"]: event_of(f["type"], value[f["name"]]) for f in schema["fields"]}
        return STRUCTS[schema["name"]](**fields)
    if isinstance(schema, dict) and schema["type"] == "array":
        return tuple(event_of(schema["items"], element) for element in value)
    return value


def their_bytes(topic: str, branch: int, value: dict[str, Any]) -> bytes:
    """What fastavro writes, behind the Confluent header."""
    out = io.BytesIO()
    schema = parsed(topic)
    name = f"titan.{records(topic)[branch]['name']}"
    fastavro.schemaless_writer(out, schema, (name, value) if isinstance(schema, list) else value)
    return b"\x00" + TOPICS[topic].schema_id.to_bytes(4, "big") + out.getvalue()


def their_reading(topic: str, data: bytes) -> tuple[str, dict[str, Any], int]:
    """(record name, fields, bytes left) as fastavro reads it; raises whatever it raises."""
    body = io.BytesIO(data[HEADER_BYTES:])
    schema = parsed(topic)
    found = fastavro.schemaless_reader(body, schema, None, return_record_name=True)
    name, fields = found if isinstance(schema, list) else (f"titan.{records(topic)[0]['name']}", found)
    return name.removeprefix("titan."), fields, len(data) - HEADER_BYTES - body.tell()
