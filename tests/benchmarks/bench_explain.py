"""How long does `titan explain` take in a large log? Prints; asserts nothing.

    python -m tests.benchmarks.bench_explain [ticks] [orders] [log]

Without ``log`` (a URL or folder) it makes one: made-up trades and quotes of 20 symbols, 10^7 a day, run live through
both legs, `ticks` of them (default 200,000; the number that counts is 10,000,000, which takes minutes to make), then
`orders` more order records (default 100,000) behind those of the run, so that the run's are found last. Medians of 5.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from flows.connectors.log import Log, LogSettings, open_log
from flows.explain import Asked, explain
from flows.explain.chain import Link
from schemas.codec import encode
from schemas.orders import SubmitOrder
from ui.cli.options import log_url

SYMBOLS, DAY_S, DAY_TICKS = 20, 86_400, 10_000_000
REPEATS = 5


def main() -> None:
    ticks = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    orders = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        url = log_url(sys.argv[3]) if len(sys.argv) > 3 else make(Path(folder), ticks, orders)
        with open_log(url, LogSettings(create=False)) as log:
            sizes(log)
            measure(log, url)


def make(folder: Path, ticks: int, orders: int) -> str:
    """Return a log with a day of `ticks` and `orders` more orders."""
    sets = {
        "gateway.kind": "synthetic", "gateway.synthetic.symbols": SYMBOLS, "log.synchronous": "normal",
        "gateway.synthetic.rate_per_s": DAY_TICKS / 2 / SYMBOLS / DAY_S,
        "gateway.synthetic.duration_s": DAY_S * ticks / DAY_TICKS, "symbol_leg.timeframes": '["10s", "1m"]',
        "strategies.sma_crossover.params.fast": 5, "strategies.sma_crossover.params.slow": 12,
    }  # fmt: skip
    url = f"sqlite:///{folder}/titan.db"
    began = time.monotonic()
    titan(
        "demo", "--dir", str(folder), "--speed", "max", "--json", *(f"--set={k}={v}" for k, v in sets.items())
    )
    with open_log(url) as log, log.writer() as writer:
        told = explain(log, Asked(last=True))
        assert isinstance(told.order, Link)
        like: SubmitOrder = told.order.event
        for number in range(orders):
            other = msgspec.structs.replace(
                like, client_order_id=f"T{number:024x}", signal_id="s", decision_id="d"
            )
            writer.append("execution_requests", b"other", encode(other), like.ts_event_ns // 1_000_000)
    print(f"made in {time.monotonic() - began:.0f} s")
    return url


def sizes(log: Log) -> None:
    """What is in the log."""
    counts = {topic: sum(end - first for first, end in log.spans(topic)) for topic in log.topics()}
    print(", ".join(f"{topic} {count:,}" for topic, count in counts.items() if count))


def measure(log: Log, url: str) -> None:
    """The newest and the oldest order of the run by id, the oldest by place, and the whole process."""
    newest = explain(log, Asked(last=True, account="paper")).order
    oldest = explain(log, Asked("trade_signals/0@0")).signal
    assert isinstance(newest, Link) and isinstance(oldest, Link)
    first = next(
        order for n in range(100) if (order := explain(log, Asked(f"execution_requests/0@{n}")).order)
    )
    assert isinstance(first, Link)
    name = first.event.client_order_id
    timed("newest order", lambda: explain(log, Asked(newest.event.client_order_id)))
    timed("oldest order, by its id", lambda: explain(log, Asked(name)))
    timed(
        "oldest order, by its place",
        lambda: explain(log, Asked(f"execution_requests/0@{first.place.offset}")),
    )
    timed("oldest order, with the chart's rows", lambda: explain(log, Asked(name, with_series=True)))
    timed("first signal", lambda: explain(log, Asked(oldest.event.id)))
    timed("process: titan explain ID", lambda: titan("explain", name, "--log", url))
    with tempfile.TemporaryDirectory() as folder:
        timed(
            "process: titan explain ID --out",
            lambda: titan("explain", name, "--log", url, "--out", f"{folder}/o.html"),
        )
    timed("process: titan --help", lambda: titan("--help"))


def timed(name: str, do: Callable[[], Any]) -> None:
    """Print the median of wall and CPU time, of this process and its children."""
    walls, cpus = [], []
    for _ in range(REPEATS):
        wall, cpu = time.perf_counter(), cpu_s()
        do()
        walls.append(time.perf_counter() - wall)
        cpus.append(cpu_s() - cpu)
    print(
        f"  {name:<40} {1e3 * statistics.median(walls):8.0f} ms, CPU {1e3 * statistics.median(cpus):6.0f} ms"
    )


def cpu_s() -> float:
    """CPU time of this process and its finished children."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def titan(*words: str) -> None:
    """Run a command to its end."""
    subprocess.run(
        [sys.executable, "-m", "ui.cli", *words],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


if __name__ == "__main__":
    main()
