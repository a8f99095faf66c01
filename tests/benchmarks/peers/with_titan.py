"""Titan's trades on the same job, from bars that are given as arrays, as the peers get theirs.

    python -m tests.benchmarks.peers.with_titan JOB.json

Everything that ``titan backtest`` does without ``--out`` is in the run: blocks in Avro, normalisation, bars, marks,
all features and the regime, signals, four rules, orders, simulated fills, exact ledgers, performance, a digest of
every topic. ``bars`` of a job may be ``walk:N``: N bars of a random walk, made on the way, so that memory tells of
the run alone.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

from flows import kernel_cache
from flows.backtest import Backtest
from flows.backtest_results import BacktestResults
from flows.backtest_settings import Asked, backtest_settings
from flows.connectors.history import SessionHistory
from flows.connectors.recorded.source import Batch, Run
from schemas.blocks import BARS
from schemas.codec import Event
from schemas.orders import ExecutionReport
from tests.benchmarks.peers.job import Bars, Job, Outcome, Stopwatch, Trade, main

SYMBOL = "SYN000"
_BATCH = 65_536


class GivenBars:
    """Parts of a series of bars as a source of market data, like a file of them."""

    name = "bars"
    venues = {SYMBOL: "SYNTHETIC"}

    def __init__(self, parts: Iterable[Bars], interval_ns: int) -> None:
        self._parts = parts
        self.heartbeat_ns = interval_ns
        self.identity = hashlib.sha256(b"bars").digest()

    def read(self, _resume: Any = None) -> Iterator[Batch]:
        """One batch a part."""
        for part in self._parts:
            count = len(part)
            longs = (part.close_ns, np.zeros(count, np.int64), part.close_ns - part.open_ns)
            doubles = (part.open, part.high, part.low, part.close, part.volume)
            after = int(part.close_ns[-1]) + 1
            yield Batch([Run(SYMBOL, BARS, part.close_ns, longs + doubles)], [], after, after)


class _Results(BacktestResults):
    """Notes fills, as the peers' scripts do."""

    def __init__(self, settings: Any, noted: bool) -> None:
        super().__init__(settings)
        self.noted = noted
        self.filled: list[Trade] = []

    def account(self, events: Sequence[Event]) -> None:
        super().account(events)
        if self.noted:
            self.filled += [
                _trade(e) for e in events if isinstance(e, ExecutionReport) and e.last_quantity_nanos
            ]


def _trade(fill: ExecutionReport) -> Trade:
    units = fill.last_quantity_nanos // 10**9 * (1 if fill.side == "BUY" else -1)
    return fill.ts_event_ns, units, fill.last_price_nanos / 1e9, fill.fee_nanos / 1e9


def walk(count: int, seed: int = 7) -> Iterator[Bars]:
    """Minute bars of a random walk in cents, in parts."""
    minute, level, start = 60_000_000_000, 100.0, 1_600_000_020_000_000_000 // 60_000_000_000
    rng = np.random.default_rng(seed)
    for first in range(0, count, _BATCH):
        rows = min(_BATCH, count - first)
        moves = rng.standard_normal(rows) * 0.05 + (100.0 - level) * 1e-6
        close = np.maximum(np.round(level + np.cumsum(moves), 2), 1.0)
        open_ = np.concatenate([[round(level, 2)], close[:-1]])
        reach = np.round(np.abs(rng.standard_normal((2, rows))) * 0.02, 2)
        high, low = np.maximum(open_, close) + reach[0], np.minimum(open_, close) - reach[1]
        open_ns = (start + first + np.arange(rows, dtype=np.int64)) * minute
        volume = rng.integers(1_000_000, 5_000_000, rows).astype(np.float64)
        level = float(close[-1])
        yield Bars(open_ns, open_ns + minute, open_, np.round(high, 2), np.round(low, 2), close, volume)


def _given(job: Job, bars: Bars | None) -> GivenBars:
    if bars is None:
        return GivenBars(walk(int(job.bars.removeprefix("walk:"))), 60_000_000_000)
    interval = int((bars.close_ns - bars.open_ns).min())
    return GivenBars(parts_of(bars), interval)


def parts_of(bars: Bars) -> Iterator[Bars]:
    for first in range(0, len(bars), _BATCH):
        yield Bars(**{name: column[first : first + _BATCH] for name, column in vars(bars).items()})


def words(job: Job) -> tuple[str, ...]:
    """What a user would set to follow the job's rules."""
    params = tuple(f"{name}={value:g}" for name, value in job.params.items())
    return (
        *params, "stop_atr=0", "venue.participation=1", "risk.daily_drawdown.max_loss=1",
        f"sizing.fixed_fractional.notional_fraction={job.fraction}",
    )  # fmt: skip


def run(job: Job, bars: Bars | None) -> Outcome:
    kernel_cache.use()
    _fold(job, next(walk(300)), noted=False)  # loads the kernels
    watch = Stopwatch()
    test, results = _fold(job, bars, noted=bars is not None)
    cpu, wall = watch.read()
    equity = test.account.ledger.equity_nanos / 1e9
    said = results.progress
    done = Outcome("titan", version("titan"), said.bars, results.filled, equity, 0.0, cpu, wall)
    done.orders, done.fills = said.orders, said.fills
    return done


def _fold(job: Job, bars: Bars | None, noted: bool) -> tuple[Backtest, _Results]:
    history = SessionHistory([_given(job, bars)])
    asked = Asked((job.strategy,), words(job), None, f"{job.cash:f}", f"{job.fee_bps:g}", "none")
    settings = backtest_settings(None, {}, asked, history.interval_ns)
    results = _Results(settings, noted)
    test = Backtest(settings, history, results)
    test.run(lambda *_: None)
    return test, results


if __name__ == "__main__":
    main(run)
