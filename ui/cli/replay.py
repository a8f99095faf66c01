"""`titan replay`: does today's code say what a recorded run said, and what would other settings have changed?"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ui.cli.exits import CheckFailed, UsageError
from ui.cli.kernels import note_compiling
from ui.cli.options import ConfigOption, JsonOption, open_configured
from ui.cli.output import emit_json
from ui.cli.progress import StatusLine

if TYPE_CHECKING:
    from flows.connectors.log import Log
    from flows.replay_settings import ReplaySettings
    from flows.verify import Verdict

EXAMPLES = (
    "Examples:\n\ntitan replay --verify data/demo\n\ntitan replay --verify kafka://localhost:9092 --json\n\n"
    "titan replay --verify data/demo --keep data/again"
)


def replay(
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            help="A log URL, or the folder of a run. Default: the configured log.",
            show_default=False,
        ),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Say everything again and compare it with what is recorded.")
    ] = False,
    keep: Annotated[
        Path | None,
        typer.Option("--keep", metavar="DIR", help="Keep what is said anew as a log in this folder."),
    ] = None,
    account: Annotated[
        str | None, typer.Option("--account", help="Which account, where the log holds several.")
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Repeat the run with a key set otherwise than it was; may be repeated.",
        ),
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Repeat a recorded run through today's code: the same inputs, in the same cuts, nothing written to its log.

    --verify compares bars, features, regimes, marks, signals, decisions, orders, reports, ledgers, alerts and dead
    letters, event by event; a difference is shown with both records and its cause, and leaves with exit code 5.
    """
    from flows.replay_settings import replay_settings

    if not verify:
        raise UsageError("say what to do with the run: titan replay --verify RUN")
    configured, log = open_configured(config, run)
    with log:
        settings = replay_settings(log, config, os.environ, sets or [], account)
        _verify(log, settings, keep, as_json)


def _verify(log: "Log", settings: "ReplaySettings", keep: Path | None, as_json: bool) -> None:
    from flows import stop
    from flows.verify import verify
    from ui.cli.replay_text import print_verdict, sentence

    note_compiling()
    stop.install()
    kept = _kept(settings, keep) if keep is not None else None
    try:
        with StatusLine() as status:
            verdict: Verdict = verify(
                log, settings, kept, lambda count: status({"records said again": count})
            )
    finally:
        if kept is not None:
            kept.close()
    if as_json:
        emit_json(verdict)
    else:
        print_verdict(verdict)
    if verdict.stopped:
        raise KeyboardInterrupt
    if not verdict.equal:
        raise CheckFailed(sentence(verdict))


def _kept(settings: "ReplaySettings", folder: Path) -> "Log":
    """Return a new log for what is said anew."""
    import msgspec

    from flows.run_settings import note_settings
    from flows.runtime import open_configured_log

    if (folder / "titan.db").exists():
        raise UsageError(f"--keep {folder}: a run is there already; name another folder")
    folder.mkdir(parents=True, exist_ok=True)
    section = msgspec.structs.replace(
        settings.asked.log, url=f"sqlite:///{folder / 'titan.db'}", synchronous="normal", create=True
    )
    log = open_configured_log(msgspec.structs.replace(settings.asked, log=section))
    note_settings(log, settings.asked)
    return log
