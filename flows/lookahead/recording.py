"""Over which market data is a strategy checked? Recorded files, as messages and as the symbol leg's bars."""

from collections.abc import Iterator, Sequence

import msgspec

from flows.config import Settings, ns
from flows.config.parameters import symbol_parameters
from flows.connectors.gateway import SECOND, CutSettings
from flows.connectors.input_errors import InputError
from flows.connectors.recorded import RecordedSettings, open_recorded
from flows.gateways import found
from flows.lookahead.tape import Tape, tape_of
from flows.symbol_states import symbol_leg
from operators.symbol_leg import StrategyInstance, SymbolLeg, SymbolParameters
from schemas.blocks import encode_block
from schemas.market import BarBlock, MarketBlock

_CUT = CutSettings(cut_ns=60 * SECOND, max_rows=1000, heartbeat_ns=60 * SECOND)


class Source(msgspec.Struct, frozen=True):
    """Files of one recording; ``timeframe`` is that of the bars that strategies see, empty: as the files suggest."""

    files: tuple[str, ...]
    recorded: RecordedSettings = RecordedSettings()
    format: str = "auto"
    timeframe: str = ""


class Recording(msgspec.Struct, frozen=True, eq=False):
    """One symbol of a source: its messages, as a gateway would write them, and the bars that follow from them."""

    name: str
    symbol: str
    timeframe_ns: int
    messages: list[bytes]
    tape: Tape


VENDORED: tuple[Source, ...] = (
    Source(("infra/demo/es_trades.parquet",), timeframe="1m"),
    Source(
        ("infra/demo/spy_1m.csv",),
        RecordedSettings(symbol="SPY", timezone="America/New_York"),
        timeframe="1m",
    ),
    Source(("infra/demo/us5_daily.csv.gz",), timeframe="1d"),
    Source(("infra/demo/btcusdt_usdm.jsonl.gz",), timeframe="1s"),
)
"""The real data that travels with Titan: trades, minute bars, daily bars, and trades with quotes."""


def recordings(
    sources: Sequence[Source], settings: Settings, timeframe: str, most: int
) -> Iterator[Recording]:
    """Yield every symbol of every source, with its first ``most`` bars of a timeframe (empty: the source's own).

    Raises:
        InputError: a file cannot be read, or a symbol is not in the instrument table.
    """
    for source in sources:
        blocks = _blocks(source)
        length_ns = (
            ns(timeframe or source.timeframe)
            if timeframe or source.timeframe
            else _length_ns(blocks, settings)
        )
        leg = leg_with(settings, length_ns, ())
        for symbol, messages in _messages(blocks).items():
            if leg.instruments.find(symbol) is None:
                raise InputError(
                    f"no instrument is known for symbol {symbol}: define it, such as "
                    f"--set 'instruments.{symbol}.tick_size=0.01' --set 'instruments.{symbol}.lot_size=1'"
                )
            output = leg.step(leg.init(symbol), 0, list(range(len(messages))), messages)
            tape = tape_of(symbol, output, length_ns, most)
            yield Recording(", ".join(source.files), symbol, length_ns, messages, tape)


def leg_with(settings: Settings, timeframe_ns: int, strategies: tuple[StrategyInstance, ...]) -> SymbolLeg:
    """Return the configured symbol leg with one timeframe and these strategies."""
    parameters: SymbolParameters = msgspec.structs.replace(
        symbol_parameters(settings), timeframes_ns=(timeframe_ns,), strategies=strategies
    )
    return symbol_leg(settings, parameters)


def _blocks(source: Source) -> list[MarketBlock]:
    files = [found(name) for name in source.files]
    with open_recorded(files, source.recorded, _CUT, format=source.format) as gateway:
        return [block for slice_ in gateway for block in slice_.blocks]


def _messages(blocks: list[MarketBlock]) -> dict[str, list[bytes]]:
    by_symbol: dict[str, list[bytes]] = {}
    for block in blocks:
        by_symbol.setdefault(block.symbol, []).append(encode_block(block))
    return by_symbol


def _length_ns(blocks: list[MarketBlock], settings: Settings) -> int:
    """Return the interval of the vendor's bars, else the first timeframe of the symbol leg."""
    vendor = next((block for block in blocks if isinstance(block, BarBlock)), None)
    return int(vendor.interval_ns[0]) if vendor else ns(settings.symbol_leg.timeframes[0])
