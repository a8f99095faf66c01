"""What does a report say about a run? Plain values: amounts in units of 1e-9, times in UTC ns, ratios as floats.

Everything but ``curve`` and ``charts``, which are only drawn, is what ``titan report --json`` prints.
"""

import msgspec

from operators.performance import Drawdown, PerformanceResult

Lines = dict[str, list[int]]


class Known(msgspec.Struct, frozen=True):
    """What the log itself does not say: who asks, when, and under which settings."""

    written_ns: int = 0
    """Time of writing; 0 leaves the age of the data out."""
    currency: str = ""
    settings_digest: str = ""
    day_offset_ns: int = 0
    """Start of the trading day after midnight UTC."""
    simulated: bool | None = None
    """Whether fills are simulated; None: judged by the name of the venue."""
    commands: tuple[str, ...] = ()
    """How to make the run again, a shell command a line; the report adds how to make itself again."""


class Source(msgspec.Struct, frozen=True):
    """Which log, whose account, which stretch of event time."""

    log: str
    identity: str
    account: str
    symbols: tuple[str, ...]
    venues: tuple[str, ...]
    first_ns: int | None
    last_ns: int | None
    written_ns: int
    settings_digest: str
    feature_set: str
    parameter_versions: dict[str, str]
    """Version of each strategy's parameters."""
    records: dict[str, int]
    unreadable: dict[str, int]
    """Records that could not be decoded, by topic."""
    simulated: bool
    commands: tuple[str, ...]


class Portfolio(msgspec.Struct, frozen=True):
    """How the account stands at the end."""

    currency: str
    trading_state: str
    as_of_ns: int
    initial_nanos: int
    equity_nanos: int
    cash_nanos: int
    realized_nanos: int
    unrealized_nanos: int
    fees_nanos: int
    net_nanos: int
    return_: float = msgspec.field(name="return")
    drawdown: Drawdown | None
    turnover_nanos: int
    slippage_nanos: int
    time_in_market: float
    """Share of event time with a position."""
    average_leverage: float
    """Gross exposure over equity, by time."""
    highest_leverage: float


class Trade(msgspec.Struct, frozen=True):
    """What one order closed of what another had opened in the same book, first in first out."""

    strategy: str
    symbol: str
    side: str
    quantity_nanos: int
    entry_ns: int
    exit_ns: int
    entry_price_nanos: int
    exit_price_nanos: int
    gross_nanos: int
    fees_nanos: int
    net_nanos: int
    return_: float = msgspec.field(name="return")
    """Net profit over the value at entry."""
    entry_order: str
    exit_order: str
    entry_reason: str
    exit_reason: str


class OpenTrade(msgspec.Struct, frozen=True):
    """What an order opened and nothing has closed yet; fees are those of its entry."""

    strategy: str
    symbol: str
    side: str
    quantity_nanos: int
    entry_ns: int
    entry_price_nanos: int
    mark_price_nanos: int
    unrealized_nanos: int
    fees_nanos: int
    entry_order: str
    entry_reason: str


class TradeTotals(msgspec.Struct, frozen=True):
    """Closed trades in numbers; None where there are none to divide by."""

    closed: int
    open: int
    orders: int
    fills: int
    won: int
    win_rate: float | None
    profit_factor: float | None
    average_nanos: int | None
    best_nanos: int | None
    worst_nanos: int | None
    average_held_ns: int | None


class StrategyRow(msgspec.Struct, frozen=True):
    """One strategy's share of the result."""

    strategy: str
    realized_nanos: int
    unrealized_nanos: int
    fees_nanos: int
    net_nanos: int
    trades: int
    won: int
    win_rate: float | None
    turnover_nanos: int
    profit_factor: float | None
    sharpe_ratio: float | None
    """Of the daily profit."""
    signals: int
    approved: int
    denied: int
    nothing_to_do: int


class Denial(msgspec.Struct, frozen=True):
    """A decision against an order, with each rule's name, value, limit and whether it passed."""

    ts_event_ns: int
    strategy: str
    symbol: str
    side: str
    quantity_nanos: int
    price_nanos: int
    trading_state: str
    reason: str
    checks: tuple[tuple[str, float, float, bool], ...]


class Tally(msgspec.Struct, frozen=True):
    """Equal faults counted: what, where, how often, from when to when, and the last one's words."""

    kind: str
    subject: str
    count: int
    first_ns: int
    last_ns: int
    example: str


class Period(msgspec.Struct, frozen=True):
    """The account over one stretch of time."""

    from_ns: int
    to_ns: int
    equity_nanos: int
    change_nanos: int
    drawdown: float
    closed: int
    exposure: float
    """Gross exposure over equity at the end."""
    fees_nanos: int
    """Paid in the period."""


class Reconciliation(msgspec.Struct, frozen=True):
    """Whether trades and ledger say the same, to the last 1e-9; ``differences`` name what does not."""

    checked: bool
    holds: bool
    differences: tuple[str, ...]
    untracked_fills: int
    """Fills that closed what was opened before the log begins."""


class Distribution(msgspec.Struct, frozen=True):
    """How values are spread: counts [n] between edges [n + 1], the outermost with all beyond them."""

    name: str
    count: int
    mean: float
    deviation: float
    quantiles: dict[str, float]
    edges: list[float]
    counts: list[int]


class Curve(msgspec.Struct, frozen=True):
    """Equity, drawdown and exposure over time, thinned; profit of every strategy after fees; costs so far, by fill."""

    ts_ns: list[int]
    equity_nanos: list[int]
    drawdown: list[float]
    gross: list[float]
    """Gross and net exposure over equity."""
    net: list[float]
    strategy_ts_ns: list[int]
    strategy_net_nanos: Lines
    cost_ts_ns: list[int]
    cost_fees_nanos: list[int]
    cost_slippage_nanos: list[int]


class Candles(msgspec.Struct, frozen=True):
    """Bars of one length by the start of their interval; regimes as runs: edges [n + 1], codes [n]."""

    timeframe_ns: int
    resampled_from_ns: int
    start_ns: list[int]
    open: list[float]
    high: list[float]
    low: list[float]
    close: list[float]
    volume: list[float]
    regime_edges_ns: list[int]
    regimes: list[int]


class Execution(msgspec.Struct, frozen=True):
    """All fills of one order: a marker on the chart. ``opened``: none before it, more, less, or through zero."""

    order: str
    strategy: str
    side: str
    effect: str
    quantity_nanos: int
    price_nanos: int
    ts_ns: int
    fees_nanos: int
    fills: int
    reason: str
    explanation: dict[str, float]


class SymbolChart(msgspec.Struct, frozen=True):
    """All that is drawn of one symbol; positions are steps by strategy, `` `` being the account's."""

    symbol: str
    candles: list[Candles]
    executions: list[Execution]
    executions_left_out: int
    trade_lines: list[tuple[int, int, int, int, bool]]
    """Entry time and price, exit time and price (nanos), won."""
    position_ts_ns: list[int]
    position_nanos: Lines
    closed: list[tuple[int, int]]
    """Stretches without a market, which the time axis leaves out."""
    price_change: float | None


class Report(msgspec.Struct, frozen=True):
    """Everything."""

    title: str
    source: Source
    portfolio: Portfolio | None
    performance: PerformanceResult | None
    totals: TradeTotals
    strategies: list[StrategyRow]
    trades: list[Trade]
    open_trades: list[OpenTrade]
    periods: list[Period]
    distributions: list[Distribution]
    denials: list[Denial]
    denied_by_rule: dict[str, int]
    dead_letters: list[Tally]
    alerts: list[Tally]
    bar_quality: dict[str, int]
    reconciliation: Reconciliation
    curve: Curve
    charts: list[SymbolChart]
    symbols_left_out: list[str]
