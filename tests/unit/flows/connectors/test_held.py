"""Does who reads to a known end wait for ever? A real log that gives nothing more, as one whose broker died."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flows import stop
from flows.config import Settings, load_settings
from flows.connectors.account_inputs import AccountInputs
from flows.connectors.account_outbox import AccountOutbox
from flows.connectors.held import between, until
from flows.connectors.log import Log, LogSettings, LogUnreachable, TopicSpec, open_log
from flows.connectors.log_sink import recall
from flows.progress import Progress
from flows.recorded_topics import RecordedTopics
from flows.replay import symbol_leg_again
from flows.run import run
from schemas.topics import TOPICS

BEYOND = {("marks", 0): 2}


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    """One that holds one mark, and is waited for no longer than it takes to look."""
    with open_log(f"sqlite:///{tmp_path}/t.db") as log:
        log.apply([TopicSpec(topic.name, topic.partitions) for topic in TOPICS.values()])
        with log.writer() as writer:
            writer.append("marks", b"ES", b"garbage", 1, partition=0)
        log.patience_s = 0.0
        yield log


@pytest.fixture
def asked() -> Iterator[None]:
    stop.ask()
    yield
    stop._asked.clear()


def recorded(log: Log) -> None:
    with RecordedTopics(log, ("marks",)) as topics:
        topics._stops |= BEYOND
        while topics.read(("marks", 0)):
            pass


READERS: dict[str, Callable[[Log], object]] = {
    "between": lambda log: list(between(log, {("marks", 0): 0}, BEYOND)),
    "inputs": lambda log: AccountInputs(log, "paper", {("marks", 0): 0}).read_to(BEYOND),
    "replay": lambda log: list(symbol_leg_again(log, Settings(), [(0, 2)])),
    "recorded": recorded,
}


@pytest.mark.parametrize("reader", READERS)
def test_a_silent_log_is_told_in_one_sentence(log: Log, reader: str) -> None:
    with pytest.raises(
        LogUnreachable, match=r"/0 gave nothing for .* before 2, where it was said to end: look"
    ):
        READERS[reader](log)


def test_a_request_to_stop_is_heard_sooner(log: Log, monkeypatch: pytest.MonkeyPatch, asked: None) -> None:
    log.patience_s = 1e9
    monkeypatch.setattr("flows.connectors.held._STOPPING_S", 0.0)
    with log.reader({("marks", 0): 0}) as reader, pytest.raises(LogUnreachable, match="at offset 1"):
        for _ in until(log, reader, BEYOND):
            reader.poll(10, 0.0)


def test_a_sink_that_recalls_a_long_log_stops_when_it_is_asked_to(log: Log, asked: None) -> None:
    with log.writer() as writer:
        writer.append("alerts", b"paper", b"garbage", 1)
    with pytest.raises(stop.Stopped):
        recall(log, AccountOutbox("paper", Progress()), {})


def test_a_run_that_is_asked_to_stop_while_its_sink_recalls_ends_as_asked(
    log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: None
) -> None:
    monkeypatch.setattr(stop, "install", lambda: None)
    settings = load_settings(overrides=[f"log.url={log.url}", f"run.recovery_dir={tmp_path}/recovery"])[0]
    assert run(settings, to_end=True, legs=("symbol",)).stopped


def test_the_patience_covers_the_transaction_of_an_owner_that_died() -> None:
    assert LogSettings().patience_s == 45.0
    assert LogSettings(timeout_s=1.0, flush_timeout_s=1.0).patience_s == 30.0
    assert LogSettings(timeout_s=70.0).patience_s == 70.0
