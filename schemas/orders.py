"""What is decided and done about orders: signals, decisions, requests, reports.

Field meanings, units and ids are documented in the schemas of the same names under ``schemas/avro``.
"""

from typing import Literal

import msgspec

Target = Literal["LONG", "SHORT", "FLAT"]
Verdict = Literal["APPROVED", "DENIED", "NOTHING_TO_DO"]
Side = Literal["BUY", "SELL"]
TradingState = Literal["ACTIVE", "PAUSED", "REDUCING", "HALTED"]
OrderType = Literal["MARKET", "LIMIT"]
TimeInForce = Literal["GTC", "IOC"]
ExecutionStatus = Literal[
    "ACCEPTED", "PARTIALLY_FILLED", "FILLED", "CANCELLED", "REJECTED", "EXPIRED", "UNKNOWN"
]
Liquidity = Literal["NONE", "MAKER", "TAKER"]


class Signal(msgspec.Struct, frozen=True, gc=False):
    """What a strategy wants to hold, and why."""

    id: str
    account: str
    strategy: str
    symbol: str
    timeframe_ns: int
    ts_event_ns: int
    seq: int
    target: Target
    strength: float
    confidence: float
    horizon_ns: int
    price: float
    stop_distance: float
    reason: str
    explanation: dict[str, float]
    regime: int
    parameter_version: str
    model_version: str
    cause_partition: int
    cause_offset: int


class RuleCheck(msgspec.Struct, frozen=True, gc=False):
    """One rule's value against its limit."""

    rule: str
    value: float
    limit: float
    passed: bool


class RiskDecision(msgspec.Struct, frozen=True, gc=False):
    """Approval or denial of an order, with every rule's reading."""

    id: str
    account: str
    signal_id: str
    strategy: str
    symbol: str
    ts_event_ns: int
    verdict: Verdict
    side: Side
    quantity_nanos: int
    price_nanos: int
    trading_state: TradingState
    checks: tuple[RuleCheck, ...]
    reason: str


class SubmitOrder(msgspec.Struct, frozen=True, gc=False):
    """Send a new order to the venue."""

    client_order_id: str
    account: str
    strategy: str
    symbol: str
    venue: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity_nanos: int
    limit_price_nanos: int
    reduce_only: bool
    ts_event_ns: int
    signal_id: str
    decision_id: str


class CancelOrder(msgspec.Struct, frozen=True, gc=False):
    """Cancel a working order at the venue."""

    client_order_id: str
    account: str
    symbol: str
    venue: str
    ts_event_ns: int
    reason: str


class ExecutionReport(msgspec.Struct, frozen=True, gc=False):
    """What a venue says about an order."""

    id: str
    account: str
    client_order_id: str
    venue_order_id: str
    venue_execution_id: str
    strategy: str
    symbol: str
    venue: str
    side: Side
    status: ExecutionStatus
    last_quantity_nanos: int
    last_price_nanos: int
    cumulative_quantity_nanos: int
    leaves_quantity_nanos: int
    fee_nanos: int
    liquidity: Liquidity
    reference_price_nanos: int
    ts_event_ns: int
    reason: str
