"""What was every fill worth, to the last 1e-9? Read off the ledger's own updates, so that nothing is recomputed.

The account leg says a portfolio update after each fill that it booked, with the cause ``fill:{report id}``. Between two
updates cash changes by fills alone, so

    flow = cash before - cash after - fee        (positive: paid for a purchase, negative: received for a sale)

is the exact value of the fill, multiplier included, without asking any instrument table.
"""

import msgspec

from schemas.account import PortfolioUpdate
from schemas.orders import ExecutionReport, Signal, SubmitOrder

_CAUSE = "fill:"


class BookedFill(msgspec.Struct, frozen=True):
    """One fill: signed quantity (+ bought), price, signed value and fee, all in units of 1e-9."""

    order: str
    strategy: str
    symbol: str
    ts_ns: int
    quantity_nanos: int
    price_nanos: int
    flow_nanos: int
    fee_nanos: int
    slippage_nanos: int
    """What the price was worse than the reference price, in currency; 0 where there is no reference."""


class Reason(msgspec.Struct, frozen=True):
    """Why an order was sent: its signal's words and numbers."""

    text: str = ""
    explanation: dict[str, float] = {}


def initial_nanos(update: PortfolioUpdate) -> int:
    """Return the cash that the account began with; every update says it."""
    return update.equity_nanos - update.realized_nanos - update.unrealized_nanos + update.fees_nanos


def booked_fills(updates: list[PortfolioUpdate], reports: list[ExecutionReport]) -> list[BookedFill]:
    """Return the fills that the ledger booked, in its order; ``updates`` by rising ``seq``.

    A fill right after a hole in ``seq`` cannot be valued and is left out.
    """
    by_id = {report.id: report for report in reports}
    fills, cash, fees, seq = list[BookedFill](), 0, 0, -1
    if updates and updates[0].seq == 0:
        cash = initial_nanos(updates[0])
    for update in updates:
        report = by_id.get(update.cause.removeprefix(_CAUSE)) if update.cause.startswith(_CAUSE) else None
        if report is not None and update.seq == seq + 1 and update.books:
            fee = update.fees_nanos - fees
            fills.append(_fill(update, report, cash - update.cash_nanos - fee, fee))
        cash, fees, seq = update.cash_nanos, update.fees_nanos, update.seq
    return fills


def reasons(orders: list[SubmitOrder], signals: list[Signal]) -> dict[str, Reason]:
    """Return why each order was sent, by client order id."""
    by_id = {signal.id: signal for signal in signals}
    return {
        order.client_order_id: Reason(signal.reason, signal.explanation)
        for order in orders
        if (signal := by_id.get(order.signal_id)) is not None
    }


def _fill(update: PortfolioUpdate, report: ExecutionReport, flow: int, fee: int) -> BookedFill:
    sign = 1 if report.side == "BUY" else -1
    quantity, price, reference = (
        report.last_quantity_nanos,
        report.last_price_nanos,
        report.reference_price_nanos,
    )
    worse = sign * (price - reference) if reference else 0
    book = update.books[0]
    return BookedFill(
        report.client_order_id,
        book.strategy,
        book.symbol,
        report.ts_event_ns,
        sign * quantity,
        price,
        flow,
        fee,
        abs(flow) * worse // price if price else 0,
    )
