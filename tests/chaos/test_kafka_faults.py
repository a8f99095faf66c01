"""What only a server can do to us: die, come back, come back empty. Each test has a broker of its own."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer

from flows.connectors.kafka_reader import KafkaReader
from flows.connectors.log import (
    DeliveryFailed,
    IdentityChanged,
    Log,
    LogSettings,
    LogUnreachable,
    OffsetOutOfRange,
    Reader,
    TopicSpec,
    open_log,
)
from flows.connectors.partitioner import partition_of
from tests.servers.kafka import KafkaServer

pytest_plugins = ["tests.servers.fixtures"]

DAY = int(time.time() * 1000)


@pytest.fixture
def log(own_kafka: KafkaServer) -> Iterator[Log]:
    with open_log(f"kafka://{own_kafka.bootstrap}", LogSettings(timeout_s=5, flush_timeout_s=20)) as log:
        log.apply([TopicSpec("t", 2)])
        yield log


def append(log: Log, count: int) -> None:
    with log.writer() as writer:
        for n in range(count):
            writer.append("t", b"k", b"%d" % n, DAY + n, partition=0)


def drain(reader: Reader, count: int) -> list[bytes | None]:
    got: list[bytes | None] = []
    until = time.monotonic() + 20
    while len(got) < count and time.monotonic() < until:
        got += [r.value for r in reader.poll(100, 0.5)]
    return got


def test_a_reader_and_a_writer_outlive_a_killed_broker(own_kafka: KafkaServer, log: Log) -> None:
    with log.reader({("t", 0): 0}) as reader, log.writer() as writer:
        for n in range(10):
            writer.append("t", b"k", b"%d" % n, DAY, partition=0)
        writer.flush()
        assert len(drain(reader, 10)) == 10
        own_kafka.kill()
        writer.append("t", b"k", b"while it was down", DAY, partition=0)
        assert reader.poll(10, 0.5) == []
        own_kafka.start()
        writer.flush(20)
        assert writer.ends() == {("t", 0): 11}
        assert drain(reader, 1) == [b"while it was down"]


def test_a_flush_without_a_broker_says_so(own_kafka: KafkaServer, log: Log) -> None:
    writer = log.writer()
    writer.append("t", b"k", b"v", DAY)
    writer.flush()
    own_kafka.stop()
    writer.append("t", b"k", b"v", DAY)
    with pytest.raises(DeliveryFailed, match="1 records were not acknowledged within 1 s.*restart"):
        writer.flush(1)
    with pytest.raises(DeliveryFailed):
        writer.append("t", b"k", b"v", DAY)
    writer.abandon()
    with pytest.raises(LogUnreachable, match=own_kafka.bootstrap):
        log.spans("t")


def test_a_broker_that_comes_back_empty_is_noticed(own_kafka: KafkaServer, log: Log) -> None:
    append(log, 50)
    identity = log.identity(["t"])
    with log.reader({("t", 0): 0}) as reader:
        assert len(drain(reader, 50)) == 50
        own_kafka.stop()
        own_kafka.wipe()
        own_kafka.start()
        with open_log(log.url) as fresh:
            fresh.apply([TopicSpec("t", 2)])
            append(fresh, 200)
            with pytest.raises(IdentityChanged, match="not the log that the saved positions belong to"):
                drain(reader, 1)
            with pytest.raises(IdentityChanged):
                fresh.reader({("t", 0): 50}, identity=identity)


def test_a_topic_made_anew_is_noticed(own_kafka: KafkaServer, log: Log) -> None:
    from confluent_kafka.admin import AdminClient

    append(log, 5)
    identity = log.identity(["t"])
    admin = AdminClient({"bootstrap.servers": own_kafka.bootstrap})
    admin.delete_topics(["t"])["t"].result(5)
    time.sleep(1)
    log.apply([TopicSpec("t", 2)])
    with pytest.raises(IdentityChanged, match="topic 't' was made anew"):
        log.reader({("t", 0): 0}, identity=identity)


def test_deleted_records_are_an_error_not_a_skip(own_kafka: KafkaServer, log: Log) -> None:
    from confluent_kafka import TopicPartition
    from confluent_kafka.admin import AdminClient

    append(log, 50)
    admin = AdminClient({"bootstrap.servers": own_kafka.bootstrap})
    admin.delete_records([TopicPartition("t", 0, 20)])[TopicPartition("t", 0)].result(5)
    assert log.span("t", 0) == (20, 50)
    with pytest.raises(OffsetOutOfRange):
        log.reader({("t", 0): 10})
    here = (log.url, own_kafka.bootstrap, LogSettings())  # as if they had gone after the reader was checked
    expected = r"offset 10 of t/0 is outside the log's 20\.\.50"
    with (
        KafkaReader(*here, {("t", 0): 10}, log, lambda: open_log(log.url), log.identity(["t"])) as reader,
        pytest.raises(OffsetOutOfRange, match=expected),
    ):
        drain(reader, 1)


def test_keys_lie_where_other_clients_put_them(own_kafka: KafkaServer, log: Log) -> None:
    """librdkafka's murmur2 is the Java client's default."""
    producer = Producer({"bootstrap.servers": own_kafka.bootstrap, "partitioner": "murmur2"})
    for n in range(200):
        producer.produce("t", b"v", b"key-%d" % n)
    producer.flush(10)
    with log.reader({("t", 0): 0, ("t", 1): 0}) as reader:
        stop, records = reader.ends(), []
        while not reader.at_end(stop):
            records += reader.poll(100, 1)
    assert len(records) == 200 and all(r.partition == partition_of(r.key, 2) for r in records)


def test_control_records_do_not_hold_up_a_read_to_the_end(own_kafka: KafkaServer, log: Log) -> None:
    producer = Producer({"bootstrap.servers": own_kafka.bootstrap, "transactional.id": "x"})
    producer.init_transactions(20)
    producer.begin_transaction()
    producer.produce("t", b"v", b"k", 0)
    producer.commit_transaction(20)
    with log.reader({("t", 0): 0}) as reader:
        stop, records = reader.ends(), []
        assert stop == {("t", 0): 2}  # the record and the broker's own commit marker
        until = time.monotonic() + 10
        while not reader.at_end(stop) and time.monotonic() < until:
            records += reader.poll(10, 0.5)
        assert len(records) == 1 and reader.at_end(stop)


def test_a_full_producer_queue_waits_for_room(own_kafka: KafkaServer, log: Log) -> None:
    settings = LogSettings(kafka={"queue.buffering.max.messages": 10})
    with open_log(log.url, settings) as narrow:
        append(narrow, 500)
    assert log.span("t", 0) == (0, 500)


def test_nothing_is_printed_when_the_broker_dies(own_kafka: KafkaServer, log: Log) -> None:
    code = f"""
import time
from flows.connectors.log import open_log
with open_log({log.url!r}) as log, log.reader({{("t", 0): 0}}) as reader, log.writer() as writer:
    print("open", flush=True)
    until = time.monotonic() + 3
    while time.monotonic() < until:
        reader.poll(10, 0.1)
"""
    pipes = {
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
        "cwd": Path(__file__).parents[2],
    }
    process = subprocess.Popen([sys.executable, "-c", code], **pipes)  # type: ignore[call-overload]
    process.stdout.readline()
    own_kafka.kill()
    assert process.communicate(timeout=30) == ("", "")
