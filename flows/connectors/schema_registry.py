"""What does a schema registry hold, and how is it told? By Confluent's REST API, which Redpanda and Apicurio speak.

RegistryError            the registry cannot be used
  RegistryUnreachable    nobody answers, or not in time
  RegistryRefused        it answered with an error; ``code`` is its own or HTTP's
"""

import base64
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from http.client import HTTPException
from typing import Any

import msgspec

from flows.connectors.registry_settings import RegistrySettings

_JSON = "application/vnd.schemaregistry.v1+json"
_NOT_FOUND = 404


class RegistryError(Exception):
    """A schema registry cannot be used."""


class RegistryUnreachable(RegistryError):
    """Nobody answers."""


class RegistryRefused(RegistryError):
    """The registry said no."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Registered(msgspec.Struct, frozen=True):
    """One version of a subject."""

    version: int
    schema_id: int
    schema: Any


class SchemaRegistry:
    """A registry that answers. Names are subjects, such as ``bars-value``."""

    def __init__(self, settings: RegistrySettings) -> None:
        if urllib.parse.urlsplit(settings.url).scheme not in ("http", "https"):
            raise RegistryRefused(
                f"{settings.url!r} is no registry: write http://host:port or https://host:port", 0
            )
        self.url = settings.url.rstrip("/")
        self._settings = settings
        try:
            self._tls = ssl.create_default_context(cafile=settings.ca or None)
        except OSError as error:
            raise RegistryRefused(f"registry.ca = {settings.ca}: {error.strerror or error}", 0) from error
        if not isinstance(self._ask("GET", "/subjects", missing=None), list):
            raise RegistryUnreachable(
                f"{self.url}: what answers there is no schema registry; a Confluent client's URL is asked for, such as "
                "http://host:8081, or http://host:port/apis/ccompat/v7 of Apicurio"
            )

    def versions(self, subject: str) -> list[Registered]:
        """Return the versions of a subject, oldest first; none where it is not there."""
        numbers = self._ask("GET", f"/subjects/{_quoted(subject)}/versions", missing=[])
        found = [self._ask("GET", f"/subjects/{_quoted(subject)}/versions/{number}") for number in numbers]
        return [Registered(one["version"], one["id"], json.loads(one["schema"])) for one in found]

    def by_id(self, schema_id: int) -> Any:
        """Return the schema that readers of a record with this id are given; None where there is none."""
        found = self._ask("GET", f"/schemas/ids/{schema_id}", missing=None)
        return None if found is None else json.loads(found["schema"])

    def compatibility(self, subject: str) -> str:
        """Return the level that holds for a subject, such as ``BACKWARD_TRANSITIVE``."""
        found = self._ask("GET", f"/config/{_quoted(subject)}?defaultToGlobal=true", missing={})
        return str(found.get("compatibilityLevel", "NONE"))

    def set_compatibility(self, subject: str, level: str) -> None:
        """Set the level of a subject."""
        self._ask("PUT", f"/config/{_quoted(subject)}", {"compatibility": level})

    def mode(self, subject: str) -> str:
        """Return READWRITE, READONLY or IMPORT, as it holds for a subject; READWRITE where there are no modes."""
        found = self._ask("GET", f"/mode/{_quoted(subject)}?defaultToGlobal=true", missing={})
        return str(found.get("mode", "READWRITE"))

    def set_mode(self, subject: str, mode: str) -> bool:
        """Set the mode of a subject; False where the registry has no modes, or not this one."""
        try:
            self._ask("PUT", f"/mode/{_quoted(subject)}?force=true", {"mode": mode})
        except RegistryRefused as refused:
            if refused.status in (401, 403):
                raise
            return False
        return True

    def register(self, subject: str, schema: Any, schema_id: int, version: int) -> int:
        """Register a version under an id of our choice; return the id that the registry gave it."""
        asked = {"schema": json.dumps(schema), "schemaType": "AVRO", "id": schema_id, "version": version}
        return int(self._ask("POST", f"/subjects/{_quoted(subject)}/versions", asked)["id"])

    def forget(self, subject: str, version: int) -> None:
        """Take a version away for good."""
        path = f"/subjects/{_quoted(subject)}/versions/{version}"
        self._ask("DELETE", path, missing=None)
        self._ask("DELETE", f"{path}?permanent=true", missing=None)

    def _ask(self, method: str, path: str, body: Any = None, **otherwise: Any) -> Any:
        """Return the registry's answer, or ``otherwise["missing"]``, if given, where it has no such thing."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Accept": _JSON, "Content-Type": _JSON},
        )
        self._log_in(request)
        timeout_s = self._settings.timeout_s
        try:
            with urllib.request.urlopen(request, timeout=timeout_s, context=self._tls) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            if error.code == _NOT_FOUND and "missing" in otherwise:
                return otherwise["missing"]
            raise RegistryRefused(f"{self.url}: {method} {path}: {_said(error)}", error.code) from error
        except (OSError, HTTPException, json.JSONDecodeError) as error:
            why = getattr(error, "reason", None) or error
            raise RegistryUnreachable(
                f"{self.url}: no schema registry answers there ({why}); look at its address and whether it is up"
            ) from error

    def _log_in(self, request: urllib.request.Request) -> None:
        """Add the password, for this server only: who is redirected to leaves without it."""
        if self._settings.username:
            pair = f"{self._settings.username}:{self._settings.password.reveal()}".encode()
            request.add_unredirected_header("Authorization", f"Basic {base64.b64encode(pair).decode()}")


def _said(error: urllib.error.HTTPError) -> str:
    """Return what the registry said about an error, in one line."""
    text = error.read().decode(errors="replace").strip()
    try:
        said = json.loads(text)
        text = str(said.get("message", text)) if isinstance(said, dict) else text
    except json.JSONDecodeError:
        pass
    return f"{error.code} {' '.join(text.split()) or error.reason}"


def _quoted(subject: str) -> str:
    return urllib.parse.quote(subject, safe="")
