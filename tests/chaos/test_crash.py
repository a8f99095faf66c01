"""Law 6: ``kill -9`` at any moment, start again, and the log holds what an uninterrupted run would have written.

Every event of every topic, in order, and none twice; so also every order and every ledger. What differs is where the
account leg's cuts fell, which is wall time's doing: the journal must be whole.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

from tests.integration.conftest import Reference, References
from tests.integration.log_contents import (
    DERIVED,
    assert_journal_is_whole,
    assert_same,
    events,
    made,
    market_data,
    written,
)
from tests.integration.runs import ES, MADE_UP, Place, chaos, killed_again_and_again

KILLS = 10


def work_done(url: str, expected: int, *topics: str) -> Callable[[], float]:
    """Return what says how far a run has come, by the records that it has written."""
    log = made(url)
    return lambda: written(log, topics) / expected


def assert_uninterrupted(url: str, expected: Reference) -> None:
    """Assert that the log holds the events of the reference and a whole journal."""
    found = events(url)
    count = assert_same(expected.events, found)
    cuts = assert_journal_is_whole(url)
    print(f"{count} events are equal; the journal has {cuts} cuts")
    assert market_data(url) == expected.market_data
    last = found["portfolio_updates", "paper"][-1]
    assert last == expected.events["portfolio_updates", "paper"][-1] and last["seq"] > 100


def test_a_live_run_killed_ten_times(tmp_path: Path, url: str, reference: References) -> None:
    expected, place = reference(ES), Place(tmp_path)
    live = ["demo", "--dir", "here", "--log", url, "--speed", ES.speed]
    progress = work_done(url, len(expected.market_data), "market_data")
    kills = killed_again_and_again(lambda: place.start(*live), progress, KILLS, chaos("live"))
    assert kills == KILLS
    assert_uninterrupted(url, expected)


def test_many_symbols_whose_recovery_store_is_gone_now_and_then(
    tmp_path: Path, reference: References
) -> None:
    """A run without its snapshots rebuilds itself from the log and its journal."""
    expected, place, dice = reference(MADE_UP), Place(tmp_path, MADE_UP), chaos("forgetful")
    live = ["demo", "--dir", "here", "--log", place.sqlite, "--speed", MADE_UP.speed]

    def forget(_: int) -> None:
        if dice.random() < 0.5:
            shutil.rmtree(tmp_path / "here/recovery", ignore_errors=True)

    progress = work_done(place.sqlite, len(expected.market_data), "market_data")
    kills = killed_again_and_again(lambda: place.start(*live), progress, 5, dice, forget)
    assert kills == 5
    assert_uninterrupted(place.sqlite, expected)


def test_the_flow_itself_without_any_recovery_store(tmp_path: Path, reference: References) -> None:
    """``python -m bytewax.run flows.live``: every start is a rebuild from the log."""
    expected = reference(ES)
    place = Place(tmp_path)
    progress = work_done(place.sqlite, len(expected.market_data), "market_data")
    settings = {"TITAN_LOG": place.sqlite, "TITAN__GATEWAY__SPEED": ES.speed}
    flow = lambda: place.start("flows.live", module="bytewax.run", **settings)  # noqa: E731
    assert killed_again_and_again(flow, progress, 3, chaos("bytewax.run")) == 3
    assert_uninterrupted(place.sqlite, expected)


def test_ingest_and_run_to_end_killed_and_repeated(tmp_path: Path, url: str, reference: References) -> None:
    expected, place, dice = reference(ES), Place(tmp_path), chaos("to-end")
    ingest = ["ingest", "es.parquet", "--log", url, "--speed", ES.speed]
    progress = work_done(url, len(expected.market_data), "market_data")
    assert killed_again_and_again(lambda: place.start(*ingest), progress, 3, dice) == 3
    assert market_data(url) == expected.market_data

    to_end = [
        "run",
        "--to-end",
        "--log",
        url,
        "--set",
        "run.poll_records=20",
        "--set",
        "log.synchronous=full",
    ]
    work = expected.count("portfolio_updates") + len(expected.market_data) // 20
    progress = work_done(url, work, "bars", "portfolio_updates")
    kills = killed_again_and_again(lambda: place.start(*to_end), progress, 5, dice)
    print(f"{kills} kills of run --to-end")
    assert kills >= 3
    found = events(url, DERIVED)
    assert assert_same(expected.events, found, DERIVED) > 10_000
    assert_journal_is_whole(url)
