"""Which schema registry do the tests talk to?

`TITAN_TEST_REGISTRY=http://host:port/path` if set (what a Confluent client would be given: Redpanda's
http://127.0.0.1:18081, say); else an Apicurio that we start here from Maven's archive (Java 21 or newer, `mvn`), in
memory. It speaks the Confluent API under /apis/ccompat/v7.
"""

import http.client
import os
import ssl
import urllib.error
import urllib.request

from tests.servers import jvm
from tests.servers.certificates import Authority
from tests.servers.process import ServerProcess, free_port, own_folder

APICURIO = "3.3.3"
_JAVA = 21


class RegistryServer(ServerProcess):
    """A schema registry on loopback: `with RegistryServer() as server: server.url`. A restart empties it."""

    def __init__(self, *, ours: bool = False) -> None:
        self.url = "" if ours else os.environ.get("TITAN_TEST_REGISTRY", "").rstrip("/")
        if self.url:
            return
        java = jvm.java(_JAVA)
        archive = f"io.apicurio:apicurio-registry-app:{APICURIO}:tar.gz:all"
        home = jvm.unpacked(f"apicurio-{APICURIO}", archive)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}/apis/ccompat/v7"
        self.kind = f"Apicurio {APICURIO}"
        self.folder = own_folder("registry")
        listen = [f"-Dquarkus.{part}.host=127.0.0.1" for part in ("http", "management")]
        listen += [f"-Dquarkus.http.port={port}", f"-Dquarkus.management.port={free_port()}"]
        self.command = [java, "-Xmx384m", *jvm.SMALL, *listen, "-jar", str(home / "quarkus-run.jar")]

    def serves(self) -> bool:
        """Whether subjects can be listed."""
        try:
            with urllib.request.urlopen(f"{self.url}/subjects", timeout=2) as answer:
                return bool(answer.status == 200)
        except (OSError, http.client.HTTPException):
            return False


class SecuredRegistry(RegistryServer):
    """The same over https, for the user `titan` with `password` only; `ca` signed its certificate, for 127.0.0.1."""

    password = "registry-canary-5519"

    def __init__(self) -> None:
        super().__init__(ours=True)
        assert self.folder is not None
        authority, port = Authority(self.folder), free_port()
        authority.signed("registry")
        self.ca = str(authority.ca)
        self.url = f"https://127.0.0.1:{port}/apis/ccompat/v7"
        told = {
            "http.ssl-port": port,
            "http.insecure-requests": "disabled",
            "http.ssl.certificate.files": self.folder / "registry.crt",
            "http.ssl.certificate.key-files": self.folder / "registry.key",
            "http.auth.basic": "true",
            "http.auth.permission.all.paths": "/apis/*",
            "http.auth.permission.all.policy": "authenticated",
            "security.users.embedded.enabled": "true",
            "security.users.embedded.plain-text": "true",
            "security.users.embedded.users.titan": self.password,
            "security.users.embedded.roles.titan": "user",
        }
        self.command[1:1] = [f"-Dquarkus.{name}={value}" for name, value in told.items()]

    def serves(self) -> bool:
        """Whether it asks for a user."""
        try:
            trusted = ssl.create_default_context(cafile=self.ca)
            urllib.request.urlopen(f"{self.url}/subjects", timeout=2, context=trusted).close()
        except urllib.error.HTTPError as error:
            return error.code == 401
        except (OSError, http.client.HTTPException):
            pass
        return False


def described() -> str:
    """What `RegistryServer()` is here, without starting it."""
    if url := os.environ.get("TITAN_TEST_REGISTRY"):
        return f"TITAN_TEST_REGISTRY={url}"
    try:
        return f"Apicurio {APICURIO} ({jvm.java(_JAVA)})"
    except jvm.NoServer as reason:
        return f"none, because {reason}"
