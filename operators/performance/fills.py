"""What was every fill worth, to the last 1e-9? Read off the ledger's own updates, so that nothing is recomputed.

The account leg says a portfolio update after each fill that it booked, with the cause ``fill:{report id}``. Between
two updates cash changes by fills alone, so

    flow = cash before - cash after - fee        (positive: paid for a purchase, negative: received for a sale)

is the exact value of the fill, multiplier included, without asking any instrument table.

Slippage is what the price was worse than the venue's reference price (the quote, open or close that the order met
before the slippage model moved it), in currency: ``flow * (price - reference) / price``; improvements count against
it.
"""

import msgspec

from schemas.account import PortfolioUpdate
from schemas.orders import ExecutionReport

FILL_CAUSE = "fill:"
REPORTS_KEPT = 1024
"""Reported fills that wait for their update; the account leg books a fill at once, so more are none of its own."""


class BookedFill(msgspec.Struct, frozen=True, gc=False):
    """One fill: signed quantity (+ bought), price, signed value and fee, all in units of 1e-9."""

    order: str
    strategy: str
    symbol: str
    ts_ns: int
    quantity_nanos: int
    price_nanos: int
    flow_nanos: int
    fee_nanos: int
    reference_nanos: int
    """What the venue says the price was before slippage; 0 where it says none."""
    slippage_nanos: int
    """What the price was worse than the reference price, in currency; 0 where there is no reference."""


class CashTrail(msgspec.Struct):
    """Where cash and fees stood at the last update, and the fills reported since."""

    cash_nanos: int = 0
    fees_nanos: int = 0
    seq: int = -1
    unvalued: int = 0
    """Fills that a hole in the log keeps from being valued."""
    reported: dict[str, ExecutionReport] = msgspec.field(default_factory=dict)


def initial_nanos(update: PortfolioUpdate) -> int:
    """Return the cash that the account began with; every update says it."""
    return update.equity_nanos - update.realized_nanos - update.unrealized_nanos + update.fees_nanos


def on_report(trail: CashTrail, report: ExecutionReport) -> None:
    """Keep a reported fill until its update; reports of other kinds are nothing."""
    if report.last_quantity_nanos > 0:
        trail.reported[report.id] = report
        if len(trail.reported) > REPORTS_KEPT:
            del trail.reported[next(iter(trail.reported))]


def on_update(trail: CashTrail, update: PortfolioUpdate) -> BookedFill | None:
    """Return the fill that the update books, None if it books none or a hole in ``seq`` hides its value."""
    cause, seq = update.cause, update.seq
    filled = None
    if trail.seq < 0 and seq == 0:
        trail.cash_nanos = initial_nanos(update)
    if cause.startswith(FILL_CAUSE):
        report = trail.reported.pop(cause[5:], None)
        if report is not None and seq == trail.seq + 1 and update.books:
            fee = update.fees_nanos - trail.fees_nanos
            filled = _fill(update, report, trail.cash_nanos - update.cash_nanos - fee, fee)
        else:
            trail.unvalued += 1
    trail.cash_nanos, trail.fees_nanos, trail.seq = update.cash_nanos, update.fees_nanos, seq
    return filled


def _fill(update: PortfolioUpdate, report: ExecutionReport, flow: int, fee: int) -> BookedFill:
    quantity, price, reference = (
        report.last_quantity_nanos,
        report.last_price_nanos,
        report.reference_price_nanos,
    )
    bought = report.side == "BUY"
    book = update.books[0]
    slippage = 0
    if reference and price and reference != price:
        slippage = abs(flow) * (price - reference if bought else reference - price) // price
    return BookedFill(
        report.client_order_id,
        book.strategy,
        book.symbol,
        report.ts_event_ns,
        quantity if bought else -quantity,
        price,
        flow,
        fee,
        reference,
        slippage,
    )
