"""When and where simulated orders fill: plain marks in, reports out."""

import pytest

from operators.instruments import DEFAULT_TABLE
from operators.simulated_venue import SimulatedVenue
from operators.slippage import FixedBps, HalfSpread, VolatilitySlippage
from schemas.orders import CancelOrder
from tests.account_events import NAN, SECOND, START, mark, order


def venue(**parameters) -> SimulatedVenue:
    return SimulatedVenue(
        DEFAULT_TABLE, **{"latency_ns": 0, "participation": 1.0, "taker_bps": 0.0} | parameters
    )


def run(parameters, orders, marks, cancels=()) -> list[tuple[str, float, float, int]]:
    """(status, quantity, price, ms after START) of every report after the acknowledgements."""
    simulated, reports = venue(**parameters), []
    state = simulated.init()
    for request in orders:
        simulated.submit(state, request)
    for second in cancels:
        simulated.cancel(state, CancelOrder("T1", "paper", "SPY", "SIM", START + int(second * SECOND), "x"))
    for before, row in zip([*marks[:1], *marks], marks, strict=False):
        reports += simulated.on_mark(state, row, lambda before=before: before)
    return [
        (r.status, r.last_quantity_nanos / 1e9, r.last_price_nanos / 1e9, (r.ts_event_ns - START) // 10**6)
        for r in reports
    ]


def test_market_that_arrived_before_the_interval_fills_at_its_open() -> None:
    assert run({}, [order(1)], [mark(2, 101, open_=100.5)]) == [("FILLED", 10, 100.5, 1000)]


def test_market_that_arrives_inside_fills_at_the_close_only_if_it_is_later() -> None:
    late = {"latency_ns": 600_000_000}
    assert run(late, [order(1)], [mark(2, 101, open_=100.5, last_s=0.7)]) == [("FILLED", 10, 101, 1700)]
    waits = [mark(2, 101, open_=100.5, last_s=0.5), mark(3, 102, open_=101.5)]
    assert run(late, [order(1)], waits) == [("FILLED", 10, 101.5, 2000)]


def test_an_interval_without_trades_fills_nothing() -> None:
    silent = mark(2, 101, last_s=-3, volume=0.0)
    assert run({}, [order(1)], [silent, mark(3, 102, open_=101)]) == [("FILLED", 10, 101, 2000)]


def test_an_order_that_arrives_at_the_last_trade_makes_it_and_one_later_does_not() -> None:
    assert run({}, [order(2)], [mark(2, 101, open_=100)]) == [("FILLED", 10, 101, 2000)]
    assert run({"latency_ns": 1}, [order(2)], [mark(2, 101, open_=100)]) == []


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (mark(2, 100, open_=98), [("FILLED", 10, 98, 1000)]),  # gap through at the open
        (mark(2, 100, open_=100, low=98.99), [("FILLED", 10, 99, 2000)]),  # traded through
        (mark(2, 100, open_=100, low=99), []),  # touched only
        (mark(2, 100, open_=99, low=99), []),  # opened at it
    ],
)
def test_buy_limit(row, expected) -> None:
    assert run({}, [order(1, limit=99)], [row]) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (mark(2, 100, open_=102), [("FILLED", 10, 102, 1000)]),
        (mark(2, 100, open_=100, high=101.01), [("FILLED", 10, 101, 2000)]),
        (mark(2, 100, open_=100, high=101), []),
    ],
)
def test_sell_limit(row, expected) -> None:
    assert run({}, [order(1, "SELL", limit=101)], [row]) == expected


def test_limit_that_arrives_inside_cannot_use_the_low() -> None:
    late = {"latency_ns": 500_000_000}
    assert run(late, [order(1, limit=99)], [mark(2, 100, open_=100, low=90)]) == []
    assert run(late, [order(1, limit=99)], [mark(2, 98.5, open_=100, low=90)]) == [("FILLED", 10, 98.5, 2000)]


def test_participation_gives_partial_fills_in_whole_lots_in_order_of_arrival() -> None:
    marks = [mark(2, 100, volume=59), mark(3, 101, volume=59), mark(4, 102, volume=59)]
    orders = [order(0, quantity=7, id_="T1"), order(1, quantity=2, id_="T2")]
    assert run({"participation": 0.1}, orders, marks) == [
        ("PARTIALLY_FILLED", 5, 100, 1000),
        ("FILLED", 2, 101, 2000),
        ("FILLED", 2, 101, 2000),
    ]


def test_a_mark_without_volume_or_with_one_beyond_counting_does_not_limit() -> None:
    for volume in (0.0, NAN, 1e301, float("inf")):
        assert run({"participation": 0.1}, [order(1)], [mark(2, 100, volume=volume)])[0][1] == 10


def test_ioc_cancels_what_its_first_chance_leaves() -> None:
    assert run({}, [order(1, tif="IOC")], [mark(2, 100, volume=4)]) == [
        ("PARTIALLY_FILLED", 4, 100, 1000),
        ("CANCELLED", 0, 0, 1000),
    ]
    assert run({}, [order(1, tif="IOC", limit=99)], [mark(2, 100, low=90)]) == [("CANCELLED", 0, 0, 1000)]


def test_cancel_wins_unless_the_fill_is_surely_before_it() -> None:
    assert run({}, [order(0, limit=99)], [mark(1, 100), mark(2, 100, low=90)], cancels=[1.5]) == [
        ("CANCELLED", 0, 0, 1500)
    ]
    assert run({}, [order(0)], [mark(1, 100)], cancels=[0.5]) == [("FILLED", 10, 100, 0)]
    assert run({}, [order(0)], [mark(1, 100, volume=4)], cancels=[0.5]) == [
        ("PARTIALLY_FILLED", 4, 100, 0),
        ("CANCELLED", 0, 0, 500),
    ]


@pytest.mark.parametrize(
    ("model", "quote", "buy", "sell"),
    [
        (FixedBps(10.0), {}, 100.1, 99.9),
        (HalfSpread(), {"bid": 99.98, "ask": 100.02}, 100.02, 99.98),
        (HalfSpread(5.0), {"bid": NAN, "ask": NAN}, 100.05, 99.95),
        (HalfSpread(5.0), {"bid": 101.0, "ask": 100.0}, 100.05, 99.95),  # crossed: not believed
        (VolatilitySlippage(0.5), {"volatility": 0.002}, 100.1, 99.9),
        (VolatilitySlippage(0.5, 2.0), {"volatility": NAN}, 100.02, 99.98),
    ],
)
def test_slippage_is_against_the_taker(model, quote, buy, sell) -> None:
    for side, price in (("BUY", buy), ("SELL", sell)):
        assert run({"slippage": model}, [order(1, side)], [mark(2, 100, **quote)])[0][2] == pytest.approx(
            price
        )


def test_slippage_stops_at_the_limit_and_spares_makers() -> None:
    slip = {"slippage": FixedBps(1000.0)}
    assert run(slip, [order(1, limit=100.5)], [mark(2, 101, open_=100)]) == [("FILLED", 10, 100.5, 1000)]
    assert run(slip, [order(1, limit=99)], [mark(2, 100, low=98)]) == [("FILLED", 10, 99, 2000)]


def test_slippage_at_the_open_knows_only_the_mark_before() -> None:
    marks = [mark(1, 100, bid=99.9, ask=100.1), mark(2, 100, bid=90.0, ask=110.0)]
    assert run({"slippage": HalfSpread()}, [order(1.0)], marks[1:])[0][2] == 110  # none before: its own
    assert run({"slippage": HalfSpread(), "latency_ns": 1}, [order(0.999999999)], marks)[0][2] == 100.1


def test_fees_by_liquidity_and_the_instrument_override() -> None:
    simulated = venue(maker_bps=-0.5, taker_bps=2.0)
    state = simulated.init()
    simulated.submit(state, order(1, id_="T1"))
    simulated.submit(state, order(1, limit=99, id_="T2"))
    taker, maker = simulated.on_mark(state, row := mark(2, 100, low=98), lambda: row)
    assert (taker.liquidity, taker.fee_nanos) == ("TAKER", 200_000_000)
    assert (maker.liquidity, maker.fee_nanos) == ("MAKER", -49_500_000)
    assert taker.reference_price_nanos == 100 * 10**9


def test_orders_that_no_venue_would_take_are_rejected_with_the_reason() -> None:
    simulated = venue()
    state = simulated.init()
    for request, reason in (
        (order(symbol="DOGE"), "unknown symbol DOGE"),
        (order(quantity=0.5), "not a multiple of the lot"),
        (order(limit=0.00005), "not a multiple of the tick"),
        (order(quantity=0), "must be positive"),
    ):
        (rejected,) = simulated.submit(state, request)
        assert rejected.status == "REJECTED"
        assert reason in rejected.reason
    assert state.working == {}


def test_submit_is_idempotent_and_ids_count_per_account() -> None:
    simulated = venue()
    state = simulated.init()
    (accepted,) = simulated.submit(state, order(1))
    assert simulated.submit(state, order(1)) == []
    assert (accepted.id, accepted.venue_order_id) == ("SIM:SIM-paper-X1", "SIM-paper-1")
    assert len(simulated.on_mark(state, mark(2, 100), lambda: mark(1, 100))) == 1
    assert state.working == {}


def test_bad_parameters_are_refused() -> None:
    with pytest.raises(ValueError, match="participation is 0"):
        venue(participation=0.0)
    with pytest.raises(ValueError, match="latency_ns is -1"):
        venue(latency_ns=-1)
