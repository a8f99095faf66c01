"""What is there to say about two runs that should be one? A verdict for each topic, with the first difference.

``recorded`` is what the log holds; ``today`` what today's code says from the same inputs.
"""

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from flows.lanes import Stretch
from flows.place import Place
from schemas.codec import DecodeError
from schemas.flatten import flatten

Kind = Literal["changed", "missing", "extra", "replaced", "order", "unreadable", "broken"]
"""
changed     both say the event, with other values
missing     today's code says it, the record lacks it, though it says later things
extra       it is recorded, today's code does not say it
replaced    another event stands in its place
order       both say the same events, in another order
unreadable  the record is not one of its topic
broken      the journal contradicts itself or its log
"""


class MadeFrom(msgspec.Struct, frozen=True):
    """What today's code said an event from: records ``first_offset`` to ``last_offset`` of an input."""

    topic: str
    key: str
    """The symbol or account whose input it is."""
    partition: int
    first_offset: int
    last_offset: int
    order: int = 0
    """Number of the cut."""
    event: object = None
    """The input event itself, where there is one."""


class Cause(msgspec.Struct, frozen=True):
    """One thing that an event follows from; ``event`` is None where ``text`` says why it cannot be shown.

    ``of`` says whose event follows from it: what is recorded, what is said today, or both where it is empty.
    """

    what: str
    position: Place | None = None
    event: dict[str, Any] | None = None
    text: str = ""
    of: Literal["", "recorded", "today"] = ""


class Difference(msgspec.Struct, kw_only=True):
    """The first event of a lane that is not the same; ``number`` counts the lane's events from 0."""

    kind: Kind
    topic: str
    key: str
    number: int
    id: str
    ts_event_ns: int
    at: Place | None = None
    recorded: dict[str, Any] | None = None
    today: dict[str, Any] | None = None
    fields: tuple[str, ...] = ()
    causes: list[Cause] = []
    made_from: MadeFrom | None = None
    text: str = ""


class TopicVerdict(msgspec.Struct, kw_only=True):
    """How one topic compares.

    equal        every event is the same
    prefix       what is recorded is the same; the run was stopped before it had said ``unsaid`` more
    different    ``differing`` events are not the same (``at_least``: counting was given up)
    input        recorded facts that the run was given: read, not derived
    unverified   ``why`` says why it could not be compared
    """

    topic: str
    verdict: Literal["equal", "prefix", "different", "input", "unverified"]
    recorded: int = 0
    today: int = 0
    recorded_digest: str = ""
    today_digest: str = ""
    unsaid: int = 0
    differing: int = 0
    at_least: bool = False
    keys: list[str] = []
    """Symbols or accounts with differences."""
    first: Difference | None = None
    why: str = ""


def shown(stretch: Stretch | None) -> dict[str, Any] | None:
    """Return the next event of a stretch as people and machines read it; None where it cannot be read."""
    if stretch is None:
        return None
    try:
        return flatten(stretch.lane[0], stretch.value)[stretch.at]
    except DecodeError:
        return None


def place_of(stretch: Stretch | None) -> Place | None:
    """Return where the next event of a recorded stretch stands."""
    if stretch is None or not isinstance(stretch.origin, Place):
        return None
    return msgspec.structs.replace(stretch.origin, ordinal=stretch.at)


def maker_of(stretch: Stretch | None) -> MadeFrom | None:
    """Return what today's code said the next event of a stretch from."""
    return stretch.origin if stretch is not None and isinstance(stretch.origin, MadeFrom) else None


def differing_fields(recorded: Any, today: Any, path: str = "") -> Iterator[str]:
    """Yield the dotted names of the leaves that differ.

    >>> list(differing_fields({"id": "a", "of": {"x": 1, "y": 2}}, {"id": "a", "of": {"x": 1, "y": 3}}))
    ['of.y']
    """
    if isinstance(recorded, dict) and isinstance(today, dict):
        for name in {**recorded, **today}:
            below = f"{path}.{name}" if path else name
            if name not in recorded or name not in today:
                yield below
            else:
                yield from differing_fields(recorded[name], today[name], below)
    elif (
        isinstance(recorded, list | tuple) and isinstance(today, list | tuple) and len(recorded) == len(today)
    ):
        for i, (one, other) in enumerate(zip(recorded, today, strict=True)):
            yield from differing_fields(one, other, f"{path}[{i}]")
    elif recorded != today or type(recorded) is not type(today):
        yield path


def difference(kind: Kind, number: int, recorded: Stretch | None, today: Stretch | None) -> Difference:
    """Put a difference into words: the next events of both stretches are not the same, or there is only one."""
    of = today or recorded
    assert of is not None
    then, now = shown(recorded), shown(today)
    event = (then if kind == "extra" else now) or then or now or {}
    return Difference(
        kind=kind,
        topic=of.lane[0],
        key=of.lane[1],
        number=number,
        id=str(event.get("id", "")),
        ts_event_ns=int(event.get("ts_event_ns", 0)),
        at=place_of(recorded),
        recorded=then,
        today=now,
        fields=tuple(differing_fields(then, now)) if kind == "changed" else (),
        made_from=maker_of(today),
    )
