"""What goes wrong in real feeds, put into made-up ones at given rates, so that the cure can be seen to work."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from flows.connectors.recorded.source import GAP_REASONS, Run
from flows.connectors.synthetic_settings import FaultRates
from schemas.blocks import GAP, QUOTES, TRADES
from schemas.market import Longs


def inject(rates: FaultRates, rng: np.random.Generator, runs: list[Run], tick_size: float) -> list[Run]:
    """Return the runs of one frame with faults, slots not in order."""
    faulty = []
    for run in runs:
        if run.kind == TRADES:
            if rng.random() < rates.gaps and len(run.slots) > 2:
                faulty.append(_gap(run))
                run = _chosen(run, np.array([0, len(run.slots) - 1]))
            _spoil_prices(rates, rng, run, tick_size)
        elif run.kind == QUOTES:
            _cross(rates, rng, run)
        faulty.append(_delay(rates, rng, _repeat(rates, rng, run)))
    return faulty


def _chosen(run: Run, rows: Longs) -> Run:
    return Run(run.symbol, run.kind, run.slots[rows], tuple(column[rows] for column in run.columns))


def _gap(run: Run) -> Run:
    """Return the declaration that all trades between the first and the last are missing."""
    ts, ids = run.columns[0], run.columns[2]
    start = int(ts[0]) + 1
    row = (
        start,
        max(int(ts[-1]), start + 1),
        int(ids[0]) + 1,
        int(ids[-1]) - 1,
        GAP_REASONS.index("injected"),
    )
    return Run(run.symbol, GAP, np.array([start]), tuple(np.array([value]) for value in row))


def _spoil_prices(rates: FaultRates, rng: np.random.Generator, run: Run, tick_size: float) -> None:
    bad = rng.random(len(run.slots)) < rates.bad_prints
    price = run.columns[4].copy()
    price[bad] = np.where(
        rng.random(int(bad.sum())) < 0.5, np.rint(price[bad] / tick_size / 3) * tick_size, np.nan
    )
    run.columns = (*run.columns[:4], price, run.columns[5])


def _cross(rates: FaultRates, rng: np.random.Generator, run: Run) -> None:
    crossed = rng.random(len(run.slots)) < rates.crossed_quotes
    bid: NDArray[Any] = np.where(crossed, run.columns[5], run.columns[3])
    ask: NDArray[Any] = np.where(crossed, run.columns[3], run.columns[5])
    run.columns = (*run.columns[:3], bid, run.columns[4], ask, run.columns[6])


def _repeat(rates: FaultRates, rng: np.random.Generator, run: Run) -> Run:
    times = 1 + (rng.random(len(run.slots)) < rates.duplicates)
    return _chosen(run, np.repeat(np.arange(len(run.slots)), times))


def _delay(rates: FaultRates, rng: np.random.Generator, run: Run) -> Run:
    late = rng.random(len(run.slots)) < rates.out_of_order
    slots = run.slots + late * rng.integers(1, max(2, rates.disorder_ns), len(run.slots))
    return Run(run.symbol, run.kind, slots, run.columns)
