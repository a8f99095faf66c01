"""The tree of commands. Every command's own imports happen when it runs, so that help is instant."""

from typing import Annotated

import typer

from ui.cli import (
    backtest,
    check,
    command,
    config,
    deadletters,
    demo,
    doctor,
    explain,
    ingest,
    replay,
    report,
    run,
    schemas,
    status,
    topics,
)

EPILOG = (
    "Exit codes: 0 done, 2 usage, 3 bad input, 4 log or server not reachable, 5 a check failed, "
    "130 interrupted. TITAN_DEBUG=1 shows the traceback of an error."
)

app = typer.Typer(
    name="titan",
    help="Titan: market data to fills over a durable topic log.",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            typer.echo(f"titan {version('titan')}")
        except PackageNotFoundError:
            typer.echo("titan (not installed; run from its source)")
        raise typer.Exit


@app.callback()
def _root(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Titan: market data to fills over a durable topic log."""


app.command("demo", epilog=demo.EXAMPLES)(demo.demo)
app.command("backtest", epilog=backtest.EXAMPLES)(backtest.backtest)
app.command("replay", epilog=replay.EXAMPLES)(replay.replay)
app.command("run", epilog=run.EXAMPLES)(run.run)
app.command("ingest", epilog=ingest.EXAMPLES)(ingest.ingest)
app.command("explain", epilog=explain.EXAMPLES)(explain.explain)
app.add_typer(report.app, name="report")
app.command("status", epilog=status.EXAMPLES)(status.status)
app.command("doctor", epilog=doctor.EXAMPLES)(doctor.doctor)
app.add_typer(config.app, name="config")
app.add_typer(topics.app, name="topics")
app.add_typer(schemas.app, name="schemas")
app.add_typer(deadletters.app, name="deadletters")
app.add_typer(command.app, name="command")
app.add_typer(check.app, name="check")
