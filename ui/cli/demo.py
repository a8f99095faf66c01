"""`titan demo`: see the whole system run on real market data."""

import shlex
import shutil
import sys
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from ui.amounts import money
from ui.cli.ingest import speed_text
from ui.cli.options import ConfigOption, JsonOption, LogOption, SetOption, configured
from ui.cli.output import emit_json, note, pairs, table, write
from ui.cli.report import known

if TYPE_CHECKING:
    from flows.config import Settings
    from flows.demo import DemoSummary

EXAMPLES = (
    "Examples:\n\ntitan demo\n\ntitan demo --speed 3600\n\ntitan demo --json --dir /tmp/demo\n\n"
    "titan demo --set strategies.rsi_reversion.params.low=25 --dir data/demo-rsi"
)


def demo(
    folder: Annotated[
        str, typer.Option("--dir", metavar="DIR", help="Where log, recovery store and report are written.")
    ] = "data/demo",
    log: LogOption = None,
    speed: Annotated[
        str | None,
        typer.Option(
            "--speed",
            metavar="N|max",
            help="Event time per wall time: 3600 is an hour a second. Default: gateway.speed.",
        ),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Forget an earlier demo in DIR instead of going on with it.")
    ] = False,
    sets: SetOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Replay real market data through both legs, live, and report: no keys, no server, under a minute.

    A demo that was stopped goes on where it stood when it is run again with the same DIR.
    """
    where = Path(folder)
    if fresh:
        _forget(where)
    where.mkdir(parents=True, exist_ok=True)
    summary = _run(_settings(where, log, speed, config, sets), where, sets or [])
    if as_json:
        emit_json(summary)
    else:
        _print(summary)
    if summary.stopped:
        raise KeyboardInterrupt
    if not as_json:
        _what_next(summary)


def _run(settings: "Settings", folder: Path, sets: list[str]) -> "DemoSummary":
    """Run the demo under a status line, and write its report if it was not stopped."""
    from flows.demo import run_demo
    from ui.cli.kernels import compile_first
    from ui.cli.progress import StatusLine

    compile_first()
    with StatusLine() as status:
        summary = run_demo(settings, folder, status)
    if not summary.stopped:
        summary.report_path = _report(settings, folder, sets)
    return summary


def _settings(
    folder: Path, log: str | None, speed: str | None, config: str | None, sets: list[str] | None
) -> "Settings":
    """Return the settings, with the log and the recovery store in the demo's folder."""
    settings, _ = configured(
        config,
        sets,
        log=("log.url", log or f"sqlite:///{folder.resolve() / 'titan.db'}"),
        recovery=("run.recovery_dir", str(folder.resolve() / "recovery" / "titan")),
        speed=("gateway.speed", speed_text(speed)),
    )
    return settings


def _forget(folder: Path) -> None:
    """Delete what an earlier demo left in the folder, and nothing else; a log elsewhere is left alone."""
    shutil.rmtree(folder / "recovery", ignore_errors=True)
    for path in (*folder.glob("titan.db*"), folder / "report.html"):
        path.unlink(missing_ok=True)


def _report(settings: "Settings", folder: Path, sets: list[str]) -> str:
    """Write the report of the demo, and return where it is."""
    from flows.connectors.log import open_log
    from ui.report import write_report

    path = folder / "report.html"
    again = shlex.join(
        ["titan", "demo", "--dir", f"{folder}-again", *(part for one in sets for part in ("--set", one))]
    )
    commands = ("# the same run again, into another folder", again)
    with open_log(settings.log.url, settings.log) as log:
        whose = settings.account.id
        write_report(log, whose, path, "Titan demo", known(settings, log, whose, commands))
    return str(path)


def _ticks(done: "DemoSummary") -> str:
    if not done.ticks_per_s:
        if done.stopped:
            return f"{done.ticks:,}, all of them there before: stopped again before the next; run it again to go on"
        return f"{done.ticks:,}, all of them there before: --fresh starts anew"
    return f"{done.ticks:,} in {done.seconds:.1f} s ({done.ticks_per_s:,.0f} a second)"


def _print(done: "DemoSummary") -> None:
    """Print what happened, and profit by strategy."""
    rows: list[tuple[str, str]] = [
        ("ticks", _ticks(done)),
        *((name, f"{getattr(done, name):,}") for name in ("bars", "marks", "signals", "orders", "fills")),
    ]
    rows += [
        (name.replace("_", " "), f"{count:,}")
        for name in ("alerts", "dead_letters")
        if (count := getattr(done, name))
    ]
    if done.latency_p50_ms is not None and done.latency_p99_ms is not None:
        rows.append(
            (
                "latency",
                f"p50 {done.latency_p50_ms:.1f} ms, p99 {done.latency_p99_ms:.1f} ms, tick in to order out",
            )
        )
    if done.equity_nanos is not None:
        rows.append(("equity", f"{money(done.equity_nanos)} after fees of {money(done.fees_nanos or 0)}"))
    rows.append(("log", done.log))
    if done.report_path:
        rows.append(("report", done.report_path))
    pairs(rows)
    if done.strategies:
        write("")
        names = ("pnl", "realized", "unrealized", "fees")
        table(
            ["strategy", *names],
            [
                [strategy, *(money(row[f"{n}_nanos"]) for n in names)]
                for strategy, row in done.strategies.items()
            ],
        )


def _what_next(done: "DemoSummary") -> None:
    titan, log = "titan" if shutil.which("titan") else quote(sys.argv[0]), quote(done.log)
    if done.report_path:
        note(f"\nOpen {done.report_path} in a browser. What to try next:")
    else:
        note("\nWhat to try next:")
    for line in (
        f"{titan} status --log {log}",
        f"{titan} explain --last --log {log}",
        f"{titan} replay --verify {log}",
        f"{titan} backtest --input infra/demo/us5_daily.csv.gz --strategy sma_crossover --out data/sma",
        f"{titan} demo --set strategies.sma_crossover.params.fast=10 --dir data/demo-fast",
        f"{titan} config show strategies",
    ):
        note(f"  {line}")
