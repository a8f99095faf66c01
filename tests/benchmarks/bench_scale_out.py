"""What does one more process of the symbol leg gain, and what would one more host?

    python -m tests.benchmarks.bench_scale_out [--rounds 3] [--ticks 20000000]

`titan run --leg symbol --share K/N --to-end` over the same market data on a real Kafka, N = 1, 2 and 4 (a share is then
one partition). On one core, the broker on the other: the CPU seconds of N processes say what sharing costs them, and
those of the broker what it costs the broker. A core each, the broker where it finds room: what a second process gains
on a machine of two cores.

The model for more hosts takes only what was measured: a host's core folds `ticks / legs' CPU seconds`, and the broker's
cores serve `ticks / broker's CPU seconds` each; the shares have nothing else in common. Last: a process that takes one
partition over without a store, with everything in the log already.

CPU is user and system time, librdkafka's threads included, from the first poll to the end; medians [smallest -
largest], after one round that is not counted (the broker's JVM compiles itself).
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

import msgspec

from flows.run import run
from flows.runtime import open_configured_log
from tests.benchmarks.bench_symbol_leg import fill, forget_results, from_first_poll, settings_for
from tests.servers.kafka import KafkaServer

LEGS_CORE, BROKER_CORE = 0, 1
PARTITIONS = 4


class Case(msgspec.Struct, frozen=True):
    """``shares`` are started together, each on its core; ``broker`` are the broker's cores."""

    name: str
    shares: tuple[str, ...]
    cores: tuple[int, ...]
    broker: tuple[int, ...] = (BROKER_CORE,)
    results_stay: bool = False


ONE, TWO, FOUR = ("1/1",), ("1/2", "2/2"), ("1/4", "2/4", "3/4", "4/4")
CASES = [
    Case("1 process", ONE, (LEGS_CORE,)),
    Case("2 processes, one core", TWO, (LEGS_CORE,) * 2),
    Case("4 processes, one core", FOUR, (LEGS_CORE,) * 4),
    Case("2 processes, a core each, shared with the broker", TWO, (0, 1), (0, 1)),
    Case("1 process, broker on both cores", ONE, (LEGS_CORE,), (0, 1)),
    Case("a partition taken over without a store", ("1/4",), (LEGS_CORE,), results_stay=True),
]


class Used(msgspec.Struct):
    """Seconds: of all processes' CPU, of the broker's, and from the first one's first poll to the last one's end."""

    legs: float
    broker: float
    wall: float


def be_a_share(bootstrap: str, share: str) -> None:
    """Run one share to the end, when told to; tell what it used."""
    from flows.warm_up import run_every_kernel

    run_every_kernel()
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_for(bootstrap, folder)
        if share != "1/1":
            shared = msgspec.structs.replace(settings.run, share=share)
            settings = msgspec.structs.replace(settings, run=shared)
        begun = from_first_poll()
        print("ready", flush=True)
        sys.stdin.readline()
        run(settings, to_end=True, legs=("symbol",))
        after, end = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    before, start = begun[0]
    cpu_s = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    print(json.dumps({"cpu": cpu_s, "start": start, "end": end}))


def measure(case: Case, server: KafkaServer) -> Used:
    """Start the case's processes together and let them finish."""
    if not case.results_stay:
        forget_results(server.bootstrap)
    pin(server.pid, case.broker)
    command = [sys.executable, "-m", "tests.benchmarks.bench_scale_out", "--broker", server.bootstrap]
    processes = [
        subprocess.Popen(
            [*command, "--share", share], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for share in case.shares
    ]
    for process, core in zip(processes, case.cores, strict=True):
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        pin(process.pid, (core,))
    before = cpu_of(server.pid)
    told: list[dict[str, Any]] = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        assert process.stdout is not None
        told.append(json.loads(process.stdout.read().splitlines()[-1]))
        assert process.wait() == 0
    wall = max(one["end"] for one in told) - min(one["start"] for one in told)
    return Used(sum(one["cpu"] for one in told), cpu_of(server.pid) - before, wall)


def pin(pid: int, cores: tuple[int, ...]) -> None:
    """Let all threads of a process run on these cores alone."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(thread), cores)


def cpu_of(pid: int) -> float:
    """Return the CPU seconds that a process has used."""
    with open(f"/proc/{pid}/stat") as stat:
        user, system = stat.read().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def report(ticks: int, found: dict[str, list[Used]]) -> None:
    """Print what was measured, and the model, as Markdown tables."""
    print("| case | legs' CPU, s | broker's CPU, s | wall, s |\n|---|---|---|---|")
    for case in CASES:
        used = found[case.name]
        said = [spread([getattr(one, kind) for one in used]) for kind in ("legs", "broker", "wall")]
        print(f"| {case.name} | {said[0]} | {said[1]} | {said[2]} |")
    one, two, apart, alone = (found[CASES[i].name] for i in (0, 1, 3, 4))
    print(
        f"\nA second process, a core each: {middle(alone, 'wall') / middle(apart, 'wall'):.2f} times the ticks a second"
    )
    print("\n| hosts, a core each for the leg | M ticks/s | cores that the broker needs |\n|---|---|---|")
    for hosts, cost in ((1, one), (2, two), (4, found[CASES[2].name])):
        rate = hosts * ticks / middle(cost, "legs")
        print(f"| {hosts} | {rate / 1e6:.2f} | {rate * middle(cost, 'broker') / ticks:.2f} |")


def middle(used: list[Used], kind: str) -> float:
    """Return the median of one kind of seconds."""
    return statistics.median(getattr(one, kind) for one in used)


def spread(seconds: list[float]) -> str:
    """Say the median, the smallest and the largest."""
    return f"{statistics.median(seconds):.2f} [{min(seconds):.2f}-{max(seconds):.2f}]"


def main() -> None:
    """Measure every case, round by round; or be one of the processes."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--share", help=argparse.SUPPRESS)
    arguments.add_argument("--broker", help=argparse.SUPPRESS)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--ticks", type=int, default=20_000_000)
    given = arguments.parse_args()
    if given.share:
        be_a_share(given.broker, given.share)
        return
    with KafkaServer() as server, tempfile.TemporaryDirectory() as folder:
        with open_configured_log(settings_for(server.bootstrap, folder)) as log:
            ticks = fill(log, 10, given.ticks)
        found: dict[str, list[Used]] = {case.name: [] for case in CASES}
        for turn in range(given.rounds + 1):
            for case in CASES:
                used = measure(case, server)
                found[case.name] += [used] if turn else []
    print(
        f"{ticks:,} ticks in ten-tick blocks of 500 symbols, {PARTITIONS} partitions, 1 m bars, {server.kind}\n"
    )
    report(ticks, found)


if __name__ == "__main__":
    main()
