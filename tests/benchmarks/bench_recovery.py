"""How long from `kill -9` to the first new decision, with 500 symbols and a day in the log? And without a store?

    python -m tests.benchmarks.bench_recovery [--log kafka|sqlite] [--ticks 10000000] [--trials 7] [--apart]

A day is written: `--ticks` trades of 500 symbols in blocks of ten, spread evenly over 24 hours. Both legs derive it
(minute bars, all features, two strategies, four rules, orders, fills), in one process as `titan run` has them, or,
with --apart, in one each. Then their stores are deleted: how long until everything is rebuilt from the log, and nothing
said twice? Then the market goes on at 60 times its own speed, a tick a message, and never stops, also while the legs
are dead. Each trial kills all legs at a random moment between two snapshots and starts them again at once; the clock
runs from the kill until a decision that was not there before can be read back.

Where the time went is told by the legs themselves (--run: the same `flows.run.run`, with a note of the time around the
calls named in `PHASES`).
"""

import argparse
import functools
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flows.connectors.log import Log, LogSettings, TopicSpec, open_log
from schemas.topics import TOPICS
from tests.benchmarks.made_day import START_NS, Market
from tests.servers.kafka import KafkaServer
from tests.servers.process import die_with_parent, free_port

DAY_S = 86_400
SPEED = 60
LIVE_S = 1800
SNAPSHOT_S = 5.0
PATIENCE_S = 6.0
"""Longer than the account waits for symbols that say nothing more."""
NEARLY = 20_000
"""Records behind that count as caught up: three seconds of the feed."""
DECISIONS = "risk_decisions"
SETTINGS = [
    'symbol_leg.timeframes=["1m"]',
    f"run.snapshot_interval_s={SNAPSHOT_S}",
    "account.cash=100000000",
    "risk.order_rate.max_per_minute=1000000",
    "sizing.fixed_fractional.notional_fraction=0.002",
]
PHASES = {
    "imported": "imports",
    "opened": "log opened, topics looked up",
    "built": "settings compared, flow built",
    "store": "recovery store opened",
    "parts": "snapshots loaded, readers and sinks opened",
    "recalled": "what sinks had written since, read back",
    "polled": "first market data polled",
    "cut": "first new cut of the account's inputs",
}


def market(ticks: int, symbols: int) -> Market:
    """Return the market of the day and of what follows it."""
    a_day = ticks // symbols
    tick_ns = DAY_S * 10**9 // a_day
    return Market(symbols, tick_ns, a_day + SPEED * LIVE_S * 10**9 // tick_ns)


def fill(log: Log, made: Market, a_day: int) -> None:
    """Write the day."""
    with log.writer() as writer:
        for key, value, ts_ns in made.messages(made.prices(), 0, a_day, 10):
            writer.append("market_data", key, value, ts_ns // 1_000_000)


def feed(url: str, made: Market, a_day: int) -> None:
    """Go on after the day, SPEED times as fast, until killed or out of prices."""
    with open_log(url, LogSettings()) as log, log.writer() as writer:
        messages = made.messages(made.prices(), a_day, made.ticks, 1)
        began, day_ns = time.monotonic(), START_NS + a_day * made.tick_ns
        for number, (key, value, ts_ns) in enumerate(messages):
            if number % made.symbols == 0:
                writer.flush()
                time.sleep(max(0.0, began + (ts_ns - day_ns) / 1e9 / SPEED - time.monotonic()))
            writer.append("market_data", key, value, ts_ns // 1_000_000)


class Legs:
    """The legs, each group in a process; killed and started together."""

    def __init__(self, url: str, folder: Path, groups: list[str]) -> None:
        self._url, self._folder = url, folder
        self._ports = {group: free_port() for group in groups}
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self) -> float:
        """Start all; return when (monotonic)."""
        began = time.monotonic()
        for group, port in self._ports.items():
            self._notes(group).unlink(missing_ok=True)
            command = [sys.executable, "-m", "tests.benchmarks.bench_recovery", "--run", group]
            with (self._folder / f"{group}.txt").open("wb") as said:
                self._running.append(
                    subprocess.Popen(
                        [*command, "--url", self._url, "--folder", str(self._folder), "--port", str(port)],
                        stdout=said,
                        stderr=said,
                        preexec_fn=die_with_parent,
                    )  # fmt: skip
                )
        return began

    def kill(self) -> None:
        """kill -9, all at once."""
        for process in self._running:
            process.kill()
        for process in self._running:
            process.wait()
        self._running.clear()

    def check(self) -> None:
        """Fail if one has ended."""
        for group, process in zip(self._ports, self._running):
            assert process.poll() is None, (self._folder / f"{group}.txt").read_text()

    def lag(self) -> float:
        """Return how many records of the log wait for the legs, as they tell Prometheus."""
        lag, legs = 0.0, 0
        for port in self._ports.values():
            try:
                told = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()
            except OSError:
                return float("inf")
            found = [line for line in told.splitlines() if line.startswith("titan_log_lag_records{")]
            lag += sum(float(line.rpartition(" ")[2]) for line in found)
            legs += any('leg="symbol"' in line for line in found) + any(
                'leg="account"' in line for line in found
            )
        return lag if legs == 2 else float("inf")

    def phases(self, began: float) -> dict[str, dict[str, float]]:
        """Return by process how many seconds each phase took; phases stand one after the other."""
        found = {}
        for group in self._ports:
            before, spent = began, dict[str, float]()
            for line in self._notes(group).read_text().splitlines():
                name, at = json.loads(line)
                spent[name] = spent.get(name, 0.0) + at - before
                before = at
            found[group] = spent
        return found

    def _notes(self, group: str) -> Path:
        return self._folder / f"{group}.notes"


def wait(legs: Legs, true: Callable[[], bool], within_s: float = 3600.0, every_s: float = 0.01) -> float:
    """Wait until something is so; return when (monotonic)."""
    until = time.monotonic() + within_s
    while not true():
        legs.check()
        assert time.monotonic() < until, "it did not happen"
        time.sleep(every_s)
    return time.monotonic()


def decisions(log: Log) -> int:
    """Return how many records of decisions there are."""
    return sum(end for _, end in log.spans(DECISIONS))


def trial(legs: Legs, log: Log) -> tuple[float, dict[str, dict[str, float]]]:
    """Kill and start; return the seconds to the first new decision, and what they were spent on."""
    killed = time.monotonic()
    legs.kill()
    before = decisions(log)
    began = legs.start()
    decided = wait(legs, lambda: decisions(log) > before)
    return decided - killed, legs.phases(began)


def run(group: str, url: str, folder: str, port: int) -> None:
    """Be the legs of one group, noting the time at which each phase ends."""
    from flows import run as flows_run
    from flows import runtime
    from flows.config import load_settings
    from flows.connectors import account_source, log_sink, market_source

    with Path(folder, f"{group}.notes").open("a") as notes:

        def note(name: str) -> None:
            notes.write(json.dumps((name, time.monotonic())) + "\n")
            notes.flush()

        note("imported")
        _note_around(flows_run, "open_configured_log", note, after="opened")
        _note_around(flows_run, "execute", note, before="built")
        _note_around(runtime, "_spare_the_collector", note, after="store")
        _note_around(log_sink, "recall", note, before="parts", after="recalled")
        _note_around(market_source._Part, "next_batch", note, after="polled", first=True)
        _note_around(account_source._Part, "_anew", note, after="cut", first=True)
        names = [f"log.url={url}", f"run.recovery_dir={folder}/stores", f"run.metrics_port={port}", *SETTINGS]
        flows_run.run(load_settings(None, {}, names)[0], False, group.split("-"))


def _note_around(
    place: Any, name: str, note: Callable[[str], None], before: str = "", after: str = "", first: bool = False
) -> None:
    """Note the time around every call of a function, or (`first`) after the first that returns something."""
    plain = getattr(place, name)

    @functools.wraps(plain)
    def noted(*given: Any, **named: Any) -> Any:
        if before:
            note(before)
        answer = plain(*given, **named)
        if first and answer:
            setattr(place, name, plain)
        if after and (answer or not first):
            note(after)
        return answer

    setattr(place, name, noted)


def tell(title: str, seconds: list[float], phases: list[dict[str, dict[str, float]]]) -> None:
    """Print the median and the worst, and the median of each phase."""
    print(f"{title}: median {statistics.median(seconds):.2f} s, worst {max(seconds):.2f} s of {len(seconds)}")
    for group in phases[0]:
        print(f"  {group}")
        for name, does in PHASES.items():
            spent = [one[group][name] for one in phases if name in one[group]]
            if spent:
                print(f"    {does:45} {statistics.median(spent):6.2f} s (worst {max(spent):.2f})")


def measure(url: str, given: argparse.Namespace, folder: Path) -> None:
    """All trials over one log."""
    made, a_day = market(given.ticks, given.symbols), given.ticks // given.symbols
    legs = Legs(url, folder, ["symbol", "account"] if given.apart else ["symbol-account"])
    with open_log(url, LogSettings()) as log:
        log.apply([TopicSpec(t.name, t.partitions, t.compacted) for t in TOPICS.values()])
        began = time.monotonic()
        fill(log, made, a_day)
        print(f"a day written in {time.monotonic() - began:.0f} s: {events(log)}", flush=True)
        try:
            print(f"derived in {to_the_end(legs, log):.0f} s: {events(log)}", flush=True)
            legs.kill()
            shutil.rmtree(folder / "stores")
            before = events(log)
            rebuilt = to_the_end(legs, log)
            assert events(log) == before, f"said twice: {events(log)}"
            print(f"rebuilt without a store in {rebuilt:.0f} s", flush=True)
            feed_and_kill(legs, log, url, given)
        finally:
            legs.kill()


def to_the_end(legs: Legs, log: Log) -> float:
    """Start the legs; return the seconds until they have read all that they will."""
    began, before = legs.start(), -1
    while True:
        wait(legs, lambda: legs.lag() == 0, every_s=0.5)
        if before == (before := written(log)):
            return time.monotonic() - began
        time.sleep(PATIENCE_S)


def feed_and_kill(legs: Legs, log: Log, url: str, given: argparse.Namespace) -> None:
    """Let the market go on; kill, again and again."""
    command = [sys.executable, "-m", "tests.benchmarks.bench_recovery", "--feed", "--url", url]
    size = ["--ticks", str(given.ticks), "--symbols", str(given.symbols)]
    feeder = subprocess.Popen([*command, *size], preexec_fn=die_with_parent)
    try:
        found = []
        for number in range(given.trials):
            time.sleep(3 * SNAPSHOT_S + random.Random(number).uniform(0, SNAPSHOT_S))
            wait(legs, lambda: legs.lag() < NEARLY, every_s=1.0)
            found.append(trial(legs, log))
            print(f"  {number}: {found[-1][0]:.2f} s", flush=True)
    finally:
        feeder.kill()
    tell("kill -9 to the first new decision", [s for s, _ in found], [phases for _, phases in found])


def written(log: Log) -> int:
    """Return how many records the log holds."""
    return sum(end for topic in TOPICS for _, end in log.spans(topic))


def events(log: Log) -> str:
    """Say what the log holds."""
    ends = {topic: sum(end for _, end in log.spans(topic)) for topic in TOPICS}
    return ", ".join(f"{count:,} {topic}" for topic, count in ends.items() if count)


def main() -> None:
    """Measure and print; or be one of the processes that this needs."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--log", choices=["kafka", "sqlite"], default="kafka")
    arguments.add_argument("--ticks", type=int, default=10_000_000)
    arguments.add_argument("--symbols", type=int, default=500)
    arguments.add_argument("--trials", type=int, default=7)
    arguments.add_argument("--apart", action="store_true")
    for internal in ("--run", "--url", "--folder"):
        arguments.add_argument(internal, help=argparse.SUPPRESS)
    arguments.add_argument("--port", type=int, help=argparse.SUPPRESS)
    arguments.add_argument("--feed", action="store_true", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.run:
        run(given.run, given.url, given.folder, given.port)
    elif given.feed:
        feed(given.url, market(given.ticks, given.symbols), given.ticks // given.symbols)
    else:
        with tempfile.TemporaryDirectory() as folder, place(given.log, folder) as (url, kind):
            print(f"{given.symbols} symbols, {given.ticks:,} ticks, {kind}, {os.cpu_count()} cores")
            measure(url, given, Path(folder))


@contextmanager
def place(log: str, folder: str) -> Iterator[tuple[str, str]]:
    """Yield the URL of an empty log, and what it is."""
    if log == "sqlite":
        yield f"sqlite:///{folder}/titan.db", "SQLite"
        return
    with KafkaServer() as server:
        yield f"kafka://{server.bootstrap}", server.kind


if __name__ == "__main__":
    main()
