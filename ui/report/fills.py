"""Which fills did the ledger book, and why was each order sent?"""

import msgspec

from operators.performance.fills import BookedFill, CashTrail, on_report, on_update
from schemas.account import PortfolioUpdate
from schemas.orders import ExecutionReport, Signal, SubmitOrder

_CAUSE = "fill:"


class Reason(msgspec.Struct, frozen=True):
    """Why an order was sent: its signal's words and numbers."""

    text: str = ""
    explanation: dict[str, float] = {}


def in_order(
    updates: list[PortfolioUpdate], reports: list[ExecutionReport]
) -> list[ExecutionReport | PortfolioUpdate]:
    """Return the account's updates by ``seq``, each after the report that it books."""
    by_id = {report.id: report for report in reports}
    events: list[ExecutionReport | PortfolioUpdate] = []
    for update in updates:
        report = by_id.get(update.cause.removeprefix(_CAUSE)) if update.cause.startswith(_CAUSE) else None
        events += [update] if report is None else [report, update]
    return events


def booked_fills(updates: list[PortfolioUpdate], reports: list[ExecutionReport]) -> list[BookedFill]:
    """Return the fills that the ledger booked, in its order; ``updates`` by rising ``seq``.

    A fill right after a hole in ``seq`` cannot be valued and is left out.
    """
    fills, trail = list[BookedFill](), CashTrail()
    for event in in_order(updates, reports):
        if isinstance(event, ExecutionReport):
            on_report(trail, event)
        elif (fill := on_update(trail, event)) is not None:
            fills.append(fill)
    return fills


def reasons(orders: list[SubmitOrder], signals: list[Signal]) -> dict[str, Reason]:
    """Return why each order was sent, by client order id."""
    by_id = {signal.id: signal for signal in signals}
    return {
        order.client_order_id: Reason(signal.reason, signal.explanation)
        for order in orders
        if (signal := by_id.get(order.signal_id)) is not None
    }
