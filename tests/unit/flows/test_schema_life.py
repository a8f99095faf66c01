"""Is every way to spoil a schema named by topic and field, with what to do? Changes of real schemas, one by one."""

import copy
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from flows import schema_life
from flows.schema_life import history, offline_faults, topic_faults
from schemas.avro_files import kept_versions, source
from schemas.topics import TOPICS
from tests.unit.schemas.evolved import field, without

ALERTS = TOPICS["alerts"]


def changed(change: Callable[[Any], Any]) -> Any:
    """The alerts' schema of today after a change, in place or returned."""
    today = copy.deepcopy(source("alerts"))
    return change(today) or today


def add(name: str, kind: Any, **more: Any) -> Callable[[Any], Any]:
    """A change that adds a field."""
    return lambda schema: schema["fields"].append({"name": name, "type": kind, "doc": "New one.", **more})


def edit(which: str, **more: Any) -> Callable[[Any], Any]:
    """A change that edits a field."""
    return lambda schema: field(schema, which).update(more)


def lose(symbol: str) -> Callable[[Any], Any]:
    """A change that takes a symbol from the enum."""
    return lambda schema: field(schema, "severity")["type"]["symbols"].remove(symbol)


SPOILT = {
    "no default": (add("host", "string"), "alerts: Alert.host: is new and has no default (since version 13); give it"),
    "wrong default": (add("count", "long", default="0"), "alerts: Alert.count: is new and its default '0' is no long"),
    "removed": (lambda s: without(s, "code"), "alerts: Alert.code: was taken away (since version 13); keep it"),
    "narrowed": (edit("message", type="long"), "alerts: Alert.message: written as string, read as long"),
    "renamed": (edit("code", name="reason"), "alerts: Alert.reason: is new and has no default (since version 13); "
                "give it one, or, where it is an old field by another name, the old name as an alias"),
    "symbol": (lose("WARNING"), "alerts: Alert.severity: Severity lost WARNING (since version 13); keep it, or give"),
    "namespace": (lambda s: s.update(namespace="desk"), "alerts: schema: record Alert moved from namespace titan to "
                  "desk (since version 13); move it back, or give it the alias titan.Alert"),
    "record": (lambda s: s.update(name="Alarm"), "alerts: schema: record Alert is called Alarm now"),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILT)
def test_an_incompatible_change_is_named(name: str) -> None:
    change, says = SPOILT[name]
    today = changed(change)
    assert str(topic_faults(ALERTS, today, history("alerts"))[0]).startswith(says)
    grown = msgspec.structs.replace(ALERTS, schema_id=99, older=(13,))
    again = topic_faults(grown, today, {**history("alerts"), 99: today})
    assert str(again[0]).startswith(says), "a version of its own does not help"


def test_a_compatible_change_needs_an_id_of_its_own_and_no_more() -> None:
    today = changed(add("host", "string", default=""))
    (fault,) = topic_faults(ALERTS, today, history("alerts"))
    newest = max(topic.schema_id for topic in TOPICS.values())
    assert str(fault) == (
        "alerts: Alert.host: is new, '' in older records (since version 13); "
        "a version that has an id is never changed: "
        f"keep this one as schemas/history/alerts/{newest + 1}.avsc and make it schema id {newest + 1} in "
        "schemas/topics.py, 13 among the older ones"
    )  # fmt: skip
    grown = msgspec.structs.replace(ALERTS, schema_id=newest + 1, older=(13,))
    assert topic_faults(grown, today, {**history("alerts"), newest + 1: today}) == []
    assert topic_faults(ALERTS, changed(edit("code", doc="Said otherwise.")), history("alerts")) == []


def test_a_name_that_comes_back_with_another_type_is_found_across_versions() -> None:
    """Each step alone is sound; BACKWARD_TRANSITIVE is more than each step."""
    first = changed(add("host", "string", default=""))
    second = changed(lambda schema: None)
    third = changed(add("host", "long", default=0))
    kept = {90: first, 91: second, 92: third}
    grown = msgspec.structs.replace(ALERTS, schema_id=92, older=(90, 91))
    assert [str(fault) for fault in topic_faults(grown, third, kept)] == [
        "alerts: Alert.host: written as string, read as long (since version 90); "
        "go back to the old type, or add a field of another name",
        "alerts: Alert.host: its default was '' and is 0 (since version 90); keep it: old records would change",
    ]
    assert not topic_faults(msgspec.structs.replace(grown, older=(91,)), third, {91: second, 92: third})


def test_the_table_and_the_history_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    today, kept = source("alerts"), history("alerts")
    grown = msgspec.structs.replace(ALERTS, schema_id=99, older=(13,))
    assert "version 99: is in the topic table and not in the history" in str(
        topic_faults(grown, today, kept)[0]
    )
    extra = {**kept, 14: source("dead_letters")}
    assert "version 14: is in the history and not in the topic table" in str(
        topic_faults(ALERTS, today, extra)[0]
    )
    fallen = msgspec.structs.replace(ALERTS, schema_id=12, older=(13,))
    assert any("do not rise" in fault.says for fault in topic_faults(fallen, today, {**kept, 12: today}))
    monkeypatch.setattr(schema_life, "kept_versions", lambda: kept_versions() | {"orders": [16]})
    assert [str(fault) for fault in offline_faults()] == [
        "orders: topic: is in the history and not in the topic table; put it back: logs hold it"
    ]
