"""Both backends keep the same promises: one suite, run over a SQLite file and over a real Kafka."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.connectors.latest import newest
from flows.connectors.log import (
    IdentityChanged,
    Log,
    LogSettings,
    LogUnreachable,
    OffsetOutOfRange,
    Reader,
    Record,
    RecordTooLarge,
    TopicMismatch,
    TopicSpec,
    UnknownTopic,
    WriterFenced,
    open_log,
)
from flows.connectors.partitioner import partition_of
from operators.symbol_poll import OFFSET

pytest_plugins = ["tests.servers.fixtures"]

DAY = 1_700_000_000_000
ROOT = Path(__file__).parents[2]
APPEND_FOREVER = """
import sys
from flows.connectors.log import open_log
url, topic, name = sys.argv[1:]
with open_log(url) as log, log.writer() as writer:
    n = 0
    while True:
        for _ in range(50):
            writer.append(topic, name.encode(), b"%d" % n, 1_700_000_000_000 + n)
            n += 1
        writer.flush()
        print(n, flush=True)
"""


@pytest.fixture(params=["sqlite", "kafka"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/titan.db"
    return f"kafka://{request.getfixturevalue('kafka_bootstrap')}"


@pytest.fixture
def log(url: str) -> Iterator[Log]:
    with open_log(url) as log:
        yield log


@pytest.fixture
def topic(log: Log) -> str:
    """A fresh topic of four partitions."""
    name = f"t-{uuid.uuid4().hex[:12]}"
    assert log.apply([TopicSpec(name, 4)]) == [name]
    return name


def read(reader: Reader, stop: dict[tuple[str, int], int], wait_s: float = 10.0) -> list[Record]:
    """Everything up to `stop`."""
    got: list[Record] = []
    until = time.monotonic() + wait_s
    while not reader.at_end(stop):
        assert time.monotonic() < until, f"at {reader.positions()} of {stop} after {wait_s} s"
        got += reader.poll(100, 0.2)
    return got


def read_all(log: Log, topic: str) -> list[Record]:
    with log.reader({(topic, p): first for p, (first, _) in enumerate(log.spans(topic))}) as reader:
        return read(reader, reader.ends())


def fill(log: Log, topic: str, count: int, partition: int | None = None) -> None:
    with log.writer() as writer:
        for n in range(count):
            writer.append(topic, b"k%d" % (n % 7), b"v%d" % n, DAY + n, partition=partition)


def test_topics_are_made_once_and_keep_their_partitions(log: Log, topic: str) -> None:
    assert log.topics()[topic] == 4
    assert log.apply([TopicSpec(topic, 4)]) == []
    with pytest.raises(TopicMismatch, match="has 4 partitions and 6 are asked for"):
        log.apply([TopicSpec(topic, 6)])
    with pytest.raises(ValueError, match="topic name"):
        log.apply([TopicSpec("no spaces", 1)])


def test_a_new_topic_is_empty(log: Log, topic: str) -> None:
    assert log.spans(topic) == [(0, 0)] * 4
    assert log.span(topic, 3) == (0, 0)
    assert log.offsets_at(topic, DAY) == [0] * 4
    assert read_all(log, topic) == []


def test_order_offsets_and_keys(log: Log, topic: str) -> None:
    fill(log, topic, 700)
    records = read_all(log, topic)
    assert len(records) == 700
    for partition, (first, end) in enumerate(log.spans(topic)):
        here = [r for r in records if r.partition == partition]
        assert [r.offset for r in here] == list(range(first, end))
        assert all(partition_of(r.key, 4) == partition for r in here)
    for k in range(7):
        values = [r.value for r in records if r.key == b"k%d" % k]
        assert values == [b"v%d" % n for n in range(k, 700, 7)]


def test_a_record_comes_back_as_it_went(log: Log, topic: str) -> None:
    headers = (("ключ", "größe €".encode()), ("empty", b""), ("ключ", b"\x00\xff"))
    sent = [
        ("Ω/€".encode(), "naïve 🚀".encode(), DAY, headers),
        (b"", b"no key", 1, ()),
        (b"tomb", None, DAY + 1, ()),
        (b"nothing", b"", DAY * 2, (("h", b"1"),)),
        (bytes(range(256)), bytes(range(256)) * 10, DAY + 2, ()),
    ]
    with log.writer() as writer:
        for key, value, ts, given in sent:
            writer.append(topic, key, value, ts, given, partition=2)
        writer.flush()
        assert writer.ends() == {(topic, 2): 5}
    assert read_all(log, topic) == [Record(topic, 2, n, ts, k, v, h) for n, (k, v, ts, h) in enumerate(sent)]


def test_large_values(log: Log, topic: str) -> None:
    large = [os.urandom(1_000_000), os.urandom(1_048_576), os.urandom(8 * 1024 * 1024 - 1)]
    with log.writer() as writer:
        for value in large:
            writer.append(topic, b"k", value, DAY)
        with pytest.raises(RecordTooLarge, match="over 8388608"):
            writer.append(topic, b"k", bytes(8 * 1024 * 1024), DAY)
    assert [r.value for r in read_all(log, topic)] == large


@pytest.mark.parametrize("timestamp_ms", [0, -1, 1 << 63])
def test_a_timestamp_must_be_positive_and_a_long(log: Log, topic: str, timestamp_ms: int) -> None:
    with log.writer() as writer, pytest.raises(ValueError, match="positive"):
        writer.append(topic, b"k", b"v", timestamp_ms)


def test_seek_by_offset_and_resume_from_positions(log: Log, topic: str) -> None:
    fill(log, topic, 100, partition=1)
    with log.reader({(topic, 1): 40}) as reader:
        first = reader.poll(10, 5)
        while len(first) < 10:
            first += reader.poll(10 - len(first), 5)
        saved = reader.positions()
    assert [r.offset for r in first] == list(range(40, 50)) and saved == {(topic, 1): 50}
    with log.reader(saved) as reader:
        assert [r.offset for r in read(reader, reader.ends())] == list(range(50, 100))


def test_seek_by_time_with_disordered_timestamps(log: Log, topic: str) -> None:
    times = [DAY + (n * 37 % 101) * 1000 + n * 500 for n in range(2000)]
    with log.writer() as writer:
        for n, ts in enumerate(times):
            writer.append(topic, b"k", b"%d" % n, ts, partition=0)
            if n % 333 == 0:
                writer.flush()
    for ts in [1, DAY, DAY + 1, DAY + 50_500, DAY + 100_000, DAY + 555_555, max(times), max(times) + 1]:
        naive = next((n for n, t in enumerate(times) if t >= ts), 2000)
        assert log.offsets_at(topic, ts) == [naive, 0, 0, 0], ts


def test_seek_by_time_in_what_a_fenced_writer_wrote_of_history(log: Log, topic: str) -> None:
    """On Kafka its batches end with records of the broker's time, later than all of history."""
    with log.writer(fence=f"account:{topic}") as writer:
        for n in range(50):
            writer.append(topic, b"k", b"%d" % n, DAY - 10**11 + n * 1000, partition=0)
            if n % 5 == 4:
                writer.flush()
    for n in (0, 7, 20, 40, 49):
        start = log.offsets_at(topic, DAY - 10**11 + n * 1000 - 500)
        with log.reader({(topic, 0): start[0]}) as reader:
            assert [r.value for r in read(reader, reader.ends())][0] == b"%d" % n
    assert log.offsets_at(topic, DAY)[0] >= 50


def test_tail_returns_as_soon_as_something_is_there(log: Log, topic: str) -> None:
    with log.reader({(topic, p): 0 for p in range(4)}) as reader, log.writer() as writer:
        started = time.monotonic()
        assert reader.poll(10, 0.3) == []
        assert time.monotonic() - started < 1.5
        for n in range(5):
            writer.append(topic, b"k", b"%d" % n, DAY)
            writer.flush()
            started = time.monotonic()
            got = reader.poll(1000, 5)
            while not got:  # an end-of-partition event may wake a poll
                got = reader.poll(1000, 5)
            assert [r.value for r in got] == [b"%d" % n]
            assert time.monotonic() - started < 2


def test_polls_by_key(log: Log, topic: str) -> None:
    fill(log, topic, 500)
    grouped: dict[tuple[int, bytes], tuple[list[int], list[bytes]]] = {}
    with log.reader({(topic, p): 0 for p in range(4)}) as reader:
        stop = reader.ends()
        while not reader.at_end(stop):
            for place, (offsets, values) in reader.poll_by_key(60, 1).items():
                run = grouped.setdefault(place, ([], []))
                run[0].extend(offsets)
                run[1].extend(values)
        assert reader.positions() == stop
    in_runs: dict[tuple[int, bytes], tuple[list[int], list[bytes]]] = {}
    with log.reader({(topic, p): 0 for p in range(4)}) as reader:
        while not reader.at_end(stop):
            runs = reader.poll_runs(60, 1)
            for place, first, end in zip(runs.keys, runs.edges, runs.edges[1:]) if runs else ():
                run = in_runs.setdefault(place, ([], []))
                run[0].extend(runs.poll.places[first:end, OFFSET].tolist())
                run[1].extend(runs.poll.message(first, end, offset) for offset in run[0][first - end :])
        assert reader.positions() == stop
    assert in_runs == grouped
    expected: dict[tuple[int, bytes], tuple[list[int], list[bytes]]] = {}
    for r in read_all(log, topic):
        run = expected.setdefault((r.partition, r.key), ([], []))
        run[0].append(r.offset)
        run[1].append(r.value or b"")
    assert grouped == expected and len(grouped) == 7


def test_no_partition_starves(log: Log, topic: str) -> None:
    for partition in range(4):
        fill(log, topic, 300, partition)
    with log.reader({(topic, p): 0 for p in range(4)}) as reader:
        assert len(read(reader, reader.ends())) == 1200
    assert log.spans(topic) == [(0, 300)] * 4


def test_a_partition_that_is_held_is_left_alone_until_it_is_let_go(log: Log, topic: str) -> None:
    for partition in range(2):
        fill(log, topic, 3000, partition)
    with log.reader({(topic, 0): 0, (topic, 1): 0}) as reader:
        first = reader.poll(10, 10.0)
        reader.hold([(topic, 0)])
        at = reader.positions()[topic, 0]
        others = read(reader, {(topic, 1): 3000})
        assert {record.partition for record in others} <= {1} and reader.positions()[topic, 0] == at
        reader.hold([(topic, 1)])
        rest = read(reader, {(topic, 0): 3000})
    for partition in range(2):
        offsets = [r.offset for r in (*first, *others, *rest) if r.partition == partition]
        assert offsets == list(range(3000))


def test_two_readers_do_not_disturb_each_other(log: Log, topic: str) -> None:
    fill(log, topic, 50, partition=0)
    with log.reader({(topic, 0): 0}) as one, log.reader({(topic, 0): 25}) as two:
        assert [r.offset for r in read(one, {(topic, 0): 10})][:10] == list(range(10))
        assert [r.offset for r in read(two, two.ends())] == list(range(25, 50))


def test_a_reader_of_several_topics(log: Log, topic: str) -> None:
    other = topic + "-b"
    log.apply([TopicSpec(other, 1)])
    fill(log, topic, 10)
    fill(log, other, 10)
    with log.reader({(topic, 0): 0, (topic, 1): 0, (topic, 2): 0, (topic, 3): 0, (other, 0): 0}) as reader:
        records = read(reader, reader.ends())
        assert {r.topic for r in records} == {topic, other} and len(records) == 20
        with pytest.raises(ValueError, match="one topic"):
            reader.poll_by_key(1, 0)


def test_positions_outside_the_log(log: Log, topic: str) -> None:
    fill(log, topic, 10, partition=0)
    with pytest.raises(OffsetOutOfRange, match=r"offset 11 of .*/0 is outside the log's 0\.\.10"):
        log.reader({(topic, 0): 11})
    with pytest.raises(OffsetOutOfRange):
        log.reader({(topic, 0): -1})
    log.reader({(topic, 0): 10}).close()


def test_unknown_topics_and_partitions(log: Log, topic: str) -> None:
    with pytest.raises(UnknownTopic, match="nosuch"):
        log.spans("nosuch")
    with pytest.raises(UnknownTopic):
        log.span(topic, 4)
    with pytest.raises(UnknownTopic):
        log.reader({("nosuch", 0): 0})
    with pytest.raises(UnknownTopic):
        log.reader({(topic, 4): 0})
    with log.writer() as writer, pytest.raises(UnknownTopic, match="titan topics apply"):
        writer.append("nosuch", b"k", b"v", DAY)
    assert "nosuch" not in log.topics()


def test_identity(log: Log, topic: str) -> None:
    plain, full = log.identity(), log.identity([topic])
    assert plain == log.identity() and full.startswith(plain)
    for good in (plain, full):
        log.reader({(topic, 0): 0}, identity=good).close()
    with pytest.raises(IdentityChanged, match="not the log that the saved positions belong to"):
        log.reader({(topic, 0): 0}, identity="kafka:some-other-cluster")


def test_reopen_after_close(url: str) -> None:
    name = f"t-{uuid.uuid4().hex[:12]}"
    with open_log(url) as log:
        log.apply([TopicSpec(name, 2)])
        fill(log, name, 20)
        identity, before = log.identity([name]), read_all(log, name)
    with open_log(url) as log:
        assert log.identity([name]) == identity and log.topics()[name] == 2
        assert sorted(map(repr, read_all(log, name))) == sorted(map(repr, before))
        fill(log, name, 20)
        assert sum(end for _, end in log.spans(name)) == 40


def test_what_is_not_flushed_is_flushed_by_close(log: Log, topic: str) -> None:
    writer = log.writer()
    writer.append(topic, b"k", b"v", DAY)
    writer.close()
    assert len(read_all(log, topic)) == 1


def append_forever(url: str, topic: str, name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", APPEND_FOREVER, url, topic, name], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def test_two_writing_processes_killed_lose_nothing_flushed(url: str, log: Log, topic: str) -> None:
    writers = [append_forever(url, topic, name) for name in ("one", "two")]
    flushed: list[int] = []
    for process in writers:
        assert process.stdout is not None
        for _ in range(20):
            line = process.stdout.readline()
        flushed.append(int(line))
    for process in writers:
        process.send_signal(signal.SIGKILL)
        process.wait()
    records = read_all(log, topic)
    for name, count in zip((b"one", b"two"), flushed, strict=True):
        values = [int(r.value or b"") for r in records if r.key == name]
        assert values == list(range(len(values))) and len(values) >= count
    for partition, (_, end) in enumerate(log.spans(topic)):
        assert [r.offset for r in records if r.partition == partition] == list(range(end))


def test_a_fenced_writer_takes_over_from_all_before(log: Log, topic: str) -> None:
    fence = f"account:{topic}"
    first = log.writer(fence=fence)
    first.append(topic, b"a", b"1", DAY, partition=0)
    first.append(topic, b"a", b"2", DAY, partition=1)
    first.flush()
    assert first.ends() == {(topic, 0): 1, (topic, 1): 1}
    first.append(topic, b"a", b"lost", DAY, partition=0)
    first.append(topic, b"a", b"lost", DAY, partition=1)
    other = log.writer(fence=fence + "-b")
    second = log.writer(fence=fence)
    second.append(topic, b"a", b"3", DAY, partition=0)
    second.flush()
    second.check_fence(topic)
    overtaken = log.writer(fence=fence + "-c")
    third = log.writer(fence=fence + "-c")
    with pytest.raises(WriterFenced, match="is now run by another process"):
        overtaken.check_fence(topic)
    for writer in (overtaken, third):
        writer.abandon()
    for _ in range(2):
        with pytest.raises(WriterFenced, match="is now run by another process.*let only one run"):
            first.append(topic, b"a", b"lost", DAY, partition=0)
            first.flush()
    first.abandon()
    second.append(topic, b"a", b"4", DAY, partition=0)
    other.append(topic, b"b", b"5", DAY, partition=2)
    for writer in (second, other):
        writer.close()
    records = sorted(read_all(log, topic), key=lambda record: record.value or b"")
    assert [r.value for r in records] == [b"1", b"2", b"3", b"4", b"5"]


def test_what_a_fenced_writer_did_not_flush_is_not_there(log: Log, topic: str) -> None:
    """A batch is as large as it is; what was abandoned hides nothing that comes after, and reads come to an end."""
    writer = log.writer(fence=f"account:{topic}")
    for n in range(9000):
        writer.append(topic, b"a", b"%d" % n, DAY, partition=n % 2)
    with log.reader({(topic, p): 0 for p in range(4)}) as reader:
        assert reader.poll(100, 0.3) == []
    writer.abandon()
    fill(log, topic, 10, partition=0)
    with log.writer(fence=f"account:{topic}") as again:
        again.append(topic, b"a", b"after", DAY, partition=1)
    found = read_all(log, topic)
    assert sorted(r.value for r in found if r.partition == 0) == [b"v%d" % n for n in range(10)]
    assert [r.value for r in found if r.partition == 1] == [b"after"]
    with log.reader({(topic, p): 0 for p in range(4)}) as reader:
        stop, count = reader.ends(), 0
        while not reader.at_end(stop):
            runs = reader.poll_runs(100, 0.2)
            count += len(runs.poll.places) if runs else 0
        assert count == 11
    assert [r.value for r in newest(log, topic)] == [b"v9", b"after"]


FENCED_FOREVER = """
import sys
from flows.connectors.log import open_log
url, topic = sys.argv[1:]
with open_log(url) as log, log.writer(fence=topic) as writer:
    n = 0
    while True:
        for partition in range(4):
            for topic_ in (topic, topic + "-b"):
                writer.append(topic_, b"k", b"%d" % n, 1_700_000_000_000, partition=partition)
        writer.flush()
        n += 1
        print(n, flush=True)
"""


def test_a_fenced_writer_killed_between_any_two_effects_leaves_whole_batches(
    url: str, log: Log, topic: str
) -> None:
    """Killed, or paused and taken over from: each batch is everywhere or nowhere, and what was flushed is there."""
    log.apply([TopicSpec(topic + "-b", 4)])
    dice, done = random.Random(topic), 0
    for number in range(4):
        command = [sys.executable, "-c", FENCED_FOREVER, url, topic]
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        flushed = [process.stdout.readline() for _ in range(5)]
        time.sleep(dice.uniform(0, 0.05))
        paused = number % 2 == 0
        process.send_signal(signal.SIGSTOP if paused else signal.SIGKILL)
        if paused:  # one that holds the file's lock must go on before it can be taken over from
            threading.Timer(1.0, process.send_signal, [signal.SIGCONT]).start()
        log.writer(fence=topic).abandon()
        process.send_signal(signal.SIGCONT)
        out, err = process.communicate(timeout=30)
        assert "WriterFenced" in err if paused else not err
        done += int((flushed + out.split())[-1])
        batches = {
            (r_topic, partition): [r.value for r in records if r.partition == partition]
            for r_topic in (topic, topic + "-b")
            for records in [read_all(log, r_topic)]
            for partition in range(4)
        }
        assert len(set(map(tuple, batches.values()))) == 1
        count = len(batches[topic, 0])
        assert done <= count <= done + number + 1


def test_compaction_keeps_the_newest_of_each_key(url: str, log: Log, request: pytest.FixtureRequest) -> None:
    if url.startswith("kafka") and request.getfixturevalue("kafka_kind").startswith("noida"):
        pytest.skip("noida-db does not compact")
    name = f"c-{uuid.uuid4().hex[:12]}"
    log.apply([TopicSpec(name, 1, compacted=True)])
    if url.startswith("kafka"):
        compact_soon(url, name)
    with log.writer() as writer:
        for n in range(60):
            writer.append(name, b"k%d" % (n % 6), b"v%d" % n, DAY + n)
            if n % 6 == 5:
                writer.flush()
        writer.append(
            name, b"roll", b"", DAY + 60_000
        )  # Kafka never compacts the newest segment, and rolls by event time
    if url.startswith("kafka"):
        wait_for_compaction(log, name)
    else:
        assert log.clean([name]) == 54
    records = read_all(log, name)
    newest = {r.key: (r.offset, r.value) for r in records if r.key != b"roll"}
    assert newest == {b"k%d" % k: (54 + k, b"v%d" % (54 + k)) for k in range(6)}
    assert log.span(name, 0) == (0, 61)
    assert len(records) == 7


def compact_soon(url: str, name: str) -> None:
    """Ask the broker to compact this topic at once."""
    from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource

    wanted = {"segment.ms": "100", "min.cleanable.dirty.ratio": "0.001", "min.compaction.lag.ms": "0"}
    entries = [ConfigEntry(k, v, incremental_operation=AlterConfigOpType.SET) for k, v in wanted.items()]
    admin = AdminClient({"bootstrap.servers": url.removeprefix("kafka://")})
    resource = ConfigResource(ConfigResource.Type.TOPIC, name, incremental_configs=entries)
    admin.incremental_alter_configs([resource])[resource].result(5)


def wait_for_compaction(log: Log, name: str) -> None:
    until = time.monotonic() + 40
    while len(read_all(log, name)) > 7:
        assert time.monotonic() < until, "the broker did not compact"
        time.sleep(0.5)


def test_an_unreachable_log(tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(LogUnreachable, match="127.0.0.1:1"):
        open_log("kafka://127.0.0.1:1", LogSettings(timeout_s=1))
    assert time.monotonic() - started < 3
    with pytest.raises(LogUnreachable, match="no log at"):
        open_log(f"sqlite:///{tmp_path}/none.db", LogSettings(create=False))
