"""Does memory stay bounded where one partition of marks is read faster than another? And is the order the same?"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from flows.connectors import read_ahead
from flows.connectors.account_source import AccountSource, AccountSourceSettings
from flows.connectors.log import Log, TopicSpec, open_log
from flows.connectors.partitioner import partition_of
from flows.meter import Meter
from operators.mark_run import MarkRun
from schemas.codec import BLOCKS, frame
from schemas.topics import TOPICS

RECORDS, ROWS = 400, 10
NAMES = ("B", "D", "E")  # two of them share a partition, which is therefore read more slowly
MOST = 1000


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    codec = BLOCKS["marks"][0]
    with open_log(f"sqlite:///{tmp_path}/t.db") as log:
        log.apply([TopicSpec(topic.name, topic.partitions) for topic in TOPICS.values()])
        with log.writer() as writer:
            for number in range(RECORDS):
                for name in NAMES:
                    times = (1 + number * ROWS + np.arange(ROWS)) * 10**9
                    final, last = number == RECORDS - 1, int(times[-1])
                    body = codec.encode(
                        (name, last, final, 0),
                        np.tile(times[:, None], 3),
                        np.ones((ROWS, 8)),
                        codec.labels(()),
                    )
                    writer.append("marks", name.encode(), frame("marks") + body, last // 10**6)
        yield log


def taken(log: Log, **how: bool) -> tuple[list[tuple[str, int]], int]:
    """Return every mark in the order taken, and how many waited at most."""
    settings = AccountSourceSettings("paper", 3600.0, NAMES, poll_records=8, **how)
    with log.writer() as writer:
        part = AccountSource(log, settings, lambda: writer, Meter()).build_part("", "paper", None)
        marks: list[tuple[str, int]] = []
        most = 0
        try:
            while len(marks) < RECORDS * ROWS * len(NAMES):
                for _, cut in part.next_batch():
                    for run in cut.events:
                        if isinstance(run, MarkRun):
                            marks += [
                                (run.symbols[i], ts)
                                for i, ts in zip(run.symbol.tolist(), run.longs[:, 0].tolist())
                            ]
                most = max(most, sum(len(columns.longs) for *_, columns in part._state.marks))
        except StopIteration:
            pass
        part.close()
    return marks, most


@pytest.mark.parametrize("how", [{"until_final": True}, {"to_end": True}])
def test_what_is_early_waits_in_the_log(
    log: Log, monkeypatch: pytest.MonkeyPatch, how: dict[str, bool]
) -> None:
    assert len({partition_of(name.encode(), 4) for name in NAMES}) == 2
    plain, much = taken(log, **how)
    monkeypatch.setattr(read_ahead, "MOST", MOST)
    held, little = taken(log, **how)
    assert len(plain) == RECORDS * ROWS * len(NAMES)
    assert held == plain
    assert little < 2 * MOST < much
