"""On which real bars are trades compared, with which parameters? Days, minutes, and minutes made of the demo trades."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from tests.benchmarks.peers.job import Bars

DEMO = Path(__file__).parents[3] / "infra" / "demo"
_MINUTE, _DAY = 60_000_000_000, 86_400_000_000_000


def _bars(frame: pd.DataFrame, times: pd.Series, interval_ns: int) -> Bars:
    open_ns = times.dt.tz_convert("UTC").to_numpy("datetime64[ns]").astype(np.int64)
    numbers = {name: frame[name].to_numpy(np.float64) for name in ("open", "high", "low", "close", "volume")}
    return Bars(open_ns, open_ns + interval_ns, **numbers)


def spy_daily() -> Bars:
    frame = pd.read_csv(DEMO / "spy_daily.csv")
    return _bars(frame, pd.to_datetime(frame.date).dt.tz_localize("UTC"), _DAY)


def spy_1m() -> Bars:
    frame = pd.read_csv(DEMO / "spy_1m.csv")
    return _bars(frame, pd.to_datetime(frame.date).dt.tz_localize("America/New_York"), _MINUTE)


def us5_daily(symbol: str) -> Bars:
    frame = pd.read_csv(DEMO / "us5_daily.csv.gz").rename(columns=str.lower)
    frame = frame[frame.ticker == symbol].reset_index(drop=True)
    return _bars(frame, pd.to_datetime(frame.date).dt.tz_localize("UTC"), _DAY)


def es_trades() -> pd.DataFrame:
    """The busiest hours of the trades: in thin minutes our venue fills a part, as no peer does without being asked."""
    return pd.read_parquet(DEMO / "es_trades.parquet").iloc[200_000:].reset_index(drop=True)


def es_1m() -> Bars:
    """Minutes of the trades, by pandas; without trades there is no bar, and of the last minute nobody knows the end."""
    trades = es_trades()
    made = trades.set_index(pd.to_datetime(trades.ts_event_ns, utc=True)).resample("1min")
    frame = made.price.ohlc().assign(volume=made["size"].sum()).dropna().reset_index().iloc[:-1]
    return _bars(frame, frame.ts_event_ns, _MINUTE)


DATASETS: dict[str, Callable[[], Bars]] = {
    "spy_daily": spy_daily,
    "spy_1m": spy_1m,
    "aapl_daily": lambda: us5_daily("AAPL"),
    "es_1m": es_1m,
}


@dataclass(frozen=True)
class Case:
    """One comparison; ``cash`` is small where a bar's volume would not do for more."""

    dataset: str
    strategy: str
    params: dict[str, float]
    cash: float = 100_000.0

    @property
    def name(self) -> str:
        return f"{self.dataset}.{self.strategy}"


_SMA, _RSI = "sma_crossover", "rsi_reversion"
_BOUNDS = {"low": 30.0, "high": 70.0, "exit": 50.0}

CASES = (
    Case("spy_daily", _SMA, {"fast": 5, "slow": 15}),
    Case("spy_daily", _RSI, {"window": 5, **_BOUNDS}),
    Case("spy_1m", _SMA, {"fast": 10, "slow": 30}),
    Case("spy_1m", _RSI, {"window": 14, **_BOUNDS}),
    Case("aapl_daily", _SMA, {"fast": 5, "slow": 15}),
    Case("aapl_daily", _RSI, {"window": 7, "low": 25.0, "high": 75.0, "exit": 50.0}),
    Case("es_1m", _SMA, {"fast": 3, "slow": 8}, cash=10_000.0),
    Case("es_1m", _RSI, {"window": 5, **_BOUNDS}, cash=10_000.0),
)


def digest(bars: Bars) -> str:
    """Hash of every number of the bars."""
    said = hashlib.sha256()
    for column in vars(bars).values():
        said.update(np.ascontiguousarray(column).tobytes())
    return said.hexdigest()[:16]
