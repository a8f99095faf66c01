"""The seven classic indicators of `bench_features` by its peers: what do they cost a bar?

talipp (pure Python, incremental) has the seven by name; its values agree with ours after warm-up. river (Cython and
Rust, online statistics) has no indicators: they are put together of its rolling and exponentially weighted statistics,
so that their seeds differ from ours and the work a bar does not.
"""

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from operators.bar_columns import CLOSE, HIGH, LOW, OPEN, VOLUME

Bars = np.ndarray[Any, np.dtype[np.float64]]
Run = Callable[[], object]


def talipp(bars: Bars) -> Run:
    """Return a run over the bars; ImportError where talipp is not installed."""
    indicators = importlib.import_module("talipp.indicators")
    candle = importlib.import_module("talipp.ohlcv").OHLCV
    rows = bars[:, [OPEN, HIGH, LOW, CLOSE, VOLUME]].tolist()

    def run() -> object:
        of_closes = [
            indicators.SMA(20), indicators.EMA(20), indicators.RSI(14), indicators.MACD(12, 26, 9),
            indicators.BB(20, 2.0),
        ]  # fmt: skip
        of_candles = [indicators.ATR(14), indicators.ADX(14, 14)]
        for row in rows:
            for indicator in of_closes:
                indicator.add(row[3])
            whole = candle(*row)
            for indicator in of_candles:
                indicator.add(whole)
        return of_closes[0][-1]

    return run


def river(bars: Bars) -> Run:
    """Return a run over the bars; ImportError where river is not installed."""
    stats, utils = importlib.import_module("river.stats"), importlib.import_module("river.utils")
    rows = bars[:, [HIGH, LOW, CLOSE]].tolist()

    def average(window: int) -> Any:
        return stats.EWMean(fading_factor=2.0 / (window + 1.0))

    def wilder() -> Any:
        return stats.EWMean(fading_factor=1.0 / 14.0)

    def run() -> object:
        mean, band_mean = utils.Rolling(stats.Mean(), 20), utils.Rolling(stats.Mean(), 20)
        variance = utils.Rolling(stats.Var(ddof=0), 20)
        ema, fast, slow, signal = average(20), average(12), average(26), average(9)
        rise, fall, true_range, plus, minus, dx, directed = (wilder() for _ in range(7))
        last_high, last_low, last = rows[0]
        out = (0.0,)
        for high, low, close in rows:
            for one in (mean, ema, fast, slow, band_mean, variance):
                one.update(close)
            rise.update(max(close - last, 0.0))
            fall.update(max(last - close, 0.0))
            travelled = max(high, last) - min(low, last)
            true_range.update(travelled)
            up, down = high - last_high, last_low - low
            plus.update(up if up > down and up > 0.0 else 0.0)
            minus.update(down if down > up and down > 0.0 else 0.0)
            directed.update(travelled)
            macd = fast.get() - slow.get()
            signal.update(macd)
            moved = rise.get() + fall.get()
            both = plus.get() + minus.get()
            dx.update(100.0 * abs(plus.get() - minus.get()) / both if both else 0.0)
            reach = 2.0 * variance.get() ** 0.5
            mid = band_mean.get()
            out = (
                mean.get(), ema.get(), 100.0 * rise.get() / moved if moved else 50.0, macd, signal.get(),
                mid + reach, mid - reach, true_range.get(), directed.get(), dx.get(),
            )  # fmt: skip
            last_high, last_low, last = high, low, close
        return out

    return run


PEERS: dict[str, Callable[[Bars], Run]] = {"talipp": talipp, "river": river}
