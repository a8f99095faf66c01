"""A broker that kept a batch, died before it said so, and starts again: is what the producer repeats kept twice?

It is for an idempotent producer whose records are older than a day, by their own timestamps: docs/adr/0028.
"""

import socket
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from flows.connectors.log import Log, LogSettings, TopicSpec, Writer, open_log
from tests.servers.kafka import KafkaServer
from tests.servers.process import NoServer

pytest_plugins = ["tests.servers.fixtures"]

AGES_MS = {"now": 0, "hours": 5 * 3_600_000, "days": 40 * 86_400_000}
SETTINGS = LogSettings(flush_timeout_s=60)


class Relay:
    """Forwards connections to a port; `deafen` keeps back every further answer to those that there are now."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._deaf: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def deafen(self) -> None:
        self._deaf |= self._open

    def close(self) -> None:
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                client = self._server.accept()[0]
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._to))
            except OSError:
                client.close()
                continue
            self._open.add(client)
            for pair in ((client, server), (server, client)):
                threading.Thread(target=self._forward, args=pair, daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while got := source.recv(1 << 16):
                if target not in self._deaf:
                    target.sendall(got)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class RelayedKafka(KafkaServer):
    """A broker that tells its clients to come by a relay."""

    def listeners(self, folder: Path, port: int, controller: int) -> str:
        self.relay = Relay(port)
        here = f"PLAINTEXT://127.0.0.1:{port}"
        self.bootstrap = f"127.0.0.1:{self.relay.port}"
        told = super().listeners(folder, port, controller)
        return told.replace(
            f"advertised.listeners={here}", f"advertised.listeners=PLAINTEXT://{self.bootstrap}"
        )


def write(writers: dict[str, Writer], count: int, first: int = 0) -> None:
    now = int(time.time() * 1000)
    for topic, writer in writers.items():
        age = AGES_MS[topic.split("-")[1]]
        for n in range(first, first + count):
            writer.append(topic, b"k", b"%d" % n, now - age, partition=0)


def read(log: Log, topic: str) -> Counter[bytes | None]:
    found: list[bytes | None] = []
    with log.reader({(topic, 0): 0}) as reader:
        stop = reader.ends()
        while not reader.at_end(stop):
            found += [record.value for record in reader.poll(100, 0.2)]
    return Counter(found)


def wait_for(log: Log, ends: dict[str, int]) -> None:
    until = time.monotonic() + 20
    while any(log.span(topic, 0)[1] < end for topic, end in ends.items()):
        assert time.monotonic() < until, {topic: log.span(topic, 0) for topic in ends}
        time.sleep(0.05)


def test_only_what_is_old_and_in_no_transaction_is_kept_twice() -> None:
    """The known limit, held here so that a broker or a library that lifts it is noticed."""
    try:
        broker = RelayedKafka()
    except NoServer as reason:
        pytest.skip(str(reason))
    if not broker.kind.startswith("Apache"):
        pytest.skip(f"needs a broker of its own: {broker.kind}")
    with broker, open_log(f"kafka://{broker.bootstrap}", SETTINGS) as log:
        topics = [f"{kind}-{age}" for kind in ("plain", "fenced") for age in AGES_MS]
        log.apply([TopicSpec(topic, 1) for topic in topics])
        writers: dict[str, Writer] = {}
        for topic in topics:
            writers[topic] = log.writer(fence=topic if topic.startswith("fenced") else None)
        write(writers, 1)
        for writer in writers.values():
            writer.flush()
        write(writers, 1, first=1)  # who is fenced is in the middle of a transaction now
        wait_for(log, {topic: 3 if "fenced" in topic else 2 for topic in topics})
        before = {topic: log.span(topic, 0)[1] for topic in topics}
        broker.relay.deafen()
        write(writers, 5, first=2)
        with open_log(log.url) as other:
            wait_for(other, {topic: end + 5 for topic, end in before.items()})
        broker.restart(kill=True)
        for writer in writers.values():
            writer.flush(60)
            writer.abandon()
        once = Counter({b"%d" % n: 1 for n in range(7)})
        twice = once + Counter({b"%d" % n: 1 for n in range(2, 7)})
        assert {topic for topic in topics if read(log, topic) != once} == {"plain-days"}
        assert read(log, "plain-days") == twice
    broker.relay.close()
