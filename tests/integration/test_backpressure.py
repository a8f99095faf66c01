"""What happens where a reader is far too slow? The log holds what waits, memory does not, and nothing is lost.

The market is written at once, 60 MB of it; a leg that sleeps over every batch could take minutes for it. While it falls
behind, its memory must not grow by a third of what waits. Then a quick leg goes on where it stood, and all
that is said equals what a run says that nothing held up.
"""

import signal
import sys
import time
from pathlib import Path

import pytest

from flows.connectors.log import Log
from schemas.blocks import encode_block
from schemas.market import Heartbeat
from tests.benchmarks.made_day import START_NS, Market
from tests.integration.log_contents import Event, Lane, assert_same, events, made, written
from tests.integration.runs import MADE_UP, Place, stopped, wait_until
from tests.integration.test_bounded import rss_mb
from tests.integration.test_metrics import scraped, series
from tests.servers.process import free_port

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")

MARKET = Market(symbols=3, tick_ns=100_000_000, ticks=900_000)
PER_BLOCK = 1500
Found = dict[Lane, list[Event]]
BLOCKS = MARKET.symbols * MARKET.ticks // PER_BLOCK
MAY_GROW_MB = 20.0
SAID = ("bars", "marks", "trade_signals")
SETTINGS = """
[log.kafka]
"queued.max.messages.kbytes" = 2048
[run]
poll_records = 20
snapshot_interval_s = 0.5
[symbol_leg]
timeframes = ["1m"]
mark_interval = "1m"
"""


def at(folder: Path) -> Place:
    """Return a working folder with these settings alone."""
    place = Place(folder, MADE_UP)
    (folder / "titan.toml").write_text(SETTINGS, encoding="utf-8")
    return place


def write_market(log: Log) -> None:
    """Write all ticks, then that this was all."""
    with log.writer() as writer:
        for key, value, ts_ns in MARKET.messages(MARKET.prices(), 0, MARKET.ticks, PER_BLOCK):
            writer.append("market_data", key, value, ts_ns // 1_000_000)
        for name in MARKET.names():
            end_ns = START_NS + MARKET.ticks * MARKET.tick_ns
            last = Heartbeat(
                symbol=name, venue="BENCH", session=1, seq=MARKET.ticks, complete_to_ns=end_ns, final=True
            )
            writer.append("market_data", name.encode(), encode_block(last), end_ns // 1_000_000)


class Running:
    """A leg that runs, slowly or not, and what it tells of itself."""

    def __init__(self, place: Place, url: str, leg: str, slow_s: float = 0.0) -> None:
        self._port = free_port()
        command = ["run", "--leg", leg, "--log", url, "--set", f"run.metrics_port={self._port}"]
        module = "tests.integration.slow_leg" if slow_s else "ui.cli"
        self.process = place.start(*([str(slow_s)] if slow_s else []), *command, module=module)

    def lag(self) -> float:
        """Return the records that wait for it; infinite while nobody answers."""
        try:
            found = series(scraped(self._port))
        except OSError:
            return float("inf")
        lags = [value for (name, _), value in found.items() if name == "titan_log_lag_records"]
        return sum(lags) if lags else float("inf")

    def growth_mb(self, seconds: float) -> float:
        """Return by how much its memory grows in so many seconds after its first ones."""
        began, until = rss_mb(self.process.pid), time.monotonic() + seconds
        most = began
        while time.monotonic() < until:
            assert self.process.poll() is None
            most = max(most, rss_mb(self.process.pid))
            time.sleep(0.05)
        return most - began

    def stop(self) -> None:
        """End it as an operator does."""
        ended = stopped(self.process, signal.SIGTERM)
        assert ended.code == 0, ended.err


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """What a run says that nothing holds up."""
    place = at(tmp_path_factory.mktemp("quick"))
    with made(place.sqlite) as log:
        write_market(log)
    place.done("run", "--to-end", "--leg", "symbol", "--log", place.sqlite)
    return events(place.sqlite, SAID)


def test_what_waits_for_a_slow_leg_waits_in_the_log(tmp_path: Path, url: str, expected: Found) -> None:
    place = at(tmp_path)
    log = made(url)
    slow = Running(place, url, "symbol", slow_s=0.2)
    wait_until(lambda: slow.lag() == 0, slow.process)
    write_market(log)
    wait_until(lambda: written(log, SAID) > 5, slow.process)
    grown = slow.growth_mb(3.0)
    left = slow.lag()
    print(f"symbol leg: {left:.0f} of {BLOCKS} blocks wait, {grown:.1f} MB more")
    assert left > 0.5 * BLOCKS and grown < MAY_GROW_MB
    slow.stop()
    quick = Running(place, url, "symbol")
    wait_until(lambda: quick.lag() == 0, quick.process, 60.0)
    quick.stop()
    assert assert_same(expected, events(url, SAID)) > 5000
