"""Is a snapshot refused that belongs to other records: of a topic made anew, of other partitions?"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient

from flows.config import ConfigError
from flows.connectors.account_outbox import AccountOutbox
from flows.connectors.account_source import AccountSource, AccountSourceSettings
from flows.connectors.log import IdentityChanged, Log, TopicSpec, open_log
from flows.connectors.log_sink import LogSink
from flows.connectors.market_source import MarketDataSource
from flows.meter import Meter
from flows.progress import Progress
from schemas.topics import TOPICS

SPECS = [TopicSpec(topic.name, topic.partitions, topic.compacted) for topic in TOPICS.values()]


def market_source(log: Log, *partitions: int) -> MarketDataSource:
    return MarketDataSource(log, partitions, 100, None, Meter())


def account_source(log: Log) -> AccountSource:
    writer = log.writer(fence="account:paper")
    return AccountSource(log, AccountSourceSettings("paper", 1.0), lambda: writer, Meter())


def account_sink(log: Log) -> LogSink:
    return LogSink(log, AccountOutbox("paper", Progress()), Meter())


def opened(step: Any, snapshot: bytes | None) -> Any:
    return step.build_part("step", step.list_parts()[0], snapshot)


@pytest.mark.parametrize(
    ("step", "topic"),
    [
        (lambda log: market_source(log, 0, 1, 2, 3), "market_data"),
        (account_source, "risk_commands"),
        (account_source, "account_journal"),
        (account_sink, "portfolio_updates"),
    ],
)
def test_a_topic_that_was_made_anew(empty_kafka: str, step: Callable[[Log], Any], topic: str) -> None:
    """Offsets of the old one would pass over what the new one holds, or wait for what it will never hold."""
    with open_log(f"kafka://{empty_kafka}") as log:
        log.apply(SPECS)
        part = opened(step(log), None)
        snapshot = part.snapshot()
        part.close()
        opened(step(log), snapshot).close()
        admin = AdminClient({"bootstrap.servers": empty_kafka})
        admin.delete_topics([topic])[topic].result(10)
        until = time.monotonic() + 30
        while topic in log.topics():
            assert time.monotonic() < until, "it was not deleted"
            time.sleep(0.05)
        log.apply(SPECS)
        with pytest.raises(IdentityChanged, match=f"topic '{topic}' was made anew"):
            opened(step(log), snapshot)


def test_a_snapshot_of_other_partitions(tmp_path: Path) -> None:
    with open_log(f"sqlite:///{tmp_path}/titan.db") as log:
        log.apply(SPECS)
        part = opened(market_source(log, 0, 2), None)
        snapshot = part.snapshot()
        part.close()
        opened(market_source(log, 0, 2), snapshot).close()
        with pytest.raises(
            ConfigError, match=r"partitions \[0, 2\] of market_data, and this one reads \[1, 3\]"
        ):
            opened(market_source(log, 1, 3), snapshot)
