"""The table of order states, and failures of real venues told as lists of reports."""

from typing import get_args

import pytest
from msgspec.structs import replace

from operators.account_leg import AccountLeg
from operators.ledger import violations
from operators.order_life import CLOSED_KEPT, CLOSED_STATES, TRANSITIONS, OrderEvent, OrderState
from operators.venue import RemoteVenue
from schemas.account import Alert, PortfolioUpdate
from schemas.orders import CancelOrder, RiskDecision, SubmitOrder
from tests.account_events import command, mark, of, play, report, signal


class Desk:
    """A leg with one order of 1,000 SPY sent to a real venue."""

    def __init__(self) -> None:
        self.leg = AccountLeg(account="paper", venue=RemoteVenue("X"))
        self.state = self.leg.init()
        (self.sent,) = of(play(self.leg, self.state, [mark(1, 100.0), signal(1, "LONG")]), SubmitOrder)

    def tell(self, status, execution="", **fields) -> list[object]:
        return self.leg.step(self.state, report(self.sent, status, execution, **fields))

    @property
    def order_state(self) -> str:
        return self.state.orders.find(self.sent.client_order_id).state

    @property
    def lots(self) -> int:
        assert violations(self.state.ledger) == []
        return self.state.ledger.symbols["SPY"].lots

    @property
    def working(self) -> int:
        return self.state.ledger.symbols["SPY"].working_buy_lots


def codes(outputs) -> list[str]:
    return [alert.code for alert in of(outputs, Alert)]


def test_every_state_and_event_of_the_table_is_declared() -> None:
    states, events = set(get_args(OrderState)), set(get_args(OrderEvent))
    assert {state for state, _ in TRANSITIONS} == states
    assert {event for _, event in TRANSITIONS} == events
    assert set(TRANSITIONS.values()) <= states


def test_closed_states_never_open_again() -> None:
    assert all(
        after in CLOSED_STATES for (before, _), after in TRANSITIONS.items() if before in CLOSED_STATES
    )


def test_alpaca_repeats_new_and_fill_with_the_same_execution_ids() -> None:  # Lean.Brokerages.Alpaca#61
    desk = Desk()
    fill = {"quantity": 1000, "price": 100.5, "cumulative": 1000, "fee": 7}
    told = [desk.tell("ACCEPTED", "n1"), desk.tell("FILLED", "f1", **fill)]
    for _ in range(2):
        told += [desk.tell("ACCEPTED", "n1"), desk.tell("FILLED", "f1", **fill)]
    outputs = sum(told, [])
    assert len(of(outputs, PortfolioUpdate)) == 1
    assert codes(outputs) == []
    assert (desk.order_state, desk.lots, desk.working) == ("FILLED", 1000, 0)
    assert desk.state.ledger.fees_nanos == 7


def test_partial_fill_then_cancel_books_the_filled_part() -> None:
    desk = Desk()
    desk.tell("ACCEPTED")
    desk.tell("PARTIALLY_FILLED", "f1", quantity=400, price=100.0, cumulative=400)
    assert (desk.lots, desk.working) == (400, 600)
    assert codes(desk.tell("CANCELLED", cumulative=400)) == []
    assert (desk.order_state, desk.lots, desk.working) == ("CANCELLED", 400, 0)


def test_late_fill_after_the_cancel_is_booked() -> None:
    desk = Desk()
    desk.tell("ACCEPTED")
    desk.tell("CANCELLED")
    assert codes(desk.tell("PARTIALLY_FILLED", "f1", quantity=300, price=100.0, cumulative=300)) == []
    assert (desk.order_state, desk.lots, desk.working) == ("CANCELLED", 300, 0)


def test_fill_that_wins_the_race_against_a_cancel_request() -> None:
    desk = Desk()
    desk.tell("ACCEPTED")
    assert len(of(desk.leg.step(desk.state, command("HALT")), CancelOrder)) == 1
    assert desk.order_state == "PENDING_CANCEL"
    desk.tell("FILLED", "f1", quantity=1000, price=100.0, cumulative=1000)
    assert (desk.order_state, desk.lots, desk.working) == ("FILLED", 1000, 0)


def test_fill_overtakes_the_acknowledgement() -> None:
    desk = Desk()
    desk.tell("FILLED", "f1", quantity=1000, price=100.0, cumulative=1000)
    assert codes(desk.tell("ACCEPTED")) == []
    assert (desk.order_state, desk.lots) == ("FILLED", 1000)


def test_rejected_frees_the_reservation_and_alerts() -> None:
    desk = Desk()
    assert codes(desk.tell("REJECTED")) == ["order_rejected"]
    assert (desk.order_state, desk.lots, desk.working) == ("REJECTED", 0, 0)


def test_unknown_stays_unknown_and_reserved_until_the_venue_answers() -> None:
    desk = Desk()
    assert codes(desk.tell("UNKNOWN")) == ["order_unknown"]
    assert codes(desk.tell("UNKNOWN", "again")) == []
    assert (desk.order_state, desk.working) == ("UNKNOWN", 1000)
    outputs = desk.leg.step(desk.state, signal(2, "SHORT"))  # must not send a second order
    assert of(outputs, SubmitOrder) == []
    assert len(of(outputs, CancelOrder)) == 1
    assert (desk.order_state, desk.working) == ("UNKNOWN", 1000)
    outputs = desk.tell("CANCELLED")
    assert [sent.side for sent in of(outputs, SubmitOrder)] == ["SELL"]  # the waiting signal is decided now


def test_fills_that_were_never_sent_leave_the_order_unknown_until_they_come() -> (
    None
):  # Lean.Brokerages.IB#249
    desk = Desk()
    desk.tell("ACCEPTED")
    desk.tell("PARTIALLY_FILLED", "f1", quantity=100, price=100.0, cumulative=100)
    assert codes(desk.tell("CANCELLED", cumulative=250)) == ["order_unknown"]
    assert (desk.order_state, desk.lots, desk.working) == ("UNKNOWN", 100, 900)
    desk.tell("PARTIALLY_FILLED", "f2", quantity=150, price=100.0, cumulative=250)
    assert (desk.order_state, desk.lots, desk.working) == ("CANCELLED", 250, 0)


def test_fills_out_of_order_add_up() -> None:
    desk = Desk()
    desk.tell("FILLED", "f2", quantity=400, price=100.0, cumulative=1000)
    assert desk.order_state == "UNKNOWN"
    desk.tell("PARTIALLY_FILLED", "f1", quantity=600, price=100.0, cumulative=600)
    assert (desk.order_state, desk.lots, desk.working) == ("FILLED", 1000, 0)


def test_more_filled_than_asked_is_booked_and_alerted() -> None:
    desk = Desk()
    desk.tell("FILLED", "f1", quantity=1000, price=100.0, cumulative=1000)
    assert codes(desk.tell("FILLED", "f9", quantity=50, price=100.0, cumulative=1050)) == ["overfill"]
    assert (desk.lots, desk.working) == (1050, 0)


def test_fill_of_a_rejected_order_is_booked_and_its_state_kept() -> None:
    desk = Desk()
    desk.tell("REJECTED")
    told = desk.tell("PARTIALLY_FILLED", "f1", quantity=10, price=100.0, cumulative=10)
    assert codes(told) == ["impossible_transition"]
    assert (desk.order_state, desk.lots, desk.working) == ("REJECTED", 10, 0)


def test_order_that_nobody_sent_is_alerted_and_not_booked() -> None:
    desk = Desk()
    desk.sent = replace(desk.sent, client_order_id="T?")
    assert codes(desk.tell("FILLED", "f1", quantity=10, price=100.0, cumulative=10)) == ["unknown_order"]
    assert desk.lots == 0


def test_quantity_between_lots_is_alerted_and_not_booked() -> None:
    desk = Desk()
    odd = report(desk.sent, "PARTIALLY_FILLED", "f1", quantity=1, price=100.0, cumulative=1)
    assert codes(desk.leg.step(desk.state, replace(odd, last_quantity_nanos=5)))[0] == "off_grid_fill"
    assert (desk.lots, desk.working, desk.order_state) == (0, 1000, "UNKNOWN")


def test_price_between_ticks_is_booked_exactly() -> None:
    desk = Desk()
    desk.tell("FILLED", "f1", quantity=1000, price=100.00005, cumulative=1000)
    assert desk.state.ledger.cash_nanos == (1_000_000 - 100_000) * 10**9 - 50_000_000
    assert desk.lots == 1000


def test_memory_of_closed_orders_is_bounded_and_forgets_safely() -> None:
    desk, seconds = Desk(), range(2, CLOSED_KEPT + 5)
    first, fill = desk.sent, {"quantity": 1000, "price": 100.0, "cumulative": 1000}
    desk.tell("FILLED", "f1", **fill)
    for second in seconds:
        target = "FLAT" if second % 2 == 0 else "LONG"
        (desk.sent,) = of(desk.leg.step(desk.state, signal(second, target)), SubmitOrder)
        desk.tell("FILLED", f"f{second}", **fill)
    assert len(desk.state.orders.closed) == CLOSED_KEPT
    before, desk.sent = desk.lots, first
    assert codes(desk.tell("FILLED", "f1", **fill)) == ["unknown_order"]
    assert desk.lots == before


@pytest.mark.parametrize("targets", [["SHORT", "LONG"], ["FLAT", "SHORT", "LONG"]])
def test_only_the_newest_waiting_signal_is_decided_on(targets) -> None:
    desk = Desk()
    outputs = play(desk.leg, desk.state, [signal(2 + i, target) for i, target in enumerate(targets)])
    assert len(of(outputs, CancelOrder)) == 1
    assert [d.verdict for d in of(outputs, RiskDecision)] == ["NOTHING_TO_DO"] * (len(targets) - 1)
    assert all("superseded" in d.reason for d in of(outputs, RiskDecision))
    outputs = desk.tell("CANCELLED")
    assert [(d.verdict, d.side) for d in of(outputs, RiskDecision)] == [("APPROVED", "BUY")]
    assert len(of(outputs, SubmitOrder)) == 1
