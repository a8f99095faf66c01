"""`titan demo`: see the whole system run on real market data."""

from typing import Annotated

import typer

from ui.cli.ingest import speed_text
from ui.cli.options import ConfigOption, JsonOption, LogOption, SetOption, configured
from ui.cli.output import emit_json, note, write
from ui.cli.summary import print_summary

EXAMPLES = (
    "Examples:\n\ntitan demo\n\ntitan demo --speed 600\n\ntitan demo --json --dir /tmp/demo\n\n"
    "titan demo --set strategies.rsi_reversion.params.low=25"
)


def demo(
    folder: Annotated[
        str, typer.Option("--dir", metavar="DIR", help="Where log, recovery store and report are written.")
    ] = "data/demo",
    log: LogOption = None,
    speed: Annotated[
        str | None,
        typer.Option("--speed", metavar="N|max", help="Event time per wall time; max is full speed."),
    ] = None,
    sets: SetOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Replay real market data through both legs, live, and report: no keys, no server, under a minute."""
    from pathlib import Path

    from ui.cli.progress import StatusLine

    Path(folder).mkdir(parents=True, exist_ok=True)
    url = log or f"sqlite:///{Path(folder).resolve() / 'titan.db'}"
    settings, _ = configured(config, sets, log=("log.url", url), speed=("gateway.speed", speed_text(speed)))
    from flows.demo import run_demo

    with StatusLine() as status:
        summary = run_demo(settings, Path(folder), status)
    if as_json:
        emit_json(summary)
        return
    print_summary(summary)
    write("")
    _what_next(url, summary.report_path)


def _what_next(url: str, report: str) -> None:
    note("What to try next:")
    for line in (
        f"open {report}",
        f"titan status --log {url}",
        f"titan topics tail trade_signals --from earliest --to-end --log {url}",
        "titan demo --set strategies.sma_crossover.params.fast=10 --dir data/demo-fast",
        "titan config show strategies",
    ):
        note(f"  {line}")
