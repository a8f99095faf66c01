"""Does an account go by its own dead letters, and by nobody else's? Two accounts on one real log."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from flows.connectors.account_inputs import AccountInputs
from flows.connectors.account_outbox import AccountOutbox
from flows.connectors.log import Log, Record, TopicSpec, open_log
from flows.connectors.log_sink import recall
from flows.connectors.refused_inputs import RefusedInputs
from flows.progress import Progress
from operators.symbol_layout import MARK_FLOATS, MARK_INTS
from schemas.account import DeadLetter
from schemas.codec import BLOCKS, frame
from schemas.topics import TOPICS
from tests.integration.log_contents import records

MARKS = ("marks", 0)
ONE, OTHER = "one", "other"
NOTHING = (np.empty((0, MARK_INTS), np.int64), np.empty((0, MARK_FLOATS)))


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with open_log(f"sqlite:///{tmp_path}/t.db") as log:
        log.apply([TopicSpec(topic.name, topic.partitions) for topic in TOPICS.values()])
        yield log


def letter(topic: str, offset: int, reason: str = "newer_version") -> DeadLetter:
    return DeadLetter(
        f"{topic}:0:{offset}:-1", topic, 0, offset, -1, "", 0, reason, "as of then", b"\x00garbage"
    )


def started(log: Log, account: str) -> AccountOutbox:
    outbox = AccountOutbox(account, Progress())
    recall(log, outbox, {})
    return outbox


def said(log: Log, account: str, *letters: DeadLetter) -> int:
    """Let a started account say these; return how many of them it wrote."""
    out = list(started(log, account).records(letters))
    with log.writer() as writer:
        for one in out:
            writer.append(one.topic, one.key, one.value, one.timestamp_ms, one.headers)
    return len(out)


def inputs(log: Log, account: str) -> AccountInputs:
    return AccountInputs(log, account, {MARKS: 0})


def test_a_letter_of_another_account_keeps_none_of_ones_own_back(log: Log) -> None:
    assert said(log, ONE, letter("trade_signals", 100)) == 1
    assert said(log, OTHER, letter("trade_signals", 50)) == 1
    for account, offset in ((ONE, 100), (OTHER, 50)):
        assert said(log, account, letter("trade_signals", offset)) == 0
    assert said(log, OTHER, letter("trade_signals", 40), letter("trade_signals", 60)) == 2
    outbox = started(log, OTHER)
    assert not list(outbox.records([letter("trade_signals", offset) for offset in (40, 50, 60)]))
    assert not any(outbox.waiting())


def test_a_mark_that_another_account_could_not_read_is_taken(log: Log) -> None:
    codec = BLOCKS["marks"][0]
    mark = frame("marks") + codec.encode(("ES", 7, False, 0), *NOTHING, codec.labels(()))
    with log.writer() as writer:
        writer.append("marks", b"ES", mark, 1, partition=0)
    said(log, OTHER, letter("marks", 0))
    taken, refused = inputs(log, ONE), inputs(log, OTHER)
    assert len(taken.read_to({MARKS: 1})) == 1 and not taken.refused
    assert refused.read_to({MARKS: 1}) == []
    (found,) = refused.refused
    assert (found.reason, found.detail, found.original) == ("newer_version", "as of then", mark)
    assert not refused.known.saved({})[0], "it is forgotten once it was met"


def test_a_start_reads_the_letters_behind_its_snapshot_and_keeps_its_own(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    said(log, ONE, *(letter("marks", offset) for offset in range(9)))
    said(log, OTHER, *(letter("marks", offset) for offset in range(50)))
    known, read_to = saved = RefusedInputs(log, ONE, {MARKS: 5}).saved({("marks", 3): 8})
    assert {place: set(found) for place, found in known.items()} == {MARKS: {5, 6, 7, 8}}
    assert read_to == {("dead_letters", 0): 59}
    said(log, ONE, letter("marks", 70))
    read: list[Record] = []
    monkeypatch.setattr(
        "flows.connectors.refused_inputs.event_of", lambda record: read.append(record) or letter("marks", 70)
    )
    assert set(RefusedInputs(log, ONE, {MARKS: 5}, saved).saved({})[0][MARKS]) == {5, 6, 7, 8, 70}
    assert len(read) == 1 and len(list(records(log, "dead_letters"))) == 60
