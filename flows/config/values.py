"""Is the value allowed? One given value read as the type of its key, or an error that says what is."""

import math
import types
import typing
from typing import Any, Literal, get_args, get_origin

import msgspec

from flows.config.errors import BadValue
from flows.config.keys import Placed, dotted
from flows.config.sources import Text, literal
from flows.secrets import Secret, masked


def read(placed: Placed) -> Any:
    """Return the value as the type of its key.

    Raises:
        BadValue: not of that type or range; the message names key, value, source and what is allowed.
    """
    value = placed.value
    if placed.secret:
        return _secret(placed)
    kind = _without_secret(placed.kind)
    if isinstance(value, Text):
        value = _from_text(value.raw, kind)
    try:
        found = msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise _bad(placed) from error
    if isinstance(found, float) and not math.isfinite(found):
        raise _bad(placed)
    return found


def _secret(placed: Placed) -> Secret:
    """Return the text as typed, whatever it looks like."""
    text = placed.value.raw if isinstance(placed.value, Text) else placed.value
    if not isinstance(text, str):
        raise _bad(placed)
    return Secret(text)


def _without_secret(kind: Any) -> Any:
    """Return the type of what is no secret under keys that may hold one."""
    kinds = [inner for inner in get_args(kind) if inner is not Secret]
    return typing.Union[tuple(kinds)] if Secret in get_args(kind) else kind  # noqa: UP007


def _bad(placed: Placed) -> BadValue:
    shown = masked(placed.path, placed.value.raw if isinstance(placed.value, Text) else repr(placed.value))
    return BadValue(f"{dotted(placed.path)} = {shown} (from {placed.origin}): write {allowed(placed.kind)}")


def allowed(kind: Any) -> str:
    """Return in words what a type takes.

    >>> allowed(bool), allowed(Literal["a", "b"])
    ('true or false', "one of 'a', 'b'")
    """
    base, meta = _open(kind)
    if meta is not None and meta.description:
        return meta.description
    if get_origin(base) is Literal:
        return "one of " + ", ".join(map(repr, get_args(base)))
    if get_origin(base) in (list, tuple):
        return f"a list, each {allowed(get_args(base)[0])}"
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    return words.get(base, "a text, a number, true or false") + _range(meta)


def _range(meta: msgspec.Meta | None) -> str:
    if meta is None:
        return ""
    bounds = [
        f"{word} {bound}"
        for word, bound in (
            ("at least", meta.ge),
            ("above", meta.gt),
            ("at most", meta.le),
            ("below", meta.lt),
            ("of length at least", meta.min_length),
            ("of length at most", meta.max_length),
        )
        if bound is not None
    ]
    return " " + " and ".join(bounds) if bounds else ""


def _open(kind: Any) -> tuple[Any, msgspec.Meta | None]:
    """Return the type without `| None` and without its annotation, and the annotation."""
    if get_origin(kind) in (typing.Union, types.UnionType) and type(None) in get_args(kind):
        (kind,) = (arg for arg in get_args(kind) if arg is not type(None))
    if get_origin(kind) is typing.Annotated:
        base, *metas = get_args(kind)
        return base, next((meta for meta in metas if isinstance(meta, msgspec.Meta)), None)
    return kind, None


def _from_text(raw: str, kind: Any) -> Any:
    """Return a typed text as the plain value that the type wants: words need no quotes, lists no brackets."""
    value = literal(raw)
    base = _open(kind)[0]
    if base is str or (get_origin(base) is Literal and all(isinstance(arg, str) for arg in get_args(base))):
        return value if isinstance(value, str) else raw
    if get_origin(base) in (list, tuple) and not isinstance(value, list):
        inner = get_args(base)[0]
        return [_from_text(part.strip(), inner) for part in raw.split(",") if part.strip()]
    return raw if value is None else value
