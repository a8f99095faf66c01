"""When does a bar close, what is in it, and how good is it? Trades, vendor bars, gaps, sessions, silence."""

import pickle
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from operators import bar_columns as column
from operators import symbol_layout as at
from operators.symbol_leg import SymbolOutput
from tests.unit.symbol_leg.one_symbol import LEG, SECOND, START, Source, bars_of, fold, leg_of, marks_of

OHLCV = (1640.0, 1641.0, 1639.0, 1640.5, 5.0)


def qualities(output: SymbolOutput, timeframe_s: float = 60.0) -> list[tuple[float, str]]:
    """(close time, quality) of the bars of a timeframe."""
    return [(row[0], row[2]) for row in bars_of(output) if row[1] == timeframe_s]


def closes(*messages: bytes, **more: object) -> list[tuple[float, float]]:
    """(close time, timeframe) of the bars."""
    return [row[:2] for row in bars_of(fold(*messages, **more))]


def test_a_bar_is_what_was_traded_in_its_minute() -> None:
    source = Source()
    output = fold(
        source.heartbeat(0.0),
        source.trades(
            (0.0, 1640.0, 1.0), (20.0, 1642.0, 2.0), (59.999, 1639.0, 3.0), (60.0, 1650.0, 9.0), to=61.0
        ),
    )
    assert bars_of(output) == [(60.0, 60.0, "complete", 1640.0, 1642.0, 1639.0, 1639.0, 6.0)]
    row = output.bars[0]
    assert row[column.NOTIONAL] == 1640.0 + 2 * 1642.0 + 3 * 1639.0
    assert (row[column.TRADES], row[column.UPTICKS], row[column.DOWNTICKS]) == (3.0, 1.0, 1.0)
    assert (row[column.BUY_VOLUME], row[column.SELL_VOLUME]) == (2.0, 3.0), "the first trade has no sign"


def test_sides_that_the_venue_tells_go_before_the_tick_rule() -> None:
    trades = Source().trades(
        (0.0, 1640.0, 1.0), (1.0, 1642.0, 2.0), (2.0, 1642.0, 4.0), to=60.0, sides=[1, -1, 0]
    )
    row = fold(trades).bars[0]
    assert (row[column.BUY_VOLUME], row[column.SELL_VOLUME]) == (5.0, 2.0), "unchanged: the last tick's sign"


def test_only_the_promise_closes_a_bar() -> None:
    source = Source()
    state = LEG.init("ES")
    waiting = fold(
        source.trades((1.0, 1640.0, 1.0), (61.0, 1640.0, 1.0), (400.0, 1640.0, 1.0), to=1.0), state=state
    )
    assert bars_of(waiting) == []
    assert len(state.held) == 3
    assert closes(source.heartbeat(59.999), state=state) == []
    assert closes(source.heartbeat(60.0), state=state) == [(60.0, 60.0)]
    assert closes(source.heartbeat(401.0), state=state) == [(120.0, 60.0), (300.0, 300.0)]


def test_rows_out_of_order_within_the_promise_stand_where_they_belong() -> None:
    trades = Source().trades((30.0, 1642.0, 1.0), (10.0, 1641.0, 1.0), (59.0, 1640.0, 1.0), to=60.0)
    ((*_, first, _, _, last, _),) = bars_of(fold(trades))
    assert (first, last) == (1641.0, 1640.0)


def test_one_heartbeat_closes_several_bars_by_end_then_table() -> None:
    source = Source()
    trades = source.trades(*((60.0 * minute, 1640.0, 1.0) for minute in range(10)), to=1.0)
    found = closes(trades, source.heartbeat(600.0))
    minutes = [(60.0 * minute, 60.0) for minute in range(1, 11)]
    assert found == [*minutes[:5], (300.0, 300.0), *minutes[5:], (600.0, 300.0)]
    upside_down = closes(trades, source.heartbeat(600.0), leg=leg_of(300.0, 60.0))
    assert upside_down[4:6] == [(300.0, 300.0), (300.0, 60.0)]


def test_an_interval_without_trades_has_no_bar() -> None:
    source = Source()
    friday, monday = 0.0, 2 * 86400.0 + 7200.0
    output = fold(
        source.trades((friday, 1640.0, 1.0), to=1.0),
        *(source.heartbeat(hour * 3600.0) for hour in range(1, 50)),
        source.trades((monday, 1700.0, 1.0), to=monday + 60.0),
        leg=leg_of(60.0, 3600.0),
    )
    assert [row[:2] for row in bars_of(output)] == [(60.0, 60.0), (3600.0, 3600.0), (monday + 60.0, 60.0)]
    assert output.dead_letters == [], "a price after a pause is no bad print"
    assert output.bar_ints[:, at.OUT_SEEN].tolist() == [1, 1, 2]


def test_the_bar_in_which_a_session_begins_is_partial() -> None:
    source = Source()
    trades = source.trades((30.0, 1640.0, 1.0), (65.0, 1640.0, 1.0), (301.0, 1640.0, 1.0), to=600.0)
    output = fold(trades)
    assert qualities(output) == [(60.0, "partial"), (120.0, "complete"), (360.0, "complete")]
    assert qualities(output, 300.0) == [(300.0, "partial"), (600.0, "complete")]
    announced = fold(Source().heartbeat(0.0), trades)
    assert {row[2] for row in bars_of(announced)} == {"complete"}
    late = fold(Source().heartbeat(15.0), trades)
    assert qualities(late)[0] == (60.0, "partial")


def test_a_session_that_begins_amid_a_bar_of_the_last_makes_it_partial() -> None:
    first, second = Source(session=1), Source(session=2)
    output = fold(
        first.heartbeat(0.0),
        first.trades((10.0, 1640.0, 1.0), (70.0, 1640.0, 1.0), to=71.0),
        second.heartbeat(90.0),
        second.trades((100.0, 1640.0, 1.0), (130.0, 1640.0, 1.0), to=180.0),
    )
    assert qualities(output) == [(60.0, "complete"), (120.0, "partial"), (180.0, "complete")]


def test_a_gap_makes_the_bars_that_it_touches_partial() -> None:
    source = Source()
    rows = [(60.0 * minute + 5.0, 1640.0, 1.0) for minute in range(6)]
    output = fold(
        source.heartbeat(0.0),
        source.trades(*rows[:2], to=70.0),
        source.gap(70.0, 185.0, to=70.0),
        source.trades(*rows[3:], to=600.0),
    )
    assert qualities(output) == [
        (60.0, "complete"), (120.0, "partial"), (240.0, "partial"), (300.0, "complete"), (360.0, "complete"),
    ]  # fmt: skip
    assert qualities(output, 300.0) == [(300.0, "partial"), (600.0, "complete")]


def test_a_gap_up_to_a_bars_begin_or_from_its_end_does_not_touch_it() -> None:
    source = Source()
    trades = source.trades(*((60.0 * minute + 5.0, 1640.0, 1.0) for minute in range(3)), to=1.0)
    gaps = source.gap(10.0, 60.0, to=1.0), source.gap(120.0, 121.0, to=1.0)
    found = qualities(fold(source.heartbeat(0.0), *gaps, trades, source.heartbeat(180.0)))
    assert [quality for _, quality in found] == ["partial", "complete", "partial"]


def test_two_gaps_in_one_bar_do_not_hide_one_another() -> None:
    source = Source()
    output = fold(
        source.heartbeat(0.0),
        source.gap(10.0, 20.0, to=1.0),
        source.gap(130.0, 140.0, to=1.0),
        source.trades(*((60.0 * minute + 25.0, 1640.0, 1.0) for minute in range(4)), to=240.0),
    )
    assert [quality for _, quality in qualities(output)] == ["partial", "complete", "partial", "complete"]


def test_rows_that_come_after_a_gap_was_told_repair_its_bars() -> None:
    source = Source()
    before = source.trades((5.0, 1640.0, 1.0), to=6.0)
    output = fold(
        source.heartbeat(0.0),
        before,
        source.gap(20.0, 150.0, to=6.0),
        source.trades((30.0, 1641.0, 1.0), (155.0, 1640.0, 1.0), to=240.0),
    )
    assert qualities(output) == [(60.0, "repaired"), (180.0, "partial")]


def test_rows_told_before_the_gap_or_a_gap_told_twice_repair_nothing() -> None:
    source = Source()
    trades = source.trades((5.0, 1640.0, 1.0), (30.0, 1641.0, 1.0), (70.0, 1641.0, 1.0), to=5.0)
    gap = source.gap(20.0, 65.0, to=5.0)
    assert [q for _, q in qualities(fold(source.heartbeat(0.0), trades, gap, source.heartbeat(120.0)))] == [
        "partial"
    ] * 2
    twice = fold(source.heartbeat(0.0), gap, trades, gap, source.heartbeat(120.0))
    assert [quality for _, quality in qualities(twice)] == ["repaired", "partial"]
    smaller = fold(
        source.heartbeat(0.0), gap, source.gap(25.0, 26.0, to=5.0), trades, source.heartbeat(120.0)
    )
    assert [quality for _, quality in qualities(smaller)] == ["repaired", "partial"]


def test_rows_that_waited_in_the_last_session_do_not_say_when_the_next_began() -> None:
    first, second = Source(session=1), Source(session=2)
    trades = first.trades((5.0, 1640.0, 1.0), (65.0, 1640.0, 1.0), (125.0, 1640.0, 1.0), to=60.0)
    output = fold(
        first.heartbeat(0.0), trades, second.heartbeat(190.0), second.trades((250.0, 1640.0, 1.0), to=300.0)
    )
    assert [quality for _, quality in qualities(output)] == ["complete", "partial", "partial", "complete"]


def test_a_gap_told_late_marks_the_bars_that_are_still_open() -> None:
    source = Source()
    output = fold(
        source.heartbeat(0.0),
        source.trades((5.0, 1640.0, 1.0), (65.0, 1640.0, 1.0), to=100.0),
        source.gap(50.0, 70.0, to=100.0),
        source.heartbeat(300.0),
    )
    assert qualities(output) == [(60.0, "complete"), (120.0, "partial")]


def test_minutes_of_a_vendor_make_five_minutes() -> None:
    source = Source()
    rows = [(60.0 * minute, 1640.0 + minute, 1650.0 + minute, 1630.0, 1641.0, 2.0) for minute in range(1, 6)]
    output = fold(source.heartbeat(0.0), source.bars(*rows, to=301.0))
    assert [row[:3] for row in bars_of(output)] == [
        *((60.0 * minute, 60.0, "complete") for minute in range(1, 6)),
        (300.0, 300.0, "complete"),
    ]
    assert bars_of(output)[-1][3:] == (1641.0, 1655.0, 1630.0, 1641.0, 10.0)


@pytest.mark.parametrize("first", [1, 3, 4])
def test_a_vendors_bar_at_the_end_of_a_timeframe_belongs_to_it(first: int) -> None:
    """The promise of the block before is the close time itself: the last minute may still follow, and does."""
    source = Source()
    rows = [(60.0 * minute, *OHLCV) for minute in range(1, 6)]
    promised = rows[first][0]
    output = fold(
        source.heartbeat(0.0), source.bars(*rows[:first], to=promised), source.bars(*rows[first:], to=301.0)
    )
    assert [row[-1] for row in bars_of(output) if row[1] == 300.0] == [25.0]


def test_a_vendors_first_bar_is_whole_where_it_begins_a_timeframe() -> None:
    output = fold(Source().bars((60.0, *OHLCV), (120.0, *OHLCV), to=301.0))
    assert {row[2] for row in bars_of(output)} == {"complete"}
    later = fold(Source().bars((120.0, *OHLCV), to=301.0))
    assert [row[2] for row in bars_of(later)] == ["complete", "partial"]


def test_another_session_may_tell_bars_where_the_last_told_trades() -> None:
    trades = Source(session=1).trades((1.0, 1640.0, 1.0), to=60.0)
    output = fold(trades, Source(session=2).bars((120.0, *OHLCV), to=121.0))
    assert output.dead_letters == []
    assert [row[:2] for row in bars_of(output)] == [(60.0, 60.0), (120.0, 60.0)]


def test_marks_conflate_a_second_with_the_quote_at_its_end() -> None:
    source = Source()
    output = fold(
        source.quotes((0.1, 1639.75, 1.0, 1640.25, 1.0), to=0.1),
        source.trades((0.2, 1640.0, 1.0), (0.9, 1641.0, 2.0), (2.5, 1642.0, 1.0), to=0.2),
        source.quotes((0.95, 1640.75, 1.0, 1641.25, 1.0), (5.5, 1641.75, 1.0, 1642.25, 1.0), to=8.0),
    )
    assert marks_of(output) == [
        (1.0, 0.9, 0.0, 1640.0, 1641.0, 1640.0, 1641.0, 3.0, 1640.75, 1641.25),
        (3.0, 2.5, 2.0, 1642.0, 1642.0, 1642.0, 1642.0, 1.0, 1640.75, 1641.25),
        (6.0, 2.5, 5.0, 1642.0, 1642.0, 1642.0, 1642.0, 0.0, 1641.75, 1642.25),
    ]


def test_a_vendors_bar_is_a_mark_and_no_mark_is_written_twice() -> None:
    source = Source()
    quotes = [(float(t), 1640.0, 1.0, 1640.5, 1.0) for t in (61.2, 90.5, 119.7)]
    output = fold(
        source.bars((60.0, *OHLCV), to=60.0),
        source.quotes(*quotes, to=61.0),
        source.bars((120.0, *OHLCV), to=200.0),
    )
    times = [row[0] for row in marks_of(output)]
    assert times == [60.0, 62.0, 91.0, 120.0]
    assert marks_of(output)[-1][2:8] == (60.0, *OHLCV)


def test_what_has_been_said_is_up_to_the_promise_itself_only_for_trades() -> None:
    source = Source()
    assert fold(source.trades((1.0, 1640.0, 1.0), to=60.0)).complete_to_ns == START + 60 * SECOND
    assert fold(source.bars((60.0, *OHLCV), to=120.0)).complete_to_ns == START + 120 * SECOND - 1
    assert fold(source.heartbeat(0.0, final=True)).final


def test_sessions_follow_the_exchanges_clock_through_daylight_saving() -> None:
    """17:00 in Chicago: 22:00 UTC in summer, 23:00 in winter."""
    chicago = ZoneInfo("America/Chicago")
    leg = leg_of(3600.0)
    numbers = []
    source, state = Source(), leg.init("ES")
    days = [datetime(2013, 11, day, hour, 30, tzinfo=chicago) for day in (1, 2, 3, 4) for hour in (16, 17)]
    for day in days:
        seconds = day.timestamp() - START / SECOND
        output = fold(source.trades((seconds, 1640.0, 1.0), to=seconds + 3600.0), leg=leg, state=state)
        numbers += [row[column.SESSION] for row in output.bars]
    assert np.diff(numbers).tolist() == [1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0]


def test_a_bars_session_does_not_depend_on_other_timeframes() -> None:
    """The hour in which the session changes belongs to the one in which it begins."""
    zone = ZoneInfo("America/New_York")
    opening = datetime(2013, 10, 7, 9, 30, tzinfo=zone).timestamp() - START / SECOND
    rows = [(opening + 60.0 * minute, 100.0, 1.0) for minute in range(-25, 60)]

    def session_of_the_hour(*timeframes: float) -> float:
        source = Source("SPY")
        output = fold(source.trades(*rows, to=opening + 7200.0), leg=leg_of(*timeframes), symbol="SPY")
        hours = output.bar_ints[:, at.OUT_TIMEFRAME] == 3600 * SECOND
        return float(output.bars[hours][0, column.SESSION])

    assert session_of_the_hour(60.0, 3600.0) == session_of_the_hour(3600.0)


def test_a_state_that_waits_is_pickled_with_its_rows() -> None:
    source = Source()
    state = LEG.init("ES")
    fold(source.trades((1.0, 1640.0, 1.0), (2.0, 1641.0, 1.0), to=0.5), state=state)
    again = pickle.loads(pickle.dumps(state))
    assert np.array_equal(again.held, state.held)
    assert bars_of(fold(source.heartbeat(60.0), state=again)) == bars_of(
        fold(source.heartbeat(60.0), state=state)
    )
