"""vectorbt's trades, for reference: columns, and a compiled loop over orders, without events or rules.

    python -m tests.benchmarks.peers.with_vectorbt JOB.json

Conventions, and what was set to follow the job's rules:

- An order of a row fills at the price given for that row: signals are moved one row down, and the price is the open.
- A size is worked out at the fill. ``from_order_func`` values the account, before an order, at the last close, which
  is the decision's: equity * fraction / last close is computed there.
- Its averages have no Wilder smoothing with a mean as seed, so the index of the job's strategy is the one of
  ``with_pandas``; the crossings are of vectorbt's own averages, whose difference is rounded to 1e-6: they are
  differences of a running sum, which drifts (equal averages are no crossing).
- Everything is in floating point; a fee is not rounded.
"""

from typing import Any

import numpy as np
import pandas as pd
import vectorbt as vbt
from numba import njit
from vectorbt.portfolio import nb

from tests.benchmarks.peers.job import Bars, Job, Outcome, Stopwatch, Trade, main
from tests.benchmarks.peers.with_pandas import rsi_reversion

_NOTHING = -128


@njit
def _order(c: Any, side: Any, open_: Any, close: Any, fraction: float, fee: float) -> Any:
    """Order what is missing to the size of the side wanted at the last close."""
    if c.i == 0 or side[c.i - 1] == _NOTHING:
        return nb.order_nothing_nb()
    last = close[c.i - 1]
    units = side[c.i - 1] * np.floor(c.value_now * fraction / last) - c.position_now
    return nb.order_nb(size=units, price=open_[c.i], fees=fee)


def _sides(job: Job, close: pd.Series) -> np.ndarray:
    """Side wanted from each close on [n], or _NOTHING where that does not change."""
    side = np.full(len(close), _NOTHING, np.int8)
    if job.strategy == "rsi_reversion":
        for bar, wanted in rsi_reversion(close, **job.params).items():
            side[bar] = wanted
        return side
    fast, slow = (vbt.MA.run(close, int(job.params[name])).ma.to_numpy() for name in ("fast", "slow"))
    order = np.sign((fast - slow).round(6))
    differing = np.flatnonzero((order == 1) | (order == -1))
    changed = differing[1:][order[differing[1:]] != order[differing[:-1]]]
    side[changed] = order[changed]
    return side


def run(job: Job, bars: Bars) -> Outcome:
    _trade(job, _first(bars, 200))  # compiles
    watch = Stopwatch()
    portfolio = _trade(job, bars)
    orders = portfolio.orders.records
    cpu, wall = watch.read()
    signs = np.where(orders["side"] == 0, 1, -1)
    units = (orders["size"].to_numpy() * signs).round().astype(int)
    times = bars.open_ns[orders["idx"].to_numpy()]
    rows = zip(times.tolist(), units.tolist(), orders["price"].tolist(), orders["fees"].tolist())
    trades: list[Trade] = list(rows)
    equity = float(portfolio.final_value())
    return Outcome("vectorbt", vbt.__version__, len(bars), trades, equity, 0.0, cpu, wall)


def _first(bars: Bars, rows: int) -> Bars:
    return Bars(**{name: column[:rows] for name, column in vars(bars).items()})


def _trade(job: Job, bars: Bars) -> vbt.Portfolio:
    close = pd.Series(bars.close)
    return vbt.Portfolio.from_order_func(
        close, _order, _sides(job, close), bars.open, bars.close, job.fraction, job.fee_bps / 1e4,
        init_cash=job.cash, max_orders=len(bars),
    )  # fmt: skip


if __name__ == "__main__":
    main(run)
