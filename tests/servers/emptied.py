"""How does a test get a log that holds nothing without the five seconds that a broker of its own takes?

Titan's topics are deleted from one that is there already. From a broker of TITAN_TEST_BROKER only if
TITAN_TEST_BROKER_ERASE=1 says that nobody will miss them.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from schemas.topics import TOPICS
from tests.servers.process import NoServer

_WITHIN_S = 30.0


@contextmanager
def emptied(bootstrap: str, lock: Path) -> Iterator[str]:
    """Hold a broker, one test at a time, that has none of Titan's topics; NoServer where they must not be deleted."""
    theirs = os.environ.get("TITAN_TEST_BROKER")
    if theirs and os.environ.get("TITAN_TEST_BROKER_ERASE") != "1":
        raise NoServer(
            f"this test deletes every topic of Titan's on {theirs}: set TITAN_TEST_BROKER_ERASE=1 if it may"
        )
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        _erase(bootstrap)
        yield bootstrap


def _erase(bootstrap: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    until = time.monotonic() + _WITHIN_S
    while there := [name for name in admin.list_topics(timeout=_WITHIN_S).topics if name in TOPICS]:
        for future in admin.delete_topics(there, operation_timeout=_WITHIN_S).values():
            try:
                future.result()
            except KafkaException as error:
                if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise
        if time.monotonic() > until:
            raise NoServer(f"{bootstrap}: topics are not gone after {_WITHIN_S:.0f} s: {', '.join(there)}")
        time.sleep(0.05)
