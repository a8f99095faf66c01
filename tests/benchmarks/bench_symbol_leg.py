"""What does the symbol leg cost from a real broker, part by part, beside a bare consumer of the same bytes?

Run as `python -m tests.benchmarks.bench_symbol_leg [--rounds 5]`; it starts its own Apache Kafka (or uses
TITAN_TEST_BROKER). Every part runs in a process of its own, from its first poll to the log's end; CPU is that process's
user and system time, librdkafka's threads included, imports and start-up excluded. Parts are measured in turn, round by
round, so that what else the machine does falls on all of them; medians with the smallest and largest.
"""

import argparse
import gc
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import msgspec
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from flows.config import Settings, load_settings
from flows.config.parameters import instrument_table, symbol_parameters
from flows.connectors.gateway import CutSettings
from flows.connectors.kafka_reader import KafkaReader
from flows.connectors.log import Log
from flows.connectors.symbol_outbox import SymbolOutbox
from flows.connectors.synthetic import benchmark_settings, open_synthetic
from flows.progress import Progress
from flows.run import run
from flows.runtime import open_configured_log
from flows.sessions import sessions_of
from operators.symbol_leg import Poll, SymbolLeg, SymbolState
from schemas.blocks import encode_block
from schemas.topics import TOPICS
from tests.servers.kafka import KafkaServer

SYMBOLS = 500
TOPIC = "market_data"
POLL = 10_000
CASES = {"10 ticks a block": (10, 6_000_000), "1 tick a block": (1, 500_000)}


Used = tuple[resource.struct_rusage, float]
"""What this process has used, and when."""


class Part(msgspec.Struct):
    """One measured part: what it does beyond the one before it."""

    name: str
    does: str


PARTS = [
    Part("bare", "consume(1000) and nothing else"),
    Part("consume", "our reader: values grouped by symbol"),
    Part("kernels", "+ decode, normalise, bars, features, regime, marks, signals"),
    Part("encode", "+ results to Avro"),
    Part("flow", "the whole leg in Bytewax: + produce, snapshots"),
]


def settings_for(bootstrap: str, folder: str) -> Settings:
    """Return the default settings on the broker, with minute bars and marks as a busy account takes them."""
    overrides = [
        f"log.url=kafka://{bootstrap}",
        f"run.recovery_dir={folder}",
        f"run.poll_records={POLL}",
        'symbol_leg.timeframes=["1m"]',
        "symbol_leg.mark_interval=10s",
    ]
    return load_settings(None, {}, overrides)[0]


def fill(log: Log, ticks_per_block: int, ticks: int) -> int:
    """Write the market data; return how many ticks it is."""
    cut = CutSettings(cut_ns=1_000_000_000, max_rows=1000, heartbeat_ns=60_000_000_000)
    seconds = ticks / SYMBOLS / ticks_per_block
    market = benchmark_settings(SYMBOLS, ticks_per_block, cut, duration_s=seconds)
    written = 0
    with open_synthetic(market, cut) as gateway, log.writer() as writer:
        for slice_ in gateway:
            for block in slice_.blocks:
                written += len(getattr(block, "ts_event_ns", ()))
                writer.append(
                    TOPIC, block.symbol.encode(), encode_block(block), max(1, block.complete_to_ns // 10**6)
                )
            writer.flush()
    return written


def bare(settings: Settings, log: Log, begun: list[Used]) -> None:
    """Consume every message and look at none."""
    consumer = Consumer(
        {
            "bootstrap.servers": settings.log.url.removeprefix("kafka://"),
            "group.id": "bench",
            "enable.auto.commit": False,
            "fetch.queue.backoff.ms": 5,
        }
    )
    spans = log.spans(TOPIC)
    consumer.assign([TopicPartition(TOPIC, p, first) for p, (first, _) in enumerate(spans)])
    left = sum(end - first for first, end in spans)
    begun.append((resource.getrusage(resource.RUSAGE_SELF), time.monotonic()))
    while left > 0:
        left -= len(consumer.consume(1000, 0.05))
    consumer.close()


def polls(log: Log, each: Callable[[str, int, Poll, int, int], None]) -> None:
    """Read the topic to its end by symbol."""
    spans = log.spans(TOPIC)
    stop = {(TOPIC, p): end for p, (_, end) in enumerate(spans)}
    with log.reader({(TOPIC, p): first for p, (first, _) in enumerate(spans)}) as reader:
        while not reader.at_end(stop):
            runs = reader.poll_runs(POLL, 0.05)
            if runs is not None:
                for (partition, key), first, end in zip(runs.keys, runs.edges, runs.edges[1:]):
                    each(key.decode(), partition, runs.poll, first, end)


def folded(settings: Settings, log: Log, encode: bool) -> None:
    """Read and fold; encode the results where wanted."""
    instruments = instrument_table(settings)
    leg = SymbolLeg(symbol_parameters(settings), instruments, sessions_of(instruments))
    states: dict[str, SymbolState] = {}
    outbox = SymbolOutbox(10_000_000_000, Progress(), tuple(range(4)), 4)

    def each(symbol: str, partition: int, poll: Poll, first: int, end: int) -> None:
        state = states.get(symbol) or states.setdefault(symbol, leg.init(symbol))
        output = leg.fold(state, partition, poll, first, end)
        if encode:
            for _ in outbox.records(output):
                pass

    polls(log, each)


def measure(part: str, bootstrap: str) -> dict[str, float]:
    """Run one part in this process, with everything compiled and imported before the clock starts."""
    from flows.warm_up import run_every_kernel

    run_every_kernel()
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_for(bootstrap, folder)
        with open_configured_log(settings) as log:
            gc.collect()
            gc.freeze()
            gc.disable()
            log.spans(TOPIC)
            begun = from_first_poll()
            if part == "bare":
                bare(settings, log, begun)
            elif part == "consume":
                polls(log, lambda *_: None)
            elif part == "flow":
                run(settings, to_end=True, legs=("symbol",))
            else:
                folded(settings, log, encode=part == "encode")
            after, end = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    before, start = begun[0]
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return {"cpu_s": cpu, "wall_s": end - start}


def from_first_poll() -> list[Used]:
    """Return the list that will hold what had been used when the first poll of market data began."""
    begun: list[Used] = []

    def noting(poll: Callable[..., object]) -> Callable[..., object]:
        def noted(*arguments: object) -> object:
            if not begun:
                begun.append((resource.getrusage(resource.RUSAGE_SELF), time.monotonic()))
            return poll(*arguments)

        return noted

    KafkaReader.poll_runs = noting(KafkaReader.poll_runs)  # type: ignore[method-assign]
    return begun


def forget_results(bootstrap: str) -> None:
    """Delete every topic but the market data: a leg that finds its results in the log would not write them again."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for future in admin.delete_topics([name for name in TOPICS if name != TOPIC]).values():
        future.exception(10)
    for _ in range(100):
        if not (set(admin.list_topics(timeout=10).topics) & TOPICS.keys()) - {TOPIC}:
            return
        time.sleep(0.1)


def in_turn(bootstrap: str, rounds: int) -> dict[str, list[float]]:
    """Return the CPU seconds of every part, round by round, each in a new process."""
    found: dict[str, list[float]] = {part.name: [] for part in PARTS}
    for _ in range(rounds):
        for part in PARTS:
            forget_results(bootstrap)
            command = [sys.executable, "-m", "tests.benchmarks.bench_symbol_leg", "--part", part.name]
            done = subprocess.run(
                [*command, "--broker", bootstrap], stdout=subprocess.PIPE, text=True, check=True
            )
            found[part.name].append(json.loads(done.stdout.splitlines()[-1])["cpu_s"])
    return found


def report(case: str, ticks: int, messages: int, found: dict[str, list[float]]) -> None:
    """Print one case as a Markdown table."""
    floor = statistics.median(found["bare"])
    print(
        f"\n{case}: {ticks:,} ticks in {messages:,} messages of {SYMBOLS} symbols, 1 m bars, polls of {POLL:,}\n"
    )
    print("| part | µs of CPU a tick, median [min-max] | M ticks/s of CPU | x bare |\n|---|---|---|---|")
    for part in PARTS:
        low, middle, high = min(found[part.name]), statistics.median(found[part.name]), max(found[part.name])
        us = [1e6 * seconds / ticks for seconds in (middle, low, high)]
        print(
            f"| {part.name}: {part.does} | {us[0]:.3f} [{us[1]:.3f}-{us[2]:.3f}] "
            f"| {1 / us[0]:.2f} | {middle / floor:.2f} |"
        )


def main() -> None:
    """Measure every case, or, for the processes it starts, one part."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--part")
    arguments.add_argument("--broker")
    arguments.add_argument("--rounds", type=int, default=5)
    given = arguments.parse_args()
    if given.part:
        print(json.dumps(measure(given.part, given.broker)))
        return
    for case, (ticks_per_block, ticks) in CASES.items():
        with KafkaServer() as server, tempfile.TemporaryDirectory() as folder:
            broker = os.environ.get("TITAN_TEST_BROKER", server.bootstrap)
            with open_configured_log(settings_for(broker, folder)) as log:
                written = fill(log, ticks_per_block, ticks)
                messages = sum(end - first for first, end in log.spans(TOPIC))
            report(case, written, messages, in_turn(broker, given.rounds))


if __name__ == "__main__":
    main()
