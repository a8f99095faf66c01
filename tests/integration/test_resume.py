"""Asked to stop, a run ends at once and in order: saved where it stands, nothing half said; it goes on from there."""

import pickle
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from flows.connectors.log import LogSettings, open_log
from tests.integration.conftest import References
from tests.integration.log_contents import (
    DERIVED,
    JOURNAL,
    Event,
    Lane,
    assert_journal_is_whole,
    assert_same,
    copied,
    events,
    made,
    market_data,
    records,
    written,
)
from tests.integration.runs import ES, MADE_UP, Place, chaos, end_of, stopped, wait_until

SIGNALS = (signal.SIGTERM, signal.SIGINT)
WITHIN_S = 5.0


def assert_begins(expected: dict[Lane, list[Event]], actual: dict[Lane, list[Event]]) -> None:
    """Assert that every lane is the beginning of the expected one: no bar was closed because the run ended."""
    for lane, found in actual.items():
        assert found == expected[lane][: len(found)], lane


def saved(store: Path, step: str) -> Any:
    """Return the last snapshot of a step, as its source made it."""
    with closing(sqlite3.connect(store / "part-0.sqlite3")) as db:
        rows = db.execute("SELECT ser_change FROM snaps WHERE step_id = ? ORDER BY snap_epoch DESC", (step,))
        return pickle.loads(pickle.loads(rows.fetchone()[0]))


def assert_saved_where_it_stopped(url: str, store: Path, flow: str) -> None:
    """Assert that the snapshots are those of the stop, not of a moment before: a restart repeats nothing."""
    with open_log(url, LogSettings(create=False)) as log:
        cuts = sum(1 for _ in records(log, JOURNAL))
        assert saved(store, f"{flow}.read_account_inputs")["seq"] == cuts
        for step in ("write_symbol_results", "write_account_results"):
            _, ends, waiting = saved(store, f"{flow}.{step}")
            assert not any(waiting)
            assert all(offset <= log.span(*place)[1] for place, offset in ends.items())
            topics = {topic for topic, _ in ends}
            beyond = [
                r for topic in topics for r in records(log, topic) if r.offset >= ends[topic, r.partition]
            ]
            assert not beyond  # on Kafka the end of a transaction may be


def test_a_live_run_stopped_by_signals_goes_on_where_it_stood(
    tmp_path: Path, url: str, reference: References
) -> None:
    expected, place, dice = reference(ES), Place(tmp_path), chaos("signals")
    live = ["demo", "--dir", "here", "--log", url, "--speed", ES.speed]
    live += ["--set", "run.snapshot_interval_s=60"]
    log = made(url)
    for number, share in enumerate(sorted(dice.uniform(0.05, 0.9) for _ in range(3))):
        mark = max(int(share * len(expected.market_data)), written(log, ["market_data"]) + 1)
        process = place.start(*live)
        wait_until(lambda mark=mark: written(log, ["market_data"]) >= mark, process)
        ended = stopped(process, SIGNALS[number % 2])
        assert ended.code == 130, ended.err
        assert "Traceback" not in ended.err and "panicked" not in ended.err
        assert ended.seconds < WITHIN_S
        assert_begins(expected.events, events(url))
        assert_saved_where_it_stopped(url, tmp_path / "here/recovery/titan/live", "live")
    place.done(*live)
    assert assert_same(expected.events, events(url)) > 50_000
    assert market_data(url) == expected.market_data
    assert_journal_is_whole(url)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_tailing_run_that_is_stopped_has_done_its_work(
    tmp_path: Path, number: signal.Signals, reference: References
) -> None:
    expected, place = reference(ES), Place(tmp_path)
    place.done("ingest", "es.parquet", "--log", place.sqlite)
    process = place.start("run", "--log", place.sqlite, "--json")
    with made(place.sqlite) as log:
        wait_until(
            lambda: written(log, ["portfolio_updates"]) >= expected.count("portfolio_updates") // 2, process
        )
    ended = stopped(process, number)
    assert ended.code == 0, ended.err
    assert ended.seconds < WITHIN_S
    assert '"stopped": true' in ended.out
    found = events(place.sqlite)
    assert_begins(expected.events, {lane: found[lane] for lane in found if lane[0] != "market_data"})
    place.done("run", "--to-end", "--log", place.sqlite)
    assert assert_same(expected.events, events(place.sqlite), DERIVED) > 10_000


def test_a_run_to_the_end_stopped_before_it(tmp_path: Path, reference: References) -> None:
    expected, place = reference(MADE_UP), Place(tmp_path, MADE_UP)
    copied(expected.market_data, place.sqlite)
    slow = ["run", "--to-end", "--log", place.sqlite, "--set", "run.poll_records=20"]
    with made(place.sqlite) as log:
        for topic in ("bars", "portfolio_updates"):  # in the symbol leg, then in the account leg
            process = place.start(*slow)
            wait_until(lambda topic=topic: written(log, [topic]) > 20, process)
            ended = stopped(process, signal.SIGTERM)
            assert ended.code == 130, ended.err
            assert ended.seconds < WITHIN_S
            assert_begins(expected.events, events(place.sqlite))
    place.done(*slow)
    assert assert_same(expected.events, events(place.sqlite)) > 50_000


def test_a_stopped_ingest_is_taken_up_again(tmp_path: Path, url: str, reference: References) -> None:
    expected, place = reference(ES), Place(tmp_path)
    log = made(url)
    for number, share in zip(SIGNALS, (0.2, 0.6), strict=True):
        process = place.start("ingest", "es.parquet", "--log", url, "--speed", ES.speed)
        mark = int(share * len(expected.market_data))
        wait_until(lambda mark=mark: written(log, ["market_data"]) >= mark, process)
        ended = stopped(process, number)
        assert ended.code == 130, ended.err
        assert ended.seconds < WITHIN_S
    place.done("ingest", "es.parquet", "--log", url)
    assert market_data(url) == expected.market_data
    again = place.done("ingest", "es.parquet", "--log", url, "--json")
    assert '"rows": 0' in again.out and '"skipped_already_present": 40000' in again.out


def test_a_second_interrupt_does_not_wait(tmp_path: Path) -> None:
    place = Place(tmp_path)
    process = place.start("run", "--log", place.sqlite)
    wait_until((tmp_path / "recovery" / "titan").exists, process)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    assert end_of(process, WITHIN_S).code in (0, -signal.SIGINT)
