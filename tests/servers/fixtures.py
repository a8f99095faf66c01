"""Real servers, shared by all pytest workers. Load with `pytest_plugins = ["tests.servers.fixtures"]`."""

import os
from collections.abc import Iterator
from typing import NoReturn

import msgspec
import pytest

from tests.servers import kafka, registry
from tests.servers.emptied import emptied
from tests.servers.kafka import KafkaServer
from tests.servers.process import NoServer
from tests.servers.registry import RegistryServer
from tests.servers.secured import Secured
from tests.servers.shared import shared


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which servers the tests ran against."""
    terminalreporter.write_line(f"servers: Kafka: {kafka.described()}; registry: {registry.described()}")


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
    try:
        return shared("kafka", tmp_path_factory)
    except NoServer as reason:
        _refuse(str(reason))


@pytest.fixture(scope="session")
def registry_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a Confluent client is given for the session's one registry: subjects need names of their own."""
    try:
        return shared("registry", tmp_path_factory)[0]
    except NoServer as reason:
        _refuse(str(reason))


@pytest.fixture(scope="session")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Secured:
    """The session's one broker with TLS, passwords, certificates and rights; tests use topics of their own."""
    try:
        return msgspec.json.decode(shared("secured", tmp_path_factory)[0], type=Secured)
    except NoServer as reason:
        _refuse(str(reason))


@pytest.fixture(scope="session")
def worker_kafka() -> Iterator[KafkaServer]:
    """A broker of this pytest worker's, for one test after the other."""
    try:
        with KafkaServer() as server:
            yield server
    except NoServer as reason:
        _refuse(str(reason))


@pytest.fixture
def empty_kafka(worker_kafka: KafkaServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """host:port of a broker with none of Titan's topics, this test's alone; it must not stop it."""
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    lock = folder / f"{worker_kafka.bootstrap.replace(':', '_')}.lock"
    try:
        with emptied(worker_kafka.bootstrap, lock) as bootstrap:
            yield bootstrap
    except NoServer as reason:
        pytest.skip(str(reason))


@pytest.fixture
def own_kafka() -> Iterator[KafkaServer]:
    """A broker for one test, which may stop, kill, wipe and restart it."""
    if os.environ.get("TITAN_TEST_BROKER"):
        pytest.skip("TITAN_TEST_BROKER is shared: a test must not stop it")
    try:
        server = KafkaServer()
    except NoServer as reason:
        _refuse(str(reason))
    if server.kind.startswith("noida"):
        server.close()
        pytest.skip(f"a stand-in does not die as Kafka does: {server.kind}")
    with server:
        yield server


@pytest.fixture
def own_registry() -> Iterator[RegistryServer]:
    """A registry for one test, empty, which may stop, kill and restart it."""
    if os.environ.get("TITAN_TEST_REGISTRY"):
        pytest.skip("TITAN_TEST_REGISTRY is shared: a test must not stop it")
    try:
        server = RegistryServer()
    except NoServer as reason:
        _refuse(str(reason))
    with server:
        yield server


def _refuse(reason: str) -> NoReturn:
    if os.environ.get("TITAN_REQUIRE_KAFKA") == "1":
        pytest.fail(f"TITAN_REQUIRE_KAFKA=1, but {reason}")
    pytest.skip(reason)
