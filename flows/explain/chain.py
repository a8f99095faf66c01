"""What is an explanation? Links from an order back to ticks and forward to profit, each with its place in the log.

A link that the log does not give is ``Missing`` and says why. Whether links agree is a list of ``Fit``s.
"""

from typing import Any, Generic, TypeVar

import msgspec

from flows.place import Place
from schemas.account import DeadLetter, JournalEntry, PortfolioUpdate
from schemas.market import Mark
from schemas.orders import CancelOrder, ExecutionReport, RiskDecision, Signal, SubmitOrder

E = TypeVar("E")


class Link(msgspec.Struct, Generic[E], frozen=True):
    """An event and its place."""

    place: Place
    event: E


class Missing(msgspec.Struct, frozen=True):
    """A link that is not there: in which topic, and why. ``faulty`` where a sound log would have it."""

    topic: str
    why: str
    faulty: bool = False


class BarRow(msgspec.Struct, frozen=True):
    """A row of ``bars``; see that schema."""

    id: str
    symbol: str
    timeframe_ns: int
    ts_event_ns: int
    quality: int
    revision: int
    cause_offset: int
    first_seq: int
    last_seq: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    notional: float
    buy_volume: float
    sell_volume: float
    trades: float
    upticks: float
    downticks: float


class FeatureRow(msgspec.Struct, frozen=True):
    """A row of ``features``: ``warm`` counts the bars seen, ``values`` are NaN before a feature's warm-up."""

    id: str
    symbol: str
    timeframe_ns: int
    ts_event_ns: int
    revision: int
    cause_offset: int
    feature_set: str
    warm: int
    values: dict[str, float]


class RegimeRow(msgspec.Struct, frozen=True):
    """A row of ``regimes``: -1 unknown, 0 low, 1 normal, 2 high volatility."""

    id: str
    symbol: str
    timeframe_ns: int
    ts_event_ns: int
    revision: int
    cause_offset: int
    regime: int
    rank: float
    p_low: float
    p_normal: float
    p_high: float


class Tick(msgspec.Struct, frozen=True):
    """A trade, or a vendor's bar (its close and volume); ``side`` 1 buyer, -1 seller, 0 unknown."""

    id: str
    kind: str
    ts_event_ns: int
    seq: int
    price: float
    high: float
    low: float
    size: float
    side: int


class Ticks(msgspec.Struct, frozen=True):
    """The rows of market data that one bar was built from, counted; ``around_close`` holds the last ones, oldest first.

    Volumes are those of rows whose side the venue told. ``refused`` rows lay in the bar's time and were not used.
    """

    rows: int
    messages: int
    from_offset: int
    to_offset: int
    first: Link[Tick]
    high: Link[Tick] | None
    low: Link[Tick] | None
    last: Link[Tick]
    volume: float
    buy_volume: float
    sell_volume: float
    around_close: tuple[Link[Tick], ...]
    refused: tuple[Link[DeadLetter], ...]
    whole: bool
    """Whether all rows were read; of very long bars only the beginning, the end, and where high and low lie by bars of
    a shorter timeframe (None where there are none)."""


class Parameters(msgspec.Struct, frozen=True):
    """What a signal's ``parameter_version`` stands for; ``values`` None where the log does not say."""

    version: str
    kind: str
    values: dict[str, Any] | None
    place: Place | None
    note: str


class BookChange(msgspec.Struct, frozen=True):
    """What one fill did to its strategy's book: amounts in 1e-9; ``before`` None where the log does not say."""

    update: Link[PortfolioUpdate]
    quantity_before_nanos: int | None
    quantity_after_nanos: int
    realized_nanos: int | None


class Filled(msgspec.Struct, frozen=True):
    """One fill: its report, the cost of slippage (positive is worse; price units of 1e-9), and the book after it."""

    report: Link[ExecutionReport]
    slippage_nanos: int | None
    book: BookChange | Missing


class Related(msgspec.Struct, frozen=True):
    """Another order's fills in the same book: those that opened what this order closes, or closed what it opened.

    ``update`` is the place of the last of them; the order's own words are "" and 0 where its reports are not found.
    """

    role: str
    client_order_id: str
    side: str
    fills: int
    quantity_nanos: int
    average_price_nanos: int
    fees_nanos: int
    realized_nanos: int
    quantity_after_nanos: int
    ts_event_ns: int
    report: Place | None
    update: Place


class Outcome(msgspec.Struct, frozen=True):
    """What became of an order; amounts in 1e-9 of the account's currency, profit before fees."""

    status: str
    reports: tuple[Link[ExecutionReport], ...]
    cancels: tuple[Link[CancelOrder], ...]
    fills: tuple[Filled, ...]
    effect: str
    filled_nanos: int
    average_price_nanos: int
    fees_nanos: int
    realized_nanos: int | None
    related: tuple[Related, ...]
    note: str


class Fit(msgspec.Struct, frozen=True):
    """Whether two links agree: ``link`` is the one it is said of."""

    link: str
    what: str
    holds: bool
    detail: str = ""


class Series(msgspec.Struct, frozen=True):
    """Bars around the decision, oldest first, for the chart, with the features' and regimes' rows of the same bars."""

    bars: tuple[BarRow, ...] = ()
    features: tuple[FeatureRow, ...] = ()
    regimes: tuple[RegimeRow, ...] = ()


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Everything, from what was asked. ``order`` is None where there is none and none was to be."""

    asked: str
    log: str
    account: str
    strategy: str
    symbol: str
    order: Link[SubmitOrder] | Missing | None
    decision: Link[RiskDecision] | Missing
    cut: Link[JournalEntry] | Missing
    mark: Link[Mark] | Missing
    before: Link[PortfolioUpdate] | Missing
    """The account as last told before the decision."""
    sizing: Parameters | None
    """How the run sizes orders; its version is that of the settings."""
    signal: Link[Signal] | Missing
    parameters: Parameters | None
    features: Link[FeatureRow] | Missing
    regime: Link[RegimeRow] | Missing
    bar: Link[BarRow] | Missing
    bars_before: tuple[Link[BarRow], ...]
    ticks: Ticks | Missing
    outcome: Outcome | None
    fits: tuple[Fit, ...] = ()
    series: Series = Series()

    @property
    def sound(self) -> bool:
        """Whether every link fits, and none is missing that should be there."""
        links = (getattr(self, name) for name in self.__struct_fields__)
        return all(fit.holds for fit in self.fits) and not any(
            isinstance(link, Missing) and link.faulty for link in links
        )
