"""How is a verification told to people? A row for each topic, then the first difference of each, with its cause."""

from typing import TYPE_CHECKING, Any

import msgspec

from ui.cli.output import moment, table, write

if TYPE_CHECKING:
    from flows.differences import Cause, Difference, TopicVerdict
    from flows.verify import Verdict

_LONG = 600
"""Characters of a cause that are shown."""
_KINDS = {
    "changed": "says something else",
    "missing": "is missing from the record",
    "extra": "is recorded, but not said today",
    "replaced": "is said today where another is recorded",
    "order": "stands in another order",
    "unreadable": "is recorded as bytes that cannot be read",
    "broken": "contradicts the journal or its log",
}


def print_verdict(verdict: "Verdict") -> None:
    """Print a verification."""
    write(f"{verdict.log}, account {verdict.account}, settings {verdict.settings}")
    for text in verdict.notes:
        write(f"note: {text}")
    write("")
    table(["topic", "verdict", "recorded", "today", "digest"], [_row(one) for one in verdict.topics])
    for one in verdict.topics:
        if one.first is not None:
            write("")
            _print_difference(one, one.first)
    write("")
    write(_conclusion(verdict))


def sentence(verdict: "Verdict") -> str:
    """Return in one sentence what differs first in event time: topic, key, id and place."""
    topics = ", ".join(verdict.differing)
    if verdict.fault:
        return f"{verdict.log}: today's code could not say it to its end: {verdict.fault}"
    differences = [one.first for one in verdict.topics if one.first is not None]
    if not differences:
        return f"{verdict.log}: {topics} differ"
    found = min(differences, key=lambda one: one.ts_event_ns)
    at = f" at {found.at}" if found.at is not None else ""
    first = f"{found.topic} of {found.key}: {found.id or '?'}{at} {_words(found)}"
    return f"{verdict.log}: {topics} differ; first {first}"


def _words(found: "Difference") -> str:
    return found.text or _KINDS[found.kind]


def _row(one: "TopicVerdict") -> tuple[Any, ...]:
    said = (
        one.verdict if one.verdict != "different" else f"{'at least ' * one.at_least}{one.differing:,} differ"
    )
    if one.unsaid:
        said += f", {one.unsaid:,} not yet said"
    digest = one.recorded_digest
    if one.verdict == "different" and one.today_digest != digest:
        digest = f"{one.recorded_digest} / {one.today_digest}"
    return one.topic, said, one.recorded, one.today, digest


def _conclusion(verdict: "Verdict") -> str:
    what = f"{verdict.market_data:,} records of market data, {verdict.records:,} derived, {verdict.seconds:.1f} s"
    if verdict.stopped:
        return f"stopped: {what}"
    if verdict.fault:
        return f"not verified to its end: {verdict.fault} ({what})"
    if not verdict.equal:
        return f"not equal: {', '.join(verdict.differing)} ({what})"
    unsaid = sum(one.unsaid for one in verdict.topics)
    rest = f"; the run was stopped before it had said {unsaid:,} more" if unsaid else ""
    return f"equal, event by event{rest} ({what})"


def _print_difference(one: "TopicVerdict", found: "Difference") -> None:
    keys = ", ".join(one.keys[:5]) + (f" and {len(one.keys) - 5} more" if len(one.keys) > 5 else "")
    write(f"{one.topic} differs ({keys}); the first event:")
    when = f", {moment(found.ts_event_ns)}" if found.ts_event_ns > 0 else ""
    at = f", recorded at {found.at}" if found.at is not None else ""
    write(f"  {found.id or '(no id)'} {_words(found)}")
    write(f"  event {found.number:,} of {found.key or one.topic}{when}{at}")
    if found.fields and found.recorded is not None and found.today is not None:
        for field in found.fields[:10]:
            write(f"  {field}: recorded {_leaf(found.recorded, field)}, today {_leaf(found.today, field)}")
    write(f"  recorded  {_json(found.recorded)}")
    write(f"  today     {_json(found.today)}")
    for cause in found.causes:
        write(f"  cause     {_cause(cause)}")


def _cause(cause: "Cause") -> str:
    where = f"{cause.position} " if cause.position is not None else ""
    shown = f" {_short(cause.event)}" if cause.event is not None else ""
    whose = {"": "", "today": "of today's: ", "recorded": "of the recorded: "}[cause.of]
    return f"{whose}{where or cause.what + ' '}{cause.text}{shown}".replace("  ", " ")


def _json(event: dict[str, Any] | None) -> str:
    return "nothing" if event is None else msgspec.json.encode(event).decode()


def _short(event: dict[str, Any] | None) -> str:
    text = _json(event)
    return text if len(text) <= _LONG else f"{text[:_LONG]}..."


def _leaf(event: dict[str, Any], path: str) -> Any:
    """Return the value at a dotted path; what has no such place is nothing."""
    value: Any = event
    for name in path.replace("[", ".[").split("."):
        if name.startswith("[") and isinstance(value, list | tuple):
            value = value[int(name[1:-1])]
        elif isinstance(value, dict) and name in value:
            value = value[name]
        else:
            return "nothing"
    return value
