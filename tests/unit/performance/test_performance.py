"""Does the fold say what a naive reading of the whole run says, at every moment, from a state that stays small?"""

import pickle
import random
from collections import defaultdict
from typing import Any

import msgspec
import pandas as pd
import pytest

from operators.instruments import NANOS
from operators.performance import Performance, PerformanceResult
from operators.performance.calendar import DAY_NS
from schemas.account import PortfolioUpdate
from schemas.orders import ExecutionReport
from tests.unit.report.runs import START, TinyRun

DAY = 86_400
BOOK = ("sma", "ES")
CASH = 10_000_000


def told(run: TinyRun) -> list[Any]:
    return [event for event in run.events if isinstance(event, ExecutionReport | PortfolioUpdate)]


def result_of(events: list[Any], **parameters: Any) -> PerformanceResult:
    performance = Performance(**parameters)
    state = performance.init()
    for event in events:
        performance.step(state, event)
    result = performance.result(state)
    assert result is not None
    return result


def random_run(seed: int, days: int = 90, a_day: int = 4) -> TinyRun:
    """Two strategies in two symbols, some fills and marks a day, each order of one to three fills."""
    run, dice, price = TinyRun(CASH), random.Random(seed), 1600.0
    for day in range(days):
        for i in range(a_day):
            price += dice.randint(-40, 41) * 0.25
            second, book = (
                day * DAY + 3600 * (i + 1),
                (dice.choice(["sma", "rsi"]), dice.choice(["ES", "BTCUSDT"])),
            )
            lots = dice.choice([-3, -2, -1, 1, 2, 3])
            for part in range(dice.randint(1, 3)):
                run.fill(second + part, f"o{day}-{i}", book, lots, price, dice.randint(0, 500) / 100)
        run.mark(day * DAY + 80_000, "ES", price)
        run.mark(day * DAY + 80_001, "BTCUSDT", price)
    return run


def test_five_days_by_hand() -> None:
    """Buy 2 ES at 1600 on day 0, sell 3 at 1608 on day 1, buy 1 at 1612 on day 3; 50 a point."""
    run = TinyRun()
    run.fill(60, "o1", BOOK, 2, 1600.0, 16.0)
    run.mark(120, "ES", 1610.0)
    run.fill(DAY + 60, "o2", BOOK, -3, 1608.0, 24.0)
    run.mark(2 * DAY + 60, "ES", 1620.0)
    run.fill(3 * DAY + 60, "o3", BOOK, 1, 1612.0, 8.0)
    run.mark(4 * DAY + 60, "ES", 1612.0)
    result = result_of(told(run))
    said = result.metrics
    equity = [100_984, 100_760, 100_160, 100_552, 100_552]
    assert [row.equity_nanos // NANOS for row in result.daily] == equity
    assert (said.net_nanos, said.total_return, said.days) == (552 * NANOS, 0.00552, 5)
    assert (said.trades, said.trades_won, said.win_rate, said.profit_factor) == (2, 1, 0.5, 768 / 216)
    assert (said.best_trade_nanos, said.worst_trade_nanos) == (768 * NANOS, -216 * NANOS)
    assert said.average_held_ns == (DAY + 2 * DAY) * NANOS // 2
    assert (said.fills, said.turnover_nanos, said.fees_nanos) == (3, 481_800 * NANOS, 48 * NANOS)
    assert said.fees_bps == pytest.approx(48 / 481_800 * 10_000)
    assert said.max_drawdown == pytest.approx(100_160 / 100_984 - 1)
    assert said.time_in_market == pytest.approx(3 / (4 + 0))
    (deepest,) = [fall for fall in result.drawdowns if fall.ratio > 0.001]
    assert (deepest.peak_ns, deepest.trough_ns) == (START + 120 * NANOS, START + (2 * DAY + 60) * NANOS)
    assert deepest.recovered_ns is None
    long, short = result.sides
    assert (long.trades, long.net_nanos, short.trades, short.net_nanos) == (1, 768 * NANOS, 1, -216 * NANOS)


@pytest.mark.parametrize("seed", range(3))
def test_sums_are_those_of_a_naive_reading(seed: int) -> None:
    events = told(random_run(seed))
    result = result_of(events)
    updates = [event for event in events if isinstance(event, PortfolioUpdate)]
    last = pd.Series({u.ts_event_ns: u.equity_nanos for u in updates})
    days = last.groupby((last.index - 1) // DAY_NS).last()
    assert [row.equity_nanos for row in result.daily] == days.tolist()
    returns = days.pct_change().fillna(days.iloc[0] / (CASH * NANOS) - 1)
    assert [row.return_ for row in result.daily] == pytest.approx(returns.tolist(), abs=1e-15)
    by_day = pd.to_datetime(days.index, unit="D")
    months = days.groupby(by_day.strftime("%Y-%m")).last()
    assert {row.period: row.equity_nanos for row in result.months} == months.to_dict()
    books: dict[tuple[str, str], int] = {}
    monthly: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for update in updates:
        month = pd.Timestamp((update.ts_event_ns - 1) // DAY_NS, unit="D").strftime("%Y-%m")
        for book in update.books:
            key = (book.strategy, book.symbol)
            books[key] = monthly[key][month] = book.realized_nanos + book.unrealized_nanos - book.fees_nanos
    assert {(row.strategy, row.symbol): row.net_nanos for row in result.books} == books
    for row in result.books:
        so_far = pd.Series(monthly[row.strategy, row.symbol]).diff()
        so_far.iloc[0] = next(iter(monthly[row.strategy, row.symbol].values()))
        assert row.months == {month: int(net) for month, net in so_far.items() if net}
    assert sum(row.net_nanos for row in result.strategies) == result.metrics.net_nanos
    assert sum(row.net_nanos for row in result.symbols) == result.metrics.net_nanos
    assert sum(row.trades for row in result.strategies) == result.metrics.trades
    fills = [event for event in events if isinstance(event, ExecutionReport)]
    assert result.metrics.fills == len(fills) == sum(row.fills for row in result.symbols)
    assert result.metrics.fees_nanos == sum(fill.fee_nanos for fill in fills)
    assert result.unvalued_fills == 0 and result.complete


def test_a_restored_state_goes_on_as_if_never_stopped_and_asking_changes_nothing() -> None:
    events = told(random_run(7, days=40))
    performance = Performance()
    whole, cut = performance.init(), performance.init()
    for i, event in enumerate(events):
        performance.step(whole, event)
        performance.step(cut, event)
        if i % 37 == 0:
            cut = pickle.loads(pickle.dumps(cut))
            assert performance.result(cut) == performance.result(whole) == performance.result(whole)
    assert performance.result(cut) == performance.result(whole) == result_of(events)


def test_the_state_does_not_grow_with_trades() -> None:
    performance, sizes = Performance(), []
    for a_day in (10, 100):
        run = TinyRun()
        for i in range(20 * a_day):
            second = i * 20 * DAY // (20 * a_day) + 1
            run.fill(second, f"o{i}", BOOK, 1 if i % 2 == 0 else -1, 1600.0 + i % 7, 1.0)
        state = performance.init()
        for event in told(run):
            performance.step(state, event)
        result = performance.result(state)
        assert result is not None and result.metrics.trades == 10 * a_day
        sizes.append(len(pickle.dumps(state)))
    assert sizes[1] < 1.1 * sizes[0]


def test_reports_that_are_never_booked_do_not_pile_up() -> None:
    run = TinyRun()
    run.fill(1, "o1", BOOK, 1, 1600.0)
    report, update = told(run)
    performance = Performance()
    state = performance.init()
    for i in range(5000):
        performance.step(state, msgspec.structs.replace(report, id=f"never:{i}"))
    performance.step(state, report)
    performance.step(state, update)
    assert len(state.trail.reported) < 2000
    assert state.trail.unvalued == 0 and state.books[BOOK].bought.fills == 1


def test_a_weekend_makes_a_year_of_365_days_and_a_sunday_evening_belongs_to_monday() -> None:
    friday = 8 * DAY - START // NANOS % (7 * DAY)
    for seconds, dates, year in (
        ([0, 2, 3], ["Friday", "Monday"], 252),
        ([0, 1, 2, 3], ["Friday", "Saturday", "Sunday", "Monday"], 365),
    ):
        run = TinyRun()
        for day in seconds:
            run.mark(friday + day * DAY + 80_000, "ES", 1600.0)
        result = result_of(told(run))
        assert [pd.Timestamp(row.date).day_name() for row in result.daily] == dates
        assert result.metrics.periods_per_year == year


@pytest.mark.parametrize("weekends", [False, True], ids=["futures, from Sunday evening", "every day"])
def test_months_are_what_their_days_make(weekends: bool) -> None:
    run, dice = TinyRun(CASH), random.Random(4)
    run.fill(60, "o1", BOOK, 5, 1600.0)
    for day in range(400):
        if weekends or pd.Timestamp(START + day * DAY_NS).day_name() != "Saturday":
            run.mark(day * DAY + 80_000, "ES", 1600.0 + dice.randint(-200, 200) / 4)
    result = result_of(told(run))
    by_month: dict[str, float] = defaultdict(lambda: 1.0)
    for row in result.daily:
        by_month[row.date[:7]] *= 1.0 + (row.return_ or 0.0)
    assert any(row.date.endswith("-31") for row in result.daily)
    assert {row.period: row.return_ for row in result.months} == pytest.approx(
        {month: grown - 1.0 for month, grown in by_month.items()}, abs=1e-12
    )


def test_the_trading_day_can_begin_in_the_evening() -> None:
    run = TinyRun()
    for hour in (20, 23, 24 + 20):
        run.mark(hour * 3600, "ES", 1600.0)
    plain = result_of(told(run))
    shifted = result_of(told(run), day_offset_ns=22 * 3600 * NANOS, periods_per_year=260)
    assert (
        [row.date for row in shifted.daily]
        == [row.date for row in plain.daily]
        == ["2023-11-14", "2023-11-15"]
    )
    assert shifted.metrics.periods_per_year == 260


def test_a_log_without_the_beginning_begins_with_its_first_update() -> None:
    events = told(random_run(3, days=10))
    whole, cut = result_of(events), result_of(events[21:])
    assert whole.complete and not cut.complete
    assert cut.metrics.net_nanos == whole.metrics.net_nanos
    first = next(event for event in events[21:] if isinstance(event, PortfolioUpdate))
    assert cut.metrics.total_return == pytest.approx(whole.metrics.equity_nanos / first.equity_nanos - 1)
    assert cut.metrics.fills < whole.metrics.fills and cut.unvalued_fills <= 1


def test_ruin_is_told_without_nonsense() -> None:
    run = TinyRun(cash=10_000)
    run.fill(60, "o1", BOOK, 10, 1600.0)
    for day, price in ((0, 1600.0), (1, 1590.0), (2, 1570.0), (3, 1600.0)):
        run.mark(day * DAY + 80_000, "ES", price)
    result = result_of(told(run))
    assert [row.return_ for row in result.daily] == [0.0, -0.5, -2.0, None]
    assert result.metrics.cagr == -1.0
    assert result.metrics.total_return == 0.0
    assert result.metrics.max_drawdown == -1.5


def test_a_short_run_is_told_by_its_hours_and_a_long_one_is_not() -> None:
    run = TinyRun()
    run.fill(60, "o1", BOOK, 1, 1600.0)
    for second, price in ((1800, 1610.0), (3600, 1620.0), (5000, 1600.0), (4 * 3600, 1640.0)):
        run.mark(second, "ES", price)
    short = result_of(told(run)).intraday
    assert short is not None and short.hours == 3
    assert (short.best_hour, short.worst_hour) == (pytest.approx(0.02), pytest.approx(100 / 101 - 1))
    assert short.hours_won == pytest.approx(2 / 3)
    assert short.volatility == pytest.approx(pd.Series([0.01, 100 / 101 - 1, 0.02]).std())
    for day in range(1, 9):
        for hour in range(24):
            run.mark(day * DAY + hour * 3600, "ES", 1600.0)
    performance = Performance()
    state = performance.init()
    for event in told(run):
        performance.step(state, event)
    result = performance.result(state)
    assert result is not None and result.intraday is None and len(state.hours.equity_nanos) == 96


def test_an_account_whose_time_has_not_begun_has_no_days() -> None:
    (update,) = told(marked_once())
    result = result_of([msgspec.structs.replace(update, ts_event_ns=0, cause="command:c1")])
    assert result.daily == () and result.months == () and result.metrics.equity_nanos == CASH * NANOS
    assert result.metrics.total_return == 0.0 and result.metrics.time_in_market is None


def marked_once() -> TinyRun:
    run = TinyRun(CASH)
    run.mark(60, "ES", 1600.0)
    return run


def test_nothing_told_is_no_result_and_anything_else_an_error() -> None:
    performance = Performance()
    assert performance.result(performance.init()) is None
    with pytest.raises(TypeError, match="performance is of"):
        performance.step(performance.init(), "fill")  # type: ignore[arg-type]


def test_the_result_is_json() -> None:
    result = result_of(told(random_run(1, days=20)))
    assert msgspec.json.decode(msgspec.json.encode(result), type=PerformanceResult) == result
