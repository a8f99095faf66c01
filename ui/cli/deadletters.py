"""`titan deadletters`: what could not be used, why, and how is it sent again?"""

import getpass
import time
from collections import Counter, deque
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from ui.cli.dead_letter import plain, whole
from ui.cli.grouped import grouped
from ui.cli.options import ConfigOption, JsonOption, LogOption, open_configured, open_to_read
from ui.cli.output import emit_json, moment, note, pairs, table, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from flows.connectors.log import Log
    from flows.dead_letters.letters import Letter, Wanted
    from flows.dead_letters.plan import Plan

app = typer.Typer(help="What could not be used: list, show, send again.", no_args_is_help=True)


class Chosen(NamedTuple):
    """Which letters are meant."""

    topic: Annotated[
        str | None, typer.Option("--topic", metavar="T", help="Only letters about this topic.")
    ] = None
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="R", help="Only this reason, such as bad_print.")
    ] = None
    symbol: Annotated[str | None, typer.Option("--symbol", metavar="S", help="Only this symbol.")] = None
    state: Annotated[str | None, typer.Option("--state", metavar="open|redriven", help="Only these.")] = None
    start: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Only events from this time on.")
    ] = None
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Only events before this time.")] = (
        None
    )


@app.callback()
def _group() -> None:
    """What could not be used: list, show, send again."""


def list_letters(
    chosen: Chosen,
    limit: Annotated[
        int, typer.Option("--limit", min=1, metavar="N", help="Print the newest N only; all are counted.")
    ] = 50,
    log: LogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what could not be used, and how often for which reason; each row of a block is a letter of its own."""
    from flows.dead_letters.letters import letters

    wanted = _wanted(chosen)
    counts: Counter[tuple[str, str, str]] = Counter()
    newest: deque[Letter] = deque(maxlen=limit)
    with open_to_read(config, log) as opened:
        for found in letters(opened, wanted):
            counts[found.letter.reason, found.letter.topic, found.state] += 1
            newest.append(found)
    by_reason = _by_reason(counts)
    if as_json:
        emit_json(
            {"count": counts.total(), "counts": by_reason, "letters": [plain(found) for found in newest]}
        )
        return
    if not counts:
        note("no dead letters")
        return
    table(["reason", "topic", "open", "redriven"], [list(row.values()) for row in by_reason])
    write("")
    rows = [
        (one.id, one.reason, one.symbol, moment(one.ts_event_ns) if one.ts_event_ns else "", found.state)
        for found in newest
        for one in (found.letter,)
    ]
    table(["id", "reason", "symbol", "event time", "state"], rows)


@app.command("show", epilog="Example:\n\ntitan deadletters show market_data:2:57:0 --json")
def show(
    letter_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the letter, as list prints it.")],
    log: LogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print all of a dead letter: reason, original, what it says, headers, neighbours, and what redrive would do."""
    from flows.dead_letters.letters import Wanted, letters
    from ui.cli.exits import UsageError

    with open_to_read(config, log) as opened:
        found = next(letters(opened, Wanted(ids=frozenset([letter_id]))), None)
        if found is None:
            raise UsageError(
                f"no dead letter {letter_id!r} in {opened.url}; titan deadletters list names them"
            )
        said = whole(opened, found)
    if as_json:
        emit_json(said)
        return
    pairs((name, value) for name, value in said.items() if name not in ("decoded", "around", "redrive"))
    for event in said["decoded"]:
        write(f"says  {event}")
    for near in said["around"]:
        write(f"near  {near['at']}  {near['says']}")
    would = said["redrive"]
    write(f"redrive: {would['would'] if not would['against'] else would['against']}")


def redrive(
    chosen: Chosen,
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Letters to send again.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would become of each, and write nothing.")
    ] = False,
    given: Annotated[
        str | None,
        typer.Option("--with", metavar="FILE", help="Send this instead of the one letter's original: bytes or JSON."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Send also what will be refused again.")] = False,
    log: LogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Send dead letters again, each once at most, as new records of their topics; safe to stop, kill and repeat.

    What would be refused again (late, seen before, the same fault) is named and not sent.
    """
    from flows.dead_letters.letters import letters
    from flows.dead_letters.plan import Promises, plan
    from flows.dead_letters.redrive import Sending, send
    from ui.cli.exits import UsageError

    if not ids and not any(chosen):
        raise UsageError(
            "which letters? Name ids, or choose by --topic, --reason, --symbol, --state, --from or --to"
        )
    wanted = _wanted(chosen, ids or [])
    with _opened(config, log, dry_run) as opened:
        found, corrected = letters(opened, wanted), None
        if ids or given is not None:
            only = list(found)
            _all_there(opened, ids or [], only)
            corrected, found = _corrected(only, given), iter(only)
        sending = Sending(_who(), time.time_ns(), force, corrected)
        if dry_run:
            promises = Promises(opened)
            plans = [plan(opened, letter, promises, corrected) for letter in found]
        else:
            plans = list(send(opened, found, sending))
    _tell(plans, sending.sends, dry_run, as_json)
    if ids and not dry_run:
        _check(plans, sending.sends)


_LIST = "Examples:\n\ntitan deadletters list\n\ntitan deadletters list --reason bad_print --symbol ES --json"
_REDRIVE = (
    "Examples:\n\ntitan deadletters redrive --topic execution_reports --dry-run\n\n"
    "titan deadletters redrive market_data:2:57:0 --with corrected.json"
)
app.command("list", epilog=_LIST)(grouped(list_letters))
app.command("redrive", epilog=_REDRIVE)(grouped(redrive))


def _tell(plans: "list[Plan]", sends: Any, dry_run: bool, as_json: bool) -> None:
    done = "would be sent" if dry_run else "sent"
    rows = [
        {
            "id": one.letter.letter.id,
            "reason": one.letter.letter.reason,
            "topic": one.topic,
            "partition": one.partition,
            "state": done if sends(one) else "left",
            "why": one.against,
        }
        for one in plans
    ]
    if as_json:
        emit_json({"dry_run": dry_run, "sent": sum(row["state"] == done for row in rows), "letters": rows})
        return
    for row in rows:
        where = f" to {row['topic']}/{row['partition']}" if row["state"] == done else ""
        why = f" ({row['why']})" if row["why"] else ""
        write(f"{row['id']}: {row['state']}{where}{why}")
    note(f"{sum(row['state'] == done for row in rows):,} of {len(rows):,} {done}")


def _check(plans: "list[Plan]", sends: "Callable[[Plan], bool]") -> None:
    """Raise CheckFailed where a letter was left that was not sent before either."""
    from ui.cli.exits import CheckFailed

    left = [one for one in plans if not sends(one) and one.letter.redrive is None]
    if left:
        first = left[0]
        raise CheckFailed(
            f"{len(left)} of {len(plans)} not sent, such as {first.letter.letter.id}: {first.against}"
        )


def _wanted(chosen: Chosen, ids: "list[str] | tuple[()]" = ()) -> "Wanted":
    from flows.config.keys import nearest
    from flows.dead_letters.letters import REASONS, Wanted
    from ui.cli.exits import UsageError
    from ui.cli.tail import known_topic

    if chosen.topic is not None:
        known_topic(chosen.topic)
    if chosen.reason not in (None, *REASONS):
        near = nearest(chosen.reason, REASONS)
        hint = f"did you mean {near}?" if near else f"there are {', '.join(REASONS)}"
        raise UsageError(f"no reason {chosen.reason!r}: {hint}")
    if chosen.state not in (None, "open", "redriven"):
        raise UsageError(f"--state is open or redriven, not {chosen.state!r}")
    return Wanted(
        ids=frozenset(ids),
        topic=chosen.topic or "",
        reason=chosen.reason or "",
        symbol=chosen.symbol or "",
        state=chosen.state or "",
        from_ns=_time("--from", chosen.start),
        to_ns=_time("--to", chosen.end),
    )


def _time(option: str, text: str | None) -> int:
    from ui.cli.exits import UsageError
    from ui.cli.times import time_ns

    found = time_ns(text) if text is not None else 0
    if found is None:
        raise UsageError(f"{option} {text}: write a time such as 2013-09-02T14:30:00Z")
    return found


def _opened(config: str | None, log: str | None, dry_run: bool) -> "Log":
    from flows.connectors.log import TopicSpec
    from schemas.topics import TOPICS

    if dry_run:
        return open_to_read(config, log)
    opened = open_configured(config, log)[1]
    opened.apply([TopicSpec("redrives", TOPICS["redrives"].partitions)])
    return opened


def _all_there(log: "Log", ids: list[str], found: "list[Letter]") -> None:
    from ui.cli.exits import UsageError

    missing = set(ids) - {one.letter.id for one in found}
    if missing:
        raise UsageError(
            f"no dead letter {sorted(missing)[0]!r} in {log.url}; titan deadletters list names them"
        )


def _corrected(found: "list[Letter]", path: str | None) -> bytes | None:
    """Return the record value that a file says for the one letter chosen; None where there is no file."""
    from pathlib import Path

    from flows.dead_letters.corrected import value_of
    from ui.cli.exits import UsageError

    if path is None:
        return None
    if len(found) != 1:
        raise UsageError(f"--with corrects one letter, and {len(found)} were chosen: name its id")
    return value_of(found[0].letter.topic, Path(path).read_bytes())


def _by_reason(counts: "Counter[tuple[str, str, str]]") -> list[dict[str, Any]]:
    return [
        {
            "reason": reason,
            "topic": topic,
            "open": counts[reason, topic, "open"],
            "redriven": counts[reason, topic, "redriven"],
        }
        for reason, topic in sorted({(reason, topic) for reason, topic, _ in counts})
    ]


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
