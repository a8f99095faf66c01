"""`titan backtest`: both legs over recorded market data, as fast as the machine allows."""

import json
import os
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

from ui.amounts import money
from ui.cli.exits import UsageError
from ui.cli.grouped import grouped
from ui.cli.ingest import warn_of_unknown
from ui.cli.kept import new_run
from ui.cli.kernels import compile_first
from ui.cli.options import ConfigOption, JsonOption, SetOption, configured, log_url, open_run
from ui.cli.output import emit_json, note, pairs, table, write
from ui.cli.progress import Bar
from ui.cli.sweep import print_sweep, run_sweep

if TYPE_CHECKING:
    from flows.backtest import BacktestSummary
    from flows.backtest_settings import Asked
    from flows.config import Settings
    from flows.config.sources import Given
    from flows.connectors.history import History, SessionHistory
    from flows.connectors.log import Log

EXAMPLES = (
    "Examples:\n\ntitan backtest --input infra/demo/es_trades.parquet --strategy sma_crossover --timeframe 1m\n\n"
    "titan backtest --input SPY.csv --strategy sma_crossover --set fast=10 --fees-bps 1 --out runs/spy\n\n"
    "titan backtest --log data/demo\n\n"
    "titan backtest --input SPY.csv --strategy sma_crossover --sweep fast=5..20 --sweep slow=20..80/5"
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
    account: Annotated[
        str | None,
        typer.Option("--account", metavar="ID", help="Whose settings, where the log holds several accounts."),
    ] = None


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


class Sweeping(NamedTuple):
    """Which parameters are swept, and what counts."""

    sweep: Annotated[
        list[str] | None,
        typer.Option(
            "--sweep", metavar="KEY=FROM..TO", help="Try all values (also /STEP; or a,b,c). Repeatable."
        ),
    ] = None
    sort: Annotated[str, typer.Option("--sort", metavar="METRIC", help="What the best set has most of.")] = (
        "total_return"
    )


class Keeping(NamedTuple):
    """Where the run is kept."""

    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Keep the run as a log in this folder.")
    ] = None
    fresh: Annotated[bool, typer.Option("--fresh", help="Replace a run that DIR holds.")] = False


@grouped
def backtest(
    files: Annotated[list[str] | None, typer.Argument(help="More files.", show_default=False)] = None,
    *,
    source: Input,
    trading: Trading,
    sweeping: Sweeping,
    keeping: Keeping,
    sets: SetOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run both legs over recorded market data, with simulated fills; two runs say the same to the byte.

    --set takes keys of the configuration, or a bare parameter of the strategy. Ctrl-C ends with what was done so far.
    """
    named = [*(source.input or []), *(files or [])]
    history, asked, recorded = _prepare(named, source, trading, sets, config)
    if sweeping.sweep:
        _sweep(history, asked, recorded, sweeping, config, as_json)
        return
    from flows.backtest_settings import backtest_settings
    from operators.strategies import StrategyError

    settings = backtest_settings(config, os.environ, asked, history.interval_ns, recorded)
    warn_of_unknown(settings, history.symbols(), "titan backtest")
    out = keeping.out
    read = log_url(source.log) if source.log is not None else ""
    log = new_run(settings, out, "--out", read, keeping.fresh) if out is not None else None
    summary = _run(settings, history, log)
    summary.out = str(out) if out is not None else ""
    if as_json:
        emit_json(summary)
    else:
        _print(summary)
        if out is not None:
            run = quote(str(out))
            note(
                f"next: titan report --log {run}   titan explain --last --log {run}   titan replay --verify {run}"
            )
    if summary.fault:
        raise StrategyError(summary.fault)
    if summary.stopped:
        raise KeyboardInterrupt


def _prepare(
    files: list[str], source: Input, trading: Trading, sets: list[str] | None, config: str | None
) -> "tuple[History, Asked, list[Given]]":
    """Return the market data, what is asked for, and the settings that a log says."""
    from flows.backtest_settings import Asked
    from flows.connectors.history import LogHistory
    from flows.run_settings import recorded_given

    if bool(files) == (source.log is not None):
        raise UsageError(
            "name market data by one of both: --input FILE..., or --log RUN for what a log holds"
        )
    asked = Asked(
        tuple(trading.strategy or ()),
        tuple(sets or ()),
        trading.timeframe,
        trading.cash,
        trading.fees_bps,
        trading.slippage,
    )
    if source.log is None and source.account is not None:
        raise UsageError(
            "--account: it chooses whose settings of a log hold; files hold none (account.id names yours)"
        )
    if source.log is None:
        return _file_history(files, source, config), asked, []
    log = open_run(source.log)
    return LogHistory(log), asked, recorded_given(log, source.account)


def _sweep(
    history: "History",
    asked: "Asked",
    recorded: "list[Given]",
    sweeping: Sweeping,
    config: str | None,
    as_json: bool,
) -> None:
    from operators.strategies import StrategyError

    summary = run_sweep(
        history, asked, sweeping.sweep or [], sort_by=sweeping.sort, config=config, recorded=recorded
    )
    if as_json:
        emit_json(summary)
    else:
        print_sweep(summary)
    if summary.sets and all(row.fault for row in summary.sets):
        raise StrategyError(f"no set ran to its end: {summary.sets[0].fault}")
    if summary.stopped:
        raise KeyboardInterrupt


def _file_history(files: list[str], source: Input, config: str | None) -> "SessionHistory":
    from flows.connectors.history import SessionHistory
    from flows.connectors.recorded import open_sources
    from flows.gateways import file_settings, recorded_files

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
    return SessionHistory(open_sources(found, file_settings(settings), settings.gateway.format))


def _run(settings: "Settings", history: "History", log: "Log | None") -> "BacktestSummary":
    from flows import stop
    from flows.backtest import backtest as run_backtest

    compile_first()
    stop.install()
    try:
        with Bar("backtest", "bars") as bar:
            return run_backtest(settings, history, log, lambda bars, _: bar(bars))
    finally:
        if log is not None:
            log.close()


def _print(summary: "BacktestSummary") -> None:
    """Print what a person wants to know; --json has everything."""
    metrics = summary.metrics
    said = f"{summary.bars:,} bars in {summary.wall_s:.2f} s ({summary.bars_per_s:,.0f} a second)"
    write(f"{', '.join(summary.symbols)}: {said}{', stopped before the end' if summary.stopped else ''}")
    write(f"{summary.signals:,} signals, {summary.orders:,} orders, {summary.fills:,} fills")
    write("")
    pairs(
        (
            ("final equity", money(metrics.equity_nanos)),
            ("net profit", f"{money(metrics.net_nanos)}  ({_percent(metrics.total_return)})"),
            ("a year", _percent(metrics.cagr)),
            ("Sharpe, Sortino", f"{_ratio(metrics.sharpe_ratio)}, {_ratio(metrics.sortino_ratio)}"),
            ("max drawdown", _percent(metrics.max_drawdown_intraday)),
            ("trades, won", f"{metrics.trades:,}, {_percent(metrics.win_rate)}"),
            ("profit factor", _ratio(metrics.profit_factor)),
            ("fees, slippage", f"{money(metrics.fees_nanos)}, {money(metrics.slippage_nanos)}"),
            ("time in market", _percent(metrics.time_in_market)),
        )
    )
    write("")
    fields = ("pnl", "realized", "unrealized", "fees")
    rows = [[name, *(row[field] for field in fields)] for name, row in summary.strategies.items()]
    table(["strategy", *fields], rows)
    if summary.dead_letters:
        note(
            f"warning: {summary.dead_letters:,} rows could not be used; --out DIR keeps them in topic dead_letters"
        )
    if not summary.bars:
        note(
            "warning: no bars were made: is --timeframe a multiple of the bars' length, and every symbol known?"
        )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.2%}"


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
