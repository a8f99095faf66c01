"""Real servers, shared by all pytest workers. Load with `pytest_plugins = ["tests.servers.fixtures"]`."""

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.kafka import READY_S, KafkaServer, NoKafka


@pytest.fixture(scope="session")
def kafka_bootstrap(shared_kafka: tuple[str, str]) -> str:
    """host:port of the session's one broker."""
    return shared_kafka[0]


@pytest.fixture(scope="session")
def kafka_kind(shared_kafka: tuple[str, str]) -> str:
    """What that broker is: `external`, `Apache Kafka ...` or `noida-db, because ...`."""
    return shared_kafka[1]


@pytest.fixture(scope="session")
def shared_kafka(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """host:port and kind. Skips where none can run; fails if TITAN_REQUIRE_KAFKA=1."""
    if os.environ.get("TITAN_TEST_BROKER"):
        return os.environ["TITAN_TEST_BROKER"], "external"
    parallel = "PYTEST_XDIST_WORKER" in os.environ
    folder = tmp_path_factory.getbasetemp().parent if parallel else tmp_path_factory.getbasetemp()
    owner = os.getppid() if parallel else os.getpid()
    state = folder / "kafka.state"
    with (folder / "kafka.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not state.exists():
            subprocess.Popen(
                [sys.executable, "-m", "tests.servers.kafka", str(owner), str(state)],
                cwd=Path(__file__).parents[2], start_new_session=True, stdout=subprocess.DEVNULL,
            )  # fmt: skip
            until = time.monotonic() + READY_S + 600
            while not state.exists() and time.monotonic() < until:
                time.sleep(0.1)
    answer, *told = state.read_text().split("\t")
    if answer == "no":
        _refuse(told[0])
    print(f"Kafka for the tests: {told[1]} at {told[0]}")
    return told[0], told[1]


@pytest.fixture
def own_kafka() -> Iterator[KafkaServer]:
    """A broker for one test, which may stop, kill, wipe and restart it."""
    if os.environ.get("TITAN_TEST_BROKER"):
        pytest.skip("TITAN_TEST_BROKER is shared: a test must not stop it")
    try:
        server = KafkaServer()
    except NoKafka as reason:
        _refuse(str(reason))
    if server.kind.startswith("noida"):
        server.close()
        pytest.skip(f"a stand-in does not die as Kafka does: {server.kind}")
    with server:
        yield server


def _refuse(reason: str) -> None:
    if os.environ.get("TITAN_REQUIRE_KAFKA") == "1":
        pytest.fail(f"TITAN_REQUIRE_KAFKA=1, but {reason}")
    pytest.skip(reason)
