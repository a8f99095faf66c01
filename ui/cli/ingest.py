"""`titan ingest`: write recorded market data to the log."""

from typing import Annotated, Literal

import typer

from ui.cli.options import ConfigOption, JsonOption, LogOption, SetOption, configured
from ui.cli.output import emit_json, warn
from ui.cli.summary import print_summary

EXAMPLES = (
    "Examples:\n\ntitan ingest ES_trades.parquet\n\ntitan ingest frames.jsonl.gz --format binance --speed 10\n\n"
    "titan ingest MSFT.csv --format ohlcv --symbol MSFT --interval 1d --timezone America/New_York"
)


def ingest(  # noqa: PLR0913 - one parameter an option
    files: Annotated[
        list[str], typer.Argument(help="Parquet trades, Binance JSON lines, or OHLCV csv; .gz too.")
    ],
    log: LogOption = None,
    file_format: Annotated[
        Literal["auto", "trades", "binance", "ohlcv"] | None,
        typer.Option("--format", help="Default: from the file."),
    ] = None,
    symbol: Annotated[str | None, typer.Option("--symbol", help="Symbol of files that name none.")] = None,
    speed: Annotated[
        str | None,
        typer.Option("--speed", metavar="N|max", help="1 is real time, 60 a minute a second. Default: max."),
    ] = None,
    interval: Annotated[
        str | None, typer.Option("--interval", help="Length of the bars of a csv, such as 1d.")
    ] = None,
    timezone: Annotated[
        str | None, typer.Option("--timezone", help="Time zone of times that name none.")
    ] = None,
    sets: SetOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write recorded market data to market_data. Rows that the log holds already are not written again."""
    import json

    from ui.cli.progress import Bar

    settings, _ = configured(
        config,
        [*(sets or []), "gateway.kind=recorded"],
        files=("gateway.files", json.dumps(files)),
        log=("log.url", log),
        format=("gateway.format", file_format),
        symbol=("gateway.symbol", symbol),
        speed=("gateway.speed", "0" if speed == "max" else speed),
        interval=("gateway.interval", interval),
        timezone=("gateway.timezone", timezone),
    )
    from flows.config.parameters import instrument_table
    from flows.ingest import ingest as run_ingest

    with Bar("ingest", "rows") as progress:
        summary = run_ingest(settings, progress)
    table = instrument_table(settings)
    for unknown in [name for name in summary.symbols if table.find(name) is None]:
        warn(
            f"no instrument is known for symbol {unknown}: its rows will become dead letters. Define it, such as: "
            f"titan run --set instruments.{unknown}.tick_size=0.01 --set instruments.{unknown}.lot_size=1 "
            "(or in titan.toml)"
        )
    if as_json:
        emit_json(summary)
    else:
        print_summary(summary)
