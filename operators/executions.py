"""What does a venue's report change? Books its fill once, moves its order by the table, frees what no longer works.

A fill of an order that we know is money and is booked, whatever the order's state; a fill of an order that we
do not know is not ours to book and is alerted. ``order_life`` says how repeats and missing fills are
recognised.
"""

from operators.account_alerts import account_alert
from operators.account_parameters import AccountParameters
from operators.account_state import AccountState, Output
from operators.instruments import Instrument, OffGrid
from operators.ledger import Fill, fill, work
from operators.order_life import CLOSED_STATES, Order, OrderEvent, event_of, next_state
from operators.portfolio import portfolio_update
from schemas.account import Severity
from schemas.orders import ExecutionReport, Signal


def apply_report(
    parameters: AccountParameters, state: AccountState, report: ExecutionReport, out: list[Output]
) -> Signal | None:
    """Apply one report; returns the signal that waited for its order to close, if any.

    Appends portfolio updates and alerts to ``out``.
    """
    order = state.orders.find(report.client_order_id)
    if order is None:
        text = (
            f"{report.venue} reports {report.status} (filled {report.cumulative_quantity_nanos}e-9) for order "
            f"{report.client_order_id}, which is not ours or closed long ago; reconcile with the venue"
        )
        _alert(parameters, state, out, "CRITICAL", "unknown_order", text)
        return None
    instrument = parameters.instruments.lookup(order.symbol)
    leaves, lots = order.leaves_lots, 0
    if report.last_quantity_nanos > 0:
        if report.venue_execution_id in order.executions:
            return None
        lots = _note_fill(parameters, state, order, report, instrument, out)
    _move(parameters, state, order, event_of(order, report, instrument.lot_size_nanos), report, out)
    if not lots and order.state not in CLOSED_STATES:
        return None
    released = leaves - order.leaves_lots
    key = (order.strategy, order.symbol)
    if lots:
        value = instrument.value_nanos(report.last_quantity_nanos, report.last_price_nanos)
        done = Fill(order.sign * lots, value, report.fee_nanos, released)
        fill(state.ledger, key, state.ledger.symbols[order.symbol], done)
        out.append(portfolio_update(parameters, state, f"fill:{report.id}", state.clock_ns, (key,)))
    elif released:
        work(state.ledger, state.ledger.symbols[order.symbol], order.sign, -released)
    if order.state in CLOSED_STATES and order.client_order_id in state.orders.open:
        state.orders.close(order)
        return state.orders.waiting.pop(key, None)
    return None


def _note_fill(
    parameters: AccountParameters,
    state: AccountState,
    order: Order,
    report: ExecutionReport,
    instrument: Instrument,
    out: list[Output],
) -> int:
    """Count the report's fill in the order; returns its lots, 0 if its quantity cannot be held in lots."""
    try:
        lots = instrument.lots(report.last_quantity_nanos)
    except OffGrid as fault:
        text = f"fill {report.id} not booked: {fault}; the position differs from the venue's until it is corrected"
        _alert(parameters, state, out, "CRITICAL", "off_grid_fill", text)
        return 0
    order.executions[report.venue_execution_id] = None
    order.filled_lots += lots
    if order.filled_lots > order.lots:
        text = f"order {order.client_order_id} asked for {order.lots} lots and has {order.filled_lots}; booked as told"
        _alert(parameters, state, out, "CRITICAL", "overfill", text)
    return lots


def _move(
    parameters: AccountParameters,
    state: AccountState,
    order: Order,
    event: OrderEvent,
    report: ExecutionReport,
    out: list[Output],
) -> None:
    """Move the order by the table and say what a human should know."""
    before, after = order.state, next_state(order.state, event)
    if after is None:
        text = (
            f"order {order.client_order_id} is {before} and was told {event} by report {report.id}: impossible, "
            f"its state is kept; compare with the venue"
        )
        _alert(parameters, state, out, "CRITICAL", "impossible_transition", text)
        return
    if after == before:
        return
    order.state = after
    if after == "UNKNOWN":
        text = (
            f"order {order.client_order_id}: outcome unknown after report {report.id} ({report.reason or '-'}); "
            f"filled {order.filled_lots} lots of {order.lots}, the rest stays reserved until the venue answers"
        )
        _alert(parameters, state, out, "CRITICAL", "order_unknown", text)
    elif after == "REJECTED":
        text = (
            f"order {order.client_order_id} rejected by {report.venue}: {report.reason or 'no reason given'}"
        )
        _alert(parameters, state, out, "WARNING", "order_rejected", text)


def _alert(
    parameters: AccountParameters,
    state: AccountState,
    out: list[Output],
    severity: Severity,
    code: str,
    text: str,
) -> None:
    out.append(account_alert(parameters.account, severity, code, text, state.clock_ns))
