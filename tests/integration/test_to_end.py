"""Law 5 and law 1, end to end.

A recorded live run's market data, run to its end, gives what the live run gave; however it is cut.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import References
from tests.integration.log_contents import (
    DERIVED,
    Event,
    Lane,
    assert_journal_is_whole,
    assert_same,
    copied,
    divided,
    events,
    market_data,
)
from tests.integration.runs import ES, MADE_UP, Market, Place

CAUSES = ("cause_offset", "cause_partition")
"""Where in market_data a row lay: a cut's doing."""
REFUSED = ("dead_letters", "alerts")
"""Their ids and words say where the row lay."""
IN_ORDER = Market(MADE_UP.toml.replace("out_of_order = 0.01", ""), MADE_UP.speed)
"""A row that comes after a promise that there would be none is refused, and where promises fall is the cut's doing."""


@pytest.mark.parametrize("market", [ES, MADE_UP], ids=["es", "made_up"])
def test_a_live_run_repeated_from_its_market_data(
    tmp_path: Path, url: str, market: Market, reference: References
) -> None:
    expected, place = reference(market), Place(tmp_path, market)
    copied(expected.market_data, url)
    assert market_data(url) == expected.market_data
    place.done("run", "--to-end", "--log", url)
    found = events(url)
    assert assert_same(expected.events, found) > 50_000
    assert_journal_is_whole(url)
    again = place.done("run", "--to-end", "--log", url, "--json")
    assert '"bars": 0' in again.out and '"decisions": 0' in again.out
    assert events(url) == found


@pytest.mark.parametrize("polls", ["1", "7", "100000"])
def test_polls_cut_nothing(tmp_path: Path, polls: str, reference: References) -> None:
    expected, place = reference(MADE_UP), Place(tmp_path, MADE_UP)
    few, _ = divided(expected.market_data, 0.1 if polls == "1" else 1.0)
    copied(few, place.sqlite)
    place.done("run", "--to-end", "--log", place.sqlite, "--set", f"run.poll_records={polls}")
    found = events(place.sqlite)
    if polls != "1":
        assert assert_same(expected.events, found) > 50_000
        return
    other = Place(tmp_path / "whole", MADE_UP)
    copied(few, other.sqlite)
    other.done("run", "--to-end", "--log", other.sqlite)
    assert assert_same(events(other.sqlite), found) > 2_000


@pytest.mark.parametrize(
    "cut",
    [["gateway.cut=100ms", "gateway.max_rows=3"], ["gateway.cut=17s", "gateway.heartbeat=1m"]],
    ids=["fine", "coarse"],
)
@pytest.mark.parametrize("market", [ES, IN_ORDER], ids=["es", "made_up"])
def test_the_gateways_cuts_change_no_event(
    tmp_path: Path, market: Market, cut: list[str], reference: References
) -> None:
    expected, place = reference(market), Place(tmp_path, market)
    flags = [part for key in cut for part in ("--set", key)]
    place.done("demo", "--dir", "here", "--log", place.sqlite, *flags)
    found = events(place.sqlite)
    derived = [topic for topic in DERIVED if topic not in REFUSED]
    assert assert_same(expected.events, found, derived, aside=CAUSES) > 10_000
    assert rows(expected.events) == rows(found)
    assert refused(expected.events) == refused(found)


def rows(found: dict[Lane, list[Event]]) -> dict[str, list[Any]]:
    """Return the rows of market data by symbol and kind, without what belongs to blocks."""
    lanes: dict[str, list[Any]] = {}
    for (topic, symbol), lane in found.items():
        for event in lane if topic == "market_data" else []:
            if event["type"] != "heartbeat":
                plain = {k: v for k, v in event.items() if k not in ("complete_to_ns", "final")}
                lanes.setdefault(f"{symbol} {event['type']}", []).append(plain)
    return lanes


def refused(found: dict[Lane, list[Event]]) -> list[tuple[str, ...]]:
    """Return what was refused and why, in order of time."""
    names = ("symbol", "ts_event_ns", "reason")
    return sorted(
        tuple(str(e[n]) for n in names) for lane, es in found.items() if lane[0] == "dead_letters" for e in es
    )
