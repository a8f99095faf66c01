"""Does a signal become an order? Size it, compare with what is held, judge it by every rule, decide, send.

At most one order works per (strategy, symbol), so exposure is never doubled by a second order in flight. A
signal that finds one working:

- wants what the order leads to, and the order is not being cancelled: NOTHING_TO_DO;
- otherwise the order is asked to cancel and the signal waits until the venue has closed it, then is decided on what is
  then held. A newer signal takes the place of a waiting one, which is decided NOTHING_TO_DO (superseded).

A flip is one order through zero. If rules deny it, its closing part is judged alone and sent if it passes: no
limit locks a position in. Exits are measured by every rule, but only those that bind exits, and HALTED, deny
them. A quantity that no record can hold is denied too, as ``largest_quantity``: coins worth 1e-8 get there.
"""

import math

import msgspec

from operators.account_alerts import account_alert
from operators.account_parameters import AccountParameters
from operators.account_state import AccountState, Output
from operators.client_ids import client_order_id
from operators.instruments import MAX_PRICE, MAX_QUANTITY_NANOS, NANOS, Instrument
from operators.ledger import SymbolPosition, book_lots, mark, position_of, work, worst_lots
from operators.mark_table import BUSY
from operators.order_life import Order, next_state
from operators.rules.rule import Proposal
from operators.trading_state import state_check
from schemas.orders import CancelOrder, ExecutionReport, RiskDecision, RuleCheck, Signal, SubmitOrder, Verdict


class _Wish(msgspec.Struct, frozen=True, gc=False):
    """A usable signal, what it is about, the price in ticks, and the signed lots that it asks to hold."""

    signal: Signal
    instrument: Instrument
    position: SymbolPosition
    ticks: int
    lots: int


class _Judged(msgspec.Struct, frozen=True, gc=False):
    """An order, every rule's reading of it, and the names of the rules that deny it."""

    proposal: Proposal
    checks: tuple[RuleCheck, ...]
    denying: list[str]
    quantity_nanos: int
    price_nanos: int


_TARGET_SIGN = {"LONG": 1, "SHORT": -1, "FLAT": 0}


def on_signal(
    parameters: AccountParameters, state: AccountState, signal: Signal, out: list[Output]
) -> list[ExecutionReport]:
    """Decide on a signal, or let it wait; a signal not newer than the last of its stream is a repetition, dropped.

    Appends decisions, orders and alerts to ``out``; returns what the venue answered at once.
    """
    stream = (signal.strategy, signal.symbol, signal.timeframe_ns)
    if state.signal_times.get(stream, -1) >= signal.ts_event_ns:
        return []
    state.signal_times[stream] = signal.ts_event_ns
    working = state.orders.working_order((signal.strategy, signal.symbol))
    if working is None or state.trading_state == "HALTED":
        return decide(parameters, state, signal, out)
    return _wait(parameters, state, signal, working, out)


def decide(
    parameters: AccountParameters, state: AccountState, signal: Signal, out: list[Output]
) -> list[ExecutionReport]:
    """Judge a signal now; no order works for its strategy and symbol, or none will be sent."""
    instrument = parameters.instruments.find(signal.symbol)
    fault = _fault(parameters, signal, instrument) or _expired(signal, state.clock_ns)
    if fault or instrument is None:
        out.append(_decision(parameters, state, signal, "DENIED", fault))
        return []
    wish = _wish(parameters, state, signal, instrument)
    held = book_lots(state.ledger, (signal.strategy, signal.symbol))
    if _near(held, wish.lots, parameters.resize_tolerance):
        reason = (
            "size rounds to zero" if signal.target != "FLAT" and not wish.lots else "position is as wanted"
        )
        out.append(_decision(parameters, state, signal, "NOTHING_TO_DO", reason))
        return []
    judged = _judge(parameters, state, wish, held, wish.lots - held)
    reason = ",".join(judged.denying)
    if judged.denying and held * judged.proposal.sign < 0 and not judged.proposal.is_exit:
        closing = _judge(parameters, state, wish, held, -held)
        if not closing.denying:
            judged, reason = closing, f"closing part only; the rest denied by {reason}"
    if judged.denying:
        out.append(_decision(parameters, state, signal, "DENIED", reason, judged))
        if judged.proposal.is_exit:
            text = f"exit of {signal.strategy} in {signal.symbol} denied by {reason}; the position stays as it is"
            out.append(account_alert(parameters.account, "WARNING", "exit_denied", text, state.clock_ns))
        return []
    out.append(_decision(parameters, state, signal, "APPROVED", reason, judged))
    return _submit(parameters, state, wish, judged.proposal, out)


def cancel_order(
    parameters: AccountParameters, state: AccountState, order: Order, reason: str, out: list[Output]
) -> list[ExecutionReport]:
    """Ask the venue to cancel. Always passes, whatever the state of the account."""
    order.state = next_state(order.state, "CANCEL_REQUESTED") or order.state
    order.cancel_requested = True
    venue = parameters.venue
    request = CancelOrder(
        order.client_order_id, parameters.account, order.symbol, venue.name, state.clock_ns, reason
    )
    out.append(request)
    return venue.cancel(state.venue, request)


def _wait(
    parameters: AccountParameters, state: AccountState, signal: Signal, working: Order, out: list[Output]
) -> list[ExecutionReport]:
    instrument = parameters.instruments.lookup(signal.symbol)
    fault = _fault(parameters, signal, instrument)
    if fault:
        out.append(_decision(parameters, state, signal, "DENIED", fault))
        return []
    key = (signal.strategy, signal.symbol)
    if not working.cancel_requested:
        wanted = _wish(parameters, state, signal, instrument).lots
        heading = book_lots(state.ledger, key) + working.sign * working.leaves_lots
        if _near(heading, wanted, parameters.resize_tolerance):
            reason = f"order {working.client_order_id} works towards it"
            out.append(_decision(parameters, state, signal, "NOTHING_TO_DO", reason))
            return []
    before = state.orders.waiting.get(key)
    if before is not None:
        out.append(_decision(parameters, state, before, "NOTHING_TO_DO", f"superseded by {signal.id}"))
    state.orders.waiting[key] = signal
    if working.cancel_requested:
        return []
    return cancel_order(parameters, state, working, f"replaced by {signal.id}", out)


def _fault(parameters: AccountParameters, signal: Signal, instrument: Instrument | None) -> str:
    """Why a signal cannot be used at all; empty if it can."""
    if instrument is None:
        return f"unknown_instrument: add {signal.symbol} to the instrument table"
    if instrument.currency not in parameters.par_currencies:
        return f"foreign_currency: {instrument.currency} is not in par_currencies {parameters.par_currencies}"
    if not (
        0.0 <= signal.strength <= 1.0
        and 0.0 < signal.price < MAX_PRICE
        and 0.0 <= signal.stop_distance < math.inf
    ):
        return (
            f"bad_signal: strength {signal.strength} (0 to 1), price {signal.price} (> 0) or stop_distance "
            f"{signal.stop_distance} (>= 0) is out of range"
        )
    return ""


def _expired(signal: Signal, now_ns: int) -> str:
    age = now_ns - signal.ts_event_ns
    if signal.target != "FLAT" and 0 < signal.horizon_ns < age:
        return f"signal_expired: {age} ns old, meant for {signal.horizon_ns} ns"
    return ""


def _wish(
    parameters: AccountParameters, state: AccountState, signal: Signal, instrument: Instrument
) -> _Wish:
    """What the signal asks for; before its symbol's first mark that is valued at the signal's price."""
    ledger = state.ledger
    position = position_of(ledger, instrument)
    ticks = ledger.marks.ticks(position.row)
    if ticks == 0:
        ticks = max(1, instrument.nearest_ticks(signal.price))
        mark(ledger, position, ticks)
    sign = _TARGET_SIGN[signal.target]
    lots = sign * parameters.sizer.lots(signal, instrument, ledger.equity_nanos, ticks) if sign else 0
    return _Wish(signal, instrument, position, ticks, lots)


def _near(held: int, wanted: int, tolerance: float) -> bool:
    return held == wanted or (held * wanted > 0 and abs(wanted - held) <= tolerance * abs(wanted))


def _judge(parameters: AccountParameters, state: AccountState, wish: _Wish, held: int, delta: int) -> _Judged:
    """Every rule's reading of an order for ``delta`` lots, and the names of those that deny it."""
    ledger, signal, position, instrument = state.ledger, wish.signal, wish.position, wish.instrument
    sign, lots = (1, delta) if delta > 0 else (-1, -delta)
    is_exit = held * sign < 0 and lots <= abs(held)
    unit = wish.ticks * position.tick_value_nanos
    after = worst_lots(position, sign, lots) * unit
    proposal = Proposal(
        signal.strategy,
        signal.symbol,
        sign,
        lots,
        is_exit,
        state.clock_ns,
        ledger.cash_nanos + ledger.net_nanos,
        state.drawdown_base_nanos,
        after,
        ledger.worst_nanos - position.worst_lots * unit + after,
    )
    of_state = state_check(state.trading_state, is_exit)
    checks, denying = [of_state], [] if of_state.passed else ["trading_state"]
    for rule, rule_state in zip(parameters.rules, state.rules):
        check = rule.check(rule_state, proposal)
        if not check.passed:
            if is_exit and not rule.binds_exits:
                check = RuleCheck(check.rule, check.value, check.limit, True)
            else:
                denying.append(check.rule)
        checks.append(check)
    _judge_quantity(max(lots, abs(held + delta)) * instrument.lot_size_nanos, checks, denying)
    quantity = min(lots * instrument.lot_size_nanos, MAX_QUANTITY_NANOS)
    price = wish.ticks * instrument.tick_size_nanos
    return _Judged(proposal, tuple(checks), denying, quantity, price)


def _judge_quantity(quantity_nanos: int, checks: list[RuleCheck], denying: list[str]) -> None:
    if quantity_nanos > MAX_QUANTITY_NANOS:
        limit = MAX_QUANTITY_NANOS / NANOS
        checks.append(RuleCheck("largest_quantity", quantity_nanos / NANOS, limit, False))
        denying.append("largest_quantity")


def _decision(
    parameters: AccountParameters,
    state: AccountState,
    signal: Signal,
    verdict: Verdict,
    reason: str,
    judged: _Judged | None = None,
) -> RiskDecision:
    return RiskDecision(
        f"decision:{signal.id}",
        parameters.account,
        signal.id,
        signal.strategy,
        signal.symbol,
        state.clock_ns,
        verdict,
        "SELL" if judged is not None and judged.proposal.sign < 0 else "BUY",
        0 if judged is None else judged.quantity_nanos,
        0 if judged is None else judged.price_nanos,
        state.trading_state,
        () if judged is None else judged.checks,
        reason,
    )


def _submit(
    parameters: AccountParameters, state: AccountState, wish: _Wish, proposal: Proposal, out: list[Output]
) -> list[ExecutionReport]:
    signal, instrument, position = wish.signal, wish.instrument, wish.position
    style, venue, sign, lots = parameters.style, parameters.venue, proposal.sign, proposal.lots
    limit = style.order_type == "LIMIT" and not proposal.is_exit
    limit_ticks = max(1, wish.ticks + sign * style.limit_offset_ticks) if limit else 0
    order_id = client_order_id(parameters.account, signal.strategy, signal.symbol, signal.id)
    request = SubmitOrder(
        order_id,
        parameters.account,
        signal.strategy,
        signal.symbol,
        venue.name,
        "BUY" if sign > 0 else "SELL",
        "LIMIT" if limit else "MARKET",
        "GTC" if proposal.is_exit else style.time_in_force,
        lots * instrument.lot_size_nanos,
        limit_ticks * instrument.tick_size_nanos,
        proposal.is_exit,
        state.clock_ns,
        signal.id,
        f"decision:{signal.id}",
    )
    state.orders.add(Order(order_id, signal.strategy, signal.symbol, sign, lots, proposal.is_exit))
    work(state.ledger, position, sign, lots)
    for rule, rule_state in zip(parameters.rules, state.rules):
        if rule_state is not None:
            rule.submitted(rule_state, proposal)
    out.append(request)
    reports = venue.submit(state.venue, request)
    state.ledger.marks.ints[position.row, BUSY] = venue.awaits_mark(state.venue, signal.symbol)
    return reports
