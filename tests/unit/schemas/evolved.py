"""A topic with one more version than it has: its older schema, and what fastavro writes by it."""

import copy
import io
from typing import Any

import fastavro
import msgspec
import pytest

from schemas import avro_files, codec
from schemas.topics import TOPICS

OLDER_ID = 900


def add_older(monkeypatch: pytest.MonkeyPatch, topic: str, today: Any, older: Any) -> None:
    """Let ``older`` be a version of ``topic`` before today's, which ``today`` says with more defaults and aliases."""
    original = avro_files.source
    for module in (avro_files, codec):
        monkeypatch.setattr(module, "source", lambda name: today if name == topic else original(name))
    monkeypatch.setattr(codec, "version", lambda _topic, _id: older)
    monkeypatch.setitem(TOPICS, topic, msgspec.structs.replace(TOPICS[topic], older=(OLDER_ID,)))
    codec._older_decoders.cache_clear()
    codec._older_blocks.cache_clear()


def written(schema: Any, value: Any, schema_id: int = OLDER_ID) -> bytes:
    """What fastavro writes by a schema, behind the Confluent header; for a union ``value`` is (name, fields)."""
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(copy.deepcopy(schema), named_schemas={}), value)
    return b"\x00" + schema_id.to_bytes(4, "big") + out.getvalue()


def field(schema: Any, name: str) -> Any:
    """The field of a record schema that has this name."""
    return next(found for found in schema["fields"] if found["name"] == name)


def without(schema: Any, *names: str) -> Any:
    """The record schema without some fields."""
    return schema | {"fields": [found for found in schema["fields"] if found["name"] not in names]}
