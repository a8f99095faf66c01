"""Does every topic say what it holds? One schema file a topic, docs on every record, field and enum, unique ids."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.schema_life import offline_faults
from schemas.topics import TOPICS
from tests.architecture.source_files import ROOT, tree

FOLDER = ROOT / "schemas/avro"
TABLE = Path("schemas/topics.py")


def test_one_schema_file_a_topic() -> None:
    assert {path.stem for path in FOLDER.glob("*.avsc")} == set(TOPICS)


def test_the_table_is_literal_and_nothing_in_it_twice() -> None:
    rows = [node for node in ast.walk(tree(TABLE)) if isinstance(node, ast.Call) and _is_row(node)]
    names = [row.args[0].value for row in rows if isinstance(row.args[0], ast.Constant)]
    assert names == list(TOPICS), "each topic is one row of literals, in the order of the table"
    ids = [schema_id for topic in TOPICS.values() for schema_id in topic.schema_ids]
    assert len(set(ids)) == len(ids), "two schemas share an id"


@pytest.mark.parametrize("topic", TOPICS)
def test_every_record_and_field_is_documented(topic: str) -> None:
    schema = json.loads((FOLDER / f"{topic}.avsc").read_text(encoding="utf-8"))
    named = list(_named(schema, topic))
    assert named
    silent = [where for where, part in named if len(str(part.get("doc", "")).split()) < 2]
    assert not silent, "these say nothing"


def _is_row(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Name) and node.func.id in ("_topic", "Topic") and _literal(node)


def _literal(node: ast.Call) -> bool:
    values = [*node.args, *(keyword.value for keyword in node.keywords)]
    parts = [part for value in values for part in (value.elts if isinstance(value, ast.Tuple) else [value])]
    return bool(parts) and all(isinstance(part, ast.Constant) for part in parts)


def _named(schema: Any, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every record, field and enum, with its path."""
    if isinstance(schema, list):
        for branch in schema:
            yield from _named(branch, where)
    elif isinstance(schema, dict):
        if schema["type"] in ("record", "enum"):
            where = f"{where}.{schema['name']}"
            yield where, schema
        for field in schema.get("fields", ()):
            yield f"{where}.{field['name']}", field
            yield from _named(field["type"], f"{where}.{field['name']}")
        for inner in ("items", "values"):
            if inner in schema:
                yield from _named(schema[inner], where)


def test_todays_schemas_read_every_version_that_was_ever_written() -> None:
    """What ``titan schemas check`` says; the message names the topic and the field."""
    assert [str(fault) for fault in offline_faults()] == []
