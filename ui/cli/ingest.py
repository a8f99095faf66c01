"""`titan ingest`: write recorded market data to the log."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

from ui.cli.grouped import grouped
from ui.cli.options import ConfigOption, JsonOption, LogOption, SetOption, configured
from ui.cli.output import emit_json, warn
from ui.cli.summary import print_summary

if TYPE_CHECKING:
    from flows.config import Settings

EXAMPLES = (
    "Examples:\n\ntitan ingest ES_trades.parquet\n\ntitan ingest frames.jsonl.gz --format binance --speed 10\n\n"
    "titan ingest MSFT.csv --format ohlcv --symbol MSFT --interval 1d --timezone America/New_York"
)


class Reading(NamedTuple):
    """How the files are read; None is as configured."""

    format: Annotated[
        Literal["auto", "trades", "binance", "ohlcv"] | None,
        typer.Option("--format", help="Default: from the file."),
    ] = None
    symbol: Annotated[str | None, typer.Option("--symbol", help="Symbol of files that name none.")] = None
    speed: Annotated[
        str | None,
        typer.Option("--speed", metavar="N|max", help="1 is real time, 60 a minute a second. Default: max."),
    ] = None
    interval: Annotated[
        str | None, typer.Option("--interval", help="Length of the bars of a csv, such as 1d.")
    ] = None
    timezone: Annotated[str | None, typer.Option("--timezone", help="Time zone of times that name none.")] = (
        None
    )


@grouped
def ingest(
    files: Annotated[
        list[str], typer.Argument(help="Parquet trades, Binance JSON lines, or OHLCV csv; .gz too.")
    ],
    reading: Reading,
    log: LogOption = None,
    sets: SetOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write recorded market data to market_data. Rows that the log holds already are not written again."""
    settings, _ = configured(
        config,
        [*(sets or []), "gateway.kind=recorded"],
        files=("gateway.files", json.dumps(files)),
        log=("log.url", log),
        format=("gateway.format", reading.format),
        symbol=("gateway.symbol", reading.symbol),
        speed=("gateway.speed", speed_text(reading.speed or "max")),
        interval=("gateway.interval", reading.interval),
        timezone=("gateway.timezone", reading.timezone),
    )
    from flows.ingest import ingest as run_ingest
    from ui.cli.progress import Bar

    with Bar("ingest", "rows") as progress:
        summary = run_ingest(settings, progress)
    warn_of_unknown(settings, summary.symbols, "titan run" if not _is_derived(settings) else _ANEW)
    if as_json:
        emit_json(summary)
    else:
        print_summary(summary)
    if summary.stopped:
        raise KeyboardInterrupt


def speed_text(speed: str | None) -> str | None:
    """Return a speed as the configuration wants it: 0 for max."""
    return "0" if speed == "max" else speed


_ANEW = "titan backtest --log LOG --out DIR"
"""Derives a new log from one that keeps to the settings that it was derived with."""


def _is_derived(settings: "Settings") -> bool:
    """Whether the log is bound to settings already."""
    from flows.connectors.log import open_log
    from flows.run_settings import recorded

    with open_log(settings.log.url, settings.log) as log:
        return recorded(log, settings.account.id) is not None


def warn_of_unknown(settings: "Settings", symbols: Iterable[str], command: str) -> None:
    """Warn of symbols that the instrument table does not have; ``command`` is the one to define them by."""
    from flows.config.parameters import instrument_table

    table = instrument_table(settings)
    for symbol in symbols:
        if table.find(symbol) is None:
            key = f"instruments.{symbol}" if symbol.isalnum() else f'instruments."{symbol}"'
            warn(
                f"no instrument is known for symbol {symbol}: its rows will become dead letters. Define it, such as: "
                f"{command} --set '{key}.tick_size=0.01' --set '{key}.lot_size=1' (or in titan.toml)"
            )
