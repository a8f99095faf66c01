"""Which trades were made? First in, first out, per strategy and symbol.

A trade is what the fills of one order close of what the fills of another order had opened in the same book. It is
finished when the book is flat or another order fills in it; until then it can still grow. Kept are only the lots
that are open and the trades that the last order is still closing, whatever was traded before.

All amounts are integers of 1e-9. Where a lot is closed in part, its value and fee are shared by ``amount * closed
// held`` and the remainder stays in the lot, so that the sums over all parts are exact.
"""

from collections import deque

import msgspec

from operators.performance.fills import BookedFill


class Lot(msgspec.Struct):
    """What is left of a fill that opened: signed quantity and value, and its share of the fee."""

    order: str
    ts_ns: int
    price_nanos: int
    quantity_nanos: int
    flow_nanos: int
    fee_nanos: int


class ClosedTrade(msgspec.Struct):
    """What one order closed of another's opening; it grows until it is finished.

    ``entry_worth`` and ``exit_worth`` are sums of quantity times price (1e-18), ``entry_flow_nanos`` is signed:
    positive of a long trade.
    """

    strategy: str
    symbol: str
    entry_order: str
    exit_order: str
    entry_ns: int
    exit_ns: int = 0
    quantity_nanos: int = 0
    entry_worth: int = 0
    exit_worth: int = 0
    entry_flow_nanos: int = 0
    gross_nanos: int = 0
    fees_nanos: int = 0

    @property
    def net_nanos(self) -> int:
        """Profit after fees."""
        return self.gross_nanos - self.fees_nanos


class Lots(msgspec.Struct):
    """Open lots of one book, oldest first, and the trades that its last order is closing, by entry order."""

    open: deque[Lot] = msgspec.field(default_factory=deque)
    closing: dict[str, ClosedTrade] = msgspec.field(default_factory=dict)
    exit_order: str = ""


def on_fill(lots: Lots, fill: BookedFill) -> list[ClosedTrade]:
    """Close and open lots by a fill of their book; returns the trades that are finished."""
    finished: list[ClosedTrade] = []
    if lots.closing and lots.exit_order != fill.order:
        finished += lots.closing.values()
        lots.closing.clear()
    held, quantity = lots.open, fill.quantity_nanos
    left = Lot(fill.order, fill.ts_ns, fill.price_nanos, quantity, fill.flow_nanos, fill.fee_nanos)
    if held and (held[0].quantity_nanos > 0) is not (quantity > 0):
        lots.exit_order = fill.order
        while held and left.quantity_nanos:
            _close(lots, fill, left)
        if not held:
            finished += lots.closing.values()
            lots.closing.clear()
    if left.quantity_nanos:
        held.append(left)
    return finished


def _close(lots: Lots, fill: BookedFill, left: Lot) -> None:
    """Close as much of the oldest lot as ``left`` can."""
    first = lots.open[0]
    trade = lots.closing.get(first.order)
    if trade is None:
        trade = ClosedTrade(fill.strategy, fill.symbol, first.order, fill.order, first.ts_ns)
        lots.closing[first.order] = trade
    entry, exit_ = abs(first.quantity_nanos), abs(left.quantity_nanos)
    quantity = entry if entry <= exit_ else exit_
    entry_flow, entry_fee = _take(first, quantity, entry)
    exit_flow, exit_fee = _take(left, quantity, exit_)
    trade.exit_ns = left.ts_ns
    trade.quantity_nanos += quantity
    trade.entry_worth += quantity * first.price_nanos
    trade.exit_worth += quantity * left.price_nanos
    trade.entry_flow_nanos += entry_flow
    trade.gross_nanos -= entry_flow + exit_flow
    trade.fees_nanos += entry_fee + exit_fee
    if quantity == entry:
        lots.open.popleft()


def _take(lot: Lot, quantity: int, held: int) -> tuple[int, int]:
    """Take ``quantity`` of the ``held`` out of a lot; returns its share of value and fee."""
    if quantity == held:
        lot.quantity_nanos = 0
        return lot.flow_nanos, lot.fee_nanos
    flow, fee = lot.flow_nanos * quantity // held, lot.fee_nanos * quantity // held
    lot.flow_nanos -= flow
    lot.fee_nanos -= fee
    lot.quantity_nanos -= quantity if lot.quantity_nanos > 0 else -quantity
    return flow, fee
