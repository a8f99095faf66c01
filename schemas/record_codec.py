"""How does a typed event become Avro bytes, fast? One pair of functions generated from each record schema.

A decoder of an older version is generated from both schemas: it reads what that version wrote, and makes today's event
of it by Avro's rules of resolution (names and aliases, defaults, wider types; ``schemas.compatibility`` checks them).

The functions are written as Python source and executed once at import: a field is one expression, adjacent doubles are
one ``struct.pack``, an enum is a table look-up. Their bytes equal fastavro's (tested on every record); writing the four
records of an order's life takes less than half of fastavro's time. This is the one ``exec`` of the project.
"""

import struct
from collections.abc import Callable
from itertools import groupby
from typing import Any

from schemas import scalars

Encode = Callable[[Any], bytes]
Decode = Callable[[bytes, int], tuple[Any, int]]
Schema = dict[str, Any]

_ONCE = ("id", "cause", "message", "detail", "settings")
"""Strings that are different in every record, like those whose names end in ``_id``: not worth remembering."""
_AGAIN = ("_ns", "quantity_nanos", "price_nanos", "peak_equity_nanos", "day_start_equity_nanos")
"""How the names of longs end that several records in a row have in common."""
_READ = {
    "long": "read_long",
    "boolean": "read_boolean",
    "bytes": "read_bytes",
    "string": "read_string",
    "double": "read_double",
}


def _names() -> dict[str, Any]:
    return {name: getattr(scalars, name) for name in dir(scalars) if name.startswith(("read_", "write_"))}


def _write_expression(name: str, kind: Any, names: dict[str, Any]) -> str:
    """Return the expression that yields the bytes of field ``name`` of ``event``."""
    value = f"event.{name}"
    if kind == "string":
        once = name in _ONCE or name.endswith("_id")
        return f"{'write_string' if once else 'write_repeated_string'}({value})"
    if kind == "long":
        return f"{'write_repeated_long' if name.endswith(_AGAIN) else 'write_long'}({value})"
    if kind == "boolean":
        return f"(b'\\1' if {value} else b'\\0')"
    if kind == "bytes":
        return f"write_bytes({value})"
    if kind["type"] == "enum":
        table = f"enum{len(names)}"
        names[table] = {symbol: scalars.write_long(i) for i, symbol in enumerate(kind["symbols"])}
        return f"{table}[{value}]"
    if kind["type"] == "map":
        return f"write_double_map({value})"
    parts = ", ".join(_write_parts(kind["items"], names))
    elements = f"b''.join([part for event in {value} for part in ({parts},)])"
    return f"(write_long(len({value})) + {elements} + b'\\0' if {value} else b'\\0')"


def _write_parts(schema: Schema, names: dict[str, Any]) -> list[str]:
    """Return the expressions that yield the bytes of ``event``, in order; adjacent doubles are one."""
    parts = []
    for is_double, group in groupby(schema["fields"], key=lambda field: field["type"] == "double"):
        fields = list(group)
        if is_double:
            names[f"pack{len(fields)}"] = struct.Struct(f"<{len(fields)}d").pack
            values = ", ".join(f"event.{field['name']}" for field in fields)
            parts.append(f"pack{len(fields)}({values})")
        else:
            parts += [_write_expression(field["name"], field["type"], names) for field in fields]
    return parts


def make_encoder(schema: Schema) -> Encode:
    """Return ``encode(event) -> bytes`` for a record schema; ``event`` has an attribute per field."""
    names = _names()
    parts = ", ".join(_write_parts(schema, names))
    body = f"def encode(event):\n    return b''.join(({parts},))\n"
    exec(body, names)  # noqa: S102 - see the module docstring
    encode: Encode = names["encode"]
    return encode


def _read_statement(
    variable: str, name: str, kinds: tuple[Any, Any], names: dict[str, Any], types: dict[str, type]
) -> str:
    """Return the statements that read field ``name`` into ``variable`` and move ``position``.

    ``kinds`` are the type that was written and the one of today.
    """
    kind, today = kinds
    if isinstance(kind, str):
        return f"    {variable}, position = {_READ[kind]}(data, position)\n"
    if kind["type"] == "enum":
        known = today["symbols"]
        names[f"symbols_{name}"] = tuple(s if s in known else today["default"] for s in kind["symbols"])
        last = len(kind["symbols"]) - 1
        return (
            f"    {variable}, position = read_long(data, position)\n"
            f"    if not 0 <= {variable} <= {last}:\n"
            f"        raise ValueError(f'{name}: enum index {{{variable}}}, known are 0 to {last}')\n"
            f"    {variable} = symbols_{name}[{variable}]\n"
        )
    if kind["type"] == "map":
        return f"    {variable}, position = read_double_map(data, position)\n"
    names[f"read_element_{name}"] = make_decoder(kind["items"], types, today["items"])
    return (
        f"    {variable} = []\n"
        f"    while True:\n"
        f"        count, position = read_count(data, position)\n"
        f"        if not count: break\n"
        f"        for _ in range(count):\n"
        f"            element, position = read_element_{name}(data, position)\n"
        f"            {variable}.append(element)\n"
        f"    {variable} = tuple({variable})\n"
    )


def make_decoder(schema: Schema, types: dict[str, type], today: Schema | None = None) -> Decode:
    """Return ``decode(data, position) -> (event, position after it)``; ``types`` maps record names to structs.

    ``today`` is the schema of the struct, where ``schema`` is an older version of it.
    """
    today = today or schema
    names = {**_names(), "Event": types[today["name"]]}
    body = "def decode(data, position):\n"
    read: dict[str, tuple[str, Any]] = {}
    for index, field in enumerate(schema["fields"]):
        variable, kind = f"v{index}", field["type"]
        read[field["name"]] = variable, kind
        reader = next((now["type"] for now in today["fields"] if field["name"] in _called(now)), kind)
        body += _read_statement(variable, field["name"], (kind, reader), names, types)
    arguments = ", ".join(_argument(field, read, names) for field in today["fields"])
    body += f"    return Event({arguments}), position\n"
    exec(body, names)  # noqa: S102 - see the module docstring
    decode: Decode = names["decode"]
    return decode


def _argument(field: Schema, read: dict[str, tuple[str, Any]], names: dict[str, Any]) -> str:
    """Return the expression of today's ``field`` from what an older record (or today's) says."""
    known = next((name for name in _called(field) if name in read), None)
    if known is None:
        names[f"default_{field['name']}"] = default_of(field)
        return f"default_{field['name']}"
    variable, kind = read[known]
    if kind == field["type"] or isinstance(kind, dict):
        return variable
    return variable + {"string": ".decode()", "bytes": ".encode()"}.get(field["type"], " * 1.0")


def _called(field: Schema) -> tuple[str, ...]:
    return (field["name"], *field.get("aliases", ()))


def default_of(field: Schema) -> Any:
    """Return the default of a field as an event holds it."""
    default, kind = field["default"], field["type"]
    if kind == "bytes":
        return default.encode("latin-1")
    return tuple(default) if isinstance(default, list) else default
