"""`titan schemas`: can every record be read, and does a registry know how?"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.cli.options import configured
from ui.cli.output import emit_json, note, table, write

if TYPE_CHECKING:
    from flows.connectors.schema_registry import SchemaRegistry

app = typer.Typer(help="Avro schemas of the topics, over time and in a registry.", no_args_is_help=True)

RegistryOption = Annotated[
    str | None,
    typer.Option(
        "--registry", metavar="URL", help="Schema registry that speaks Confluent's API: Redpanda's, Apicurio."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, and nothing else there.")]


@app.callback()
def _group() -> None:
    """Avro schemas of the topics, over time and in a registry."""


@app.command(
    "check",
    epilog="Examples:\n\ntitan schemas check\n\ntitan schemas check --registry http://localhost:18081 --json",
)
def check(registry: RegistryOption = None, as_json: JsonOption = False) -> None:
    """Say whether today's schemas read every record ever written, and whether a registry says the same.

    Without --registry nothing is asked of anybody. A fault names topic and field; the exit code is then 5.
    """
    from flows.schema_life import history, offline_faults, registry_faults
    from schemas.topics import TOPICS
    from ui.cli.exits import CheckFailed

    faults = offline_faults()
    if registry is not None:
        faults += registry_faults(_registry(registry))
    versions = sum(len(history(topic)) for topic in TOPICS)
    if as_json:
        said = [{"topic": f.topic, "path": f.path, "says": f.says, "remedy": f.remedy} for f in faults]
        emit_json(
            {
                "ok": not faults,
                "topics": len(TOPICS),
                "versions": versions,
                "registry": registry,
                "faults": said,
            }
        )
    else:
        for fault in faults:
            write(str(fault))
        if not faults:
            where = f", and {registry} has them under their ids" if registry else ""
            write(f"{len(TOPICS)} topics, {versions} versions: today's schemas read every one{where}")
    if faults:
        raise CheckFailed(f"schemas: {len(faults)} faults, as named above")


@app.command(
    "register",
    epilog="Examples:\n\ntitan schemas register --registry http://localhost:18081 --dry-run",
)
def register(
    registry: Annotated[
        str | None,
        typer.Option(
            "--registry",
            metavar="URL",
            help="Schema registry that speaks Confluent's API. Default: registry.url, as configured.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be registered, and write nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Tell a registry of every version of every schema, under the ids that records carry; safe to repeat.

    Sets compatibility BACKWARD_TRANSITIVE on each subject. Standard Avro tools then read the topics.
    """
    import msgspec

    from flows.schema_life import offline_faults
    from flows.schema_life import register as tell
    from ui.cli.exits import CheckFailed

    if faults := offline_faults():
        raise CheckFailed(f"nothing was registered: {faults[0]}")
    asked = _registry(registry)
    done = tell(asked, dry_run)
    state = {"there": "was there", "new": "would be registered" if dry_run else "registered"}
    rows: list[dict[str, Any]] = [msgspec.to_builtins(one) | {"state": state[one.state]} for one in done]
    if as_json:
        emit_json({"registry": asked.url, "dry_run": dry_run, "versions": rows})
        return
    names = ["subject", "schema_id", "version", "state"]
    table(names, [[row[name] for name in names] for row in rows])


@app.command(
    "diff",
    epilog="Examples:\n\ntitan schemas diff\n\ntitan schemas diff bars --registry http://localhost:18081",
)
def diff(
    topic: Annotated[str | None, typer.Argument(help="Topic; default: all.")] = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Name every field in which a schema differs from its newest version, kept here or in a registry."""
    from flows.schema_life import changes
    from schemas.topics import TOPICS
    from ui.cli.tail import known_topic

    if topic is not None:
        known_topic(topic)
    opened = _registry(registry) if registry is not None else None
    found = [change for name in ([topic] if topic else TOPICS) for change in changes(name, opened)]
    if as_json:
        emit_json(
            [
                {"topic": c.topic, "schema_id": c.schema_id, "path": c.path, "says": c.says, "compatible": not c.remedy}
                for c in found
            ]
        )  # fmt: skip
        return
    for c in found:
        write(f"{c.topic} (id {c.schema_id}): {c.path}: {c.says}{f'; {c.remedy}' if c.remedy else ''}")
    if not found:
        note("no difference")


def _registry(url: str | None) -> "SchemaRegistry":
    """Return the registry of that URL, else the configured one, as `registry.*` says (user, password, authority)."""
    from flows.connectors.schema_registry import SchemaRegistry
    from ui.cli.exits import UsageError

    settings, _ = configured(registry=("registry.url", url))
    if not settings.registry.url:
        raise UsageError("schemas: name a registry with --registry URL, or configure registry.url")
    return SchemaRegistry(settings.registry)
