"""`titan backtest`: both legs over recorded market data, as fast as the machine allows."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

from ui.cli.exits import UsageError
from ui.cli.grouped import grouped
from ui.cli.ingest import warn_of_unknown
from ui.cli.kernels import note_compiling
from ui.cli.options import ConfigOption, JsonOption, SetOption, configured, open_run
from ui.cli.output import emit_json, note
from ui.cli.progress import Bar
from ui.cli.summary import print_summary

if TYPE_CHECKING:
    from flows.backtest import BacktestSummary
    from flows.config import Settings
    from flows.connectors.history import History, SessionHistory
    from flows.connectors.log import Log

EXAMPLES = (
    "Examples:\n\ntitan backtest --input infra/demo/es_trades.parquet --strategy sma_crossover --timeframe 1m\n\n"
    "titan backtest --input SPY.csv --strategy sma_crossover --set fast=10 --fees-bps 1 --out runs/spy\n\n"
    "titan backtest --log data/demo"
)


class Input(NamedTuple):
    """What is read, and how."""

    input: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            metavar="FILE",
            help="Recorded market data; may be repeated, or name more files after it.",
        ),
    ] = None
    log: Annotated[
        str | None,
        typer.Option("--log", metavar="RUN", help="Instead of files: a log URL, or the folder of a run."),
    ] = None
    format: Annotated[
        Literal["auto", "trades", "binance", "ohlcv"] | None,
        typer.Option("--format", help="Default: from the file."),
    ] = None
    symbol: Annotated[str | None, typer.Option("--symbol", help="Symbol of files that name none.")] = None
    interval: Annotated[
        str | None, typer.Option("--interval", help="Length of the bars of a csv, such as 1d.")
    ] = None
    timezone: Annotated[str | None, typer.Option("--timezone", help="Time zone of times that name none.")] = (
        None
    )


class Trading(NamedTuple):
    """What is traded, and what it costs."""

    strategy: Annotated[
        list[str] | None,
        typer.Option(
            "--strategy",
            metavar="NAME",
            help="Run these strategies only; may be repeated. Default: as configured.",
        ),
    ] = None
    timeframe: Annotated[
        str | None, typer.Option("--timeframe", help="Length of the bars that strategies see, such as 1m.")
    ] = None
    cash: Annotated[str | None, typer.Option("--cash", help="Cash at the start.")] = None
    fees_bps: Annotated[
        str | None,
        typer.Option("--fees-bps", metavar="F", help="Fee of every fill in basis points of its value."),
    ] = None
    slippage: Annotated[
        str | None, typer.Option("--slippage", metavar="MODEL", help="none, fixed_bps, spread or volatility.")
    ] = None


@grouped
def backtest(
    files: Annotated[list[str] | None, typer.Argument(help="More files.", show_default=False)] = None,
    *,
    source: Input,
    trading: Trading,
    sets: SetOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Keep the run as a log in this folder.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Replace a run that DIR holds.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run both legs over recorded market data, with simulated fills; two runs say the same to the byte.

    --set takes keys of the configuration, or a bare parameter of the strategy. Ctrl-C ends with what was done so far.
    """
    history, settings = _prepare([*(source.input or []), *(files or [])], source, trading, sets, config)
    warn_of_unknown(settings, history.symbols())
    log = _kept(settings, out, fresh) if out is not None else None
    summary = _run(settings, history, log)
    summary.out = str(out) if out is not None else ""
    if as_json:
        emit_json(summary)
    else:
        print_summary(summary)
        if out is not None:
            note(
                f"next: titan report --log {out}   titan explain --last --log {out}   titan replay --verify {out}"
            )
    if summary.stopped:
        raise KeyboardInterrupt


def _prepare(
    files: list[str], source: Input, trading: Trading, sets: list[str] | None, config: str | None
) -> "tuple[History, Settings]":
    """Return the market data and the settings that fit it."""
    from flows.backtest_settings import Asked, backtest_settings
    from flows.run_settings import recorded_given

    if bool(files) == (source.log is not None):
        raise UsageError("name market data: --input FILE..., or --log RUN for what a log holds")
    asked = Asked(
        tuple(trading.strategy or ()),
        tuple(sets or ()),
        trading.timeframe,
        trading.cash,
        trading.fees_bps,
        trading.slippage,
    )
    if source.log is None:
        history = _file_history(files, source, config)
        return history, backtest_settings(config, os.environ, asked, history.interval_ns)
    from flows.connectors.history import LogHistory

    log = open_run(source.log)
    settings = backtest_settings(config, os.environ, asked, 0, recorded_given(log))
    return LogHistory(log), settings


def _file_history(files: list[str], source: Input, config: str | None) -> "SessionHistory":
    from flows.connectors.history import SessionHistory
    from flows.connectors.recorded import open_sources
    from flows.gateways import recorded_files, recorded_settings

    settings, _ = configured(
        config,
        ["gateway.kind=recorded"],
        input=("gateway.files", json.dumps(files)),
        format=("gateway.format", source.format),
        symbol=("gateway.symbol", source.symbol),
        interval=("gateway.interval", source.interval),
        timezone=("gateway.timezone", source.timezone),
    )
    found = recorded_files(settings)
    return SessionHistory(open_sources(found, recorded_settings(settings), settings.gateway.format))


def _kept(settings: "Settings", out: Path, fresh: bool) -> "Log":
    """Return the new log of the run."""
    import msgspec

    from flows.runtime import open_configured_log

    if fresh:
        for path in out.glob("titan.db*"):
            path.unlink()
    if (out / "titan.db").exists():
        raise UsageError(
            f"--out {out}: a run is there already; name another folder, or replace it by --fresh"
        )
    out.mkdir(parents=True, exist_ok=True)
    section = msgspec.structs.replace(settings.log, url=f"sqlite:///{out / 'titan.db'}", synchronous="normal")
    return open_configured_log(msgspec.structs.replace(settings, log=section))


def _run(settings: "Settings", history: "History", log: "Log | None") -> "BacktestSummary":
    from flows import stop
    from flows.backtest import backtest as run_backtest

    note_compiling()
    stop.install()
    try:
        with Bar("backtest", "bars") as bar:
            return run_backtest(settings, history, log, lambda bars, _: bar(bars))
    finally:
        if log is not None:
            log.close()
