"""The Avro schemas as they stand in ``schemas/avro`` and ``schemas/history``: the only file access below the edges.

``avro/<topic>.avsc`` is what is written today; ``history/<topic>/<schema id>.avsc`` is every version, today's among
them, as it was when it was given its id. The files are package data: read once, never changed while a process lives.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import fastavro

from schemas.topics import TOPICS

_FOLDER = Path(__file__).parent / "avro"
_HISTORY = Path(__file__).parent / "history"


@cache
def source(topic: str) -> Any:
    """Return the schema of ``topic`` as written: a record, or a list of records for a union.

    Raises:
        KeyError: no such topic in the topic table.
    """
    return _read(_FOLDER / f"{TOPICS[topic].name}.avsc")


@cache
def version(topic: str, schema_id: int) -> Any:
    """Return the schema of ``topic`` that has this id.

    Raises:
        FileNotFoundError: the history lacks it.
    """
    return _read(_HISTORY / topic / f"{schema_id}.avsc")


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def kept_versions() -> dict[str, list[int]]:
    """Return the ids of the versions that the history holds, rising, by topic."""
    found: dict[str, list[int]] = {}
    for path in _HISTORY.glob("*/*.avsc"):
        found.setdefault(path.parent.name, []).append(int(path.stem))
    return {topic: sorted(found[topic]) for topic in sorted(found)}


@cache
def parsed(topic: str) -> Any:
    """Return the schema of ``topic`` parsed by fastavro, for generic reading and writing."""
    return fastavro.parse_schema(source(topic), named_schemas={})


def records(topic: str) -> tuple[dict[str, Any], ...]:
    """Return the record schemas of ``topic``: one, or the branches of its union in order."""
    return branches(source(topic))


def branches(schema: Any) -> tuple[dict[str, Any], ...]:
    """Return the records of a schema: itself, or the branches of a union."""
    return tuple(schema) if isinstance(schema, list) else (schema,)
