"""`titan check`: does a strategy look ahead, and how long does it depend on where it began?"""

import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

from ui.cli.grouped import grouped
from ui.cli.options import ConfigOption, JsonOption, SetOption, configured
from ui.cli.output import emit_json, moment, pairs, table, write

if TYPE_CHECKING:
    from flows.config import Settings
    from flows.lookahead import Report, Source, Subject
    from flows.lookahead.findings import Finding

app = typer.Typer(help="Checks of strategies.", no_args_is_help=True)

EXAMPLES = (
    "Examples:\n\ntitan check lookahead sma_crossover\n\n"
    "titan check lookahead sma_crossover --set fast=5 --set slow=20\n\n"
    "titan check lookahead my_strategy.py:MyStrategy --input ES_trades.parquet --timeframe 5m"
)


@app.callback()
def _group() -> None:
    """Checks of strategies."""


class Reading(NamedTuple):
    """What is read, and how."""

    input: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            metavar="FILE",
            help="Recorded market data; may be repeated, or name more files after it. Default: Titan's own.",
        ),
    ] = None
    format: Annotated[
        Literal["auto", "trades", "binance", "ohlcv"], typer.Option("--format", help="Format of the files.")
    ] = "auto"
    symbol: Annotated[str, typer.Option("--symbol", help="Symbol of files that name none.")] = ""
    interval: Annotated[str, typer.Option("--interval", help="Length of the bars of a csv, such as 1d.")] = ""
    timezone: Annotated[str, typer.Option("--timezone", help="Time zone of times that name none.")] = "UTC"
    timeframe: Annotated[
        str,
        typer.Option(
            "--timeframe", help="Bars that the strategy sees. Default: its own, else as the data suggests."
        ),
    ] = ""


class Effort(NamedTuple):
    """How much is tried."""

    times: Annotated[
        int, typer.Option("--times", min=1, help="Bars of each symbol whose future is taken away.")
    ] = 200
    seed: Annotated[int, typer.Option("--seed", min=0, help="Chooses the bars, and the other futures.")] = 1


StrategyArgument = Annotated[
    str,
    typer.Argument(help="Name in the registry or configuration, or path/to/file.py:Class, or module:Class."),
]
FilesArgument = Annotated[list[str] | None, typer.Argument(help="More files.", show_default=False)]
BarsOption = Annotated[int, typer.Option("--bars", min=2, help="Bars of each symbol that are read at most.")]


@app.command("lookahead", epilog=EXAMPLES)
@grouped
def lookahead(
    strategy: StrategyArgument,
    files: FilesArgument = None,
    *,
    reading: Reading,
    effort: Effort,
    bars: BarsOption = 20_000,
    sets: SetOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take the future away, bar by bar, over real data: what a strategy said must stay. Names what looks ahead.

    --set takes keys of the configuration, or a bare parameter of the strategy.
    """
    from flows.lookahead import Plan, check_lookahead
    from ui.cli.exits import CheckFailed
    from ui.cli.progress import Bar

    settings, subject, sources = _prepared(strategy, files, reading, sets, config)
    plan = Plan(times=effort.times, bars=bars, seed=effort.seed, timeframe=reading.timeframe)
    with Bar("look-ahead", "recordings") as progress, redirect_stdout(sys.stderr):  # a strategy may print
        report = check_lookahead(subject, sources, settings, plan, progress)
    if as_json:
        emit_json(report)
    else:
        print_report(report)
    if not report.passed:
        raise CheckFailed(_conclusion(report))


@app.command("warmup", epilog="Example:\n\ntitan check warmup rsi_reversion --set window=21")
@grouped
def warmup(
    strategy: StrategyArgument,
    files: FilesArgument = None,
    *,
    reading: Reading,
    bars: BarsOption = 20_000,
    sets: SetOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Begin at several bars of real data: how many bars until features and signals no longer depend on the beginning?

    --set takes keys of the configuration, or a bare parameter of the strategy.
    """
    from flows.lookahead import start_up

    settings, subject, sources = _prepared(strategy, files, reading, sets, config)
    with redirect_stdout(sys.stderr):
        report = start_up(subject, sources, settings, reading.timeframe, bars)
    if as_json:
        emit_json(report)
        return
    rows = []
    for one in (*report.features, report.signals):
        needed = one.bars if one.bars is not None else f"over {one.followed:,}"
        left = "" if one.left is None else f"{one.left:.1e}"
        rows.append((one.name, one.declared, left, needed, one.starts))
    names = ("value", "warm after", "differs then by", f"equal to {report.tolerance:g} after", "starts tried")
    table(names, rows)
    write("\nsignals: equal rows and targets; values of a session (session_vwap, cvd) need its beginning")


def _prepared(
    strategy: str, files: list[str] | None, reading: Reading, sets: list[str] | None, config: str | None
) -> "tuple[Settings, Subject, tuple[Source, ...]]":
    """Return the settings, the strategy with its parameters, and what is to be read."""
    from flows.lookahead import subject_of
    from ui.cli.kernels import compile_first

    given = [text for text in sets or [] if "." not in text.partition("=")[0]]
    settings, _ = configured(config, [text for text in sets or [] if text not in given])
    compile_first()
    if reading.timeframe:
        _duration(reading.timeframe, "--timeframe")
    subject = subject_of(strategy, _parameters(given), settings)
    return settings, subject, _sources([*(reading.input or []), *(files or [])], reading)


def print_report(report: "Report") -> None:
    """Print what was read, the table of checks, and what was found."""
    shown = "  ".join(f"{name}={value}" for name, value in report.parameters.items())
    write(f"{report.strategy}  {shown}\n{_short(report.file)}\n")
    table(
        ("data", "symbol", "bars", "of", "signals", "from", "to"),
        [
            (
                _short(m.recording),
                m.symbol,
                m.bars,
                _length(m.timeframe_ns),
                m.signals,
                moment(m.first_ts_ns),
                moment(m.last_ts_ns),
            )
            for m in report.materials
        ],
    )
    write("")
    table(
        ("check", "verdict", "compared", "failed", "what must hold"),
        [(line.check, line.verdict, line.compared, line.failed, line.what) for line in report.checks],
    )
    for finding in report.findings:
        _print_finding(finding)
    if report.passed:
        write(f"\nno look-ahead found in {report.seconds:.1f} s; what this cannot see: docs/lookahead.md")


def _print_finding(finding: "Finding") -> None:
    write(f"\nFOUND  {finding.words}")
    rows = [
        (
            "at",
            f"{moment(finding.ts_ns)}, {finding.symbol} {_length(finding.timeframe_ns)}, bar {finding.row}",
        )
    ]
    if finding.said or finding.otherwise:
        rows += [("says", finding.said or "nothing"), ("or", finding.otherwise or "nothing")]
    if finding.culprit:
        where = finding.culprit
        place = f"{_short(where.file)}:{where.line}" if where.line else _short(where.file)
        rows.append(("in", f"{place}  {where.source}".rstrip()))
    pairs([(f"       {name}", value) for name, value in rows])


def _conclusion(report: "Report") -> str:
    if any(line.failed for line in report.checks):
        failed = [line.check for line in report.checks if line.failed]
        return f"{report.strategy} failed {len(failed)} of {len(report.checks)} checks: {', '.join(failed)}"
    bars = sum(material.bars for material in report.materials)
    return (
        f"{report.strategy} said nothing over {bars:,} bars, so nothing was checked: "
        "try other --input, --timeframe or --set"
    )


def _sources(files: list[str], reading: Reading) -> "tuple[Source, ...]":
    from flows.connectors.recorded import RecordedSettings
    from flows.lookahead import VENDORED, Source

    if not files:
        return VENDORED
    interval = _duration(reading.interval, "--interval") if reading.interval else 0
    recorded = RecordedSettings(symbol=reading.symbol, timezone=reading.timezone, interval_ns=interval)
    return (Source(tuple(files), recorded, reading.format),)


def _parameters(given: list[str]) -> dict[str, str]:
    from ui.cli.exits import UsageError

    for text in given:
        if "=" not in text:
            raise UsageError(f"--set {text}: write KEY=VALUE, such as --set fast=5")
    return dict(text.split("=", 1) for text in given)


def _duration(text: str, option: str) -> int:
    from flows.config.durations import ns
    from ui.cli.exits import UsageError

    try:
        length: int = ns(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from error
    if length <= 0:
        raise UsageError(f"{option} {text}: it must be above zero")
    return length


def _length(length_ns: int) -> str:
    from flows.config.durations import text

    return text(length_ns)


def _short(path: str) -> str:
    """Return the path from here, where it lies below."""
    from pathlib import Path

    try:
        return str(Path(path).relative_to(Path.cwd()))
    except ValueError:
        return path
