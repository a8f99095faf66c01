"""What would the trades be? The strategies and the cost model again, in a few lines of pandas without any code of ours.

python -m tests.benchmarks.peers.with_pandas JOB.json
"""

import math

import numpy as np
import pandas as pd

from tests.benchmarks.peers.job import RSI_WARM_WINDOWS, Bars, Job, Outcome, Stopwatch, Trade, main


def sma_crossover(close: pd.Series, fast: int, slow: int) -> dict[int, int]:
    """Bars at which the averages change their order -> the side wanted from then on."""
    difference = (close.rolling(fast).mean() - close.rolling(slow).mean()).round(9)
    side = np.sign(difference).replace(0, np.nan).ffill()
    crossed = side.ne(side.shift()) & side.shift().notna()
    return {int(bar): int(side[bar]) for bar in np.flatnonzero(crossed)}


def rsi(close: pd.Series, window: int) -> pd.Series:
    """Wilder's index: averages of rises and falls, begun with the mean of the first ``window`` of them."""
    moves = pd.DataFrame({"up": close.diff().clip(lower=0), "down": -close.diff().clip(upper=0)})
    seed = moves.iloc[1 : window + 1].mean()
    moves.iloc[:window] = np.nan
    moves.iloc[window] = seed
    average = moves.ewm(alpha=1 / window, adjust=False).mean()
    return (100 * average.up / (average.up + average.down)).fillna(50.0)


def rsi_reversion(close: pd.Series, window: int, low: float, high: float, exit: float) -> dict[int, int]:
    """Bars at which a position is opened, turned or closed -> the side wanted from then on."""
    wanted, held = {}, 0
    for bar, index in enumerate(rsi(close, window)):
        want = held
        if held > 0 and index >= exit or held < 0 and index <= exit:
            want = 0
        if index < low:
            want = 1
        elif index > high:
            want = -1
        if bar + 1 >= RSI_WARM_WINDOWS * window and want != held:
            wanted[bar] = held = want
    return wanted


def trades_of(job: Job, bars: Bars) -> tuple[list[Trade], float]:
    """Trades, and the equity at the last close."""
    close = pd.Series(bars.close)
    wanted = {"sma_crossover": sma_crossover, "rsi_reversion": rsi_reversion}[job.strategy](
        close, **job.params
    )
    cash, held, trades = job.cash, 0, []
    for bar, side in wanted.items():
        if bar + 1 == len(bars):
            break
        equity = cash + held * bars.close[bar]
        units = side * math.floor(equity * job.fraction / bars.close[bar]) - held
        price = float(bars.open[bar + 1])
        fee = abs(units) * price * job.fee_bps / 1e4
        cash, held = cash - units * price - fee, held + units
        trades.append((int(bars.open_ns[bar + 1]), units, price, fee))
    return trades, cash + held * float(bars.close[-1])


def run(job: Job, bars: Bars) -> Outcome:
    watch = Stopwatch()
    trades, equity = trades_of(job, bars)
    cpu, wall = watch.read()
    return Outcome("pandas", pd.__version__, len(bars), trades, equity, 0.0, cpu, wall)


if __name__ == "__main__":
    main(run)
