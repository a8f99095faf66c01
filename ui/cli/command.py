"""`titan command`: tell the account leg to pause, resume, reduce or halt."""

import getpass
import time
import uuid
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.cli.options import ConfigOption, JsonOption, LogOption, open_configured
from ui.cli.output import emit_json, warn, write

if TYPE_CHECKING:
    from flows.connectors.log import Log
    from schemas.account import Command

app = typer.Typer(help="Commands to the account leg; they act within one poll of it.", no_args_is_help=True)

ReasonOption = Annotated[str, typer.Option("--reason", help="Why; it is kept with the command.")]
AccountOption = Annotated[
    str | None,
    typer.Option("--account", metavar="A", help="Account. Default: account.id of the configuration."),
]
WaitOption = Annotated[
    float,
    typer.Option(
        "--wait", min=0, metavar="S", help="Seconds to wait for the account leg to take the command."
    ),
]


@app.callback()
def _group() -> None:
    """Commands to the account leg; they act within one poll of it."""


@app.command("pause", epilog="Example:\n\ntitan command pause --reason 'news at 14:30'")
def pause(
    reason: ReasonOption,
    account: AccountOption = None,
    log: LogOption = None,
    wait: WaitOption = 2.0,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Open nothing new; orders that reduce still go out. Ends with resume."""
    _give("PAUSE", reason, account, log, wait, config, as_json)


@app.command("resume", epilog="Example:\n\ntitan command resume --reason 'feed is back'")
def resume(
    reason: ReasonOption,
    account: AccountOption = None,
    log: LogOption = None,
    wait: WaitOption = 2.0,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Trade again after pause, reduce-only or halt."""
    _give("RESUME", reason, account, log, wait, config, as_json)


@app.command("halt", epilog="Example:\n\ntitan command halt --reason 'prices look wrong'")
def halt(
    reason: ReasonOption,
    account: AccountOption = None,
    log: LogOption = None,
    wait: WaitOption = 2.0,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send no order at all, and cancel what is working. Ends with resume."""
    _give("HALT", reason, account, log, wait, config, as_json)


@app.command("reduce-only", epilog="Example:\n\ntitan command reduce-only --reason 'end of day'")
def reduce_only(
    reason: ReasonOption,
    account: AccountOption = None,
    log: LogOption = None,
    wait: WaitOption = 2.0,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Allow only orders that make positions smaller. Ends with resume."""
    _give("REDUCE_ONLY", reason, account, log, wait, config, as_json)


def _give(
    command: "Command",
    reason: str,
    account: str | None,
    log: str | None,
    wait: float,
    config: str | None,
    as_json: bool,
) -> None:
    """Append the command, wait until the account leg has read it, and print both."""
    from schemas.account import RiskCommand

    settings, opened = open_configured(config, log)
    with opened:
        now_ns = time.time_ns()
        given = RiskCommand(
            id=f"command:{uuid.uuid4().hex}",
            account=account or settings.account.id,
            command=command,
            ts_event_ns=now_ns,
            issued_by=_who(),
            reason=reason,
        )
        done = send(opened, given, wait)
    if as_json:
        emit_json(done)
    else:
        taken = "taken by the account leg" if done["taken"] else "not taken yet"
        place = f"{done['partition']}@{done['offset']}"
        write(f"{command} for account {given.account}: {given.id} at {place}, {taken}")
    if not done["taken"] and wait > 0:
        warn(
            f"no account leg took the command within {wait:g} s: none seems to run on this log for account "
            f"{given.account}. The command stays in the log and acts when one starts (titan run)"
        )


def send(log: "Log", given: Any, wait_s: float) -> dict[str, Any]:
    """Append a RiskCommand; return its fields, its position, and whether the leg took it within `wait_s`."""
    import msgspec

    from schemas.codec import encode, topic_of

    topic, key = topic_of(given), given.account.encode()
    journal = {
        ("account_journal", partition): end for partition, (_, end) in enumerate(log.spans("account_journal"))
    }
    with log.writer() as writer:
        writer.append(topic, key, encode(given), given.ts_event_ns // 1_000_000)
        writer.flush()
        ((_, partition), end) = next((part, end) for part, end in writer.ends().items() if part[0] == topic)
    offset = end - 1
    taken = wait_s > 0 and _taken(log, journal, given.account, (topic, partition, offset), wait_s)
    return {
        "topic": topic,
        "partition": partition,
        "offset": offset,
        **msgspec.to_builtins(given),
        "taken": taken,
    }


def _taken(
    log: "Log",
    journal: dict[tuple[str, int], int],
    account: str,
    position: tuple[str, int, int],
    wait_s: float,
) -> bool:
    """Whether a journal entry of the account that has read past the command's position appears in time."""
    from schemas.codec import decode

    deadline = time.monotonic() + wait_s
    with log.reader(journal) as reader:
        while (left := deadline - time.monotonic()) > 0:
            for record in reader.poll(100, min(left, 0.2)):
                entry: Any = decode("account_journal", record.value or b"")
                read = {(at.topic, at.partition): at.next_offset for at in entry.positions}
                if entry.account == account and read.get(position[:2], 0) > position[2]:
                    return True
    return False


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
