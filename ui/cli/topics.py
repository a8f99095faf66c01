"""`titan topics`: which topics does a log have, and what is in them?"""

from typing import Annotated

import typer

from ui.cli import lag
from ui.cli.options import ConfigOption, JsonOption, LogOption, open_configured
from ui.cli.output import emit_json, table

app = typer.Typer(
    help="Topics of a log: list, create, read, how far the legs are behind.", no_args_is_help=True
)

TAIL_EXAMPLES = (
    "Examples:\n\ntitan topics tail trade_signals --from latest\n\n"
    "titan topics tail bars --from earliest --to-end --json --key ES --limit 10\n\n"
    "titan topics tail marks --from 2013-09-02T14:30:00Z --to-end"
)


@app.callback()
def _group() -> None:
    """Topics of a log: list, create, read, how far the legs are behind."""


@app.command(
    "list", epilog="Examples:\n\ntitan topics list\n\ntitan topics list --json --log sqlite:///data/titan.db"
)
def list_topics(log: LogOption = None, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Print every topic of the table with its key, schema id, partitions, and offsets in the log."""
    from schemas.topics import TOPICS

    _, opened = open_configured(config, log)
    with opened:
        present = opened.topics()
        rows = []
        for topic in TOPICS.values():
            spans = opened.spans(topic.name) if topic.name in present else []
            rows.append(
                {
                    "topic": topic.name,
                    "schema_id": topic.schema_id,
                    "key": topic.key,
                    "partitions": present.get(topic.name, topic.partitions),
                    "compacted": topic.compacted,
                    "in_log": topic.name in present,
                    "records": sum(end - first for first, end in spans),
                    "spans": [{"first": first, "end": end} for first, end in spans],
                    "written_by": topic.written_by,
                    "read_by": topic.read_by,
                }
            )
    if as_json:
        emit_json(rows)
        return
    names = ["topic", "schema_id", "key", "partitions", "compacted", "in_log", "records"]
    table(names, [[row[name] for name in names] for row in rows])


@app.command(
    "apply",
    epilog="Examples:\n\ntitan topics apply\n\ntitan topics apply --log kafka://localhost:9092 --dry-run",
)
def apply(
    log: LogOption = None,
    config: ConfigOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be created, and create nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Create the topics of the table that the log lacks; what is there is left as it is."""
    from flows.connectors.log import TopicSpec
    from schemas.topics import TOPICS

    specs = [TopicSpec(topic.name, topic.partitions, topic.compacted) for topic in TOPICS.values()]
    if dry_run:
        _, opened = open_configured(config, log)
        with opened:
            present = opened.topics()
        created = [spec.name for spec in specs if spec.name not in present]
    else:
        _, opened = open_configured(config, log, create=True)
        with opened:
            created = opened.apply(specs)
    if as_json:
        emit_json(
            {
                "created": created,
                "present": [s.name for s in specs if s.name not in created],
                "dry_run": dry_run,
            }
        )
        return
    table(["topic", "state"], [(s.name, _state(s.name in created, dry_run)) for s in specs])


def _state(new: bool, dry_run: bool) -> str:
    if not new:
        return "was there"
    return "would be created" if dry_run else "created"


@app.command("tail", epilog=TAIL_EXAMPLES)
def tail(
    topic: Annotated[
        str, typer.Argument(help="Topic, such as bars or trade_signals; see titan topics list.")
    ],
    log: LogOption = None,
    start: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="WHERE",
            help="earliest, latest, an offset (of every partition), or an ISO time.",
        ),
    ] = "latest",
    to_end: Annotated[
        bool, typer.Option("--to-end", help="Stop at the present end instead of waiting for more.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, metavar="N", help="Stop after N events.")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option("--key", metavar="K", help="Only records of this key (a symbol, an account)."),
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the events of a topic, one line each; a block of rows gives one event per row.

    With --json each line is an object: topic, partition, offset, ordinal, key, id, then the schema's fields.
    A record that cannot be decoded is named on stderr, the others follow, and the exit code is 5.
    """
    from ui.cli.exits import CheckFailed
    from ui.cli.tail import Tail, known_topic, print_events

    known_topic(topic)
    _, opened = open_configured(config, log)
    with opened:
        wanted = Tail(topic=topic, start=start, to_end=to_end, limit=limit, key=key)
        broken = print_events(opened, wanted, as_json)
    if broken:
        raise CheckFailed(f"not every record of {topic} could be decoded: {broken} could not, as named above")


app.command("lag", epilog=lag.EXAMPLES)(lag.lag)
