"""How long from tick to order through a real broker, both legs as processes of their own, at 10,000 ticks a second?

    python -m tests.benchmarks.bench_latency [--seconds 40] [--rate 10000] [--symbols 50]

One process writes single ticks evenly paced, round the symbols; `titan run --leg symbol` and `--leg account` tail the
log with their default settings, but for bars of a second and averages of two and three bars, so that orders come often;
a reader waits for them. A bar of second T is decided when every symbol has been heard up to T (the account's events
stand in event-time order): latency runs from the moment before that last tick is given to its producer until the order
has been read. All run on one machine with the broker: queueing for its cores is part of what is measured. The first 5 s
are left out; figures are those of each of three windows, and of all.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from flows.connectors.log import Log, LogSettings, TopicSpec, open_log
from schemas.blocks import encode_block
from schemas.codec import decode
from schemas.market import TradeBlock
from schemas.orders import SubmitOrder
from schemas.topics import TOPICS
from tests.servers.kafka import KafkaServer

SECOND = 1_000_000_000
START = 1_800_000_000 * SECOND
WARM_S = 5
SETTINGS = [
    'symbol_leg.timeframes=["1s"]',
    "strategies.sma_crossover.params.fast=2",
    "strategies.sma_crossover.params.slow=3",
    "strategies.rsi_reversion.enabled=false",
    "risk.order_rate.max_per_minute=100000",
    "account.cash=100000000",
]


def messages(symbols: int, rate: int, seconds: int) -> list[tuple[bytes, bytes, int]]:
    """Return (key, value, event time) of every tick, evenly spaced, symbol after symbol."""
    rng = np.random.default_rng(1)
    prices = np.round(
        100.0 * np.exp(np.cumsum(rng.normal(0.0, 2e-4, (rate * seconds // symbols + 1, symbols)), 0)), 2
    )
    made, zeros = [], np.zeros(1, np.int64)
    for i in range(rate * seconds):
        turn, symbol = divmod(i, symbols)
        ts_ns = START + i * SECOND // rate
        block = TradeBlock(
            symbol=f"SYN{symbol:03d}", venue="BENCH", session=1, seq=turn, complete_to_ns=ts_ns + 1,
            ts_event_ns=np.array([ts_ns]), recv_delay_ns=zeros, trade_id=np.array([turn + 1]), side=zeros + 1,
            price=prices[turn, symbol : symbol + 1], size=np.ones(1),
        )  # fmt: skip
        made.append((block.symbol.encode(), encode_block(block), ts_ns))
    return made


def feed(url: str, symbols: int, rate: int, seconds: int) -> None:
    """Write the ticks at their time; print, by second, when the last symbol was heard beyond it (monotonic ns)."""
    made = messages(symbols, rate, seconds)
    told = dict[int, int]()
    with open_log(url, LogSettings()) as log, log.writer() as writer:
        began = time.monotonic_ns()
        for key, value, ts_ns in made:
            due = began + ts_ns - START
            while (wait := due - time.monotonic_ns()) > 0:
                time.sleep(max(wait, 200_000) / 1e9)
            if ts_ns % SECOND < symbols * SECOND // rate:
                told[ts_ns // SECOND * SECOND] = time.monotonic_ns()
            writer.append("market_data", key, value, max(1, ts_ns // 1_000_000))
        writer.flush()
    print(json.dumps(told))


@contextmanager
def leg(name: str, url: str, folder: str) -> Iterator[None]:
    """Run one leg in a process of its own."""
    command = [sys.executable, "-m", "ui.cli", "run", "--leg", name, "--log", url]
    for setting in [*SETTINGS, f"run.recovery_dir={folder}/{name}"]:
        command += ["--set", setting]
    with Path(folder, f"{name}.txt").open("w") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said)
        try:
            yield
            assert process.poll() is None, Path(folder, f"{name}.txt").read_text()
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def read_orders(log: Log, until: subprocess.Popen[str]) -> list[tuple[int, int]]:
    """Return (event time, when it was read) of every order, until the feed has ended and a second more."""
    orders, ended = [], float("inf")
    with log.reader(
        {("execution_requests", p): 0 for p in range(len(log.spans("execution_requests")))}
    ) as reader:
        while time.monotonic() < ended + 1:
            for record in reader.poll(1000, 0.05):
                now = time.monotonic_ns()
                event = decode("execution_requests", record.value or b"")
                if isinstance(event, SubmitOrder):
                    orders.append((event.ts_event_ns, now))
            if until.poll() is not None and ended == float("inf"):
                ended = time.monotonic()
    return orders


def quantiles(latencies: list[float]) -> str:
    """Return p50, p99 and the largest, ms."""
    if not latencies:
        return "no orders"
    p50, p99 = np.percentile(latencies, (50, 99))
    return f"p50 {p50:.2f}, p99 {p99:.2f}, largest {max(latencies):.1f} ms of {len(latencies)} orders"


def measure(url: str, given: argparse.Namespace) -> list[tuple[float, float]]:
    """Return (second of the run, latency in ms) of every order."""
    with tempfile.TemporaryDirectory() as folder, open_log(url) as log:
        log.apply([TopicSpec(t.name, t.partitions, t.compacted) for t in TOPICS.values()])
        with leg("symbol", url, folder), leg("account", url, folder):
            time.sleep(15.0)  # imports, kernels, connections
            command = [sys.executable, "-m", "tests.benchmarks.bench_latency", "--feed", url]
            for name in ("symbols", "rate", "seconds"):
                command += [f"--{name}", str(getattr(given, name))]
            feeder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            orders = read_orders(log, feeder)
            told = {int(second): at for second, at in json.loads(feeder.communicate()[0]).items()}
    return [((ts_ns - START) / SECOND, (at - told[ts_ns]) / 1e6) for ts_ns, at in orders if ts_ns in told]


def main() -> None:
    """Measure and print, or, for the process it starts, feed."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seconds", type=int, default=40)
    arguments.add_argument("--rate", type=int, default=10_000)
    arguments.add_argument("--symbols", type=int, default=50)
    arguments.add_argument("--feed")
    given = arguments.parse_args()
    if given.feed:
        feed(given.feed, given.symbols, given.rate, given.seconds)
        return
    with KafkaServer() as server:
        broker = os.environ.get("TITAN_TEST_BROKER", server.bootstrap)
        found = [(second, ms) for second, ms in measure(f"kafka://{broker}", given) if second > WARM_S]
    print(
        f"tick to order, {given.rate:,} ticks/s of {given.symbols} symbols, {server.kind}, {os.cpu_count()} cores"
    )
    edges = np.linspace(WARM_S, given.seconds, 4)
    for low, high in zip(edges, edges[1:]):
        print(
            f"  {low:3.0f}-{high:3.0f} s: {quantiles([ms for second, ms in found if low < second <= high])}"
        )
    print(f"  all:      {quantiles([ms for _, ms in found])}")


if __name__ == "__main__":
    main()
