"""What may happen to an order? A literal table (state, event) -> state, and the table of the account's orders.

A pair that the table lacks changes nothing and is reported to the caller, who raises an alert: a state is
never guessed. Two facts are kept apart from the state: *fills are money* and are booked whatever the state
(once per venue execution id), and *an unknown stays unknown* until the venue says otherwise: its exposure
stays reserved.

    SUBMITTED --accepted--> ACCEPTED --partial--> PARTIALLY_FILLED --last fill--> FILLED
        \\______ cancel requested ______> PENDING_CANCEL ----> CANCELLED | FILLED (the fill won the race)
    any open state --no answer--> UNKNOWN --the venue's word--> whatever it says

Fills are de-duplicated per order, by venue execution id: at most one id a fill is kept, so an order holds at
most as many ids as lots. Closed orders are kept until ``CLOSED_KEPT`` later orders have closed: a venue that
repeats itself later than that finds no order, gets an alert and books nothing. So memory is bounded and no
fill is booked twice.
"""

from typing import Literal

import msgspec

from operators.ledger import BookKey
from schemas.orders import ExecutionReport, Signal

OrderState = Literal[
    "SUBMITTED",
    "ACCEPTED",
    "PARTIALLY_FILLED",
    "PENDING_CANCEL",
    "UNKNOWN",
    "FILLED",
    "CANCELLED",
    "EXPIRED",
    "REJECTED",
]
OrderEvent = Literal[
    "ACCEPTED",
    "PARTIALLY_FILLED",
    "FILLED",
    "CANCEL_REQUESTED",
    "CANCELLED",
    "EXPIRED",
    "REJECTED",
    "UNKNOWN",
]

CLOSED_KEPT = 1024
CLOSED_STATES: frozenset[OrderState] = frozenset({"FILLED", "CANCELLED", "EXPIRED", "REJECTED"})

TRANSITIONS: dict[tuple[OrderState, OrderEvent], OrderState] = {
    ("SUBMITTED", "ACCEPTED"): "ACCEPTED",
    ("SUBMITTED", "PARTIALLY_FILLED"): "PARTIALLY_FILLED",  # the fill overtook the acknowledgement
    ("SUBMITTED", "FILLED"): "FILLED",
    ("SUBMITTED", "CANCEL_REQUESTED"): "PENDING_CANCEL",
    ("SUBMITTED", "CANCELLED"): "CANCELLED",
    ("SUBMITTED", "EXPIRED"): "EXPIRED",
    ("SUBMITTED", "REJECTED"): "REJECTED",
    ("SUBMITTED", "UNKNOWN"): "UNKNOWN",
    ("ACCEPTED", "ACCEPTED"): "ACCEPTED",  # repeated acknowledgement
    ("ACCEPTED", "PARTIALLY_FILLED"): "PARTIALLY_FILLED",
    ("ACCEPTED", "FILLED"): "FILLED",
    ("ACCEPTED", "CANCEL_REQUESTED"): "PENDING_CANCEL",
    ("ACCEPTED", "CANCELLED"): "CANCELLED",
    ("ACCEPTED", "EXPIRED"): "EXPIRED",
    ("ACCEPTED", "REJECTED"): "REJECTED",  # accepted by the broker, rejected by the exchange
    ("ACCEPTED", "UNKNOWN"): "UNKNOWN",
    ("PARTIALLY_FILLED", "ACCEPTED"): "PARTIALLY_FILLED",  # late acknowledgement
    ("PARTIALLY_FILLED", "PARTIALLY_FILLED"): "PARTIALLY_FILLED",
    ("PARTIALLY_FILLED", "FILLED"): "FILLED",
    ("PARTIALLY_FILLED", "CANCEL_REQUESTED"): "PENDING_CANCEL",
    ("PARTIALLY_FILLED", "CANCELLED"): "CANCELLED",
    ("PARTIALLY_FILLED", "EXPIRED"): "EXPIRED",
    ("PARTIALLY_FILLED", "UNKNOWN"): "UNKNOWN",
    ("PENDING_CANCEL", "ACCEPTED"): "PENDING_CANCEL",
    ("PENDING_CANCEL", "PARTIALLY_FILLED"): "PENDING_CANCEL",
    ("PENDING_CANCEL", "FILLED"): "FILLED",
    ("PENDING_CANCEL", "CANCEL_REQUESTED"): "PENDING_CANCEL",
    ("PENDING_CANCEL", "CANCELLED"): "CANCELLED",
    ("PENDING_CANCEL", "EXPIRED"): "EXPIRED",
    ("PENDING_CANCEL", "REJECTED"): "REJECTED",
    ("PENDING_CANCEL", "UNKNOWN"): "UNKNOWN",
    ("UNKNOWN", "ACCEPTED"): "ACCEPTED",
    ("UNKNOWN", "PARTIALLY_FILLED"): "PARTIALLY_FILLED",
    ("UNKNOWN", "FILLED"): "FILLED",
    ("UNKNOWN", "CANCEL_REQUESTED"): "UNKNOWN",  # asking to cancel does not tell whether it lives
    ("UNKNOWN", "CANCELLED"): "CANCELLED",
    ("UNKNOWN", "EXPIRED"): "EXPIRED",
    ("UNKNOWN", "REJECTED"): "REJECTED",
    ("UNKNOWN", "UNKNOWN"): "UNKNOWN",
    ("FILLED", "ACCEPTED"): "FILLED",  # repeated or late acknowledgement
    ("FILLED", "FILLED"): "FILLED",
    ("CANCELLED", "ACCEPTED"): "CANCELLED",
    ("CANCELLED", "PARTIALLY_FILLED"): "CANCELLED",  # late fill after the cancel
    ("CANCELLED", "FILLED"): "FILLED",
    ("CANCELLED", "CANCELLED"): "CANCELLED",
    ("EXPIRED", "ACCEPTED"): "EXPIRED",
    ("EXPIRED", "PARTIALLY_FILLED"): "EXPIRED",
    ("EXPIRED", "FILLED"): "FILLED",
    ("EXPIRED", "EXPIRED"): "EXPIRED",
    ("REJECTED", "REJECTED"): "REJECTED",
}


class Order(msgspec.Struct):
    """One order as we know it. ``sign`` is +1 for a buy, -1 for a sell; ``executions`` are the ids of booked fills.

    ``told_nanos`` is the most that the venue has said to be filled, ``told_close`` how it said that the order
    ended.
    """

    client_order_id: str
    strategy: str
    symbol: str
    sign: int
    lots: int
    reduce_only: bool
    filled_lots: int = 0
    state: OrderState = "SUBMITTED"
    cancel_requested: bool = False
    told_nanos: int = 0
    told_close: Literal["", "CANCELLED", "EXPIRED"] = ""
    executions: dict[str, None] = msgspec.field(default_factory=dict)

    @property
    def leaves_lots(self) -> int:
        """Lots that may still fill: 0 once closed, and never below 0."""
        if self.state in CLOSED_STATES or self.filled_lots >= self.lots:
            return 0
        return self.lots - self.filled_lots


class OrderTable(msgspec.Struct):
    """Orders that work, the one that works per (strategy, symbol), and the signal that waits behind it.

    ``closed`` holds the last ``CLOSED_KEPT`` closed orders, oldest first.
    """

    open: dict[str, Order] = msgspec.field(default_factory=dict)
    working: dict[BookKey, str] = msgspec.field(default_factory=dict)
    waiting: dict[BookKey, Signal] = msgspec.field(default_factory=dict)
    closed: dict[str, Order] = msgspec.field(default_factory=dict)

    def find(self, client_order_id: str) -> Order | None:
        """An order that works or that closed lately."""
        order = self.open.get(client_order_id)
        return self.closed.get(client_order_id) if order is None else order

    def working_order(self, key: BookKey) -> Order | None:
        """The order that works for a strategy in a symbol."""
        working = self.working.get(key)
        return None if working is None else self.open[working]

    def add(self, order: Order) -> None:
        """Enter a new order. Raises ``ValueError`` if another works for its strategy and symbol."""
        key = (order.strategy, order.symbol)
        if key in self.working:
            raise ValueError(
                f"order {self.working[key]} works for {key}: {order.client_order_id} must wait for it"
            )
        self.open[order.client_order_id] = order
        self.working[key] = order.client_order_id

    def close(self, order: Order) -> None:
        """Move an order that reached a closed state out of the open ones; forget the oldest beyond the bound."""
        if self.open.pop(order.client_order_id, None) is not None:
            del self.working[(order.strategy, order.symbol)]
        self.closed[order.client_order_id] = order
        if len(self.closed) > CLOSED_KEPT:
            del self.closed[next(iter(self.closed))]


def next_state(state: OrderState, event: OrderEvent) -> OrderState | None:
    """State after the event; None where the table says nothing."""
    return TRANSITIONS.get((state, event))


def event_of(order: Order, report: ExecutionReport, lot_size_nanos: int) -> OrderEvent:
    """What a report, whose fill is already booked, means for its order; notes what it tells of fills to come.

    Our own sum of fills says whether a fill is the last. A report that counts more filled than we have booked
    tells of fills that were not sent: the order is UNKNOWN until they come, and then takes the closing word
    that came first.
    """
    status = report.status
    if report.cumulative_quantity_nanos > order.told_nanos:
        order.told_nanos = report.cumulative_quantity_nanos
    if status == "CANCELLED" or status == "EXPIRED":
        order.told_close = status
    if order.filled_lots * lot_size_nanos < order.told_nanos:
        return "UNKNOWN"
    if status != "PARTIALLY_FILLED" and status != "FILLED":
        return status
    if order.filled_lots >= order.lots:
        return "FILLED"
    return order.told_close or "PARTIALLY_FILLED"
