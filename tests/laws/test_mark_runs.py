"""The law of mark runs: one by one or in columns cut anywhere, the marks make the account say and be the same."""

import pickle
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.account_leg import AccountLeg
from operators.account_parameters import OrderStyle
from operators.instruments import DEFAULT_TABLE, INSTRUMENTS, Instrument, InstrumentTable
from operators.ledger import violations
from operators.mark_run import run_of
from operators.rules.daily_drawdown import DailyDrawdown
from operators.rules.position_limit import PositionLimit
from operators.simulated_venue import SimulatedVenue
from operators.sizing.fixed_fractional import FixedFractional
from operators.slippage import HalfSpread, VolatilitySlippage
from operators.venue import RemoteVenue
from schemas.market import Mark
from schemas.orders import SubmitOrder
from tests.account_events import DAY, NAN, SECOND, START, command, mark, of, play, report, signal

DAY_S = DAY // SECOND
SYMBOLS = ("SPY", "SPY", "SPY", "ES", "ES", "ES", "BTCUSDT", "HUGE", "DOGE")  # the last is in no table
# one tick of one lot is worth so much that most positions do not fit 64 bits
HUGE = Instrument("HUGE", "X", "USD", 1_000_000_000, 1_000_000_000, 10**7)
TABLE = InstrumentTable({**INSTRUMENTS, "HUGE": HUGE})
SANE = [95.0, 98.0, 99.9, 99.9999, 100.0, 100.0, 100.0001, 101.0, 104.0]
WILD = [0.0001, 0.00001, 1e6, 9.1e9, NAN, 0.0, -1.0, float("inf"), 9.3e9]
PRICES = st.sampled_from([*SANE * 10, *WILD])
LATE = st.sampled_from([0.0] * 18 + [-5.0, -0.5])


@st.composite
def any_mark(draw, second) -> Mark:
    """Sane or not, in time or late."""
    price, moved = draw(PRICES), draw(LATE)
    open_ = draw(st.sampled_from([price, 100.0]))
    quote = {
        "bid": draw(st.sampled_from([NAN, 99.0])),
        "ask": 101.0,
        "volatility": draw(st.sampled_from([NAN, 0.01])),
    }
    volume = draw(st.sampled_from([0.0, 0.0, 20.0, 1e9, 1e9]))
    symbol = draw(st.sampled_from(SYMBOLS))
    return mark(max(second + moved, -START // SECOND), price, symbol, open_=open_, volume=volume, **quote)


@st.composite
def events(draw) -> list[object]:
    """Marks, mostly, with signals, commands and a venue's words between them."""
    made: list[object] = []
    second = draw(st.sampled_from([0.0, DAY_S - 3.0]))
    for index in range(draw(st.integers(1, 80))):
        second += draw(st.sampled_from([0, 0.5, *[1] * 16, 7, 40_000]))
        kind = draw(st.sampled_from(["mark"] * 20 + ["signal"] * 4 + ["command", "word", "word"]))
        if kind == "mark":
            made.append(draw(any_mark(second)))
        elif kind == "signal":
            target = draw(st.sampled_from(["LONG", "SHORT", "LONG", "SHORT", "FLAT"]))
            symbol, strategy = draw(st.sampled_from(SYMBOLS[:-1])), draw(st.sampled_from(["sma", "rsi"]))
            made.append(
                signal(second, target, symbol, strategy, price=draw(st.sampled_from([100.0, 100.0, 9e9])))
            )
        elif kind == "command":
            name = draw(st.sampled_from(["PAUSE", "RESUME", "RESUME", "REDUCE_ONLY", "HALT"]))
            made.append(command(name, f"c{index}", second))
        else:
            made.append(
                draw(st.sampled_from(["CANCELLED", "REJECTED", "UNKNOWN", "FILLED", "FILLED", "FILLED"]))
            )
    return made


@st.composite
def legs(draw) -> AccountLeg:
    rules = draw(st.sampled_from([
        (),
        (PositionLimit(),),
        (DailyDrawdown(0.0005, "REDUCE"),),
        (DailyDrawdown(0.0005, "HALT"), PositionLimit()),
        (DailyDrawdown(0.0005, "REDUCE"), DailyDrawdown(0.001, "HALT")),
        (DailyDrawdown(0.001, "HALT"), DailyDrawdown(0.0005)),
    ]))  # fmt: skip
    simulated = SimulatedVenue(
        TABLE,
        latency_ns=draw(st.sampled_from([0, 0, 300_000_000, 9 * SECOND])),
        participation=0.3,
        slippage=draw(st.sampled_from([HalfSpread(2.0), VolatilitySlippage(0.5)])),
    )
    return AccountLeg(
        account="paper", venue=draw(st.sampled_from([simulated, RemoteVenue("X")])), rules=rules, instruments=TABLE,
        style=draw(st.sampled_from([OrderStyle(), OrderStyle("LIMIT", "GTC", -2), OrderStyle("MARKET", "IOC")])),
        sizer=FixedFractional(notional_fraction=draw(st.sampled_from([0.05, 0.9]))),
        report_interval_ns=draw(st.sampled_from([5, 3600, 86_400, 7 * 86_400])) * SECOND,
        day_offset_ns=draw(st.sampled_from([0, -SECOND])),
        initial_cash_nanos=draw(st.sampled_from([*[10**15] * 12, 2**60, 2**63, 10**25])),
    )  # fmt: skip


def fold(leg, made, cuts) -> tuple[list[object], object, list[object]]:
    """Everything said, the state, and the events as taken; consecutive marks travel in runs cut at ``cuts``.

    A venue's word is about the last order sent.
    """
    state, outputs, taken, waiting = leg.init(), [], [], []
    for index, event in enumerate([*made, None]):
        if isinstance(event, Mark):
            waiting.append(event)
        if waiting and (not isinstance(event, Mark) or index in cuts):
            outputs += leg.step(state, run_of(waiting))
            taken += waiting
            waiting = []
            if index in cuts:
                state = pickle.loads(pickle.dumps(state))
        if event is None or isinstance(event, Mark):
            continue
        sent = of(outputs, SubmitOrder)
        if isinstance(event, str):
            if not sent:
                continue
            lots = sent[-1].quantity_nanos // 10**9 if event == "FILLED" else 0
            event = report(sent[-1], event, f"x{index}", quantity=lots, price=101.0, cumulative=lots)
        outputs += leg.step(state, event)
        taken.append(event)
    return outputs, state, taken


@settings(max_examples=100, deadline=None)
@given(legs(), events(), st.sets(st.integers(0, 60)))
def test_a_run_is_its_marks_one_by_one(leg, made, cuts) -> None:
    outputs, state, taken = fold(leg, made, cuts)
    alone = leg.init()
    assert repr(play(leg, alone, taken)) == repr(outputs)  # as text: a bad mark's alert may hold NaN
    assert alone == state
    assert violations(state.ledger) == []


def walk(seed, count=1500) -> list[object]:
    """A long quiet day: prices that walk, on both sides of what is held, and an order now and then."""
    dice = random.Random(seed)
    prices, second, made = dict.fromkeys(("SPY", "ES", "BTCUSDT", "HUGE"), 100.0), 0.0, []
    for _ in range(count):
        second += dice.choice([0, 0.5, 1, 1, 30])
        symbol = dice.choice([*prices, "SPY", "ES"])
        prices[symbol] = price = round(prices[symbol] * (1 + dice.gauss(0, 0.002)), 2)
        if dice.random() < 0.03:
            made.append(signal(second, dice.choice(["LONG", "SHORT"]), symbol, dice.choice(["sma", "rsi"])))
        elif dice.random() < 0.02:
            made.append("FILLED")
        else:
            made.append(
                mark(second, price, symbol, open_=price - 0.01, volume=1e9, bid=price - 1, ask=price + 1)
            )
    return made


@pytest.mark.parametrize("seed", range(24))
def test_a_long_run_is_its_marks_one_by_one(seed) -> None:
    dice = random.Random(seed)
    rules = (DailyDrawdown(0.02, dice.choice(["REDUCE", "HALT"])),) if seed % 3 else ()
    venue = RemoteVenue("X") if seed % 4 == 0 else SimulatedVenue(TABLE, latency_ns=0, slippage=HalfSpread())
    leg = AccountLeg(
        account="paper", venue=venue, rules=rules, instruments=TABLE,
        report_interval_ns=dice.choice([60, DAY_S]) * SECOND,
        sizer=FixedFractional(notional_fraction=0.2), initial_cash_nanos=dice.choice([10**15, 2**60 - 10**15]),
    )  # fmt: skip
    made = walk(seed)
    outputs, state, taken = fold(leg, made, set(dice.sample(range(len(made)), 10)))
    alone = leg.init()
    assert play(leg, alone, taken) == outputs
    assert alone == state
    assert violations(state.ledger) == []


def test_quiet_marks_never_reach_python(monkeypatch) -> None:
    leg = AccountLeg(
        account="paper", venue=SimulatedVenue(DEFAULT_TABLE, latency_ns=0), report_interval_ns=DAY
    )
    state = leg.init()
    play(leg, state, [mark(1, 100.0), mark(1, 100.0, "ES"), signal(1, "LONG"), mark(2, 100.0)])
    monkeypatch.setattr(AccountLeg, "_on_mark", lambda *_: pytest.fail("a quiet mark was taken one by one"))
    quiet = [mark(3 + n // 2, 100.0 + n % 5, ["ES", "SPY"][n % 2]) for n in range(1000)]
    old_and_unknown = [mark(1, 50.0), mark(600, 1.0, "DOGE")]
    state.ledger.marks.places_of(("DOGE", "ES", "SPY"))
    state.ledger.marks.ignore("DOGE")  # as after its first mark
    assert leg.step(state, run_of([*quiet, *old_and_unknown])) == []
    assert (
        state.ledger.equity_nanos
        == 10**15 + state.ledger.symbols["SPY"].lots * 4 * 10**9 - state.ledger.fees_nanos
    )
    assert state.clock_ns == START + 600 * SECOND


def test_memory_of_a_state_does_not_grow_with_runs() -> None:
    leg = AccountLeg(
        account="paper", venue=SimulatedVenue(DEFAULT_TABLE, latency_ns=0), report_interval_ns=DAY
    )
    state, sizes = leg.init(), []
    for turn in range(40):
        leg.step(state, run_of([mark(turn * 50 + n + 1, 100.0 + n, f"SYN{n}") for n in range(50)]))
        sizes.append(len(pickle.dumps(state)))
    assert sizes[-1] == sizes[2]
    assert sizes[-1] < 50 * 400
