"""What is different between two schemas of a topic, and can the new one read what the old one wrote?

``differences(old, new)`` names every difference by the path of its field; one that has a ``remedy`` stands in the way.
Rules: Avro 1.12 specification, "Schema Resolution" (compatibility BACKWARD of schema registries: reader new, writer
old), and one of our own: a field that readers of the old version have no default for is not taken away.
"""

from collections.abc import Iterator
from typing import Any

import fastavro
import msgspec

Schema = Any
"""A schema as JSON gives it: a name, a list (a union) or a dict."""
_Names = tuple[dict[str, Any], dict[str, Any]]

_WIDER = {
    "int": ("long", "float", "double"),
    "long": ("float", "double"),
    "float": ("double",),
    "string": ("bytes",),
    "bytes": ("string",),
}
_NAMED = ("record", "enum", "fixed")
_GONE = object()


class Difference(msgspec.Struct, frozen=True):
    """What is different at ``path``; where the new schema cannot read the old one's records, what to do."""

    path: str
    says: str
    remedy: str = ""

    @property
    def fault(self) -> str:
        """The difference and its remedy in one line."""
        return f"{self.path}: {self.says}; {self.remedy}" if self.remedy else f"{self.path}: {self.says}"


def check(old: Schema, new: Schema) -> list[Difference]:
    """Return why ``new`` cannot read what ``old`` wrote; empty where it can."""
    return [found for found in differences(old, new) if found.remedy]


def differences(old: Schema, new: Schema) -> list[Difference]:
    """Return everything in which ``new`` differs from ``old``, ``doc`` aside."""
    old, new = _qualified(old), _qualified(new)
    return list(_compared(old, new, "schema", (_names(old), _names(new))))


def _qualified(schema: Schema, namespace: str | None = None) -> Schema:
    """Return the schema with the namespace of every named type said, which may be that of the type around it."""
    if isinstance(schema, list):
        return [_qualified(branch, namespace) for branch in schema]
    if not isinstance(schema, dict):
        return schema
    said = dict(schema)
    if schema["type"] in _NAMED:
        before, _, said["name"] = schema["name"].rpartition(".")
        namespace = said["namespace"] = before or schema.get("namespace", namespace)
    for key in ("items", "values"):
        if key in said:
            said[key] = _qualified(said[key], namespace)
    if "fields" in said:
        said["fields"] = [field | {"type": _qualified(field["type"], namespace)} for field in said["fields"]]
    return said


def _names(schema: Schema) -> dict[str, Any]:
    """Return the named types that a schema defines, by name without namespace."""
    found: dict[str, Any] = {}
    for part in schema if isinstance(schema, list) else [schema]:
        if isinstance(part, dict):
            if part["type"] in _NAMED:
                found[part["name"]] = part
            inner = [field["type"] for field in part.get("fields", ())]
            for other in inner + [part[key] for key in ("items", "values") if key in part]:
                found |= _names(other)
    return found


def _compared(old: Schema, new: Schema, path: str, names: _Names) -> Iterator[Difference]:
    old, new = _resolved(old, names[0]), _resolved(new, names[1])
    if isinstance(old, list):
        for branch in old:
            yield from _compared(branch, new, path, names)
        if isinstance(new, list):
            known = [_label(_resolved(branch, names[0])) for branch in old]
            added = [_label(_resolved(branch, names[1])) for branch in new]
            yield from (
                Difference(path, f"{name} is new in the union") for name in added if name not in known
            )
            yield from _order(path, known, added)
    elif isinstance(new, list):
        yield from _branch(old, new, path, names)
    elif _kind(old) != _kind(new):
        says = f"written as {_label(old)}, read as {_label(new)}"
        wider = _kind(new) in _WIDER.get(_kind(old), ())
        yield Difference(
            path, says, "" if wider else "go back to the old type, or add a field of another name"
        )
    elif _kind(old) in _NAMED and (renamed := _renamed(old, new)):
        yield Difference(path, *renamed)
    else:
        yield from _inner(old, new, path, names)


def _branch(old: Schema, new: list[Schema], path: str, names: _Names) -> Iterator[Difference]:
    """Compare with the branch of the same name; else any branch that reads it will do."""
    for branch in new:
        resolved = _resolved(branch, names[1])
        if _label(old) == _label(resolved) or (
            isinstance(resolved, dict) and _label(old) in _aliases(resolved)
        ):
            yield from _compared(old, branch, path, names)
            return
    if all(any(d.remedy for d in _compared(old, branch, path, names)) for branch in new):
        yield Difference(path, f"{_label(old)} was dropped from the union", "keep it: logs hold it")


def _renamed(old: Schema, new: Schema) -> tuple[str, str] | None:
    """Say how a named type is called otherwise, and what to do."""
    was, now = _full(old, old["name"]), _full(new, new["name"])
    if was == now:
        return None
    if was in {_full(new, alias) for alias in _aliases(new)}:
        return None
    if old["name"] == new["name"]:
        says = f"{_kind(old)} {old['name']} moved from namespace {old.get('namespace')} to {new.get('namespace')}"
        return says, f"move it back, or give it the alias {was}"
    return f"{_kind(old)} {old['name']} is called {new['name']} now", f"give it the alias {old['name']}"


def _inner(old: Schema, new: Schema, path: str, names: _Names) -> Iterator[Difference]:
    kind = _kind(old)
    if kind == "record":
        where = new["name"] if path == "schema" else f"{path}.{new['name']}"
        yield from _fields(old, new, where, names)
    elif kind == "enum":
        yield from _symbols(old, new, path)
    elif kind == "fixed" and old["size"] != new["size"]:
        says = f"{new['name']} had {old['size']} bytes, and has {new['size']} now"
        yield Difference(path, says, "go back to the old size, or add a field of another name")
    elif kind in ("array", "map"):
        key = "items" if kind == "array" else "values"
        yield from _compared(old[key], new[key], f"{path}[]", names)


def _symbols(old: Schema, new: Schema, path: str) -> Iterator[Difference]:
    lost = [symbol for symbol in old["symbols"] if symbol not in new["symbols"]]
    added = [symbol for symbol in new["symbols"] if symbol not in old["symbols"]]
    if lost:
        remedy = "" if "default" in new else "keep it, or give the enum a default"
        yield Difference(path, f"{new['name']} lost {', '.join(lost)}", remedy)
    if added:
        yield Difference(path, f"{new['name']} got {', '.join(added)}")
    yield from _order(path, old["symbols"], new["symbols"])


def _order(path: str, old: list[str], new: list[str]) -> Iterator[Difference]:
    """Say so where the names that both have stand in another order, which is another layout of bytes."""
    if [name for name in old if name in new] != [name for name in new if name in old]:
        yield Difference(path, f"the order was {', '.join(old)} and is {', '.join(new)}")


def _fields(old: Schema, new: Schema, path: str, names: _Names) -> Iterator[Difference]:
    written = {field["name"]: field for field in old["fields"]}
    taken: set[str] = set()
    for field in new["fields"]:
        here = f"{path}.{field['name']}"
        known = [name for name in (field["name"], *_aliases(field)) if name in written]
        if not known:
            yield _added(field, here, names)
            continue
        taken.add(known[0])
        if known[0] != field["name"]:
            yield Difference(here, f"was called {known[0]}")
        yield from _compared(written[known[0]]["type"], field["type"], here, names)
        before = written[known[0]].get("default", _GONE)
        if before != field.get("default", _GONE):
            yield _default_changed(before, field, here, names)
    yield from _order(path, list(written), [field["name"] for field in new["fields"]])
    for name in written.keys() - taken:
        keep = "keep it: older readers cannot do without it" if "default" not in written[name] else ""
        yield Difference(f"{path}.{name}", "was taken away", keep)


def _added(field: Schema, path: str, names: _Names) -> Difference:
    if "default" not in field:
        remedy = "give it one, or, where it is an old field by another name, the old name as an alias"
        return Difference(path, "is new and has no default", remedy)
    if not _fits(field, names):
        return Difference(
            path, f"is new and its default {field['default']!r} is no {_label(field['type'])}", "mend it"
        )
    return Difference(path, f"is new, {field['default']!r} in older records")


def _default_changed(before: Any, field: Schema, path: str, names: _Names) -> Difference:
    now = field.get("default", _GONE)
    if before is _GONE:
        bad = "" if _fits(field, names) else "mend it"
        return Difference(path, f"got the default {now!r}" + (", of another type" if bad else ""), bad)
    if now is _GONE:
        return Difference(path, f"lost its default {before!r}", "keep it: versions before the field need it")
    return Difference(path, f"its default was {before!r} and is {now!r}", "keep it: old records would change")


def _fits(field: Schema, names: _Names) -> bool:
    """Say whether the default is a value of the field's type (of its first branch, in a union)."""
    kind, default = _resolved(field["type"], names[1]), field["default"]
    kind = kind[0] if isinstance(kind, list) else kind
    if _kind(kind) in ("bytes", "fixed"):
        return isinstance(default, str)
    if _kind(kind) in ("float", "double") and isinstance(default, int) and not isinstance(default, bool):
        return True
    schema = fastavro.parse_schema(kind, named_schemas=dict(_parsed(names[1])))
    return bool(fastavro.validate(default, schema, raise_errors=False))


def _parsed(names: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, schema in names.items():
        yield _full(schema, name), schema


def _aliases(schema: Schema) -> tuple[str, ...]:
    return tuple(schema.get("aliases", ()))


def _full(schema: Schema, name: str) -> str:
    return name if "." in name or not schema.get("namespace") else f"{schema['namespace']}.{name}"


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
