"""What whole-system tests share: runs that nothing interrupted, to compare with, and a log of either backend."""

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from flows.connectors.log import Record
from tests.integration.log_contents import Event, Lane, assert_journal_is_whole, events, market_data
from tests.integration.runs import Market, Place, kill_what_is_left
from tests.unit.cli.conftest import titan

__all__ = ["titan"]


class Reference(msgspec.Struct, frozen=True):
    """An uninterrupted live run over a market, and what its log holds."""

    url: str
    events: dict[Lane, list[Event]]
    market_data: list[Record]

    def count(self, topic: str) -> int:
        """Return how many events a topic holds."""
        return sum(len(found) for lane, found in self.events.items() if lane[0] == topic)


References = Callable[[Market], Reference]
"""Of a market its one undisturbed run."""


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Market], Reference]:
    """Return the one uninterrupted run over a market; made when first asked for."""

    return lambda market: _reference(market, tmp_path_factory.getbasetemp() / f"reference-{hash(market)}")


@functools.cache
def _reference(market: Market, folder: Path) -> Reference:
    place = Place(folder, market)
    place.done("demo", "--dir", "here", "--log", place.sqlite)
    assert_journal_is_whole(place.sqlite)
    return Reference(place.sqlite, events(place.sqlite), market_data(place.sqlite))


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    """End a test's processes with the test, however it ends."""
    yield
    kill_what_is_left()


@pytest.fixture(params=["sqlite", "kafka"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty log: a file, then a broker."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/titan.db"
    return f"kafka://{request.getfixturevalue('empty_kafka')}"
