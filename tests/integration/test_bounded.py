"""Does a run grow? A million events through both legs: neither what it remembers nor what it occupies."""

import pickle
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.log_contents import made, written
from tests.integration.runs import Market, Place, end_of

EVENTS = 1_000_000
MILLION = Market(
    f"""
[gateway]
kind = "synthetic"
cut = "2s"
max_rows = 10000
[gateway.synthetic]
symbols = 4
rate_per_s = 25
arrivals = "regular"
duration_s = {EVENTS // (4 * 2 * 25)}
""",
    "max",
)
"""Four symbols, 25 trades and as many quotes a second each."""
MAY_GROW_MB = 25.0
MAY_REMEMBER = 400_000
ACCOUNT = "live.account_leg paper"


def rss_mb(pid: int) -> float:
    """Return the resident memory of a process, without pages of files."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return float((status.partition("RssAnon:")[2] or "0").split()[0]) / 1024


def states(store: Path) -> dict[str, int]:
    """Return the sizes of the snapshots that the store holds, in bytes."""
    with closing(sqlite3.connect(store / "part-0.sqlite3")) as db:
        rows = db.execute("SELECT step_id, state_key, ser_change FROM snaps ORDER BY snap_epoch").fetchall()
    return {f"{step} {key}": len(pickle.loads(state)) for step, key, state in rows}


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_a_million_events_leave_no_trace(tmp_path: Path) -> None:
    place = Place(tmp_path, MILLION)
    store = tmp_path / "here/recovery/titan/live"
    log = made(place.sqlite)
    process = place.start("demo", "--dir", "here", "--log", place.sqlite, "--speed", "max", "--json")
    samples: list[tuple[int, float]] = []
    early: dict[str, int] = {}
    while process.poll() is None:
        done = written(log, ["market_data"])
        if memory := rss_mb(process.pid):
            samples.append((done, memory))
        if ACCOUNT not in early and done > 1500:
            early = states(store)
        time.sleep(0.05)
    ended = end_of(process)
    assert ended.code == 0, ended.err
    late = states(store)
    assert '"ticks": 1000000' in ended.out
    total = samples[-1][0]
    running = [memory for done, memory in samples if 0.3 * total < done < 0.95 * total]
    print(
        f"{running[0]:.1f} MB after 0.3 of the events, {max(running):.1f} MB at most after that; states {late}"
    )
    assert max(running) - running[0] < MAY_GROW_MB
    assert late.pop(ACCOUNT) < MAY_REMEMBER  # the last orders that closed, with their fills
    early.pop(ACCOUNT)
    assert set(late) == set(early)
    for name, size in late.items():
        assert size <= early[name] + (0 if "symbol_leg" in name else 100), name
