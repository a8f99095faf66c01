"""`titan report`: a run as one HTML file, or its numbers; and two runs side by side."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ui.cli.comparison import print_comparison
from ui.cli.options import ConfigOption, JsonOption, LogOption, open_configured
from ui.cli.output import emit_json, write

if TYPE_CHECKING:
    from flows.config import Settings
    from flows.connectors.log import Log
    from ui.report import Known

EXAMPLES = (
    "Examples:\n\ntitan report\n\ntitan report --log data/demo --out demo.html\n\ntitan report --json\n\n"
    "titan report compare runs/fast runs/slow"
)

COMPARE_EXAMPLES = (
    "Examples:\n\ntitan report compare runs/fast runs/slow\n\n"
    "titan report compare runs/fast runs/slow --out fast-slow.html\n\ntitan report compare data/demo runs/again --json"
)

app = typer.Typer(
    help="A run as one HTML file, or its numbers.", invoke_without_command=True, epilog=EXAMPLES
)

AccountOption = Annotated[
    str | None, typer.Option("--account", metavar="A", help="Default: account.id of the configuration.")
]


@app.callback()
def report(
    context: typer.Context,
    out: Annotated[
        str, typer.Option("--out", metavar="FILE", help="Where the HTML file is written.")
    ] = "report.html",
    account: AccountOption = None,
    title: Annotated[str, typer.Option("--title", help="Title of the report.")] = "Titan report",
    log: LogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write what a log tells of an account's run as one HTML file; with --json print its numbers instead."""
    if context.invoked_subcommand is not None:
        return
    settings, opened = open_configured(config, log)
    from ui.report import numbers, read_report, write_report

    with opened:
        whose = account_of(settings, opened, account)
        said = known(settings, opened, whose)
        if as_json:
            emit_json(numbers(read_report(opened, whose, title, said)))
        else:
            write_report(opened, whose, Path(out), title, said)
            write(str(Path(out)))


def account_of(settings: "Settings", log: "Log", named: str | None) -> str:
    """Return whose run is meant: the account named, the configured one, or the only one that the log knows."""
    from flows.run_settings import recorded

    if named is not None:
        return named
    if recorded(log, settings.account.id) is not None:
        return settings.account.id
    only = recorded(log)
    return only.account if only is not None else settings.account.id


def known(settings: "Settings", log: "Log", account: str, commands: tuple[str, ...] = ()) -> "Known":
    """Return what a report says beside the account's records: the settings of its run, the time, how to run it again.

    The settings are those that the log was derived with; without them, none are named.
    """
    from flows.config import ConfigError, ns
    from flows.run_settings import recorded, recorded_settings
    from ui.report import Known

    ran = recorded(log, account)
    if ran is None:
        return Known(written_ns=time.time_ns(), currency=settings.account.currency, commands=commands)
    try:
        said = recorded_settings(log, settings, account) or settings
    except ConfigError:
        return Known(written_ns=time.time_ns(), settings_digest=ran.digest, commands=commands)
    return Known(
        written_ns=time.time_ns(),
        currency=said.account.currency,
        settings_digest=ran.digest,
        day_offset_ns=ns(said.account.day_offset),
        simulated=said.venue.kind == "simulated",
        commands=commands,
    )


@app.command("compare", epilog=COMPARE_EXAMPLES)
def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="A run: a log URL, or the folder of a run.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The run to compare with it.")],
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="FILE", help="Write one HTML file instead, with both curves."),
    ] = None,
    account: AccountOption = None,
    title: Annotated[str, typer.Option("--title", help="Title of the HTML file.")] = "Titan comparison",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put the figures of two runs side by side: metrics, strategies, symbols, counts, and settings that differ.

    Which records differ, one by one, is for titan replay.
    """
    from ui.report import numbers, read_comparison, write_comparison

    said = read_comparison(_named(a, config, account), _named(b, config, account))
    if out is not None:
        write_comparison(said, Path(out), title)
    if as_json:
        emit_json(numbers(said))
    elif out is not None:
        write(str(Path(out)))
    else:
        print_comparison(said)


def _named(run: str, config: str | None, account: str | None) -> "tuple[str, Log, str, Known]":
    settings, log = open_configured(config, run)
    whose = account_of(settings, log, account)
    return run, log, whose, known(settings, log, whose)
