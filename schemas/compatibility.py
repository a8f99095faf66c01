"""Can a new schema read what an older one wrote? Avro's rules of schema resolution, checked without any registry.

``check(old, new)`` names everything that stands in the way (compatibility BACKWARD of schema registries: reader new,
writer old). Rules: Avro 1.12 specification, "Schema Resolution". That the project's own decoders, which read records of
today's schema by position, still read the bytes of an older version is a stronger claim, which golden records test.
"""

from collections.abc import Iterator
from typing import Any

Schema = Any
"""A schema as JSON gives it: a name, a list (a union) or a dict."""

_WIDER = {
    "int": ("long", "float", "double"),
    "long": ("float", "double"),
    "float": ("double",),
    "string": ("bytes",),
    "bytes": ("string",),
}
_NAMED = ("record", "enum", "fixed")


def check(old: Schema, new: Schema) -> list[str]:
    """Return why ``new`` cannot read what ``old`` wrote, each with the path of the field; empty where it can."""
    return list(_differences(old, new, "schema", (_names(old), _names(new))))


def _names(schema: Schema) -> dict[str, Any]:
    """Return the named types that a schema defines, by name without namespace."""
    found: dict[str, Any] = {}
    parts = schema if isinstance(schema, list) else [schema]
    for part in parts:
        if isinstance(part, dict):
            if part["type"] in _NAMED:
                found[part["name"]] = part
            inner = [field["type"] for field in part.get("fields", ())]
            inner += [part[key] for key in ("items", "values") if key in part]
            for other in inner:
                found |= _names(other)
    return found


def _differences(
    old: Schema, new: Schema, path: str, names: tuple[dict[str, Any], dict[str, Any]]
) -> Iterator[str]:
    old, new = _resolved(old, names[0]), _resolved(new, names[1])
    if isinstance(old, list):
        for branch in old:
            yield from _differences(branch, new, path, names)
    elif isinstance(new, list):
        tried = [list(_differences(old, branch, path, names)) for branch in new]
        same_name = [
            found
            for found, branch in zip(tried, new, strict=True)
            if _label(old) == _label(_resolved(branch, names[1]))
        ]
        if all(tried):
            yield from same_name[0] if same_name else [f"{path}: {_label(old)} was dropped from the union"]
    elif _kind(old) != _kind(new):
        if _kind(new) not in _WIDER.get(_kind(old), ()):
            yield f"{path}: written as {_label(old)}, read as {_label(new)}"
    elif _kind(old) in _NAMED and old["name"] != new["name"] and old["name"] not in new.get("aliases", ()):
        yield f"{path}: {_kind(old)} {old['name']} is called {new['name']} now; give it the alias {old['name']}"
    else:
        yield from _inner_differences(old, new, path, names)


def _inner_differences(
    old: Schema, new: Schema, path: str, names: tuple[dict[str, Any], dict[str, Any]]
) -> Iterator[str]:
    kind = _kind(old)
    if kind == "record":
        yield from _field_differences(
            old, new, new["name"] if path == "schema" else f"{path}.{new['name']}", names
        )
    elif kind == "enum":
        unknown = [symbol for symbol in old["symbols"] if symbol not in new["symbols"]]
        if unknown and "default" not in new:
            yield f"{path}: {new['name']} lost {', '.join(unknown)}; keep it, or give the enum a default"
    elif kind == "fixed" and old["size"] != new["size"]:
        yield f"{path}: {new['name']} had {old['size']} bytes, and has {new['size']} now"
    elif kind in ("array", "map"):
        key = "items" if kind == "array" else "values"
        yield from _differences(old[key], new[key], f"{path}[]", names)


def _field_differences(
    old: Schema, new: Schema, path: str, names: tuple[dict[str, Any], dict[str, Any]]
) -> Iterator[str]:
    written = {field["name"]: field for field in old["fields"]}
    for field in new["fields"]:
        known = [name for name in (field["name"], *field.get("aliases", ())) if name in written]
        if known:
            yield from _differences(
                written[known[0]]["type"], field["type"], f"{path}.{field['name']}", names
            )
        elif "default" not in field:
            yield f"{path}.{field['name']}: is new and has no default; give it one"


def _resolved(schema: Schema, names: dict[str, Any]) -> Schema:
    if isinstance(schema, str):
        return names.get(schema.rpartition(".")[2], schema)
    return schema


def _kind(schema: Schema) -> str:
    return str(schema if isinstance(schema, str) else schema["type"])


def _label(schema: Schema) -> str:
    if isinstance(schema, dict) and schema["type"] in _NAMED:
        return str(schema["name"])
    return _kind(schema)
