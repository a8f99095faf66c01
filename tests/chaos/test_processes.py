"""Real processes of a system that is spread over four, each killed at random moments; and a disk that may not grow."""

import random
import re
import resource
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.integration.conftest import References
from tests.integration.log_contents import (
    COMPARED,
    assert_journal_is_whole,
    assert_same,
    events,
    made,
    market_data,
    written,
)
from tests.integration.runs import (
    ES,
    UNREACHABLE,
    Place,
    assert_says,
    chaos,
    end_of,
    stopped,
    wait_until,
)

KILLS = 8
WITHOUT_SETTINGS = tuple(topic for topic in COMPARED if topic != "run_settings")
"""Their patience differs."""


class Spread:
    """Gateway, two symbol legs and the account leg, each a process with a recovery store of its own."""

    def __init__(self, place: Place, url: str) -> None:
        patient = ["--set", "account.patience=60s"]
        self._place = place
        self._commands = {"gateway": ["ingest", "es.parquet", "--log", url, "--speed", "2500"]}
        for name, more in {
            "left": ["--leg", "symbol", "--set", "run.partitions=[0, 1]"],
            "right": ["--leg", "symbol", "--set", "run.partitions=[2, 3]"],
            "account": ["--leg", "account"],
        }.items():
            store = ["--set", f"run.recovery_dir={place.folder}/{name}"]
            self._commands[name] = ["run", "--log", url, *more, *store, *patient]
        self.running = {name: place.start(*command) for name, command in self._commands.items()}

    def kill(self, name: str) -> None:
        """kill -9, then start it again; the gateway only if it had not ended by itself."""
        process = self.running[name]
        if name == "gateway" and process.poll() is not None:
            assert end_of(process).code == 0
            return
        assert process.poll() is None, end_of(process)
        process.kill()
        end_of(process)
        self.running[name] = self._place.start(*self._commands[name])

    def finish(self, ended: Callable[[], bool]) -> None:
        """Let the gateway end and the legs say all that follows, then stop them in order."""
        gateway = end_of(self.running.pop("gateway"))
        assert gateway.code == 0, gateway.err
        wait_until(ended, self.running["account"], 120)
        for name, process in self.running.items():
            assert process.poll() is None, f"{name}: {end_of(process)}"
            assert stopped(process, signal.SIGTERM).code in (0, -signal.SIGTERM)  # started a moment ago


def test_any_of_four_processes_killed_at_any_moment(tmp_path: Path, url: str, reference: References) -> None:
    """One symbol, so that no cut of the account leg depends on who was heard first."""
    expected, place, dice = reference(ES), Place(tmp_path), chaos("four")
    log = made(url)
    spread = Spread(place, url)
    for share in sorted(dice.uniform(0.0, 0.95) for _ in range(KILLS)):
        _wait_for_share(
            lambda: written(log, ["market_data"]) / len(expected.market_data), share, spread, dice
        )
        name = dice.choice(sorted(spread.running))
        print(f"kill {name} at {share:.2f}")
        spread.kill(name)
    last = expected.events["portfolio_updates", "paper"][-1]
    spread.finish(
        lambda: events(url, ["portfolio_updates"]).get(("portfolio_updates", "paper"), [{}])[-1] == last
    )
    assert market_data(url) == expected.market_data
    assert assert_same(expected.events, events(url), WITHOUT_SETTINGS) > 50_000
    assert_journal_is_whole(url)


def _wait_for_share(done: Callable[[], float], share: float, spread: Spread, dice: random.Random) -> None:
    until = time.monotonic() + 60
    while done() < share and spread.running["gateway"].poll() is None:
        assert time.monotonic() < until, f"only {done():.2f} of the market in a minute"
        time.sleep(0.005)
    time.sleep(dice.uniform(0.0, 0.05))


def test_a_file_that_may_not_grow(tmp_path: Path, reference: References) -> None:
    """As a full disk, for who may mount none: the system refuses each write behind a limit."""
    expected, place = reference(ES), Place(tmp_path)
    live = ["demo", "--dir", "here", "--log", place.sqlite]
    for limit in (1_000_000, 2_500_000):
        process = _limited(place, live, limit)
        assert_says(end_of(process), UNREACHABLE, r"titan\.db: cannot|recovery store", "disk|full|space")
    place.done(*live)
    assert market_data(place.sqlite) == expected.market_data
    assert assert_same(expected.events, events(place.sqlite)) > 50_000
    assert_journal_is_whole(place.sqlite)


def _limited(place: Place, command: list[str], limit: int) -> subprocess.Popen[str]:
    """Start a command whose files may not grow beyond a limit; what this process may do stays as it is."""
    kept = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, kept[1]))
    try:
        return place.start(*command)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, kept)


def test_a_paused_run_goes_on(tmp_path: Path, reference: References) -> None:
    """SIGSTOP and SIGCONT, again and again: a machine that sleeps."""
    expected, place, dice = reference(ES), Place(tmp_path), chaos("paused")
    log = made(place.sqlite)
    process = place.start("demo", "--dir", "here", "--log", place.sqlite, "--speed", ES.speed)
    for share in sorted(dice.uniform(0.02, 0.8) for _ in range(5)):
        mark = int(share * len(expected.market_data))
        wait_until(lambda mark=mark: written(log, ["market_data"]) >= mark, process)
        process.send_signal(signal.SIGSTOP)
        time.sleep(dice.uniform(0.1, 1.0))
        process.send_signal(signal.SIGCONT)
    ended = end_of(process)
    assert ended.code == 0, ended.err
    assert re.search("titan", ended.err + ended.out) is not None
    assert assert_same(expected.events, events(place.sqlite)) > 50_000
