"""`titan run`: run the legs over the log."""

from typing import Annotated, Literal

import typer

from ui.cli.exits import UsageError
from ui.cli.options import ConfigOption, JsonOption, LogOption, SetOption, configured
from ui.cli.output import emit_json, note
from ui.cli.summary import print_summary

EXAMPLES = (
    "Examples:\n\ntitan run --to-end\n\ntitan run --log kafka://localhost:9092 --leg symbol\n\n"
    "titan run --leg symbol --share 1/3\n\ntitan run --to-end --set strategies.sma_crossover.params.fast=10"
)


def run(
    log: LogOption = None,
    to_end: Annotated[bool, typer.Option("--to-end", help="Stop at the end of what the log holds.")] = False,
    leg: Annotated[
        Literal["symbol", "account", "all"], typer.Option("--leg", help="Which legs to run here.")
    ] = "all",
    share: Annotated[
        str | None,
        typer.Option("--share", help="K/N: with --leg symbol, one of N processes that share its partitions."),
    ] = None,
    sets: SetOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run the legs: market data to signals, signals to orders, fills and ledgers. Ctrl-C stops and saves.

    A run with --to-end that is stopped before the end leaves with 130; the next run goes on from there.

    Which strategies run, with which parameters, is configuration: titan config show strategies.
    """
    if share and leg != "symbol":
        raise UsageError("--share goes with --leg symbol: an account has one owner, run by --leg account")
    settings, _ = configured(config, sets, log=("log.url", log), share=("run.share", share))
    from flows.run import run as run_legs
    from ui.cli.kernels import compile_first

    compile_first()
    legs = ("symbol", "account") if leg == "all" else (leg,)
    if not to_end:
        note("running; Ctrl-C stops and saves")
    summary = run_legs(settings, to_end, legs)
    if as_json:
        emit_json(summary)
    else:
        print_summary(summary)
    if to_end and summary.stopped:
        raise KeyboardInterrupt
