"""A broker as it stands in production: TLS, users with passwords (SCRAM) or certificates, and rights for each topic.

Users: `titan` may do what docs/reliability.md says that Titan needs; `reader` may only read; `stranger` nothing;
`admin` everything. Whoever comes with a certificate of the authority is its common name.
"""

from pathlib import Path

import msgspec
from confluent_kafka.admin import (
    AclBinding,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)
from confluent_kafka.admin import AclOperation as Right

from tests.servers.certificates import Authority
from tests.servers.kafka import KafkaServer
from tests.servers.process import NoServer, free_port

PASSWORDS = {name: f"{name}-canary-8271" for name in ("admin", "titan", "reader", "stranger")}
RIGHTS = (
    ("titan", ResourceType.TOPIC, "*", (Right.READ, Right.WRITE, Right.CREATE, Right.DESCRIBE)),
    ("titan", ResourceType.TRANSACTIONAL_ID, "titan:", (Right.WRITE, Right.DESCRIBE)),
    ("reader", ResourceType.TOPIC, "*", (Right.READ,)),
)
"""User, kind and name or prefix of what it may use, and how."""
_PROPERTIES = """listeners=SECURE://127.0.0.1:{port},MUTUAL://127.0.0.1:{mutual},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=SECURE://127.0.0.1:{port},MUTUAL://127.0.0.1:{mutual}
listener.security.protocol.map=SECURE:SASL_SSL,MUTUAL:SSL,CONTROLLER:PLAINTEXT
inter.broker.listener.name=MUTUAL
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.secure.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.mutual.ssl.client.auth=required
ssl.keystore.type=PEM
ssl.keystore.location={broker}
ssl.truststore.type=PEM
ssl.truststore.location={ca}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:CN=broker;User:admin
"""


class Secured(msgspec.Struct, frozen=True):
    """What clients are told of a secured broker."""

    bootstrap: str
    """host:port for users with passwords."""
    mutual: str
    """host:port for clients with certificates."""
    ca: str
    other_ca: str
    """An authority that signed nothing of this broker's."""
    certificate: str
    """Key and certificate of a client, in one PEM file: the user CN=titan."""

    def kafka(self, user: str = "titan", **others: str) -> dict[str, str]:
        """Settings of librdkafka for a user with a password; `others` with _ for dots."""
        told = {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": user,
            "sasl.password": PASSWORDS[user],
            "ssl.ca.location": self.ca,
        }
        return told | {name.replace("_", "."): value for name, value in others.items()}


class SecuredKafka(KafkaServer):
    """`with SecuredKafka() as server: server.told`; NoServer where there is no Apache Kafka."""

    def __init__(self) -> None:
        super().__init__(users=tuple(_scram(name) for name in PASSWORDS))
        if self.folder is None or not self.kind.startswith("Apache"):
            self.close()
            raise NoServer(f"only a broker of our own can be given users and certificates, not {self.kind}")
        self.address = msgspec.json.encode(self.told).decode()

    def listeners(self, folder: Path, port: int, controller: int) -> str:
        """See KafkaServer."""
        authority, other = Authority(folder), Authority(folder, "other")
        broker = authority.signed("broker")
        mutual = free_port()
        self.told = Secured(
            bootstrap=self.bootstrap,
            mutual=f"127.0.0.1:{mutual}",
            ca=str(authority.ca),
            other_ca=str(other.ca),
            certificate=str(authority.signed("titan")),
        )
        self.client = self.told.kafka("admin")
        ports = {"port": port, "mutual": mutual, "controller": controller}
        return _PROPERTIES.format(broker=broker, ca=authority.ca, **ports)

    def start(self) -> None:
        """Start, and give each user its rights."""
        super().start()
        admin = AdminClient(self.client | {"bootstrap.servers": self.bootstrap})
        for future in admin.create_acls(_rights()).values():
            future.result(30)


def _scram(name: str) -> str:
    return f"--add-scram=SCRAM-SHA-512=[name={name},password={PASSWORDS[name]}]"


def _rights() -> list[AclBinding]:
    """The rights of each user, come by password or by certificate."""
    found = []
    for user, kind, name, operations in RIGHTS:
        pattern = ResourcePatternType.LITERAL if name == "*" else ResourcePatternType.PREFIXED
        for operation in operations:
            for principal in (f"User:{user}", f"User:CN={user}"):
                found.append(
                    AclBinding(kind, name, pattern, principal, "*", operation, AclPermissionType.ALLOW)
                )
    return found
