"""`titan replay`: does today's code say what a recorded run said, and what would other settings have changed?"""

import os
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from ui.cli.exits import CheckFailed, UsageError
from ui.cli.grouped import grouped
from ui.cli.kept import new_run
from ui.cli.kernels import compile_first
from ui.cli.options import ConfigOption, JsonOption, open_configured
from ui.cli.output import emit_json, note
from ui.cli.progress import Bar, StatusLine
from ui.cli.times import time_ns

if TYPE_CHECKING:
    from flows.connectors.log import Log
    from flows.replay_settings import ReplaySettings
    from flows.verify import Verdict
    from flows.what_if import Stretch, WhatIf

EXAMPLES = (
    "Examples:\n\ntitan replay --verify data/demo\n\ntitan replay --verify kafka://localhost:9092 --json\n\n"
    "titan replay --what-if data/demo --set fast=10\n\n"
    "titan replay --what-if data/demo --set venue.taker_bps=2 --from 2013-09-03 --to 2013-09-03T16:00:00Z"
)


RunArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN",
        help="A log URL, or the folder of a run. Default: the configured log.",
        show_default=False,
    ),
]
VerifyOption = Annotated[
    bool, typer.Option("--verify", help="Say everything again and compare it with what is recorded.")
]
WhatIfOption = Annotated[
    bool,
    typer.Option("--what-if", help="Simulate the run as it was and with --set, and show both side by side."),
]
KeepOption = Annotated[
    Path | None,
    typer.Option(
        "--keep", metavar="DIR", help="Keep what is said anew, or would have been, as a log in DIR."
    ),
]
AccountOption = Annotated[
    str | None, typer.Option("--account", metavar="ID", help="Which account, where the log holds several.")
]
OtherwiseOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Set a key, or a bare parameter of a strategy, otherwise than it was in the run; may be repeated.",
    ),
]


class What(NamedTuple):
    """What is done with the run, and of which event times a what-if tells."""

    verify: VerifyOption = False
    what_if: WhatIfOption = False
    since: Annotated[
        str | None,
        typer.Option("--from", metavar="TIME", help="--what-if: tell only of what is not before this time."),
    ] = None
    until: Annotated[
        str | None,
        typer.Option("--to", metavar="TIME", help="--what-if: tell only of what is not after this time."),
    ] = None


@grouped
def replay(
    run: RunArgument = None,
    *,
    what: What,
    keep: KeepOption = None,
    account: AccountOption = None,
    sets: OtherwiseOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Repeat a recorded run through today's code: the same inputs, in the same cuts, nothing written to its log.

    --verify compares bars, features, regimes, marks, signals, decisions, orders, reports, ledgers, alerts and dead
    letters, event by event; a difference is shown with both records and its cause, and leaves with exit code 5.

    --what-if shows what other settings would have changed: signals, orders, fills, profit and drawdown; --from and --to
    (event times, ISO 8601) tell of a stretch of the run only, which is simulated from the beginning all the same.
    """
    from flows.replay_settings import replay_settings

    if what.verify == what.what_if:
        raise UsageError(
            "say what to do with the run: titan replay --verify RUN, or --what-if RUN --set KEY=VALUE"
        )
    if what.what_if and not sets:
        raise UsageError("--what-if: say what should have been otherwise, such as --set venue.taker_bps=2")
    if what.verify and (what.since or what.until):
        raise UsageError("--from and --to are for --what-if; a run is verified as a whole")
    stretch = _stretch(what) if what.what_if else None
    _, log = open_configured(config, run)
    with log:
        settings = replay_settings(log, config, os.environ, sets or [], account)
        if stretch is None:
            _verify(log, settings, keep, as_json)
        else:
            _what_if(log, settings, stretch, keep, as_json)


def _stretch(what: What) -> "Stretch":
    from flows.what_if import WHOLE, Stretch

    from_ns = WHOLE.from_ns if what.since is None else _named("--from", what.since)
    to_ns = WHOLE.to_ns if what.until is None else _named("--to", what.until)
    if from_ns > to_ns:
        raise UsageError(f"--from {what.since} --to {what.until}: the end is before the beginning")
    return Stretch(from_ns, to_ns)


def _named(option: str, text: str) -> int:
    found = time_ns(text)
    if found is None:
        raise UsageError(f"{option} {text}: write a time such as 2013-09-02T14:30:00Z")
    return found


def _what_if(
    log: "Log", settings: "ReplaySettings", stretch: "Stretch", keep: Path | None, as_json: bool
) -> None:
    from flows import stop
    from flows.what_if import what_if
    from ui.cli.what_if_text import print_what_if

    compile_first()
    stop.install()
    kept = _kept(log, settings, keep) if keep is not None else None
    try:
        with Bar("what if", "bars") as bar:
            found: WhatIf = what_if(log, settings, kept, bar, stretch)
    finally:
        if kept is not None:
            kept.close()
    if as_json:
        emit_json(found)
    else:
        print_what_if(found)
        if keep is not None:
            run = quote(str(keep))
            note(f"next: titan report compare {quote(found.log)} {run}   titan explain --last --log {run}")
    if found.stopped:
        raise KeyboardInterrupt


def _verify(log: "Log", settings: "ReplaySettings", keep: Path | None, as_json: bool) -> None:
    from flows import stop
    from flows.verify import verify
    from ui.cli.replay_text import print_verdict, sentence

    compile_first()
    stop.install()
    kept = _kept(log, settings, keep) if keep is not None else None
    try:
        with StatusLine() as status:
            verdict: Verdict = verify(
                log, settings, kept, lambda count: status({"records said again": count})
            )
    finally:
        if kept is not None:
            kept.close()
    if not verdict.records:
        raise UsageError(
            f"{verdict.log} records nothing of account {verdict.account} that could be verified: it holds "
            f"{verdict.market_data:,} records of market data; run it first: titan run --to-end --log {verdict.log}"
        )
    if as_json:
        emit_json(verdict)
    else:
        print_verdict(verdict)
    if verdict.stopped:
        raise KeyboardInterrupt
    if not verdict.equal:
        raise CheckFailed(sentence(verdict))


def _kept(log: "Log", settings: "ReplaySettings", folder: Path) -> "Log":
    """Return a new log for what is said anew."""
    from flows.run_settings import note_settings

    kept = new_run(settings.asked, folder, "--keep", log.url)
    note_settings(kept, settings.asked)
    return kept
