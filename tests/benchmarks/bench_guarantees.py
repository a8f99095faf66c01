"""What do the guarantees cost? The same run with all of them, and with none, turn by turn.

    python -m tests.benchmarks.bench_guarantees [--rounds 5] [--ticks 20000000] [--log sqlite kafka]

`titan run --to-end` over the same market data, both legs: once as users run it (snapshots, writers that
wait for every acknowledgement before a snapshot, idempotent producers with acks=all or fsync, the account's fenced
transactions), once without a recovery store, with producers that may repeat (acks=1, not idempotent) or files that are
never synced, and without a fence. Throughput is ticks by wall time and by CPU time of the process, librdkafka's threads
included, imports and start-up excluded; medians [smallest - largest].
"""

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from flows import runtime
from flows.config import Settings, load_settings
from flows.runtime import open_configured_log
from tests.benchmarks.bench_symbol_leg import fill, forget_results
from tests.servers.kafka import KafkaServer

LOGS = ("kafka", "sqlite")
HOW = ("with", "without")
LEGS = ("symbol", "account")


def settings_for(url: str, folder: str) -> Settings:
    """Return the default settings, with minute bars."""
    overrides = [f"log.url={url}", f"run.recovery_dir={folder}", 'symbol_leg.timeframes=["1m"]']
    return load_settings(None, {}, overrides)[0]


def without_guarantees() -> None:
    """Take them away in this process: no snapshots, no acknowledgements, no syncs, no fence."""
    from flows.connectors import kafka_history, kafka_writer, sqlite_file
    from flows.connectors.kafka_log import KafkaLog
    from flows.connectors.sqlite_log import SqliteLog

    execute = runtime.cli_main
    runtime.cli_main = lambda flow, **_: execute(flow)  # type: ignore[assignment]
    config = kafka_writer.producer_config
    careless = {"enable.idempotence": False, "acks": 1}
    kafka_history.RECENT_MS = 10**15
    kafka_writer.producer_config = lambda *given: config(*given) | careless  # type: ignore[assignment]
    for log in (KafkaLog, SqliteLog):
        log.writer = _unfenced(log.writer)  # type: ignore[method-assign]
    connect = sqlite_file.connect
    sqlite_file.connect = lambda *a, **k: _unsynced(connect(*a, **k))


def _unfenced(writer: Any) -> Any:
    return lambda log, fence=None: writer(log)


def _unsynced(db: Any) -> Any:
    db.execute("PRAGMA synchronous = off")
    return db


def measure(url: str, how: str) -> dict[str, dict[str, float]]:
    """Run the legs to the end in this process, with everything compiled and imported before the clock starts."""
    from flows.run import run
    from flows.warm_up import run_every_kernel

    run_every_kernel()
    if how == "without":
        without_guarantees()
    used = {}
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_for(url, folder)
        for leg in LEGS:
            before, start = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
            run(settings, to_end=True, legs=(leg,))
            after, end = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
            cpu_s = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
            used[leg] = {"cpu_s": cpu_s, "wall_s": end - start}
    return used


def in_turn(url: str, filled: Path | None, rounds: int) -> dict[tuple[str, str], list[dict[str, float]]]:
    """Return what every leg has used, by (leg, how), each time in a new process over a log without results."""
    found: dict[tuple[str, str], list[dict[str, float]]] = {}
    for turn in range(rounds):
        for how in HOW if turn % 2 == 0 else reversed(HOW):
            if filled is None:
                forget_results(url.removeprefix("kafka://"))
            else:
                shutil.copy(filled, url.removeprefix("sqlite:///"))
            command = [sys.executable, "-m", "tests.benchmarks.bench_guarantees", "--url", url, "--how", how]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            for leg, used in json.loads(done.stdout.splitlines()[-1]).items():
                found.setdefault((leg, how), []).append(used)
            if filled is not None:
                for left in filled.parent.glob("run.db*"):
                    left.unlink()
    return found


def report(name: str, ticks: int, found: dict[tuple[str, str], list[dict[str, float]]]) -> None:
    """Print one log as a Markdown table."""
    print(f"\n{name}: {ticks:,} ticks in ten-tick blocks, 1 m bars\n")
    print("| leg | measured | with, s | without, s | without / with |\n|---|---|---|---|---|")
    rows = {leg: {how: found[leg, how] for how in HOW} for leg in LEGS}
    rows["both"] = {
        how: [
            {k: a[k] + b[k] for k in a}
            for a, b in zip(rows["symbol"][how], rows["account"][how], strict=True)
        ]
        for how in HOW
    }
    for leg, used in rows.items():
        for kind in ("wall_s", "cpu_s"):
            seconds = {how: [run[kind] for run in used[how]] for how in HOW}
            middle = {how: statistics.median(seconds[how]) for how in HOW}
            said = [f"{middle[how]:.2f} [{min(seconds[how]):.2f}-{max(seconds[how]):.2f}]" for how in HOW]
            print(
                f"| {leg} | {kind[:-2]} | {said[0]} | {said[1]} | {middle['without'] / middle['with']:.2f} |"
            )


def main() -> None:
    """Measure both logs, or, for the processes it starts, one run."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--url")
    arguments.add_argument("--how", choices=HOW)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--ticks", type=int, default=20_000_000)
    arguments.add_argument("--log", choices=LOGS, nargs="*", default=LOGS)
    given = arguments.parse_args()
    if given.url:
        print(json.dumps(measure(given.url, given.how)))
        return
    if "sqlite" in given.log:
        with tempfile.TemporaryDirectory() as folder:
            filled = Path(folder, "filled.db")
            with open_configured_log(settings_for(f"sqlite:///{filled}", folder)) as log:
                ticks = fill(log, 10, given.ticks)
            found = in_turn(f"sqlite:///{folder}/run.db", filled, given.rounds)
            report("SQLite", ticks, found)
    if "kafka" in given.log:
        with KafkaServer() as server, tempfile.TemporaryDirectory() as folder:
            url = f"kafka://{server.bootstrap}"
            with open_configured_log(settings_for(url, folder)) as log:
                ticks = fill(log, 10, given.ticks)
            report(server.kind, ticks, in_turn(url, None, given.rounds))


if __name__ == "__main__":
    main()
