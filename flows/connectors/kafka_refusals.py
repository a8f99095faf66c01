"""Why does a broker not let us in, and what is to be done?

librdkafka fails with "Broker transport failure", whatever it was; the reason comes to its error callback, and for a
wrong security.protocol or a certificate for another host nowhere at all. So we look ourselves: one TLS handshake
tells which of the two sides speaks TLS, and what is wrong with the certificate.
"""

import re
import socket
import ssl
import time
from collections.abc import Mapping

from confluent_kafka import KafkaError

_REFUSED = (KafkaError._AUTHENTICATION, KafkaError._SSL, KafkaError._RESOLVE)
_PAUSE_S = 3.0
"""Refusals further apart than this are not one: a client tries again after a second at most."""
_PROBE_S = 2.0
_OTHER_HOST = (62, 64)
"""OpenSSL: the certificate is for another host name, or for another address."""
_NOISE = re.compile(r"^\w+://\S+: |\(after \d+ms in state \w+\)|error:[0-9A-F]+:", re.ASCII)


class Refusals:
    """What a client was told of its connections; `noticed` is its error_cb."""

    last: KafkaError | None = None

    def __init__(self) -> None:
        self._first = self._newest = float("-inf")

    def noticed(self, error: KafkaError) -> None:
        """Take note of an error; "all brokers are down" says less than the one before it."""
        if error.code() != KafkaError._ALL_BROKERS_DOWN:
            self.last = error
        if error.code() in _REFUSED:
            now = time.monotonic()
            if now - self._newest > _PAUSE_S:
                self._first = now
            self._newest = now

    @property
    def refused(self) -> bool:
        """Whether it will not come right by waiting: a name, a certificate or a password that is not accepted."""
        return self.last is not None and self.last.code() in _REFUSED

    def last_for(self, limit_s: float) -> bool:
        """Whether the client has been refused again and again for longer than that, and just now."""
        lasting = self._newest - self._first
        return lasting > limit_s and time.monotonic() - self._newest < _PAUSE_S


def why(refusals: Refusals, servers: str, kafka: Mapping[str, object]) -> str:
    """Return why no broker of `servers` answers and what to do about it, in one or two sentences."""
    error = refusals.last
    if error is not None and error.code() == KafkaError._AUTHENTICATION:
        user = kafka.get("sasl.username", "none")
        said = _NOISE.sub("", error.str()).strip()
        return f"{said}. Check log.kafka.sasl.username (it is {user}), its password, and log.kafka.sasl.mechanism"
    if error is not None and error.code() == KafkaError._RESOLVE:
        return f"{_NOISE.sub('', error.str()).strip()}. Check the host name, or the network"
    host, _, port = servers.split(",")[0].rpartition(":")
    seen = _seen(host.strip("[]"), int(port), kafka)
    if seen:
        return f"{host}:{port} {seen}"
    said = f"{_NOISE.sub('', error.str()).strip()}. " if error is not None else ""
    return f"{said}Is a broker listening there?"


def _seen(host: str, port: int, kafka: Mapping[str, object]) -> str:
    """Look how the first server answers; empty where nothing is wrong that a handshake shows."""
    protocol = str(kafka.get("security.protocol", "plaintext")).lower()
    tls, sasl = protocol.endswith("ssl"), protocol.startswith("sasl")
    try:
        _shake_hands(host, port, kafka if tls else None)
    except ssl.SSLCertVerificationError as error:
        reason = error.verify_message.rstrip(".")
        if error.verify_code in _OTHER_HOST:
            return (
                f"shows a certificate that is not for this host ({reason}): name the broker as its certificate "
                "does, or have it issued for this name"
            )
        return (
            f"shows a certificate that is not trusted ({reason}): let log.kafka.ssl.ca.location name the PEM file "
            "of the authority that signed it"
        )
    except (ssl.SSLError, ConnectionResetError, TimeoutError):
        wanted = "sasl_plaintext" if sasl else "plaintext"
        return (
            f"does not speak TLS: set log.kafka.security.protocol to {wanted}, or name its TLS port"
            if tls
            else ""
        )
    except OSError as error:
        return f"does not answer: {error.strerror or error}. Is a broker listening there?"
    if not tls:
        return "speaks TLS: set log.kafka.security.protocol to sasl_ssl (with a user) or ssl (without)"
    if not sasl:
        return (
            "closes the connection: it wants a user (log.kafka.security.protocol sasl_ssl, and log.kafka.sasl.*), or a "
            "certificate of ours (log.kafka.ssl.certificate.location and ssl.key.location)"
        )
    return ""


def _shake_hands(host: str, port: int, kafka: Mapping[str, object] | None) -> None:
    """Do one TLS handshake, the certificate checked as `kafka` says; None: not checked."""
    context = ssl.create_default_context()
    if kafka is None:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    elif location := kafka.get("ssl.ca.location"):
        context = ssl.create_default_context(cafile=str(location))
    elif pem := kafka.get("ssl.ca.pem"):
        context = ssl.create_default_context(cadata=str(pem))
    with (
        socket.create_connection((host, port), _PROBE_S) as plain,
        context.wrap_socket(plain, server_hostname=host),
    ):
        pass
