"""Signals, commands, limits and days through the whole leg, with the simulated venue."""

from operators.account_parameters import OrderStyle
from operators.client_ids import client_order_id
from operators.instruments import DEFAULT_TABLE
from operators.ledger import violations
from operators.rules.daily_drawdown import DailyDrawdown
from operators.rules.gross_exposure import GrossExposure
from operators.rules.order_rate import OrderRate
from operators.rules.position_limit import PositionLimit
from operators.simulated_venue import SimulatedVenue
from operators.sizing.fixed_fractional import FixedFractional
from operators.trading_state import TRADING_STATES
from schemas.account import Alert, PortfolioUpdate
from schemas.orders import CancelOrder, ExecutionReport, RiskDecision, SubmitOrder
from tests.account_events import DAY, SECOND, START, command, mark, of, play, signal, simulated_leg


def decisions(outputs) -> list[tuple[str, str, float, str]]:
    return [(d.verdict, d.side, d.quantity_nanos / 1e9, d.reason) for d in of(outputs, RiskDecision)]


def test_a_whole_life_from_signal_to_ledger() -> None:
    leg = simulated_leg()
    state = leg.init()
    outputs = play(leg, state, [mark(1, 100.0), signal(1, "LONG"), mark(2, 101.0, open_=100.5)])
    kinds = [type(output).__name__ for output in outputs]
    assert kinds == ["RiskDecision", "SubmitOrder", "ExecutionReport", "ExecutionReport", "PortfolioUpdate"]
    decision, sent, _, filled, portfolio = outputs
    assert decision.verdict == "APPROVED"
    assert sent.client_order_id == client_order_id("paper", "sma", "SPY", decision.signal_id)
    assert sent.decision_id == decision.id == f"decision:{decision.signal_id}"
    assert filled.last_price_nanos == 100_500_000_000
    assert portfolio.cause == f"fill:{filled.id}"
    assert portfolio.equity_nanos == 1_000_500 * 10**9
    (book,) = portfolio.books
    assert (book.quantity_nanos, book.average_price_nanos) == (1000 * 10**9, 100_500_000_000)


def test_flip_is_one_order_through_zero() -> None:
    leg = simulated_leg()
    state = leg.init()
    outputs = play(
        leg, state, [mark(1, 100.0), signal(1, "LONG"), mark(2, 100.0), signal(2, "SHORT"), mark(3, 100.0)]
    )
    assert [(o.side, o.quantity_nanos // 10**9) for o in of(outputs, SubmitOrder)] == [
        ("BUY", 1000),
        ("SELL", 2000),
    ]
    assert state.ledger.books["sma", "SPY"].lots == -1000


def test_repeated_signals_are_dropped_and_repeated_targets_do_nothing() -> None:
    leg = simulated_leg()
    state = leg.init()
    play(leg, state, [mark(1, 100.0), signal(1, "LONG"), mark(2, 100.0)])
    assert leg.step(state, signal(1, "LONG")) == []
    assert decisions(leg.step(state, signal(2, "LONG"))) == [
        ("NOTHING_TO_DO", "BUY", 0, "position is as wanted")
    ]
    assert decisions(leg.step(state, signal(3, "FLAT")))[0][:3] == ("APPROVED", "SELL", 1000)


def test_size_scales_with_strength_stop_and_leverage() -> None:
    sizer = FixedFractional(risk_fraction=0.01, notional_fraction=0.2, max_leverage=1.5)
    spy = DEFAULT_TABLE.lookup("SPY")
    es = DEFAULT_TABLE.lookup("ES")
    equity = 1_000_000 * 10**9
    assert sizer.lots(signal(1, "LONG"), spy, equity, 1_000_000) == 2000
    assert sizer.lots(signal(1, "LONG", strength=0.5), spy, equity, 1_000_000) == 1000
    assert sizer.lots(signal(1, "LONG", stop=2.0), spy, equity, 1_000_000) == 5000
    assert sizer.lots(signal(1, "LONG", stop=0.01), spy, equity, 1_000_000) == 15_000  # the leverage cap
    assert (
        sizer.lots(signal(1, "LONG", "ES", stop=4.0), es, equity, 6560) == 18
    )  # 50 lots, capped at 1.5 M / 82,000
    assert sizer.lots(signal(1, "LONG", "ES", stop=40.0), es, equity, 6560) == 5
    assert sizer.lots(signal(1, "FLAT"), spy, equity, 1_000_000) == 0
    assert sizer.lots(signal(1, "LONG"), spy, -equity, 1_000_000) == 0


def test_size_that_rounds_to_zero() -> None:
    leg = simulated_leg(initial_cash_nanos=500 * 10**9)
    outputs = play(leg, leg.init(), [mark(1, 100.0), signal(1, "LONG")])
    assert decisions(outputs) == [("NOTHING_TO_DO", "BUY", 0, "size rounds to zero")]


def test_unusable_signals_are_denied_with_the_reason() -> None:
    leg = simulated_leg()
    state = leg.init()
    nan = float("nan")
    for second, (row, reason) in enumerate([
        (signal(1, "LONG", "DOGE"), "unknown_instrument"),
        (signal(2, "LONG", strength=nan), "bad_signal"),
        (signal(3, "LONG", strength=1.5), "bad_signal"),
        (signal(4, "LONG", price=-1.0), "bad_signal"),
        (signal(5, "LONG", stop=float("inf")), "bad_signal"),
    ]):  # fmt: skip
        (decision,) = leg.step(state, row)
        assert (decision.verdict, reason in decision.reason) == ("DENIED", True), second
    assert state.orders.open == {}


def test_signals_past_their_horizon_are_denied_but_exits_are_not() -> None:
    leg = simulated_leg()
    state = leg.init()
    play(leg, state, [mark(1, 100.0), signal(1, "LONG"), mark(10, 100.0)])
    late = signal(2, "SHORT", horizon_ns=SECOND)
    assert decisions(leg.step(state, late))[0][3].startswith("signal_expired")
    assert decisions(leg.step(state, signal(3, "FLAT", horizon_ns=SECOND)))[0][0] == "APPROVED"


def test_denied_names_every_rule_and_lists_every_reading() -> None:
    rules = (PositionLimit(0.05), GrossExposure(0.05), DailyDrawdown(), OrderRate(5))
    leg = simulated_leg(rules=rules)
    state = leg.init()
    (decision,) = play(leg, state, [mark(1, 100.0), signal(1, "LONG")])
    assert decision.reason == "position_limit,gross_exposure"
    readings = [(c.rule, c.value, c.limit, c.passed) for c in decision.checks]
    assert readings == [
        ("trading_state", 0.0, 0.0, True),
        ("position_limit", 0.1, 0.05, False),
        ("gross_exposure", 0.1, 0.05, False),
        ("daily_drawdown", 0.0, 0.05, True),
        ("order_rate", 1.0, 5.0, True),
    ]


def test_working_orders_of_other_strategies_count_against_limits() -> None:
    leg = simulated_leg(rules=(PositionLimit(0.15),))
    outputs = play(leg, leg.init(), [mark(1, 100.0), signal(1, "LONG"), signal(1, "LONG", strategy="rsi")])
    assert [d.verdict for d in of(outputs, RiskDecision)] == ["APPROVED", "DENIED"]


def test_a_flip_that_a_limit_denies_still_closes() -> None:
    leg = simulated_leg(rules=(DailyDrawdown(0.001, "REDUCE"),))
    state = leg.init()
    outputs = play(
        leg, state, [mark(1, 100.0), signal(1, "LONG"), mark(2, 100.0), mark(3, 90.0), signal(3, "SHORT")]
    )
    assert decisions(outputs)[-1] == (
        "APPROVED",
        "SELL",
        1000,
        "closing part only; the rest denied by trading_state,daily_drawdown",
    )
    assert of(outputs, SubmitOrder)[-1].reduce_only
    assert all(check.passed for check in of(outputs, RiskDecision)[-1].checks)


def test_order_rate_counts_a_minute_of_event_time_and_binds_exits() -> None:
    leg = simulated_leg(rules=(OrderRate(2),))
    state = leg.init()
    rows = [
        mark(1, 100.0),
        signal(1, "LONG"),
        mark(2, 100.0),
        signal(2, "SHORT"),
        mark(3, 100.0),
        signal(3, "FLAT"),
    ]
    outputs = play(leg, state, rows)
    assert decisions(outputs)[-1] == ("DENIED", "BUY", 1000, "order_rate")
    assert [alert.code for alert in of(outputs, Alert)] == ["exit_denied"]
    assert decisions(play(leg, state, [mark(61, 100.0), signal(61, "FLAT")]))[-1][0] == "APPROVED"


def test_every_command_and_cause_has_a_next_state_and_rules_never_loosen() -> None:
    order = ["ACTIVE", "PAUSED", "REDUCING", "HALTED"]
    assert len(TRADING_STATES) == 4 * 7
    for (before, cause), after in TRADING_STATES.items():
        if cause.startswith("BREACH") or cause in ("PAUSE", "HALT"):
            assert order.index(after) >= order.index(before)


def test_pause_denies_entries_and_lets_exits_pass() -> None:
    leg = simulated_leg()
    state = leg.init()
    play(leg, state, [mark(1, 100.0), signal(1, "LONG"), mark(2, 100.0)])
    outputs = leg.step(state, command("PAUSE"))
    assert [type(o).__name__ for o in outputs] == ["Alert", "PortfolioUpdate"]
    assert outputs[1].cause == "command:c1"
    rows = [signal(3, "LONG", "BAC"), signal(3, "FLAT"), mark(4, 100.0)]
    assert [d[0] for d in decisions(play(leg, state, rows))] == ["DENIED", "APPROVED"]
    leg.step(state, command("RESUME", "c2"))
    assert decisions(leg.step(state, signal(5, "LONG", "BAC")))[0][0] == "APPROVED"


def test_halt_cancels_every_open_order_and_only_a_command_ends_it() -> None:
    leg = simulated_leg(venue=SimulatedVenue(DEFAULT_TABLE, latency_ns=10 * SECOND))
    state = leg.init()
    play(leg, state, [mark(1, 100.0), signal(1, "LONG"), signal(1, "SHORT", strategy="rsi")])
    outputs = leg.step(state, command("HALT"))
    assert len(of(outputs, CancelOrder)) == 2
    assert of(outputs, Alert)[0].severity == "CRITICAL"
    outputs = play(leg, state, [mark(20, 100.0), signal(20, "FLAT"), mark(DAY // SECOND + 1, 100.0)])
    assert [r.status for r in of(outputs, ExecutionReport)] == ["CANCELLED", "CANCELLED"]
    assert state.trading_state == "HALTED"
    leg.step(state, command("REDUCE_ONLY", "c2"))
    assert state.trading_state == "REDUCING"
    leg.step(state, command("RESUME", "c3"))
    assert state.trading_state == "ACTIVE"


def test_reduce_only_cancels_entries_and_leaves_exits() -> None:
    leg = simulated_leg(venue=SimulatedVenue(DEFAULT_TABLE, latency_ns=SECOND))
    state = leg.init()
    rows = [
        mark(1, 100.0),
        signal(1, "LONG"),
        mark(3, 100.0),
        signal(3, "FLAT"),
        signal(3, "LONG", strategy="rsi"),
    ]
    sent = of(play(leg, state, rows), SubmitOrder)
    cancelled = of(leg.step(state, command("REDUCE_ONLY")), CancelOrder)
    assert [row.client_order_id for row in cancelled] == [sent[-1].client_order_id]


def test_commands_are_obeyed_once_and_do_not_move_the_clock() -> None:
    leg = simulated_leg()
    state = leg.init()
    leg.step(state, mark(1, 100.0))
    leg.step(state, command("PAUSE", second=10**6))
    assert state.clock_ns == START + SECOND
    assert leg.step(state, command("PAUSE", second=10**6)) == []


def test_drawdown_reduces_until_the_next_trading_day() -> None:
    leg = simulated_leg(rules=(DailyDrawdown(0.005, "REDUCE"),))
    state = leg.init()
    outputs = play(
        leg, state, [mark(1, 100.0), signal(1, "LONG"), mark(2, 100.0), mark(3, 94.9), mark(4, 94.0)]
    )
    assert [u.cause for u in of(outputs, PortfolioUpdate)][-1] == "rule:daily_drawdown"
    assert [a.code for a in of(outputs, Alert)] == ["trading_state"]
    assert state.trading_state == "REDUCING"
    midnight = DAY // SECOND
    leg.step(state, mark(midnight, 94.0))
    assert state.trading_state == "REDUCING"  # what ends at midnight belongs to the day before
    leg.step(state, mark(midnight + 1, 94.0))
    assert state.trading_state == "ACTIVE"
    assert state.day_start_equity_nanos == 994_000 * 10**9


def test_resume_after_a_breach_counts_the_day_from_there() -> None:
    leg = simulated_leg(rules=(DailyDrawdown(0.005, "HALT"),))
    state = leg.init()
    play(leg, state, [mark(1, 100.0), signal(1, "LONG"), mark(2, 100.0), mark(3, 94.0)])
    assert state.trading_state == "HALTED"
    play(leg, state, [command("RESUME"), mark(4, 93.9)])
    assert state.trading_state == "ACTIVE"
    assert state.day_start_equity_nanos == 1_000_000 * 10**9
    leg.step(state, mark(5, 88.0))
    assert state.trading_state == "HALTED"


def test_periods_report_the_account_as_of_their_end() -> None:
    leg = simulated_leg(report_interval_ns=10 * SECOND)
    state = leg.init()
    rows = [
        mark(1, 100.0),
        signal(1, "LONG"),
        mark(2, 100.0),
        mark(10, 101.0),
        mark(35, 150.0),
        mark(40, 1.0),
    ]
    periods = [u for u in of(play(leg, state, rows), PortfolioUpdate) if u.cause.startswith("period")]
    assert [((u.ts_event_ns - START) // SECOND, u.equity_nanos) for u in periods] == [(10, 1_001_000 * 10**9)]


def test_marks_that_are_old_repeated_or_broken_change_nothing() -> None:
    leg = simulated_leg()
    state = leg.init()
    play(leg, state, [mark(5, 100.0), signal(5, "LONG"), mark(6, 100.0)])
    assert play(leg, state, [mark(6, 50.0), mark(3, 50.0)]) == []
    assert state.ledger.equity_nanos == 1_000_000 * 10**9
    for price in (float("nan"), 0.0, -1.0, 1e14):
        assert [a.code for a in leg.step(state, mark(7, price))] == ["bad_mark"]
    assert leg.step(state, mark(8, 1.0, "DOGE")) == []


def test_limit_entries_and_market_exits() -> None:
    leg = simulated_leg(style=OrderStyle("LIMIT", "GTC", -100))
    state = leg.init()
    rows = [mark(1, 100.0), signal(1, "LONG"), mark(2, 100.0, low=99.9), mark(3, 100.0), signal(3, "FLAT")]
    sent = of(play(leg, state, rows), SubmitOrder)
    assert [(o.order_type, o.limit_price_nanos) for o in sent] == [("LIMIT", 99_990_000_000), ("MARKET", 0)]
    assert state.ledger.books["sma", "SPY"].cost_nanos == 99_990 * 10**9


def test_other_accounts_events_are_dropped_with_an_alert() -> None:
    leg = simulated_leg()
    outputs = leg.step(leg.init(), signal(1, "LONG", account="other"))
    assert [alert.code for alert in outputs] == ["wrong_account"]


def test_foreign_currency_is_denied() -> None:
    leg = simulated_leg(par_currencies=("USD",))
    (decision,) = leg.step(leg.init(), signal(1, "LONG", "BTCUSDT"))
    assert decision.reason.startswith("foreign_currency: USDT")


def test_books_of_strategies_sum_to_the_account() -> None:
    leg = simulated_leg()
    state = leg.init()
    rows = [
        mark(1, 100.0),
        signal(1, "LONG"),
        signal(1, "SHORT", strategy="rsi", strength=0.5),
        mark(2, 100.0),
    ]
    (update,) = [
        u for u in of(play(leg, state, [*rows, command("PAUSE")]), PortfolioUpdate) if "command" in u.cause
    ]
    assert [(b.strategy, b.quantity_nanos // 10**9) for b in update.books] == [("sma", 1000), ("rsi", -500)]
    assert update.net_exposure_nanos == update.gross_exposure_nanos == 50_000 * 10**9
    assert violations(state.ledger) == []
