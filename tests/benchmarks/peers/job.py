"""What does every peer get, and what does it give back? One job in, its trades and what they cost out.

A peer runs in a process of its own, ``python -m tests.benchmarks.peers.with_NAME JOB.json``, and prints one JSON
object. The rules are the same for all, and each script says how its peer is brought to follow them:

- decide at a bar's close, fill at the next bar's open, whole; what is decided at the last bar is not traded;
- units = floor(equity at that close * fraction / that close), long or short; a flip is one order through zero;
- a fee of ``fee_bps`` of the value of every fill; no slippage, no limits, no margin.
"""

import hashlib
import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

RSI_WARM_WINDOWS = 8  # operators.features.rsi: no decision before the seed's weight is e^-8


@dataclass(frozen=True)
class Bars:
    """Bars of one symbol: times of their opens and closes, ns since 1970 UTC, and their numbers, all [n]."""

    open_ns: NDArray[np.int64]
    close_ns: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.open_ns)


@dataclass(frozen=True)
class Job:
    """Bars (an npz file of the fields of ``Bars``), a strategy of ours with its parameters, and the cost model."""

    bars: str
    strategy: str
    params: dict[str, float]
    cash: float = 100_000.0
    fee_bps: float = 1.0
    fraction: float = 0.5
    price_digits: int = 4

    def load(self) -> Bars:
        with np.load(self.bars) as columns:
            return Bars(**{name: columns[name] for name in columns.files})


Trade = tuple[int, int, float, float]
"""Time of the bar at whose open it was filled, ns; signed units; price; fee."""


@dataclass
class Outcome:
    """What a peer says: its trades, and seconds to ``prepare`` (make its objects of the bars) and to ``run``."""

    peer: str
    version: str
    bars: int
    trades: list[Trade]
    equity: float
    prepare_cpu_s: float = 0.0
    run_cpu_s: float = 0.0
    run_wall_s: float = 0.0
    peak_mib: float = 0.0
    orders: int = 0
    fills: int = 0
    python: str = field(default=sys.version.split()[0])

    @property
    def digest(self) -> str:
        return digest_of(self.trades)


def digest_of(trades: list[Trade]) -> str:
    """Hash of times, units and prices: equal for equal trades, whatever the last digits of their fees."""
    rows = "\n".join(f"{ts} {units} {price:.6f}" for ts, units, price, _ in trades)
    return hashlib.sha256(rows.encode()).hexdigest()[:16]


def save(bars: Bars, path: Path) -> None:
    """Write the bars as a job reads them."""
    np.savez(path, **vars(bars))


class Stopwatch:
    """CPU (user and system) and wall seconds since it was made or last read."""

    def __init__(self) -> None:
        self._cpu, self._wall = time.process_time(), time.perf_counter()

    def read(self) -> tuple[float, float]:
        cpu, wall = time.process_time(), time.perf_counter()
        spent = cpu - self._cpu, wall - self._wall
        self._cpu, self._wall = cpu, wall
        return spent


def main(run: Callable[[Job, Any], Outcome]) -> None:
    """Run the job that the command line names; print the outcome, with ``--digest`` a hash in place of its trades."""
    job = Job(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    outcome = run(job, None if job.bars.startswith("walk:") else job.load())
    outcome.peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    outcome.fills = outcome.fills or len(outcome.trades)
    said: dict[str, Any] = asdict(outcome) | {"digest": outcome.digest}
    if "--digest" in sys.argv:
        del said["trades"]
    print(json.dumps(said))
