"""What do features say on flat, silent and one-tick bars, after a spike, at huge and at negative prices?"""

import math

import numpy as np
import pytest

from operators.bar_columns import CLOSE, SESSION, VOLUME
from operators.features import FEATURES
from operators.features.fold import Matrix, close_bars, fold, ohlcv_bars
from tests.golden.series import quotes

WINDOWED = ["sma_20", "bb_20_2", "realised_volatility_20", "garman_klass_20", "volume_z_20"]


def last(name: str, bars: Matrix) -> list[float]:
    """Outputs of a feature on the last bar."""
    return [float(x) for x in fold(FEATURES[name], bars)[-1]]


@pytest.mark.parametrize("price", [1e-8, 0.1, 4567.25, 1e8])
def test_flat_series(price: float) -> None:
    """Averages are the price itself; oscillators are neutral; what divides by a deviation of 0 is unknown."""
    bars = close_bars([price] * 200)
    assert last("log_return", bars) == [0.0]
    assert last("sma_20", bars) == last("ema_20", bars) == [price]
    assert last("rsi_14", bars) == [50.0]
    assert last("macd_12_26_9", bars) == [0.0, 0.0, 0.0]
    assert last("bb_20_2", bars)[:3] == [price] * 3
    assert np.isnan(last("bb_20_2", bars)[3:5]).all()
    assert last("bb_20_2", bars)[5] == 0.0
    assert last("atr_14", bars) == [0.0, 0.0]
    assert last("adx_14", bars) == [0.0, 0.0, 0.0]
    assert last("session_vwap", bars) == pytest.approx([price, 0.0], rel=1e-14, abs=1e-14)
    assert last("realised_volatility_20", bars) == last("garman_klass_20", bars) == [0.0]
    assert math.isnan(last("volume_z_20", bars)[0])


def test_bars_without_volume() -> None:
    """VWAP keeps its last value inside a session, and has none in a session that has not traded."""
    price = [10.0, 12.0, 12.0, 12.0]
    bars = ohlcv_bars(price, price, price, price, volume=[1.0, 1.0, 0.0, 0.0], session=[1, 1, 1, 2])
    vwap = fold(FEATURES["session_vwap"], bars)
    assert vwap[:3, 0].tolist() == [10.0, 11.0, 11.0]
    assert np.isnan(vwap[3]).all()
    assert last("cvd", bars) == [0.0]
    assert math.isnan(last("tick_imbalance", bars)[0])


@pytest.mark.parametrize("name", WINDOWED)
def test_a_spike_leaves_nothing_behind(name: str) -> None:
    """A print of 1e12: once it has left the window, the same bits as if it had never been."""
    calm = quotes("Default.csv")[:140]
    spiked = calm.copy()
    spiked[60, : VOLUME + 1] *= 1e12
    after = 60 + FEATURES[name].nominal
    np.testing.assert_array_equal(fold(FEATURES[name], spiked)[after:], fold(FEATURES[name], calm)[after:])


def test_deviation_keeps_its_digits_at_a_price_of_1e8() -> None:
    """Moves of a cent on 1e8: the bands differ from exact ones by less than 1e-12 of the deviation's own size."""
    steps = np.tile([0.0, 0.01, -0.01, 0.02], 10)
    cents = np.round((1e8 + steps) * 128) / 128  # representable, so that the moves are exact too
    z, exact = fold(FEATURES["bb_20_2"], close_bars(cents))[-1, 4], (cents - 1e8)[-20:]
    assert z == pytest.approx((exact[-1] - exact.mean()) / exact.std(), rel=1e-12)


def test_a_price_that_is_not_positive_has_no_logarithm() -> None:
    """Oil on 2020-04-20: the return is unknown, the volatility's window starts anew, averages go on."""
    bars = close_bars([20.0, 10.0, -37.0, 10.0, *np.linspace(10.0, 12.0, 25)])
    assert np.isnan(fold(FEATURES["log_return"], bars)[[0, 2, 3], 0]).all()
    volatility = fold(FEATURES["realised_volatility_20"], bars)[:, 0]
    assert np.isnan(volatility[:23]).all()
    assert np.isfinite(volatility[23:]).all()
    assert np.isfinite(fold(FEATURES["sma_20"], bars)[19:]).all()


@pytest.mark.parametrize("name", ["rsi_14", "atr_14", "adx_14"])
def test_decay_ends_at_zero(name: str) -> None:
    """After 24,000 silent bars a Wilder average is exactly 0 and not a denormal that never leaves."""
    bars = close_bars([1.0, 2.0] * 20 + [2.0] * 24_000)
    assert last(name, bars) == {"rsi_14": [50.0], "atr_14": [0.0, 0.0], "adx_14": [0.0, 0.0, 0.0]}[name]


def test_sessions_start_anew() -> None:
    """VWAP and CVD of a day are those of the day alone."""
    bars = quotes("Intraday.csv")
    bars[:, 6], bars[:, 7] = bars[:, VOLUME] * 0.75, bars[:, VOLUME] * 0.25
    day = bars[bars[:, SESSION] == bars[-1, SESSION]]
    for name in ("session_vwap", "cvd"):
        np.testing.assert_array_equal(fold(FEATURES[name], bars)[-len(day) :], fold(FEATURES[name], day))


@pytest.mark.parametrize("name", ["ema_20", "rsi_14", "macd_12_26_9", "atr_14", "adx_14"])
def test_warm_means_that_the_start_no_longer_matters(name: str) -> None:
    """Starts all over three real series: below 1e-3 for each at `warm`, below 1e-4 for the median one."""
    feature, differences = FEATURES[name], []
    for file in ("Default.csv", "Bitcoin.csv", "Intraday.csv"):
        bars = quotes(file)[:1200]
        whole = fold(feature, bars)
        for start in range(20, len(bars) - 200, 40):
            row = start + feature.warm - 1
            part = fold(feature, bars[start : row + 1])[-1]
            scale = {
                "ema_20": bars[row, CLOSE],
                "macd_12_26_9": bars[row, CLOSE],
                "atr_14": whole[row, 0],
            }.get(name, 100.0)
            differences.append(np.abs(part - whole[row]).max() / scale)
    assert max(differences) < 1e-3
    assert np.median(differences) < 1e-4
