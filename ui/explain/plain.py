"""What does an explanation say to machines? A link is its place and its event's fields, as in `topics tail`."""

from typing import Any

import msgspec

from flows.explain.chain import Explanation, Link, Missing
from flows.place import Place

_PLACE = Place.__struct_fields__
_DRAWN = ("series",)


def plain(told: Explanation) -> dict[str, Any]:
    """Return the explanation without what is only drawn, with ``sound``: whether all of it fits and is there."""
    fields = {name: _plain(getattr(told, name)) for name in told.__struct_fields__ if name not in _DRAWN}
    return {"sound": told.sound, **fields}


def _plain(value: Any) -> Any:
    if isinstance(value, Link):
        event = msgspec.to_builtins(value.event, builtin_types=(bytes,))
        own = {f"of_{name}" if name in _PLACE else name: field for name, field in event.items()}
        return {**msgspec.to_builtins(value.place), **own}
    if isinstance(value, Missing):
        return {"missing": value.why, "topic": value.topic, "faulty": value.faulty}
    if isinstance(value, msgspec.Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value
