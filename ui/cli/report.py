"""`titan report`: a run as one HTML file, or its numbers."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ui.cli.options import ConfigOption, JsonOption, LogOption, open_configured
from ui.cli.output import emit_json, write

if TYPE_CHECKING:
    from flows.config import Settings
    from ui.report import Known

EXAMPLES = (
    "Examples:\n\ntitan report\n\ntitan report --log sqlite:///data/demo/titan.db --out demo.html\n\n"
    "titan report --json"
)


def report(
    out: Annotated[
        str, typer.Option("--out", metavar="FILE", help="Where the HTML file is written.")
    ] = "report.html",
    account: Annotated[
        str | None, typer.Option("--account", metavar="A", help="Default: account.id of the configuration.")
    ] = None,
    title: Annotated[str, typer.Option("--title", help="Title of the report.")] = "Titan report",
    log: LogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write what a log tells of an account's run as one HTML file; with --json print its numbers instead."""
    settings, opened = open_configured(config, log)
    from ui.report import numbers, read_report, write_report

    whose = account or settings.account.id
    with opened:
        if as_json:
            emit_json(numbers(read_report(opened, whose, title, known(settings))))
        else:
            write_report(opened, whose, Path(out), title, known(settings))
            write(str(Path(out)))


def known(settings: "Settings") -> "Known":
    """Return what the log itself does not say."""
    from ui.report import Known

    return Known(written_ns=time.time_ns(), currency=settings.account.currency)
