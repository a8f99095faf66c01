"""Which candles are drawn, and what is cut out of the axis?"""

import numpy as np

from ui.report.candles import candle_series, candles, closed_hours
from ui.report.equity import thinned
from ui.report.records import Bars, Regimes

MINUTE = 60_000_000_000
NONE = Regimes(np.zeros(0, np.int64), np.zeros(0, np.int64))


def bars(minutes: list[int], timeframe_ns: int = MINUTE) -> Bars:
    """Bars that close at these multiples of the timeframe; prices follow the minute."""
    at = np.array(minutes, np.float64)
    prices = np.stack([at, at + 3, at - 2, at + 1, at * 0 + 5], axis=1)
    return Bars(np.array(minutes, np.int64) * timeframe_ns, np.zeros(len(minutes), np.int64), prices)


def test_bars_join_to_longer_candles() -> None:
    found = candles(bars([1, 2, 5, 6, 11]), MINUTE, 5 * MINUTE, NONE)
    assert (found.timeframe_ns, found.resampled_from_ns) == (5 * MINUTE, MINUTE)
    assert found.start_ns == [0, 5 * MINUTE, 10 * MINUTE]
    assert found.open == [1.0, 6.0, 11.0]
    assert found.high == [8.0, 9.0, 14.0]
    assert found.low == [-1.0, 4.0, 9.0]
    assert found.close == [6.0, 7.0, 12.0]
    assert found.volume == [15.0, 5.0, 5.0]


def test_no_series_is_longer_than_allowed_and_one_fits_on_a_screen() -> None:
    found = candle_series({MINUTE: bars(list(range(1, 5001)))}, {}, 2400)
    assert [(one.timeframe_ns // MINUTE, len(one.start_ns)) for one in found] == [(3, 1667), (10, 500)]
    short = candle_series({MINUTE: bars([1, 2]), 5 * MINUTE: bars([1], 5 * MINUTE)}, {})
    assert [one.timeframe_ns // MINUTE for one in short] == [1, 5]


def test_regimes_are_runs() -> None:
    regimes = Regimes(np.arange(1, 7) * MINUTE, np.array([-1, -1, 0, 2, 2, 1]))
    found = candles(bars([1, 2, 3, 4, 5, 6]), MINUTE, MINUTE, regimes)
    assert found.regimes == [-1, 0, 2, 1]
    assert [edge // MINUTE for edge in found.regime_edges_ns] == [0, 2, 3, 5, 6]


def test_closed_hours_are_long_holes_in_which_nothing_was_filled() -> None:
    day = bars([1, 2, 100, 101, 500, 501, 520])
    assert closed_hours(day, MINUTE, []) == [(2 * MINUTE, 99 * MINUTE), (101 * MINUTE, 499 * MINUTE)]
    assert closed_hours(day, MINUTE, [50 * MINUTE]) == [(101 * MINUTE, 499 * MINUTE)]
    assert closed_hours(bars([1]), MINUTE, []) == []


def test_thinning_keeps_ends_and_extremes() -> None:
    values = [0] * 10_000
    values[1234], values[8765] = 50, -50
    kept = thinned(values, 100)
    assert len(kept) <= 110
    assert {0, 1234, 8765, 9999} <= set(kept)
