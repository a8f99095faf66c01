"""The laws of the account leg: conservation, resume, prefix, bounded state; and what every part must hold."""

import math
import pickle
from collections import Counter
from dataclasses import dataclass, field

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from operators.account_leg import AccountLeg
from operators.account_parameters import OrderStyle
from operators.instruments import DEFAULT_TABLE
from operators.ledger import violations, worst_lots
from operators.order_life import CLOSED_STATES
from operators.rules import RULES
from operators.rules.rule import Proposal
from operators.simulated_venue import SimulatedVenue
from operators.sizing import SIZERS
from operators.slippage import SLIPPAGE, FixedBps
from operators.venue import RemoteVenue
from schemas.account import PortfolioUpdate
from schemas.orders import ExecutionReport, SubmitOrder
from tests.account_events import SECOND, command, mark, of, play, report, signal, simulated_leg

SYMBOLS = ("SPY", "ES", "BTCUSDT")
STRATEGIES = ("sma", "rsi")
RULE_SET = tuple(make() for make in RULES.values())


def make_leg(latency_ms=300, style=None) -> AccountLeg:
    slippage = FixedBps(2.0)
    venue = SimulatedVenue(DEFAULT_TABLE, latency_ns=latency_ms * 10**6, participation=0.3, slippage=slippage)
    return simulated_leg(
        venue=venue, rules=RULE_SET, style=style or OrderStyle(), report_interval_ns=5 * SECOND
    )


@st.composite
def event_runs(draw) -> list[object]:
    """Runs of marks, signals and commands in event time."""
    events, second = [], 0.0
    for index in range(draw(st.integers(1, 40))):
        second += draw(st.sampled_from([0, 0.5, 1, 1, 1, 7, 40_000]))
        symbol = draw(st.sampled_from(SYMBOLS))
        kind = draw(st.sampled_from(["mark", "mark", "mark", "signal", "signal", "command"]))
        if kind == "mark":
            open_, close = draw(st.tuples(st.integers(80, 120), st.integers(80, 120)))
            volume = draw(st.sampled_from([0.0, 3.0, 500.0, 1e7]))
            events.append(mark(second, close, symbol, open_=open_, low=min(open_, close) - 1, volume=volume))
        elif kind == "signal":
            target = draw(st.sampled_from(["LONG", "SHORT", "FLAT"]))
            strength = draw(st.sampled_from([0.0, 0.3, 1.0]))
            strategy = draw(st.sampled_from(STRATEGIES))
            stop = draw(st.sampled_from([0.0, 2.0]))
            events.append(signal(second, target, symbol, strategy, strength=strength, stop=stop))
        else:
            name = draw(st.sampled_from(["PAUSE", "RESUME", "RESUME", "REDUCE_ONLY", "HALT"]))
            events.append(command(name, f"c{index}", second))
    return events


STYLES = st.sampled_from(
    [OrderStyle(), OrderStyle("LIMIT", "GTC", -2), OrderStyle("LIMIT", "IOC", 5), OrderStyle("MARKET", "IOC")]
)


@settings(max_examples=60, deadline=None)
@given(event_runs(), STYLES, st.data())
def test_resume_and_prefix(events, style, data) -> None:
    leg = make_leg(style=style)
    state = leg.init()
    whole = play(leg, state, events)
    cut = data.draw(st.integers(0, len(events)))
    resumed = leg.init()
    before = play(leg, resumed, events[:cut])
    assert before == whole[: len(before)]  # the future changes nothing
    resumed = pickle.loads(pickle.dumps(resumed))
    assert before + play(leg, resumed, events[cut:]) == whole
    assert resumed == state


@settings(max_examples=60, deadline=None)
@given(event_runs(), STYLES)
def test_conservation_and_identity_after_every_step(events, style) -> None:
    leg = make_leg(style=style)
    state, filled, fees, outputs = leg.init(), Counter(), 0, []
    for event in events:
        step = leg.step(state, event)
        outputs += step
        for done in (row for row in of(step, ExecutionReport) if row.last_quantity_nanos):
            sign = 1 if done.side == "BUY" else -1
            filled[done.strategy, done.symbol] += sign * done.last_quantity_nanos
            fees += done.fee_nanos
        check_account(state, filled, fees)
    ids = [getattr(output, "client_order_id", None) for output in of(outputs, SubmitOrder)]
    assert len(set(ids)) == len(ids)
    named = [output.id for output in outputs if hasattr(output, "id")]
    assert len(set(named)) == len(named)
    updates = of(outputs, PortfolioUpdate)
    assert [update.seq for update in updates] == list(range(len(updates)))
    assert all(a.ts_event_ns <= b.ts_event_ns for a, b in zip(updates, updates[1:], strict=False))


def check_account(state, filled, fees) -> None:
    ledger, orders = state.ledger, state.orders
    assert violations(ledger) == []
    assert ledger.fees_nanos == fees
    for key, quantity in filled.items():
        assert ledger.books[key].lots * DEFAULT_TABLE.lookup(key[1]).lot_size_nanos == quantity
    for symbol, position in ledger.symbols.items():
        leaves = Counter()
        for order in orders.open.values():
            leaves[order.sign] += order.leaves_lots if order.symbol == symbol else 0
        assert (position.working_buy_lots, position.working_sell_lots) == (leaves[1], leaves[-1])
        assert position.worst_lots == max(worst_lots(position, 1, 0), worst_lots(position, -1, 0))
    assert ledger.worst_nanos >= ledger.gross_nanos
    assert set(orders.working.values()) == set(orders.open)
    assert all(order.state not in CLOSED_STATES for order in orders.open.values())
    assert set(orders.waiting) <= set(orders.working)


@dataclass
class Sent:
    """What a capricious venue knows about one order."""

    request: SubmitOrder
    filled: int = 0
    executions: list[ExecutionReport] = field(default_factory=list)


class CapriciousVenue(RuleBasedStateMachine):
    """A real venue that repeats, reorders, forgets and contradicts: the books always equal its executions."""

    @initialize()
    def start(self) -> None:
        self.leg = AccountLeg(account="paper", venue=RemoteVenue("X"), rules=RULE_SET)
        self.state, self.sent, self.second, self.count = self.leg.init(), [], 1, 0
        self.filled, self.fees = Counter(), 0
        self.tell(mark(1, 100.0))

    def tell(self, event) -> None:
        for output in self.leg.step(self.state, event):
            if isinstance(output, SubmitOrder):
                self.sent.append(Sent(output))

    @rule(wanted=st.sampled_from(["LONG", "SHORT", "FLAT"]), strategy=st.sampled_from(STRATEGIES))
    def signal(self, wanted, strategy) -> None:
        self.second += 1
        self.tell(signal(self.second, wanted, strategy=strategy))

    @rule(price=st.integers(90, 110))
    def mark(self, price) -> None:
        self.second += 1
        self.tell(mark(self.second, float(price)))

    @rule(name=st.sampled_from(["PAUSE", "RESUME", "REDUCE_ONLY", "HALT"]))
    def command(self, name) -> None:
        self.count += 1
        self.tell(command(name, f"c{self.count}"))

    @rule(
        index=st.integers(0, 5),
        status=st.sampled_from(["ACCEPTED", "CANCELLED", "EXPIRED", "REJECTED", "UNKNOWN"]),
    )
    def word(self, index, status) -> None:
        if self.sent:
            order = self.sent[-1 - index % len(self.sent)]
            self.tell(report(order.request, status, cumulative=order.filled, second=self.second))

    @rule(index=st.integers(0, 5), share=st.sampled_from([0.1, 0.5, 1.0]), skip=st.booleans())
    def fill(self, index, share, skip) -> None:
        if not self.sent:
            return
        order = self.sent[-1 - index % len(self.sent)]
        quantity = max(1, int((order.request.quantity_nanos // 10**9 - order.filled) * share))
        order.filled += quantity
        self.count += 1
        done = order.filled * 10**9 >= order.request.quantity_nanos
        row = report(
            order.request, "FILLED" if done else "PARTIALLY_FILLED", f"f{self.count}", quantity=quantity, price=101.0,
            cumulative=order.filled, fee=3, second=self.second,
        )  # fmt: skip
        order.executions.append(row)
        if not skip:
            self.deliver(row)

    @rule(index=st.integers(0, 5))
    def repeat_or_deliver_late(self, index) -> None:
        rows = [row for order in self.sent for row in order.executions]
        if rows:
            self.deliver(rows[-1 - index % len(rows)])

    def deliver(self, row) -> None:
        known = row.venue_execution_id in self.filled
        if not known:
            self.filled[row.venue_execution_id] = row.last_quantity_nanos * (1 if row.side == "BUY" else -1)
            self.fees += row.fee_nanos
        self.tell(row)

    @invariant()
    def books_equal_the_executions_that_were_told(self) -> None:
        if hasattr(self, "state"):
            check_account(self.state, Counter(), self.fees)
            assert self.state.ledger.symbols["SPY"].lots * 10**9 == sum(self.filled.values())

    @invariant()
    def nothing_is_sent_twice(self) -> None:
        if hasattr(self, "sent"):
            ids = [order.request.client_order_id for order in self.sent]
            assert len(set(ids)) == len(ids)


TestCapriciousVenue = CapriciousVenue.TestCase
TestCapriciousVenue.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)


def test_state_does_not_grow_with_events() -> None:
    leg, sizes = make_leg(latency_ms=0), []
    state = leg.init()
    for second in range(1, 6001):
        leg.step(state, mark(second, 100.0 + second % 7))
        if second % 2 == 0:
            leg.step(state, signal(second, ["LONG", "SHORT"][second // 2 % 2]))
        if second in (3000, 6000):
            sizes.append(len(pickle.dumps(state)))
    assert state.orders.closed
    assert sizes[1] - sizes[0] < 4096  # ids gain digits, nothing is added
    assert len(pickle.dumps(state.venue)) < 2048


@pytest.mark.parametrize("name", RULES)
@given(data=st.data())
def test_every_rule_measures_limits_and_resumes(name, data) -> None:
    rule_ = RULES[name]()
    assert rule_.name == name
    state, times = rule_.init(), sorted(data.draw(st.lists(st.integers(1, 10**12), max_size=30)))
    amounts = st.integers(-(10**15), 10**18)
    for ts_ns in times:
        numbers = data.draw(st.tuples(amounts, amounts, st.integers(0, 10**18), st.integers(0, 10**18)))
        proposal = Proposal("s", "SPY", 1, 1, False, ts_ns, *numbers)
        check = rule_.check(state, proposal)
        assert check == rule_.check(pickle.loads(pickle.dumps(state)), proposal)
        assert check.rule == name
        assert math.isfinite(check.value)
        assert check.passed == (check.value <= check.limit)
        rule_.submitted(state, proposal)
        assert len(pickle.dumps(state)) < 4096


@pytest.mark.parametrize("name", RULES)
def test_no_rule_locks_a_position_in_unless_it_says_so(name) -> None:
    rule_ = RULES[name]
    assert rule_.binds_exits is (name == "order_rate")


@pytest.mark.parametrize("name", SLIPPAGE)
@given(
    price=st.floats(1e-4, 1e6),
    bid=st.floats(allow_nan=True),
    ask=st.floats(allow_nan=True),
    volatility=st.sampled_from([float("nan"), float("inf"), 0.0, 1e-4, 0.5]),
)
def test_every_slippage_is_finite_and_never_helps(name, price, bid, ask, volatility) -> None:
    row = mark(1, price, bid=bid, ask=ask, volatility=volatility)
    assert 0.0 <= SLIPPAGE[name]().distance(price, row) < math.inf


@pytest.mark.parametrize("name", SIZERS)
@given(
    equity=st.integers(-(10**15), 10**17),
    strength=st.floats(0.0, 1.0),
    stop=st.floats(0.0, 1e4),
    ticks=st.integers(1, 10**7),
)
def test_every_sizer_gives_whole_lots_that_grow_with_strength_and_equity(
    name, equity, strength, stop, ticks
) -> None:
    sizer, instrument = SIZERS[name](), DEFAULT_TABLE.lookup("ES")
    row = signal(1, "LONG", strength=strength, stop=stop)
    lots = sizer.lots(row, instrument, equity, ticks)
    assert isinstance(lots, int)
    assert lots >= 0
    assert sizer.lots(msgspec.structs.replace(row, strength=1.0), instrument, equity, ticks) >= lots
    assert sizer.lots(row, instrument, equity + 10**15, ticks) >= lots
