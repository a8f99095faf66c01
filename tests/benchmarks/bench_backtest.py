"""How fast is a backtest, beside backtrader, nautilus_trader and vectorbt on the same bars with the same trades?

    python -m tests.benchmarks.bench_backtest [--bars N] [--peer-bars N] [--repeats N] [--python PYTHON] [--part P]

Every run is a process of its own, in turns, engine after engine, so that a busy machine is busy for all. Parts:

- ``speed``: an SMA crossover with costs (an order in about 45 bars) over a random walk, and over real ES minutes, the
  same ones again and again; bars a second by CPU and by wall time, medians with the smallest and largest, peak
  memory. Engines that need minutes for it get ``--peer-bars``. Trades are compared before anything is timed.
- ``memory``: peak memory and speed at ten thousand to a million trades, bars made on the way.
- ``sweep``: 100 sets of parameters by ``titan backtest --sweep`` against 100 runs of ``titan backtest``, of which 5
  are run.

A peer whose package is missing is named and left out: ``nautilus_trader`` needs Python 3.12.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.benchmarks.peers.datasets import es_1m
from tests.benchmarks.peers.golden import ROOT, ask
from tests.benchmarks.peers.job import Bars, Job, save
from tests.benchmarks.peers.with_titan import SYMBOL, walk, words

SLOW = ("backtrader", "nautilus_trader")
PEERS = ("titan", "vectorbt", *SLOW)
CROSSOVER: dict[str, float] = {"fast": 20, "slow": 50}
_MINUTE = 60_000_000_000


def joined(parts: list[Bars]) -> Bars:
    """Return parts of a series as one."""
    return Bars(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])})


def real(count: int) -> Bars:
    """Return minutes of ES one after another, again and again, every one a minute after the one before it."""
    once = es_1m()
    again = -(-count // len(once))
    columns = {name: np.tile(column, again)[:count] for name, column in vars(once).items()}
    columns["open_ns"] = (once.open_ns[0] // _MINUTE + np.arange(count)) * _MINUTE
    columns["close_ns"] = columns["open_ns"] + _MINUTE
    columns["volume"] = columns["volume"] + 1e6  # thin minutes would fill orders in parts, which no peer does
    return Bars(**columns)


def middle(values: list[float]) -> str:
    """Return median and range in thousands.

    >>> middle([1000.0, 3000.0, 2000.0])
    '2 (1-3)'
    """
    low, high = (f"{value / 1e3:.3g}" for value in (min(values), max(values)))
    return f"{statistics.median(values) / 1e3:.3g} ({low}-{high})"


class Bench:
    """Runs jobs and prints Markdown."""

    def __init__(self, asked: argparse.Namespace, folder: Path) -> None:
        self._asked = asked
        self._folder = folder

    def peers(self) -> list[str]:
        """Return the engines that can be run."""
        found = ["titan"]
        for peer in PEERS[1:]:
            try:
                subprocess.run([self._asked.python, "-c", f"import {peer}"], check=True, capture_output=True)
                found.append(peer)
            except subprocess.CalledProcessError:
                print(
                    f"{peer} is not installed for {self._asked.python}: left out (the bench extra; Python 3.12)"
                )
        return found

    def run(self, peer: str, job: Job) -> dict[str, Any]:
        """Return what an engine says of a job."""
        python = sys.executable if peer == "titan" else self._asked.python
        return ask(peer, job, self._folder, python, "--digest")

    def speed(self) -> None:
        """Compare trades, then print bars a second."""
        found = self.peers()
        versions: dict[str, str] = {}
        print("| bars | engine | orders | k bars/s of CPU | k bars/s of wall | x titan's CPU | peak MiB |")
        print("|---|---|---|---|---|---|---|")
        for name, bars in (
            ("random walk", joined(list(walk(self._asked.bars)))),
            ("ES minutes", real(self._asked.bars)),
        ):
            full = self._job(name, bars)
            part = self._job(
                f"{name} part", Bars(**{k: v[: self._asked.peer_bars] for k, v in vars(bars).items()})
            )
            self._compare(found, part, full)
            said: dict[str, list[dict[str, Any]]] = {peer: [] for peer in found}
            for turn in range(self._asked.repeats):
                for peer in found:
                    if peer not in SLOW or turn < self._asked.peer_repeats:
                        said[peer].append(self.run(peer, part if peer in SLOW else full))
            base = statistics.median(one["bars"] / one["run_cpu_s"] for one in said["titan"])
            for peer, runs in said.items():
                versions[peer] = f"{peer} {runs[0]['version']} (Python {runs[0]['python']})"
                cpu = [one["bars"] / one["run_cpu_s"] for one in runs]
                wall = [one["bars"] / one["run_wall_s"] for one in runs]
                memory = statistics.median(one["peak_mib"] for one in runs)
                times = f"{base / statistics.median(cpu):.2g}"
                print(
                    f"| {runs[0]['bars']:,} of {name} | {peer} | {runs[0]['fills']:,} | {middle(cpu)} | {middle(wall)} "
                    f"| {times} | {memory:.0f} |", flush=True
                )  # fmt: skip
        print(f"\n{'; '.join(versions.values())}")

    def _job(self, name: str, bars: Bars) -> Job:
        path = self._folder / f"{name.replace(' ', '_')}.npz"
        save(bars, path)
        return Job(str(path), "sma_crossover", CROSSOVER, cash=1_000_000.0, fee_bps=0.1)

    def _compare(self, found: list[str], part: Job, full: Job) -> None:
        for job, engines in ((part, found), (full, [peer for peer in found if peer not in SLOW])):
            digests = {
                peer: (said["fills"], said["digest"]) for peer in engines for said in [self.run(peer, job)]
            }
            assert len(set(digests.values())) == 1, f"{job.bars}: the trades differ: {digests}"

    def memory(self) -> None:
        """Print peak memory and speed by number of trades."""
        print("\n| trades | bars | peak MiB | us of CPU a trade, with its bars |\n|---|---|---|---|")
        for bars in (34_000, 340_000, 3_400_000):
            job = Job(f"walk:{bars}", "sma_crossover", {"fast": 2, "slow": 3}, cash=1e8, fee_bps=0.0)
            said = ask("titan", replace(job, fraction=0.01), self._folder, sys.executable, "--digest")
            cost = said["run_cpu_s"] / said["fills"] * 1e6
            print(f"| {said['fills']:,} | {bars:,} | {said['peak_mib']:.0f} | {cost:.1f} |", flush=True)

    def sweep(self) -> None:
        """Print a sweep of 100 sets beside single runs, by the command that users have."""
        file = self._folder / f"{SYMBOL}.csv"
        bars = joined(list(walk(self._asked.peer_bars)))
        frame = pd.DataFrame({"ts_event_ns": bars.open_ns} | {n: getattr(bars, n) for n in _PRICES})
        frame.to_csv(file, index=False)
        job = Job("", "sma_crossover", CROSSOVER, cash=1_000_000.0)
        sets = [part for word in words(job)[2:] for part in ("--set", word)]
        command = [
            sys.executable, "-m", "ui.cli", "backtest", "--input", str(file), "--strategy", "sma_crossover",
            "--slippage", "none", "--json", *sets,
        ]  # fmt: skip
        _timed(command)
        single = [_timed([*command, "--set", f"fast={fast}"]) for fast in (5, 8, 10, 12, 14)]
        swept = [_timed([*command, "--sweep", "fast=5..14", "--sweep", "slow=20..65/5"]) for _ in range(3)]
        assert len(swept[0][1]["sets"]) == 100
        print(f"\n| {len(bars):,} bars | wall s, median (range) | of the run alone |\n|---|---|---|")
        alone, together = ([one[1]["wall_s"] for one in runs] for runs in (single, swept))
        one, all_ = ([run[0] for run in runs] for runs in (single, swept))
        for name, walls, runs in (("a single run", one, alone), ("100 sets in a sweep", all_, together)):
            low, high = min(walls), max(walls)
            print(
                f"| {name} | {statistics.median(walls):.2f} ({low:.2f}-{high:.2f}) | {statistics.median(runs):.2f} |"
            )
        by_command, by_run = (
            100 * statistics.median(a) / statistics.median(b) for a, b in ((one, all_), (alone, together))
        )
        count = swept[0][1]["processes"]
        print(f"| 100 single runs / the sweep, on {count} processes | {by_command:.1f} | {by_run:.1f} |")


_PRICES = ("open", "high", "low", "close", "volume")


def _timed(command: list[str]) -> tuple[float, dict[str, Any]]:
    began = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return time.perf_counter() - began, json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bars", type=int, default=1_000_000)
    parser.add_argument("--peer-bars", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peer-repeats", type=int, default=3)
    parser.add_argument("--python", default=sys.executable, help="interpreter that has the peers")
    parser.add_argument("--part", choices=("speed", "memory", "sweep"))
    asked = parser.parse_args()
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(asked, Path(folder))
        for part in ("speed", "memory", "sweep"):
            if asked.part in (None, part):
                getattr(bench, part)()


if __name__ == "__main__":
    main()
