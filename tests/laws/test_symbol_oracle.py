"""Law 4 for the symbol leg: on real trades, bars, features, regimes and marks equal plain pandas and numpy.

Figures from the file itself, by plain minute grouping (pandas): 2,264 minutes with trades, 1,844,058 contracts, the
first minute 1640.25 1641 1639 1639.75 with 3,940.
"""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from operators import bar_columns as column
from operators import symbol_layout as at
from operators.bar_columns import BAR_WIDTH
from operators.features import FEATURE_SET
from operators.features.fused import fold_features
from operators.instruments import DEFAULT_TABLE
from operators.regime import OUTPUTS, VolatilityBuckets
from operators.regime import step as step_regime
from operators.symbol_leg import SymbolLeg, SymbolOutput, SymbolParameters
from tests.laws.es_trades import MINUTE, es_trades, messages
from tests.laws.symbol_runs import SESSIONS

TIMEFRAMES = (MINUTE, 5 * MINUTE, 60 * MINUTE)
SECOND = 1_000_000_000


@cache
def output() -> SymbolOutput:
    """What the leg says about all trades, in blocks of 777 and one poll."""
    leg = SymbolLeg(SymbolParameters(timeframes_ns=TIMEFRAMES), DEFAULT_TABLE, SESSIONS)
    trades = es_trades()
    last = (int(trades.ts_ns[-1]) // TIMEFRAMES[-1] + 1) * TIMEFRAMES[-1]
    blocks = messages(trades, list(range(0, len(trades.ts_ns), 777)), final_ns=last)
    return leg.step(leg.init("ES"), 0, list(range(len(blocks))), blocks)


@cache
def naive_trades() -> pd.DataFrame:
    """The trades, with the sign that the tick rule gives each (Lee and Ready 1991)."""
    trades = es_trades()
    frame = pd.DataFrame({"ts": trades.ts_ns, "price": trades.price, "size": trades.size})
    frame["sign"] = np.sign(frame.price.diff()).replace(0.0, np.nan).ffill().fillna(0.0)
    frame["notional"] = frame.price * frame["size"]
    frame["bought"] = frame["size"].where(frame.sign > 0, 0.0)
    frame["sold"] = frame["size"].where(frame.sign < 0, 0.0)
    frame["row"] = np.arange(len(frame))
    return frame


def naive_bars(interval_ns: int) -> pd.DataFrame:
    """Bars by plain grouping."""
    frame = naive_trades()
    group = frame.groupby(frame.ts // interval_ns)
    bars = pd.DataFrame(
        {
            "open": group.price.first(),
            "high": group.price.max(),
            "low": group.price.min(),
            "close": group.price.last(),
            "volume": group["size"].sum(),
            "notional": group.notional.sum(),
            "bought": group.bought.sum(),
            "sold": group.sold.sum(),
            "trades": group.price.count().astype(float),
            "up": group.sign.apply(lambda sign: float((sign > 0).sum())),
            "down": group.sign.apply(lambda sign: float((sign < 0).sum())),
            "first": group.row.first(),
            "last": group.row.last(),
        }
    )
    return bars.set_index((bars.index + 1) * interval_ns)


def rows_of(timeframe_ns: int) -> np.ndarray:
    """Which rows of the output are of a timeframe."""
    return np.flatnonzero(output().bar_ints[:, at.OUT_TIMEFRAME] == timeframe_ns)


def test_the_figures_of_the_file() -> None:
    assert output().dead_letters == [], "no print of this file is bad"
    assert output().alerts == []
    bars = output().bars[rows_of(MINUTE)]
    assert len(bars) == 2264
    assert bars[:, column.VOLUME].sum() == 1_844_058
    assert bars[0, : column.VOLUME + 1].tolist() == [1640.25, 1641.0, 1639.0, 1639.75, 3940.0]


@pytest.mark.parametrize("timeframe_ns", TIMEFRAMES)
def test_bars_equal_plain_grouping(timeframe_ns: int) -> None:
    rows = rows_of(timeframe_ns)
    expected = naive_bars(timeframe_ns)
    ints = output().bar_ints[rows]
    assert ints[:, at.OUT_TS].tolist() == expected.index.tolist()
    np.testing.assert_array_equal(
        output().bars[rows, : column.SESSION], expected.drop(columns=["first", "last"]).to_numpy()
    )
    assert ints[:, at.OUT_FIRST_SEQ].tolist() == expected["first"].tolist()
    assert ints[:, at.OUT_LAST_SEQ].tolist() == expected["last"].tolist()
    assert ints[:, at.OUT_SEEN].tolist() == list(range(1, len(rows) + 1))
    assert ints[:, at.OUT_QUALITY].tolist() == [at.PARTIAL] + [at.COMPLETE] * (len(rows) - 1)


@pytest.mark.parametrize("timeframe_ns", TIMEFRAMES)
def test_a_bars_session_is_the_one_it_begins_in(timeframe_ns: int) -> None:
    """Whatever other timeframes there are; sessions begin at 17:00 in Chicago."""
    rows = rows_of(timeframe_ns)
    begins = pd.to_datetime(output().bar_ints[rows, at.OUT_TS] - timeframe_ns, utc=True)
    day = (begins.tz_convert("America/Chicago").tz_localize(None) - pd.Timedelta(hours=17)).normalize()
    numbers = pd.Series(output().bars[rows, column.SESSION])
    assert (numbers.diff().fillna(0.0) == pd.Series(day).diff().dt.days.fillna(0.0)).all()
    assert numbers.nunique() == day.nunique() >= 2


@pytest.mark.parametrize("timeframe_ns", TIMEFRAMES)
def test_features_and_regimes_are_those_of_the_bars(timeframe_ns: int) -> None:
    """Each timeframe has its own memory: the same as folding its bars alone."""
    rows = rows_of(timeframe_ns)
    bars = output().bars[rows]
    expected = np.empty((len(rows), FEATURE_SET.width))
    layout = (FEATURE_SET.state_at, FEATURE_SET.params_at, FEATURE_SET.out_at)
    fold_features(
        FEATURE_SET.init(), FEATURE_SET.params, np.ascontiguousarray(bars[:, :BAR_WIDTH]), expected, *layout
    )
    end = BAR_WIDTH + FEATURE_SET.width
    np.testing.assert_array_equal(bars[:, BAR_WIDTH:end], expected)
    buckets, regimes = VolatilityBuckets(), np.empty((len(rows), len(OUTPUTS)))
    memory = buckets.init()
    for volatility, regime in zip(
        expected[:, FEATURE_SET.column("realised_volatility_20")], regimes, strict=True
    ):
        step_regime(memory, buckets.params(), volatility, regime)
    np.testing.assert_array_equal(bars[:, end:], regimes)


def test_marks_equal_plain_grouping_by_seconds() -> None:
    expected = naive_bars(SECOND)
    marks, ints = output().marks, output().mark_ints
    assert ints[:, 0].tolist() == expected.index.tolist()
    assert ints[:, 2].tolist() == (expected.index - SECOND).tolist()
    assert ints[:, 1].tolist() == es_trades().ts_ns[expected["last"]].tolist()
    np.testing.assert_array_equal(
        marks[:, :5], expected[["open", "high", "low", "close", "volume"]].to_numpy()
    )
    assert np.isnan(marks[:, 5:7]).all(), "no quotes"
    changes = np.log(expected.close / expected.close.shift(1)).to_numpy()[1:]
    variance = pd.Series(np.concatenate([[0.0], changes**2])).ewm(alpha=0.06, adjust=False).mean()
    np.testing.assert_allclose(marks[:, 7], np.sqrt(variance), rtol=1e-12, atol=0)


def test_bars_of_several_timeframes_close_in_order_of_time_then_of_the_table() -> None:
    ints = output().bar_ints
    order = np.lexsort((ints[:, at.OUT_TIMEFRAME], ints[:, at.OUT_TS]))
    assert order.tolist() == list(range(len(ints)))
