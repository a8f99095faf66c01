"""The Avro schemas as they stand in ``schemas/avro``: the only file access below the edges.

The files are package data: they are read once, at import, and never change while a process lives.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import fastavro

from schemas.topics import TOPICS

_FOLDER = Path(__file__).parent / "avro"


@cache
def source(topic: str) -> Any:
    """Return the schema of ``topic`` as written: a record, or a list of records for a union.

    Raises:
        KeyError: no such topic in the topic table.
    """
    return json.loads((_FOLDER / f"{TOPICS[topic].name}.avsc").read_text(encoding="utf-8"))


@cache
def parsed(topic: str) -> Any:
    """Return the schema of ``topic`` parsed by fastavro, for generic reading and writing."""
    return fastavro.parse_schema(source(topic), named_schemas={})


@cache
def records(topic: str) -> tuple[dict[str, Any], ...]:
    """Return the record schemas of ``topic``: one, or the branches of its union in order."""
    schema = source(topic)
    return tuple(schema) if isinstance(schema, list) else (schema,)
