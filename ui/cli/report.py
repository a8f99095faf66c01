"""`titan report`: a run as one HTML file, or its numbers."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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


def known(settings: "Settings", commands: tuple[str, ...] = ()) -> "Known":
    """Return what the log itself does not say: the settings of its run, the time, and how to run it again.

    The settings are those beside the run's recovery store, which `titan run` keeps; without it, none are named.
    """
    from ui.report import Known

    ran = _ran_with(settings)
    if ran is None:
        return Known(written_ns=time.time_ns(), currency=settings.account.currency, commands=commands)
    digest, said = ran
    return Known(
        written_ns=time.time_ns(),
        currency=said["account"]["currency"],
        settings_digest=digest,
        simulated=said["venue"]["kind"] == "simulated",
        commands=commands,
    )


def _ran_with(settings: "Settings") -> "tuple[str, dict[str, Any]] | None":
    """Return the settings that the log's run left beside its state, and their digest; None where there are none."""
    import hashlib

    import msgspec

    from flows.config import recovery_dir

    for path in sorted(recovery_dir(settings).glob("*/settings.json")):
        raw = path.read_bytes()
        try:
            said: dict[str, Any] = msgspec.json.decode(raw)
            if {"currency"} <= said["account"].keys() and {"kind"} <= said["venue"].keys():
                return hashlib.sha256(raw).hexdigest()[:12], said
        except (msgspec.DecodeError, KeyError, AttributeError):
            continue
    return None
