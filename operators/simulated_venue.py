"""When and at what price would an order have filled? A venue simulated from marks, free of look-ahead.

An order decided at event time t arrives at ``t + latency_ns``. A mark says what one interval of event time
held: its first price (at or after ``ts_open_ns``), extremes, last price (at ``ts_last_ns``), volume. Then,
for a buy (a sell mirrors it):

| arrived | market | limit |
|---|---|---|
| at or before ts_open_ns | open | open if open < limit; else the limit price if low < limit (strict trade-through) |
| inside, at or before ts_last_ns | close | close if close < limit; else it rests |
| later, or nothing traded in the interval | waits | waits |

- At most ``participation`` of the interval's volume is filled, in whole lots, shared by orders in arrival order; the
  rest works on. A mark with prices but without volume (a history that never has any) does not limit. A halted
  minute of other histories, told as a bar without volume, says by ts_last_ns that nothing traded.
- IOC: what its first chance does not fill is cancelled. An IOC limit has no use of the low, only of open or close.
- An order is a taker at its first chance and a maker once it rests. Takers slip, by the spread and volatility known at
  the fill time (those of the mark before for a fill at the open), never past their limit.
- A cancel arrives after the same latency and wins against any fill not surely before it. It is confirmed by the first
  mark of the symbol that ends at or after its arrival.
- Fill times are venue times: ts_open_ns for the open, ts_last_ns for close and trade-through.

Sources of the rules: zipline VolumeShareSlippage (participation), hftbacktest order_fill (latency,
trade-through).
"""

import math
from collections.abc import Callable
from typing import Literal

import msgspec

from operators.instruments import Instrument, InstrumentTable, OffGrid
from operators.slippage import NoSlippage, Slippage
from schemas.market import Mark
from schemas.orders import CancelOrder, ExecutionReport, ExecutionStatus, Liquidity, SubmitOrder

_BPS_UNITS = 10_000_000_000  # fees are computed in 1e-6 of a basis point


class RestingOrder(msgspec.Struct):
    """An order at the venue. ``had_chance``: prices passed since it arrived; ``cancel_ns`` 0 = no cancel on its way."""

    request: SubmitOrder
    venue_order_id: str
    sign: int
    lots: int
    limit_ticks: int
    arrival_ns: int
    filled: int = 0
    had_chance: bool = False
    cancel_ns: int = 0


class SimulatedVenueState(msgspec.Struct):
    """Working orders by symbol in order of arrival, and the counters behind the ids."""

    working: dict[str, list[RestingOrder]] = msgspec.field(default_factory=dict)
    orders: int = 0
    executions: int = 0


class _Interval(msgspec.Struct, gc=False):
    """What a mark's interval offers: its prices, the mark before it, and the volume that is left, in lots."""

    mark: Mark
    before: Callable[[], Mark]
    instrument: Instrument
    volume_lots: int


class _Chance(msgspec.Struct, frozen=True, gc=False):
    """A price that an order may fill at. ``mark``: what its slippage may know."""

    ticks: int
    ts_ns: int
    liquidity: Literal["MAKER", "TAKER"]
    mark: Mark


class _Fill(msgspec.Struct, frozen=True, gc=False):
    """What a report says about a fill."""

    quantity_nanos: int
    price_nanos: int
    fee_nanos: int
    liquidity: Liquidity
    reference_nanos: int


_NO_FILL = _Fill(0, 0, 0, "NONE", 0)


class SimulatedVenue(msgspec.Struct, frozen=True):
    """Parameters: instruments, latency, share of volume, slippage model, fees in basis points of value.

    A negative maker fee is a rebate. Raises ``ValueError`` on parameters out of range.
    """

    instruments: InstrumentTable
    name: str = "SIM"
    latency_ns: int = 50_000_000
    participation: float = 0.1
    slippage: Slippage = NoSlippage()
    maker_bps: float = 0.0
    taker_bps: float = 1.0

    def __post_init__(self) -> None:
        if self.latency_ns < 0:
            raise ValueError(f"latency_ns is {self.latency_ns}; it must not be negative")
        if not 0.0 < self.participation <= 1.0:
            raise ValueError(f"participation is {self.participation}; it must be in (0, 1]")

    def init(self) -> SimulatedVenueState:
        """No orders."""
        return SimulatedVenueState()

    def submit(self, state: SimulatedVenueState, order: SubmitOrder) -> list[ExecutionReport]:
        """Accept or reject. A client id that works already is ignored: submits are idempotent."""
        for resting in state.working.get(order.symbol, ()):
            if resting.request.client_order_id == order.client_order_id:
                return []
        state.orders += 1
        name, sign = f"{self.name}-{order.account}-{state.orders}", 1 if order.side == "BUY" else -1
        resting = RestingOrder(order, name, sign, 0, 0, order.ts_event_ns + self.latency_ns)
        fault = _admit(self.instruments, resting)
        if fault:
            return [self._report(state, resting, "REJECTED", resting.arrival_ns, reason=fault)]
        state.working.setdefault(order.symbol, []).append(resting)
        return [self._report(state, resting, "ACCEPTED", resting.arrival_ns)]

    def cancel(self, state: SimulatedVenueState, request: CancelOrder) -> list[ExecutionReport]:
        """Note the request; the report follows with the marks."""
        for resting in state.working.get(request.symbol, []):
            if resting.request.client_order_id == request.client_order_id and not resting.cancel_ns:
                resting.cancel_ns = max(request.ts_event_ns + self.latency_ns, resting.arrival_ns)
        return []

    def awaits_mark(self, state: SimulatedVenueState, symbol: str) -> bool:
        """Whether an order works in the symbol."""
        return symbol in state.working

    def on_mark(
        self, state: SimulatedVenueState, mark: Mark, before: Callable[[], Mark]
    ) -> list[ExecutionReport]:
        """Fill and cancel what the mark's interval allows."""
        working = state.working.get(mark.symbol)
        if not working:
            return []
        reports: list[ExecutionReport] = []
        instrument = self.instruments.lookup(mark.symbol)
        interval = _Interval(mark, before, instrument, self._volume_lots(mark, instrument))
        for resting in working:
            self._pass(state, resting, interval, reports)
        working[:] = [resting for resting in working if resting.lots]
        if not working:
            del state.working[mark.symbol]
        return reports

    def _volume_lots(self, mark: Mark, instrument: Instrument) -> int:
        lots = mark.volume * self.participation * 1e9 / instrument.lot_size_nanos
        return int(min(lots, 2.0**62)) if mark.volume > 0.0 else 2**62

    def _pass(
        self,
        state: SimulatedVenueState,
        resting: RestingOrder,
        interval: _Interval,
        reports: list[ExecutionReport],
    ) -> None:
        """Let one interval pass over one order. A finished order is left with 0 lots."""
        mark = interval.mark
        if resting.arrival_ns <= mark.ts_last_ns >= mark.ts_open_ns:
            chance = _chance(resting, interval)
            if chance is not None and not 0 < resting.cancel_ns <= chance.ts_ns:
                lots = min(resting.lots - resting.filled, interval.volume_lots)
                if lots:
                    interval.volume_lots -= lots
                    reports.append(self._fill(state, resting, chance, interval.instrument, lots))
            immediate = resting.request.time_in_force == "IOC" and not resting.had_chance
            resting.had_chance = True
            if immediate and resting.filled < resting.lots:
                at_ns = max(mark.ts_open_ns, resting.arrival_ns)
                reports.append(self._report(state, resting, "CANCELLED", at_ns, reason="IOC remainder"))
                resting.lots = 0
        if 0 < resting.cancel_ns <= mark.ts_event_ns and resting.filled < resting.lots:
            reports.append(
                self._report(state, resting, "CANCELLED", resting.cancel_ns, reason="cancel requested")
            )
            resting.lots = 0
        if resting.filled >= resting.lots:
            resting.lots = 0

    def _fill(
        self,
        state: SimulatedVenueState,
        resting: RestingOrder,
        chance: _Chance,
        instrument: Instrument,
        lots: int,
    ) -> ExecutionReport:
        ticks = (
            self._slipped_ticks(resting, chance, instrument) if chance.liquidity == "TAKER" else chance.ticks
        )
        bps = self.taker_bps if chance.liquidity == "TAKER" else self.maker_bps
        if instrument.fee_bps is not None:
            bps = instrument.fee_bps
        value = lots * ticks * instrument.tick_value_nanos
        fee = (value * round(bps * 1e6) + _BPS_UNITS // 2) // _BPS_UNITS
        resting.filled += lots
        fill = _Fill(
            lots * instrument.lot_size_nanos,
            ticks * instrument.tick_size_nanos,
            fee,
            chance.liquidity,
            chance.ticks * instrument.tick_size_nanos,
        )
        status: ExecutionStatus = "FILLED" if resting.filled >= resting.lots else "PARTIALLY_FILLED"
        return self._report(state, resting, status, chance.ts_ns, fill=fill)

    def _slipped_ticks(self, resting: RestingOrder, chance: _Chance, instrument: Instrument) -> int:
        price = chance.ticks * instrument.tick_size_nanos / 1e9
        distance = self.slippage.distance(price, chance.mark) * 1e9 / instrument.tick_size_nanos
        ticks = chance.ticks + resting.sign * math.ceil(distance - 1e-6)
        if resting.limit_ticks:
            ticks = min(ticks, resting.limit_ticks) if resting.sign > 0 else max(ticks, resting.limit_ticks)
        return max(ticks, 1)

    def _report(
        self,
        state: SimulatedVenueState,
        resting: RestingOrder,
        status: ExecutionStatus,
        ts_ns: int,
        reason: str = "",
        fill: _Fill = _NO_FILL,
    ) -> ExecutionReport:
        order = resting.request
        state.executions += 1
        execution_id = f"{self.name}-{order.account}-X{state.executions}"
        done = order.quantity_nanos * resting.filled // resting.lots if resting.lots else 0
        return ExecutionReport(
            f"{self.name}:{execution_id}",
            order.account,
            order.client_order_id,
            resting.venue_order_id,
            execution_id,
            order.strategy,
            order.symbol,
            self.name,
            order.side,
            status,
            fill.quantity_nanos,
            fill.price_nanos,
            done,
            order.quantity_nanos - done if status in ("ACCEPTED", "PARTIALLY_FILLED") else 0,
            fill.fee_nanos,
            fill.liquidity,
            fill.reference_nanos,
            ts_ns,
            reason,
        )


def _admit(instruments: InstrumentTable, resting: RestingOrder) -> str:
    """Set lots and limit; returns why the order is refused, empty if it is not."""
    order = resting.request
    instrument = instruments.find(order.symbol)
    if instrument is None:
        return f"unknown symbol {order.symbol}"
    if order.quantity_nanos <= 0 or (order.order_type == "LIMIT" and order.limit_price_nanos <= 0):
        return f"quantity {order.quantity_nanos} and limit price {order.limit_price_nanos} must be positive"
    try:
        resting.lots = instrument.lots(order.quantity_nanos)
        resting.limit_ticks = instrument.ticks(order.limit_price_nanos)
    except OffGrid as fault:
        return str(fault)
    return ""


def _chance(resting: RestingOrder, interval: _Interval) -> _Chance | None:
    """The price that the interval offers to the order, by the table above."""
    mark, instrument = interval.mark, interval.instrument
    at_open = resting.arrival_ns <= mark.ts_open_ns
    ticks = instrument.nearest_ticks(mark.open if at_open else mark.close)
    liquidity: Literal["MAKER", "TAKER"] = "TAKER"
    if resting.request.order_type == "LIMIT":
        limit, sign = resting.limit_ticks, resting.sign
        if resting.had_chance:
            liquidity = "MAKER"
        if (limit - ticks) * sign <= 0:
            extreme = instrument.nearest_ticks(mark.low if sign > 0 else mark.high)
            if not at_open or resting.request.time_in_force == "IOC" or (limit - extreme) * sign <= 0:
                return None
            return _Chance(limit, mark.ts_last_ns, "MAKER", mark)
    if at_open:
        return _Chance(ticks, mark.ts_open_ns, liquidity, interval.before())
    return _Chance(ticks, mark.ts_last_ns, liquidity, mark)
