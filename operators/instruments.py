"""What is traded: tick, lot, multiplier, currency and session of every instrument.

Prices and quantities cross the log in units of 1e-9 ("nanos"); inside the ledgers a price is a count of ticks
and a quantity is a count of lots, both Python ints. The value of a position is then exact:

    value_nanos = lots * ticks * tick_value_nanos,   tick_value_nanos = tick * lot * multiplier / 1e9 (all in nanos)

An instrument whose ``tick_value_nanos`` would not be a whole number is refused when it is made.

Errors::

    InstrumentError (ValueError)
     +- UnknownInstrument   no row of the table, exact or pattern, names the symbol
     +- OffGrid             a price or quantity is not a whole number of ticks or lots
"""

import math
from fnmatch import fnmatchcase

import msgspec

NANOS = 1_000_000_000
MAX_PRICE = 9.2e9  # a price in nanos must fit a signed 64-bit integer
MAX_QUANTITY_NANOS = 9_200_000_000 * NANOS  # and so must a quantity; what costs less is traded in thousands


class InstrumentError(ValueError):
    """Something is wrong with an instrument or with a number measured in its units."""


class UnknownInstrument(InstrumentError):
    """The table has no row for the symbol."""


class OffGrid(InstrumentError):
    """A price or quantity lies between two ticks or lots."""


class Instrument(msgspec.Struct, frozen=True):
    """One instrument, or a glob pattern ("SYN*") that stands for many.

    ``session_start`` is "HH:MM" in ``session_timezone``: where the trading day and session VWAP begin.
    ``fee_bps`` overrides the venue's maker and taker fee. Raises ``InstrumentError`` on sizes that cannot be
    exact.
    """

    symbol: str
    venue: str
    currency: str
    tick_size_nanos: int
    lot_size_nanos: int
    multiplier: int = 1
    session_timezone: str = "UTC"
    session_start: str = "00:00"
    fee_bps: float | None = None

    def __post_init__(self) -> None:
        if min(self.tick_size_nanos, self.lot_size_nanos, self.multiplier) <= 0:
            raise InstrumentError(
                f"instrument {self.symbol}: tick_size_nanos {self.tick_size_nanos}, lot_size_nanos "
                f"{self.lot_size_nanos} and multiplier {self.multiplier} must all be positive"
            )
        if self.tick_size_nanos * self.lot_size_nanos * self.multiplier % NANOS:
            raise InstrumentError(
                f"instrument {self.symbol}: tick {self.tick_size_nanos} x lot {self.lot_size_nanos} x multiplier "
                f"{self.multiplier} is not a whole number of 1e-9 {self.currency}; choose a coarser tick or lot"
            )

    @property
    def tick_value_nanos(self) -> int:
        """Value of one tick of one lot, in 1e-9 units of the currency."""
        return self.tick_size_nanos * self.lot_size_nanos * self.multiplier // NANOS

    def nearest_ticks(self, price: float) -> int:
        """Price rounded half up to ticks. Raises ``OffGrid`` for a price that is not finite or out of range."""
        if not -MAX_PRICE < price < MAX_PRICE:
            raise OffGrid(
                f"{self.symbol}: price {price} is not a finite number below {MAX_PRICE:g}; check its source"
            )
        return math.floor(price * (NANOS / self.tick_size_nanos) + 0.5)

    def ticks(self, price_nanos: int) -> int:
        """Exact ticks of a price in nanos. Raises ``OffGrid``."""
        ticks, rest = divmod(price_nanos, self.tick_size_nanos)
        if rest:
            raise OffGrid(
                f"{self.symbol}: price {price_nanos / NANOS} is not a multiple of the tick "
                f"{self.tick_size_nanos / NANOS}; round it, or correct the tick in the instrument table"
            )
        return ticks

    def lots(self, quantity_nanos: int) -> int:
        """Exact lots of a quantity in nanos. Raises ``OffGrid``."""
        lots, rest = divmod(quantity_nanos, self.lot_size_nanos)
        if rest:
            raise OffGrid(
                f"{self.symbol}: quantity {quantity_nanos / NANOS} is not a multiple of the lot "
                f"{self.lot_size_nanos / NANOS}; round it, or correct the lot in the instrument table"
            )
        return lots

    def value_nanos(self, quantity_nanos: int, price_nanos: int) -> int:
        """Value of a fill, exact on the grid, else rounded half up once to 1e-9 of the currency."""
        unit = NANOS
        return (quantity_nanos * price_nanos * self.multiplier + unit // 2) // unit


class InstrumentTable(msgspec.Struct, frozen=True):
    """Rows by symbol or pattern: the exact row wins, then patterns in the order of the rows."""

    rows: dict[str, Instrument]
    _resolved: dict[str, Instrument | None] = msgspec.field(default_factory=dict)

    def find(self, symbol: str) -> Instrument | None:
        """Row for the symbol (a pattern's row renamed to it), or None."""
        known = self._resolved.get(symbol)
        if known is None and symbol not in self._resolved:
            known = self._resolved[symbol] = self._resolve(symbol)
        return known

    def lookup(self, symbol: str) -> Instrument:
        """Row for the symbol. Raises ``UnknownInstrument``."""
        found = self._resolved.get(symbol) or self.find(symbol)
        if found is None:
            raise UnknownInstrument(
                f"no instrument for symbol {symbol!r}; add a row to INSTRUMENTS in operators/instruments.py "
                f"or to [instruments] in the configuration"
            )
        return found

    def _resolve(self, symbol: str) -> Instrument | None:
        if symbol in self.rows:
            return self.rows[symbol]
        for pattern, row in self.rows.items():
            if fnmatchcase(symbol, pattern):
                return msgspec.structs.replace(row, symbol=symbol)
        return None


def _us_listed(symbol: str) -> Instrument:
    """US stock, ETF or index: adjusted histories hold sub-penny prices, hence the tick of 0.0001."""
    return Instrument(symbol, "US", "USD", 100_000, NANOS, 1, "America/New_York", "09:30")


INSTRUMENTS: dict[str, Instrument] = {
    "ES": Instrument("ES", "CME", "USD", 250_000_000, NANOS, 50, "America/Chicago", "17:00"),
    "BTCUSDT": Instrument("BTCUSDT", "BINANCE", "USDT", 10_000_000, 10_000),
    "ETHUSDT": Instrument("ETHUSDT", "BINANCE", "USDT", 10_000_000, 10_000),
    "BTCPERP": Instrument("BTCPERP", "BINANCE_USDM", "USDT", 10_000_000, 10_000),
    "ETHPERP": Instrument("ETHPERP", "BINANCE_USDM", "USDT", 10_000_000, 10_000),
    "BTCUSD": Instrument("BTCUSD", "BINANCE", "USD", 10_000_000, 10_000),
    "AAPL": _us_listed("AAPL"),
    "AMD": _us_listed("AMD"),
    "BAC": _us_listed("BAC"),
    "BBY": _us_listed("BBY"),
    "CVX": _us_listed("CVX"),
    "FB": _us_listed("FB"),
    "GE": _us_listed("GE"),
    "GOOG": _us_listed("GOOG"),
    "HD": _us_listed("HD"),
    "IBM": _us_listed("IBM"),
    "JNJ": _us_listed("JNJ"),
    "JPM": _us_listed("JPM"),
    "KO": _us_listed("KO"),
    "LLY": _us_listed("LLY"),
    "MRK": _us_listed("MRK"),
    "MSFT": _us_listed("MSFT"),
    "PEP": _us_listed("PEP"),
    "PFE": _us_listed("PFE"),
    "PG": _us_listed("PG"),
    "RRC": _us_listed("RRC"),
    "TSLA": _us_listed("TSLA"),
    "UNH": _us_listed("UNH"),
    "WMT": _us_listed("WMT"),
    "XOM": _us_listed("XOM"),
    "SPX": _us_listed("SPX"),
    "BND": _us_listed("BND"),
    "CSJ": _us_listed("CSJ"),
    "DIA": _us_listed("DIA"),
    "EEM": _us_listed("EEM"),
    "EFA": _us_listed("EFA"),
    "EPP": _us_listed("EPP"),
    "EWG": _us_listed("EWG"),
    "EWJ": _us_listed("EWJ"),
    "EWQ": _us_listed("EWQ"),
    "EWU": _us_listed("EWU"),
    "FXI": _us_listed("FXI"),
    "IEF": _us_listed("IEF"),
    "LQD": _us_listed("LQD"),
    "SPY": _us_listed("SPY"),
    "TIP": _us_listed("TIP"),
    "TLT": _us_listed("TLT"),
    "VGK": _us_listed("VGK"),
    "VPL": _us_listed("VPL"),
    "XLB": _us_listed("XLB"),
    "XLE": _us_listed("XLE"),
    "XLF": _us_listed("XLF"),
    "XLK": _us_listed("XLK"),
    "XLU": _us_listed("XLU"),
    "SYN*": Instrument("SYN*", "SYNTHETIC", "USD", 10_000_000, NANOS),
}

DEFAULT_TABLE = InstrumentTable(INSTRUMENTS)
