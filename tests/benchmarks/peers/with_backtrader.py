"""backtrader's trades: its own averages, crossing, index, orders and broker.

    python -m tests.benchmarks.peers.with_backtrader JOB.json

Conventions, and what was set to follow the job's rules:

- A market order fills at the next bar's open: its default, nothing set.
- Its broker refuses orders beyond the cash (``checksubmit``): off, since ours judges by rules, not by cash.
- A percentage commission on a stock-like instrument is our fee in basis points of value; it is not rounded.
- ``RSI`` smooths as Wilder does, begun with a mean, as ours; ``safediv`` with 50 gives a flat series the index 50.
  Ours says nothing before eight windows, so that rule is written here.
- Its averages are sums divided by a count, so two that are equal may differ in the last bits, and ``CrossOver`` then
  says that they crossed (AAPL, 2003-09-15, windows 5 and 15). Their difference is rounded to 1e-9 here: equal
  averages are no crossing.
- The price of an order through zero is an average of one price, equal to it up to the last bits.
"""

import backtrader as bt

from tests.benchmarks.peers.job import RSI_WARM_WINDOWS, Bars, Job, Outcome, Stopwatch, Trade, main


class _Feed(bt.feed.DataBase):
    """Bars from arrays. The time is the bar's number: floating-point days would lose the nanoseconds."""

    def __init__(self, bars: Bars) -> None:
        super().__init__()
        columns = (bars.open, bars.high, bars.low, bars.close, bars.volume)
        self._rows = zip(*(column.tolist() for column in columns))
        self._count = 0

    def _load(self) -> bool:
        row = next(self._rows, None)
        if row is None:
            return False
        self._count += 1
        line = self.lines
        line.datetime[0] = float(self._count)
        line.open[0], line.high[0], line.low[0], line.close[0], line.volume[0] = row
        line.openinterest[0] = 0.0
        return True


class _Traded(bt.Strategy):
    """Turns the side that a subclass wants into an order, and notes what was filled."""

    params = (("job", None), ("opens", None))

    def __init__(self) -> None:
        self.filled: list[Trade] = []

    def hold(self, side: int) -> None:
        """Order what is missing to the size of a side."""
        close = self.data.close[0]
        units = side * int(self.broker.getvalue() * self.p.job.fraction / close) - self.position.size
        if units > 0:
            self.buy(size=units)
        elif units < 0:
            self.sell(size=-units)

    def notify_order(self, order: bt.Order) -> None:
        done = order.executed
        if order.status == bt.Order.Completed:
            ts = int(self.p.opens[round(done.dt) - 1])
            self.filled.append((ts, int(done.size), done.price, done.comm))
        elif order.status not in (bt.Order.Submitted, bt.Order.Accepted):
            raise RuntimeError(f"backtrader did not fill an order: {order.getstatusname()}")


class _SmaCrossover(_Traded):
    def __init__(self) -> None:
        super().__init__()
        windows = (int(self.p.job.params[name]) for name in ("fast", "slow"))
        self._fast, self._slow = (bt.ind.SMA(self.data.close, period=window) for window in windows)
        self._above: bool | None = None

    def next(self) -> None:
        difference = round(self._fast[0] - self._slow[0], 9)
        if not difference:
            return
        above, before = difference > 0, self._above
        self._above = above
        if before is not None and above != before:
            self.hold(1 if above else -1)


class _RsiReversion(_Traded):
    def __init__(self) -> None:
        super().__init__()
        window = int(self.p.job.params["window"])
        self._index = bt.ind.RSI(self.data.close, period=window, safediv=True, safehigh=100.0, safelow=50.0)
        self._warm = RSI_WARM_WINDOWS * window
        self._side = 0

    def next(self) -> None:
        if len(self) < self._warm:
            return
        bounds, index, side = self.p.job.params, self._index[0], self._side
        if side > 0 and index >= bounds["exit"] or side < 0 and index <= bounds["exit"]:
            side = 0
        if index < bounds["low"]:
            side = 1
        elif index > bounds["high"]:
            side = -1
        if side != self._side:
            self._side = side
            self.hold(side)


_STRATEGIES = {"sma_crossover": _SmaCrossover, "rsi_reversion": _RsiReversion}


def run(job: Job, bars: Bars) -> Outcome:
    watch = Stopwatch()
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(_Feed(bars))
    cerebro.addstrategy(_STRATEGIES[job.strategy], job=job, opens=bars.open_ns)
    cerebro.broker.setcash(job.cash)
    cerebro.broker.set_checksubmit(False)
    cerebro.broker.setcommission(commission=job.fee_bps / 1e4)
    prepared, _ = watch.read()
    (strategy,) = cerebro.run()
    cpu, wall = watch.read()
    equity = cerebro.broker.getvalue()
    return Outcome("backtrader", bt.__version__, len(bars), strategy.filled, equity, prepared, cpu, wall)


if __name__ == "__main__":
    main(run)
