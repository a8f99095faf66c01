"""Which signals, orders and fills are the same in two runs, which are gone, and which are new?

Signals have the same id where a strategy speaks at the same bar, orders where they follow from the same signal, fills
where they are the same one of an order. Of each only what matters is kept: its time, its key and one line of text.
"""

from collections.abc import Iterable, Iterator
from heapq import nsmallest

import msgspec

from flows.amounts import decimal_of
from schemas.codec import Event
from schemas.orders import ExecutionReport, Signal, SubmitOrder

EXAMPLES = 3


class Fact(msgspec.Struct, frozen=True, gc=False):
    """One signal, order or fill; ``text`` is what it says, so that two are the same where their texts are."""

    ts_event_ns: int
    strategy: str
    symbol: str
    text: str


class Example(msgspec.Struct, frozen=True):
    """A fact that is not the same on both sides: what it said and when; empty and 0 where it is gone or new."""

    id: str
    strategy: str
    symbol: str
    before: str
    after: str
    ts_before_ns: int
    ts_after_ns: int


class Moves(msgspec.Struct, frozen=True):
    """How many there are on each side, and what became of them; the first examples in event time."""

    before: int
    after: int
    same: int
    changed: int
    gone: int
    new: int
    first_changed: list[Example]
    first_gone: list[Example]
    first_new: list[Example]


class Said:
    """What one run said, by id."""

    def __init__(self) -> None:
        self.signals: dict[str, Fact] = {}
        self.orders: dict[str, Fact] = {}
        self.fills: dict[str, Fact] = {}
        self._fills_of: dict[str, int] = {}

    def signal(self, signal: Signal) -> None:
        """Note a signal."""
        text = signal.target if signal.strength == 1.0 else f"{signal.target} {signal.strength!r}"
        self.signals[signal.id] = Fact(signal.ts_event_ns, signal.strategy, signal.symbol, text)

    def event(self, event: Event) -> None:
        """Note an order or a fill; pass over anything else."""
        if isinstance(event, SubmitOrder):
            text = f"{event.side} {decimal_of(event.quantity_nanos)} {event.order_type}"
            if event.limit_price_nanos:
                text += f" {decimal_of(event.limit_price_nanos)}"
            self.orders[event.client_order_id] = Fact(event.ts_event_ns, event.strategy, event.symbol, text)
        elif isinstance(event, ExecutionReport) and event.last_quantity_nanos:
            number = self._fills_of.get(event.client_order_id, 0)
            self._fills_of[event.client_order_id] = number + 1
            quantity, price, fee = map(
                decimal_of, (event.last_quantity_nanos, event.last_price_nanos, event.fee_nanos)
            )
            text = f"{event.side} {quantity} at {price}, fee {fee}"
            name = f"{event.client_order_id}:{number}"
            self.fills[name] = Fact(event.ts_event_ns, event.strategy, event.symbol, text)


def moves(before: dict[str, Fact], after: dict[str, Fact]) -> Moves:
    """Compare what two runs said."""
    there = [name for name in before if name in after]
    changed = [name for name in there if before[name] != after[name]]
    gone = [name for name in before if name not in after]
    new = [name for name in after if name not in before]
    return Moves(
        before=len(before),
        after=len(after),
        same=len(there) - len(changed),
        changed=len(changed),
        gone=len(gone),
        new=len(new),
        first_changed=_examples(changed, before, after),
        first_gone=_examples(gone, before, after),
        first_new=_examples(new, before, after),
    )


def _examples(names: Iterable[str], before: dict[str, Fact], after: dict[str, Fact]) -> list[Example]:
    return nsmallest(EXAMPLES, _each(names, before, after), key=_time)


def _each(names: Iterable[str], before: dict[str, Fact], after: dict[str, Fact]) -> Iterator[Example]:
    nothing = Fact(0, "", "", "")
    for name in names:
        was, would = before.get(name, nothing), after.get(name, nothing)
        fact = would if name in after else was
        yield Example(
            name, fact.strategy, fact.symbol, was.text, would.text, was.ts_event_ns, would.ts_event_ns
        )


def _time(example: Example) -> tuple[int, str]:
    return example.ts_before_ns or example.ts_after_ns, example.id
