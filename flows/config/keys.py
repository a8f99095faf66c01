"""Which keys are there? The tree of settings as dotted keys, and the place in it of what was given.

A segment of a struct is a field; a segment of a `dict[str, Struct]` is a name of the user's own; what is left
under any other dict is one key with dots in it, such as `log.kafka.sasl.username`.
"""

import difflib
import re
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

import msgspec

from flows.config.errors import BadValue, UnknownKey
from flows.config.sources import Given, Origin, Text, literal
from flows.secrets import Secret, is_secret, masked_words

Path = tuple[str, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_NAMES_AS_TYPED = ("instruments",)
"""Dicts whose names keep their case when an environment variable gives them (symbols are upper case)."""


class Placed(msgspec.Struct, frozen=True):
    """A value with the leaf that it belongs to."""

    path: Path
    kind: Any
    value: Any
    origin: Origin

    @property
    def secret(self) -> bool:
        """Whether it is kept as a Secret."""
        return Secret in (self.kind, *typing.get_args(self.kind)) and is_secret(self.path)


Leaves = dict[Path, Placed]
"""The value that counts for each leaf that was given one."""


def dotted(path: Iterable[str]) -> str:
    """Return the key as TOML writes it.

    >>> dotted(("instruments", "BRK.B", "tick_size"))
    'instruments."BRK.B".tick_size'
    """
    return ".".join(part if _BARE.fullmatch(part) else f'"{part}"' for part in path)


@cache
def fields(struct: Any) -> Mapping[str, Any]:
    """Return the field types of a struct by name, with their constraints."""
    hints = typing.get_type_hints(struct, include_extras=True)
    return MappingProxyType({field.name: hints[field.name] for field in msgspec.structs.fields(struct)})


def is_struct(kind: Any) -> bool:
    """Whether the type is a section."""
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def dict_of(kind: Any) -> Any:
    """Return the value type of a dict type, or None."""
    return typing.get_args(kind)[1] if typing.get_origin(kind) in (dict, Mapping) else None


def place(given: Given, root: type[msgspec.Struct]) -> Iterator[Placed]:
    """Yield the leaves that one given value sets.

    Raises:
        UnknownKey: a key that the tree does not have.
        BadValue: a value where a section is, or a section where a value is.
    """
    yield from _walk(root, (), given.path, given.value, given.origin, root)


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield (path, value) of every leaf of a tree of settings, dicts opened; structs stand in field order."""
    if isinstance(value, msgspec.Struct):
        for name in fields(type(value)):
            yield from leaves(getattr(value, name), (*path, name))
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, (*path, name))
    else:
        yield path, value


def differing(before: Any, after: Any) -> list[tuple[str, Any, Any]]:
    """Return the keys of two trees that are not the same, by name, with both values; None where there is none.

    >>> differing({"a": {"b": 1, "c": [2]}}, {"a": {"b": 1, "c": [3]}, "d": 4})
    [('a.c', [2], [3]), ('d', None, 4)]
    """
    was, now = dict(leaves(before)), dict(leaves(after))
    return [
        (dotted(path), was.get(path), now.get(path))
        for path in sorted({*was, *now})
        if was.get(path) != now.get(path)
    ]


def givers(path: Path, placed: Leaves) -> str:
    """Return in words where the given values of a section came from; empty where all are defaults."""
    said = [
        f"{dotted(leaf.path)} from {leaf.origin}"
        for leaf in placed.values()
        if leaf.path[: len(path)] == path
    ]
    return f" ({'; '.join(said)})" if said else ""


def nearest(key: str, known: Iterable[str]) -> str | None:
    """Return the known key that is most like `key`, or None where none is much like it."""
    matches = difflib.get_close_matches(key, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


def unknown(path: Path, origin: Origin, siblings: Iterable[str], known: Sequence[str] = ()) -> UnknownKey:
    """Return the error for a key that is not there: near keys of its section first, then of the tree."""
    names, parent = list(siblings), path[:-1]
    near = nearest(path[-1], names)
    if near is not None:
        return UnknownKey(
            f"unknown key {dotted(path)} (from {origin}): did you mean {dotted((*parent, near))}?"
        )
    found = nearest(dotted(path), known)
    if found is None:
        found = next((key for key in known if key.rpartition(".")[2] == path[-1]), None)
    if found is not None:
        return UnknownKey(f"unknown key {dotted(path)} (from {origin}): did you mean {found}?")
    section = dotted(parent) if parent else "the top level"
    return UnknownKey(
        f"unknown key {dotted(path)} (from {origin}): {section} has {', '.join(names) or 'no keys'}"
    )


def _walk(kind: Any, done: Path, rest: Path, value: Any, origin: Origin, root: Any) -> Iterator[Placed]:
    if not is_struct(kind) and dict_of(kind) is None:
        yield _leaf(kind, done, rest, value, origin)
    elif not is_struct(kind) and not is_struct(dict_of(kind)):
        table = value if rest else _table(kind, done, value, origin)
        for names, inner in _flat(rest, table):
            name = ".".join(names)
            name = name.lower() if origin.layer == "environment" else name
            yield Placed((*done, name), dict_of(kind), inner, origin)
    elif rest:
        inner, segment = _step(kind, done, rest[0], origin, root)
        yield from _walk(inner, (*done, segment), rest[1:], value, origin, root)
    else:
        for key, below in _table(kind, done, value, origin).items():
            yield from _walk(kind, done, (key,), below, origin, root)


def _flat(names: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flat((*names, name), inner)
    else:
        yield names, value


def _step(kind: Any, done: Path, segment: str, origin: Origin, root: Any) -> tuple[Any, str]:
    """Take the next segment: its type and its name."""
    typed = origin.layer != "environment"
    if is_struct(kind):
        known = fields(kind)
        segment = segment if typed else segment.lower()
        if segment not in known:
            raise unknown((*done, segment), origin, known, list(map(dotted, _all(root))))
        return known[segment], segment
    as_typed = typed or done[-1] in _NAMES_AS_TYPED
    return dict_of(kind), segment if as_typed else segment.lower()


def _leaf(kind: Any, done: Path, rest: Path, value: Any, origin: Origin) -> Placed:
    if rest:
        raise UnknownKey(
            f"unknown key {dotted((*done, *rest))} (from {origin}): {dotted(done)} is a value, not a section"
        )
    return Placed(done, kind, value, origin)


def _table(kind: Any, path: Path, value: Any, origin: Origin) -> dict[str, Any]:
    table = literal(value.raw) if isinstance(value, Text) else value
    if isinstance(table, dict):
        return table
    keys = f" (keys: {', '.join(fields(kind))})" if is_struct(kind) else ""
    shown = masked_words(value.raw if isinstance(value, Text) else repr(value))
    raise BadValue(f"{dotted(path)} = {shown} (from {origin}): this is a section{keys}, not a value")


def _all(root: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path of every key that the type tree names."""
    for name, kind in fields(root).items():
        if is_struct(kind):
            yield from _all(kind, (*path, name))
        else:
            yield (*path, name)
