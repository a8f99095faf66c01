"""How do tests run Titan as users do: as a process of its own, with settings from a file, which may die at any time?"""

import contextlib
import io
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest import mock

import msgspec
import pyarrow.parquet as pq

from tests.servers.process import die_with_parent

ROOT = Path(__file__).parents[2]
DONE, USAGE, BAD_INPUT, UNREACHABLE = 0, 2, 3, 4
_COMMON = """
[log]
synchronous = "normal"
[run]
snapshot_interval_s = 0.3
[symbol_leg]
timeframes = ["10s", "1m"]
"""


class Market(msgspec.Struct, frozen=True):
    """Where market data comes from; a live run at ``speed`` takes about four seconds, at full speed one or two."""

    toml: str
    speed: str


ES = Market(
    """
[gateway]
files = ["es.parquet"]
cut = "1s"
speed = 0
""",
    "8000",
)
"""Eight and a half hours of real trades of one symbol, cut out of the demo's."""
MADE_UP = Market(
    """
[gateway]
kind = "synthetic"
cut = "1s"
speed = 0
[gateway.synthetic]
symbols = 3
rate_per_s = 0.5
duration_s = 8000
[gateway.synthetic.faults]
duplicates = 0.01
out_of_order = 0.01
gaps = 0.001
bad_prints = 0.001
crossed_quotes = 0.001
""",
    "2000",
)
"""Three symbols that trade at the same time, with every fault of a feed; two of them are cointegrated."""


class Ended(msgspec.Struct):
    """How a process ended."""

    code: int
    out: str
    err: str
    seconds: float


STARTED: list[subprocess.Popen[str]] = []
"""Processes of the present test."""


class Place:
    """A working folder with data and settings, where commands are run."""

    def __init__(self, folder: Path, market: Market = ES, more: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.sqlite = f"sqlite:///{folder}/titan.db"
        (folder / "titan.toml").write_text(market.toml + _COMMON + more, encoding="utf-8")
        if market is ES:
            trades = pq.read_table(ROOT / "infra/demo/es_trades.parquet").slice(60_000, 40_000)
            pq.write_table(trades, folder / "es.parquet")

    def start(self, *arguments: str, module: str = "ui.cli", **environment: str) -> subprocess.Popen[str]:
        """Start ``python -m module`` with arguments."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("TITAN_", "BYTEWAX_"))
        }
        kept |= {"PYTHONPATH": str(ROOT), "RUST_BACKTRACE": "1"} | environment
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments], cwd=self.folder, env=kept, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=die_with_parent,
        )  # fmt: skip
        STARTED.append(process)
        return process

    def run(self, *arguments: str, module: str = "ui.cli", **environment: str) -> Ended:
        """Run it to its end."""
        return end_of(self.start(*arguments, module=module, **environment))

    def asked(self, *arguments: str) -> Ended:
        """Run a command that starts no dataflow, in this process: the same as ``run``, without the start of another."""
        from ui.cli import main

        began, out, err, code = time.monotonic(), io.StringIO(), io.StringIO(), 0
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        mine = {name: value for name, value in os.environ.items() if not name.startswith("TITAN_")}
        try:
            with (
                contextlib.chdir(self.folder),
                mock.patch.dict(os.environ, mine, clear=True),
                contextlib.redirect_stdout(out),
                contextlib.redirect_stderr(err),
            ):
                main(list(arguments))
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        return Ended(code, out.getvalue(), err.getvalue(), time.monotonic() - began)

    def told(self, *arguments: str) -> Ended:
        """Run it as ``asked``; it must end well."""
        return well(self.asked(*arguments), arguments)

    def done(self, *arguments: str, module: str = "ui.cli", **environment: str) -> Ended:
        """Run it to its end, which must be a good one."""
        return well(self.run(*arguments, module=module, **environment), arguments)


def well(ended: Ended, arguments: Sequence[str]) -> Ended:
    """Return what ended with code 0."""
    assert ended.code == 0, f"{' '.join(arguments)}: {ended.code}\n{ended.out}\n{ended.err}"
    return ended


def kill_what_is_left() -> None:
    """Kill every process that a test started and did not end, as a test that fails half way does not."""
    while STARTED:
        process = STARTED.pop()
        if process.poll() is None:
            process.kill()
            process.communicate()


def end_of(process: subprocess.Popen[str], within_s: float = 120.0) -> Ended:
    """Wait for the end of a process."""
    began = time.monotonic()
    try:
        out, err = process.communicate(timeout=within_s)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"it did not end within {within_s} s\n{out}\n{err}") from None
    return Ended(process.returncode, out, err, time.monotonic() - began)


def assert_says(ended: Ended, code: int, *parts: str) -> None:
    """Assert that a command ended with a code and one sentence that holds all parts (regular expressions)."""
    assert ended.code == code, f"{ended.code}\n{ended.out}\n{ended.err}"
    for noise in ("Traceback", "panicked", "stack backtrace", "RUST_BACKTRACE", "Unable to print"):
        assert noise not in ended.err, ended.err
    last = ended.err.splitlines()[-1]
    assert last.startswith("titan: "), ended.err
    for part in parts:
        assert re.search(part, last), f"{part!r} is not in: {last}"


def wait_until(true: Callable[[], bool], process: subprocess.Popen[str], within_s: float = 30.0) -> None:
    """Wait for something that a process does; it must not end before."""
    until = time.monotonic() + within_s
    while not true():
        if process.poll() is not None:
            ended = end_of(process)
            raise AssertionError(f"it ended with {ended.code}\n{ended.out}\n{ended.err}")
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.005)


def stopped(process: subprocess.Popen[str], number: signal.Signals) -> Ended:
    """Send a signal and wait for the end."""
    process.send_signal(number)
    return end_of(process, 15.0)


def chaos(name: str) -> random.Random:
    """Return this test's dice; TITAN_CHAOS_SEED throws them again."""
    seed = int(os.environ.get("TITAN_CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))
    print(f"{name}: TITAN_CHAOS_SEED={seed}")
    return random.Random(f"{name} {seed}")


def killed_again_and_again(
    start: Callable[[], subprocess.Popen[str]],
    progress: Callable[[], float],
    kills: int,
    dice: random.Random,
    between: Callable[[int], None] = lambda _: None,
) -> int:
    """Start, ``kill -9``, start again, then let it end; return how often it was killed before its end.

    Kills fall anywhere: two thirds where the work done (``progress``, 0 to 1) passes a random mark, the others within
    a second and a half after the start, while it imports, recalls or resumes. ``between`` is called after each kill.
    """
    marks = sorted(dice.uniform(0.0, 0.97) for _ in range(kills))
    for number, mark in enumerate(marks):
        process = start()
        hasty = time.monotonic() + dice.uniform(0.05, 1.5) if dice.random() < 1 / 3 else float("inf")
        while process.poll() is None and time.monotonic() < hasty and progress() < mark:
            time.sleep(0.004)
        time.sleep(dice.uniform(0.0, 0.03))
        if process.poll() is not None:
            ended = end_of(process)
            assert ended.code == 0, (
                f"after {number} kills it ended with {ended.code}\n{ended.out}\n{ended.err}"
            )
            return number
        process.kill()
        print(f"kill {number}: at {progress():.2f} of the work{', hasty' if hasty < float('inf') else ''}")
        end_of(process)
        between(number)
    ended = end_of(start())
    assert ended.code == 0, f"after {kills} kills it ended with {ended.code}\n{ended.out}\n{ended.err}"
    return kills
