"""Do today's schemas read every record ever written, and does a registry say the same? The life of schemas.

A version is frozen in ``schemas/history`` when it is given its id. Offline, today's schemas are held against that
history; a registry is told of it, id by id, and held against it (docs/adr/0024).
"""

from collections.abc import Iterator, Mapping

import msgspec

from flows.connectors.schema_registry import Registered, RegistryRefused, SchemaRegistry
from schemas.avro_files import kept_versions, source, version
from schemas.compatibility import Schema, check, differences
from schemas.topics import TOPICS, Topic

LEVEL = "BACKWARD_TRANSITIVE"
Versions = Mapping[int, Schema]
"""Schemas by id, oldest first."""


class SchemaFault(msgspec.Struct, frozen=True):
    """Something that would make a record unreadable: where, what is wrong, and what to do."""

    topic: str
    path: str
    says: str
    remedy: str

    def __str__(self) -> str:
        """The fault in one line."""
        return f"{self.topic}: {self.path}: {self.says}; {self.remedy}"


class Change(msgspec.Struct, frozen=True):
    """One difference of a topic's schema from a version with an id; ``remedy`` is empty where it can be read."""

    topic: str
    schema_id: int
    path: str
    says: str
    remedy: str


class Registration(msgspec.Struct):
    """One version on its way into a registry; ``state``: there, new."""

    topic: str
    subject: str
    schema_id: int
    version: int
    state: str


def history(topic: str) -> dict[int, Schema]:
    """Return the versions of a topic by id, without those that the history lacks."""
    kept = kept_versions().get(topic, [])
    return {schema_id: version(topic, schema_id) for schema_id in kept}


def offline_faults() -> list[SchemaFault]:
    """Return what is wrong with the schemas of this Titan, by its own history."""
    unknown = [
        SchemaFault(
            topic, "topic", "is in the history and not in the topic table", "put it back: logs hold it"
        )
        for topic in kept_versions()
        if topic not in TOPICS
    ]
    found = [
        fault
        for topic in TOPICS.values()
        for fault in topic_faults(topic, source(topic.name), history(topic.name))
    ]
    return unknown + found


def topic_faults(topic: Topic, today: Schema, kept: Versions) -> list[SchemaFault]:
    """Return what is wrong with one topic's schema of today, by the versions that were kept."""
    found = list(_table_faults(topic, kept))
    new_id = max(other.schema_id for other in TOPICS.values()) + 1
    freeze = (
        f"a version that has an id is never changed: keep this one as schemas/history/{topic.name}/{new_id}.avsc and "
        f"make it schema id {new_id} in schemas/topics.py, {topic.schema_id} among the older ones"
    )
    if topic.schema_id in kept:
        found += [
            SchemaFault(topic.name, d.path, f"{d.says} (since version {topic.schema_id})", d.remedy or freeze)
            for d in differences(kept[topic.schema_id], today)
        ]
    for schema_id in topic.older:
        found += [
            SchemaFault(topic.name, d.path, f"{d.says} (since version {schema_id})", d.remedy)
            for d in check(kept.get(schema_id, today), today)
        ]
    return found


def _table_faults(topic: Topic, kept: Versions) -> Iterator[SchemaFault]:
    for schema_id in topic.schema_ids:
        if schema_id not in kept:
            yield SchemaFault(
                topic.name, f"version {schema_id}", "is in the topic table and not in the history",
                f"put it back as schemas/history/{topic.name}/{schema_id}.avsc: records of it are read by it",
            )  # fmt: skip
    for schema_id in kept:
        if schema_id not in topic.schema_ids:
            yield SchemaFault(
                topic.name, f"version {schema_id}", "is in the history and not in the topic table",
                "name it in schemas/topics.py: its records are in logs",
            )  # fmt: skip
    if list(topic.schema_ids) != sorted(set(topic.schema_ids)):
        yield SchemaFault(
            topic.name, "topic", f"schema ids {topic.schema_ids} do not rise", "list them as they were given"
        )


def changes(topic: str, registry: SchemaRegistry | None) -> list[Change]:
    """Return how today's schema differs from the newest version kept, or from the newest that a registry has."""
    if registry is None:
        newest = {TOPICS[topic].schema_id: history(topic).get(TOPICS[topic].schema_id)}
    else:
        newest = {one.schema_id: one.schema for one in registry.versions(TOPICS[topic].subject)[-1:]}
    return [
        Change(topic, schema_id, d.path, d.says, d.remedy)
        for schema_id, schema in newest.items()
        for d in (differences(schema, source(topic)) if schema is not None else ())
    ]


def registry_faults(registry: SchemaRegistry) -> list[SchemaFault]:
    """Return in what a registry would mislead those who read our topics by it."""
    found: list[SchemaFault] = []
    for topic in TOPICS.values():
        held = registry.versions(topic.subject)
        found += _version_faults(topic, held)
        level = registry.compatibility(topic.subject)
        if held and level != LEVEL:
            found.append(
                SchemaFault(
                    topic.name, topic.subject, f"its compatibility is {level}, not {LEVEL}", _REGISTER
                )
            )
        if held and registry.mode(topic.subject) == "IMPORT":
            found.append(SchemaFault(topic.name, topic.subject, "it was left in mode IMPORT", _REGISTER))
    return found


_REGISTER = "run titan schemas register"


def _version_faults(topic: Topic, held: list[Registered]) -> Iterator[SchemaFault]:
    by_id = {one.schema_id: one.schema for one in held}
    for schema_id, schema in history(topic.name).items():
        path = f"{topic.subject}, id {schema_id}"
        if schema_id not in by_id:
            yield SchemaFault(topic.name, path, "is not in the registry", _REGISTER)
            continue
        for d in differences(schema, by_id[schema_id]):
            yield SchemaFault(
                topic.name, f"{path}, {d.path}", f"in the registry it {d.says}",
                "use a registry of our own, or a context of it: records carry this id",
            )  # fmt: skip
    for one in held:
        if one.schema_id not in topic.schema_ids:
            yield SchemaFault(
                topic.name, f"{topic.subject}, version {one.version}, id {one.schema_id}",
                "is in the registry, and this Titan does not know it",
                "upgrade Titan, or delete it there: no record carries this id",
            )  # fmt: skip


def register(registry: SchemaRegistry, dry_run: bool) -> list[Registration]:
    """Tell a registry of every version under the id that records carry, in the order of ids; what is there stays.

    Raises:
        RegistryRefused: an id is taken, or the registry does not let ids be chosen and its next one is another.
    """
    planned = _planned(registry)
    if dry_run:
        return planned
    for one in planned:
        if one.state == "new":
            _register(registry, one)
    for topic in TOPICS.values():
        if registry.mode(topic.subject) == "IMPORT":
            registry.set_mode(topic.subject, "READWRITE")
        if registry.compatibility(topic.subject) != LEVEL:
            registry.set_compatibility(topic.subject, LEVEL)
    return planned


def _planned(registry: SchemaRegistry) -> list[Registration]:
    """Return every version by id, and whether it is there; nothing is written yet."""
    found: list[Registration] = []
    for topic in TOPICS.values():
        held = {one.schema_id for one in registry.versions(topic.subject)}
        for number, (schema_id, schema) in enumerate(history(topic.name).items(), 1):
            there = registry.by_id(schema_id)
            if there is not None and differences(schema, there):
                raise RegistryRefused(
                    f"{registry.url}: id {schema_id}, which records of {topic.name} carry, is another schema's there: "
                    "use a registry of our own, or a context of it (--registry URL/contexts/.titan)", 0,
                )  # fmt: skip
            state = "there" if schema_id in held else "new"
            found.append(Registration(topic.name, topic.subject, schema_id, number, state))
    return sorted(found, key=lambda one: one.schema_id)


def _register(registry: SchemaRegistry, one: Registration) -> None:
    """Register a version under its id: in mode IMPORT, where the registry has it; else the next id must be ours."""
    before = registry.mode(one.subject)
    if before == "READONLY":
        raise RegistryRefused(
            f"{registry.url}: {one.subject} is READONLY; set its mode to READWRITE first", 0
        )
    held = {other.version for other in registry.versions(one.subject)}
    imports = registry.set_mode(one.subject, "IMPORT")
    try:
        given = registry.register(one.subject, version(one.topic, one.schema_id), one.schema_id, one.version)
    finally:
        if imports:
            registry.set_mode(one.subject, "READWRITE")
    if given != one.schema_id:
        for other in registry.versions(one.subject):
            if other.schema_id == given and other.version not in held:
                registry.forget(one.subject, other.version)
        raise RegistryRefused(
            f"{registry.url}: it gave id {given} to {one.subject}, whose records carry {one.schema_id}: ids cannot be "
            "chosen there. Register into an empty one, whose ids come in order, or use one with mode IMPORT "
            "(Confluent, Redpanda from 25.3 on)", 0,
        )  # fmt: skip
