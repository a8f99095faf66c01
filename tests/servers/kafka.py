"""Which Kafka do the tests talk to?

`TITAN_TEST_BROKER=host:port` if set; else an Apache Kafka that we start here from Maven's jars (Java 17 or
newer, `mvn`); else `noida-db`, a small stand-in from PyPI, if it is installed. With `TITAN_REQUIRE_KAFKA=1`
only the first two will do.
"""

import importlib.util
import os
import shutil
import socket
import subprocess
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.servers import jvm
from tests.servers.process import NoServer, ServerProcess, free_port, own_folder

KAFKA = "4.3.1"
_JAVA = 17
_JARS = (f"org.apache.kafka:kafka_2.13:{KAFKA}", "org.apache.logging.log4j:log4j-slf4j2-impl:2.25.1")
_PROPERTIES = """process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
controller.listener.names=CONTROLLER
log.dirs={logs}
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
auto.create.topics.enable=false
broker.heartbeat.interval.ms=300
broker.session.timeout.ms=1500
log.cleaner.backoff.ms=200
log.cleaner.dedupe.buffer.size=4194304
group.initial.rebalance.delay.ms=0
"""
_LISTENERS = """listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
inter.broker.listener.name=PLAINTEXT
"""


class KafkaServer(ServerProcess):
    """A broker on loopback: `with KafkaServer() as server: server.bootstrap`; NoServer where none can run.

    `users`: options that make them when the log is laid out.
    """

    def __init__(self, users: tuple[str, ...] = ()) -> None:
        self.client: dict[str, str] = {}
        """What a client must be told besides the address."""
        self._users = users
        self.bootstrap = "" if users else os.environ.get("TITAN_TEST_BROKER", "")
        if self.bootstrap:
            return
        port = free_port()
        self.bootstrap = f"127.0.0.1:{port}"
        try:
            java, jars = jvm.java(_JAVA), jvm.jars(f"kafka-{KAFKA}", *_JARS)
        except NoServer as missing:
            self._prepare_stand_in(port, missing)
            return
        self.kind = f"Apache Kafka {KAFKA}"
        self.folder = own_folder("kafka")
        controller = free_port()
        properties = _PROPERTIES.format(controller=controller, logs=self.folder / "logs")
        properties += self.listeners(self.folder, port, controller)
        (self.folder / "server.properties").write_text(properties)
        self._java = [java, "-Xmx512m", "-Xms128m", *jvm.SMALL, "-cp", f"{jars}/*"]
        self.command = [*self._java, "kafka.Kafka", "server.properties"]
        self._format()

    def listeners(self, folder: Path, port: int, controller: int) -> str:
        """Where it listens, and to whom: as properties."""
        return _LISTENERS.format(port=port, controller=controller)

    def wipe(self) -> None:
        """A fresh log at the same address: what an operator does by mistake. The broker must be stopped."""
        assert self.folder is not None and self._process is None, "stop the broker first"
        shutil.rmtree(self.folder / "logs", ignore_errors=True)
        self._format()

    def serves(self) -> bool:
        """Whether its topics can be listed."""
        host, port = self.bootstrap.split(":")
        try:
            socket.create_connection((host, int(port)), 1).close()
            told = {"bootstrap.servers": self.bootstrap, "log_level": 0, **self.client}
            AdminClient(told).list_topics(timeout=2)
        except (OSError, KafkaException):
            return False
        return True

    def _prepare_stand_in(self, port: int, missing: NoServer) -> None:
        """noida-db instead, unless the real one is asked for."""
        program = _stand_in()
        if os.environ.get("TITAN_REQUIRE_KAFKA") == "1" or program is None:
            raise NoServer(
                f"{missing}. Instead set TITAN_TEST_BROKER=host:port, or pip install noida-db==0.2.3"
            )
        self.kind = f"noida-db, because {missing}"
        self.folder = own_folder("noida")
        listen = ["--host", "127.0.0.1", "--kafka-port", str(port)]
        store = ["--data-dir", str(self.folder / "logs")]
        self.command = [str(program), "start", "--only", "kafka", *listen, *store]

    def _format(self) -> None:
        """Lay out an empty log with a new cluster id."""
        if not self.kind.startswith("Apache"):
            return
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if cluster.startswith("-"):  # the tool would take it for an option
            cluster = "A" + cluster[1:]
        command = [*self._java, "kafka.tools.StorageTool", "format", "--standalone", "-t", cluster]
        done = subprocess.run(
            [*command, "-c", "server.properties", *self._users],
            cwd=self.folder,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise NoServer(f"Kafka's StorageTool failed: {done.stdout[-500:]}{done.stderr[-500:]}")


def described() -> str:
    """What `KafkaServer()` is here, without starting it."""
    if broker := os.environ.get("TITAN_TEST_BROKER"):
        return f"TITAN_TEST_BROKER={broker}"
    try:
        java = jvm.java(_JAVA)
        if jvm.cached(f"kafka-{KAFKA}").exists() or shutil.which("mvn"):
            return f"Apache Kafka {KAFKA} ({java})"
        missing = "there is no mvn to fetch Kafka's jars"
    except NoServer as reason:
        missing = str(reason)
    return f"{'noida-db, a stand-in' if _stand_in() else 'none'}, because {missing}"


def _stand_in() -> Path | None:
    package = importlib.util.find_spec("noida_db")  # its own launcher would outlive a kill of ours
    program = Path(package.origin or "").with_name("noida-db") if package else None
    return program if program and program.exists() else None
