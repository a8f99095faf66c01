"""What can be set: one tree of frozen structs, every field with its default, its range and its meaning.

Sections that parametrise an operator are that operator's own parameter structs, so that the two cannot drift
apart. Lengths of time are texts such as "250ms" or "1m" (`durations.ns` reads them).
"""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from flows.config.durations import Duration, MaybeDuration, MaybeTimeframe, Timeframe
from flows.connectors.log import LogSettings, sqlite_path
from flows.connectors.registry_settings import RegistrySettings
from flows.connectors.synthetic_settings import SyntheticSettings
from flows.secrets import refuse_user
from operators.account_parameters import OrderStyle
from operators.regime import VolatilityBuckets
from operators.rules import RULES
from operators.sizing import SIZERS
from operators.slippage import SLIPPAGE

Ratio = Annotated[float, msgspec.Meta(ge=0, le=1)]
Percent = Annotated[float, msgspec.Meta(gt=0, le=100)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Name = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Za-z0-9._-]{1,64}$", description="a name of letters, digits, '.', '_' and '-', up to 64"
    ),
]
LogUrl = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(sqlite:|kafka://).+",
        description="sqlite:///relative.db, sqlite:////absolute/path.db or kafka://host:port[,host:port]",
    ),
]
RegistryUrl = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(https?://[^\s/].*)?$", description="http://host:port or https://host:port, or empty"
    ),
]
Money = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[0-9]{1,9}(\.[0-9]{1,9})?$",
        description="an exact decimal below 1000000000 such as '100000' or '0.25', at most 9 decimals",
    ),
]


Currency = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3,5}$", description="a currency code such as 'USD'")]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the tree; unknown keys are errors."""


if TYPE_CHECKING:

    class RiskSection(Section, frozen=True, kw_only=True):
        """One part per risk rule."""

    class SizerSections(Section, frozen=True, kw_only=True):
        """One part per sizer."""

    class SlippageSections(Section, frozen=True, kw_only=True):
        """One part per slippage model."""

else:

    def _sections(name: str, registry: dict[str, type]) -> type:
        """Return a section with one part per class of an operator registry, at its defaults."""
        parts = [(part, cls, cls()) for part, cls in registry.items()]
        return msgspec.defstruct(name, parts, bases=(Section,), frozen=True, kw_only=True, module=__name__)

    RiskSection = _sections("RiskSection", RULES)
    SizerSections = _sections("SizerSections", SIZERS)
    SlippageSections = _sections("SlippageSections", SLIPPAGE)


class LogSection(LogSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the log is and how to reach it; the further keys are those of the log itself."""

    url: LogUrl = "sqlite:///data/titan.db"
    """Alias in the environment: TITAN_LOG."""

    def __post_init__(self) -> None:
        super().__post_init__()
        refuse_user(self.url, "log.kafka.sasl.username and log.kafka.sasl.password")
        if self.url.startswith("sqlite:"):
            sqlite_path(self.url)
        for name in ("timeout_s", "flush_timeout_s", "poll_interval_s"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be above 0")
        for name in ("linger_ms", "max_bytes"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must not be negative")


class RegistrySection(RegistrySettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The schema registry; the further keys are those of its client."""

    url: RegistryUrl = ""
    """Empty: there is none, and what the log holds is read by the schemas of this Titan."""

    def __post_init__(self) -> None:
        refuse_user(self.url, "registry.username and registry.password")
        if bool(self.username) != bool(self.password):
            raise ValueError("username and password belong together: set both, or none")
        if self.timeout_s <= 0:
            raise ValueError(f"timeout_s is {self.timeout_s}; it must be above 0")


class RunSection(Section, frozen=True, kw_only=True):
    """How the legs run."""

    recovery_dir: str = ""
    """Where snapshots are kept; empty: next to the log, one folder for each log."""
    snapshot_interval_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 5.0
    """Wall time between snapshots: what a restart at most repeats."""
    partitions: list[Annotated[int, msgspec.Meta(ge=0)]] = msgspec.field(default_factory=list)
    """Partitions of market_data that this process reads; empty: all of them."""
    share: Annotated[str, msgspec.Meta(pattern=r"^([1-9]\d{0,3}/[1-9]\d{0,3})?$")] = ""
    """K/N: this process reads every N-th partition of market_data, from the K-th on; N processes share the leg."""
    poll_records: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 1000
    """Records taken from the log at once."""
    metrics_port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    """Port on 127.0.0.1 at which Prometheus can ask this process; 0: none. Each process needs its own."""
    expose_api: bool = False
    """Allow Bytewax's HTTP API (BYTEWAX_DATAFLOW_API_ENABLED), which answers anybody, on every interface."""


class GatewaySection(Section, frozen=True, kw_only=True):
    """Where market data comes from."""

    kind: Literal["recorded", "synthetic", "none"] = "recorded"
    files: list[str] = msgspec.field(default_factory=lambda: ["infra/demo/es_trades.parquet"])
    format: Literal["auto", "trades", "binance", "ohlcv"] = "auto"
    symbol: str = ""
    """Symbol of files that name none; empty: from the file."""
    venue: str = ""
    """Venue of files that name none; empty: from the file's format."""
    speed: NotNegative = 7200.0
    """Event time per wall time: 1 is real time, 7200 two hours a second; 0 is as fast as possible."""
    cut: Timeframe = "250ms"
    """Event time that one block spans at most."""
    max_rows: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1000
    """Rows that one block holds at most."""
    heartbeat: Timeframe = "1s"
    """Event time after which a symbol without rows is heard of."""
    disorder: MaybeDuration = ""
    """How far back a row may come and still be sorted in; empty: as the format needs."""
    timezone: str = "UTC"
    """Time zone of files whose times name none."""
    interval: MaybeTimeframe = ""
    """Length of the bars of an ohlcv file; empty: from the distances between its rows."""
    synthetic: SyntheticSettings = SyntheticSettings()
    """What the synthetic gateway makes up."""


class SymbolLegSection(Section, frozen=True, kw_only=True):
    """How market data is cleaned and cut into bars."""

    timeframes: Annotated[list[Timeframe], msgspec.Meta(min_length=1, max_length=16)] = msgspec.field(
        default_factory=lambda: ["1m", "5m"]
    )
    """Lengths of bars, all at once; every strategy's timeframe is one of them."""
    mark_interval: Timeframe = "1s"
    """Event time between marks of a symbol."""
    bad_print_pct: Percent = 20.0
    """Jump from the last price beyond which a print is refused until others confirm it."""
    bad_print_reset: Duration = "1h"
    """Pause in trading after which any price is believed."""
    held_rows: Count = 10_000
    """Rows of one symbol that may wait for older ones."""
    regime: VolatilityBuckets = VolatilityBuckets()


class StrategySection(Section, frozen=True, kw_only=True):
    """One strategy that runs, under a name of its own."""

    kind: str = ""
    """Which strategy of the registry it is; empty: the one of its own name."""
    enabled: bool = True
    timeframe: MaybeTimeframe = ""
    """One of symbol_leg.timeframes; empty: the first of them."""
    symbols: list[str] = msgspec.field(default_factory=lambda: ["*"])
    """Symbols that it trades; `*` is every one."""
    params: dict[str, Any] = {}
    """Parameters of this kind of strategy."""


class AccountSection(Section, frozen=True, kw_only=True):
    """Whose money it is."""

    id: Name = "paper"
    currency: Currency = "USD"
    cash: Money = "100000"
    patience: Duration = "2s"
    """Wall time that the leg waits for a silent symbol before it goes on without it."""
    report_interval: Timeframe = "1m"
    """Event time between portfolio updates without a fill."""
    par_currencies: list[Currency] = msgspec.field(default_factory=lambda: ["USD", "USDT", "USDC"])
    """Currencies counted one to one with the account's own; instruments in others are denied."""
    resize_tolerance: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.1
    """A held position is left alone where the change is at most this share of the wanted size."""
    day_offset: Duration = "0s"
    """Start of the trading day after UTC midnight."""
    orders: OrderStyle = OrderStyle()
    """How entries are priced."""


class SizingSection(SizerSections, frozen=True, kw_only=True):
    """How large a position a signal deserves: the chosen sizer, and the parameters of each."""

    kind: Annotated[
        str, msgspec.Meta(pattern=f"^({'|'.join(SIZERS)})$", description=f"one of {', '.join(SIZERS)}")
    ] = "fixed_fractional"


class VenueSection(Section, frozen=True, kw_only=True):
    """Where orders go, and what trading there costs."""

    kind: Literal["simulated"] = "simulated"
    name: Name = "SIM"
    latency: Duration = "50ms"
    """Event time that an order or cancel takes to arrive."""
    participation: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.1
    """Share of an interval's volume that our orders get at most."""
    maker_bps: Annotated[float, msgspec.Meta(ge=-100, le=1000)] = 0.0
    """Fee of a resting order in basis points of value; negative is a rebate."""
    taker_bps: Annotated[float, msgspec.Meta(ge=0, le=1000)] = 1.0
    slippage: Annotated[
        str, msgspec.Meta(pattern=f"^({'|'.join(SLIPPAGE)})$", description=f"one of {', '.join(SLIPPAGE)}")
    ] = "spread"
    """Slippage model of takers; its parameters stand under slippage_models."""
    slippage_models: SlippageSections = SlippageSections()


class InstrumentSection(Section, frozen=True, kw_only=True):
    """One instrument, or a pattern such as "SYN*"; what is left out is as in the built-in table."""

    venue: Name | None = None
    currency: Currency | None = None
    tick_size: Money | None = None
    """Smallest step of the price, an exact decimal."""
    lot_size: Money | None = None
    """Smallest step of the quantity, an exact decimal."""
    multiplier: Count | None = None
    """Currency units that one unit of price is worth per unit of quantity."""
    session_timezone: str | None = None
    session_start: (
        Annotated[
            str,
            msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="a time of day as 'HH:MM'"),
        ]
        | None
    ) = None
    """Where the trading day begins, in session_timezone."""
    fee_bps: Annotated[float, msgspec.Meta(ge=-100, le=1000)] | None = None
    """Fee of makers and takers in basis points of value, instead of the venue's."""


def _strategies() -> dict[str, StrategySection]:
    return {kind: StrategySection(kind=kind) for kind in ("sma_crossover", "rsi_reversion")}


class Settings(Section, frozen=True, kw_only=True):
    """Everything that can be set."""

    log: LogSection = LogSection()
    registry: RegistrySection = RegistrySection()
    run: RunSection = RunSection()
    gateway: GatewaySection = GatewaySection()
    symbol_leg: SymbolLegSection = SymbolLegSection()
    strategies: dict[str, StrategySection] = msgspec.field(default_factory=_strategies)
    """Strategies that run, by names of one's own."""
    account: AccountSection = AccountSection()
    sizing: SizingSection = SizingSection()
    risk: RiskSection = RiskSection()
    """Limits of the account, one part per rule."""
    venue: VenueSection = VenueSection()
    instruments: dict[str, InstrumentSection] = {}
    """Instruments that the built-in table lacks or has otherwise, by symbol."""
