"""Are the servers of the tests what they are taken for?"""

import json
import urllib.error
import urllib.request
import uuid

import pytest
from confluent_kafka.admin import AdminClient


def test_the_broker_answers_and_creates_no_topic_by_itself(kafka_bootstrap: str) -> None:
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    admin.list_topics("misspelt", timeout=10)
    assert "misspelt" not in admin.list_topics(timeout=10).topics


def test_the_registry_refuses_what_old_readers_cannot_read(registry_url: str) -> None:
    subject = f"test-{uuid.uuid4()}-value"
    _call(f"{registry_url}/config/{subject}", {"compatibility": "BACKWARD_TRANSITIVE"}, "PUT")
    first = _record({"name": "price", "type": "double"})
    assert _call(f"{registry_url}/subjects/{subject}/versions", {"schema": first})["id"] > 0
    second = _record({"name": "price", "type": "double"}, {"name": "size", "type": "double"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        _call(f"{registry_url}/subjects/{subject}/versions", {"schema": second})
    assert refused.value.code == 409


def _record(*fields: dict[str, str]) -> str:
    return json.dumps({"type": "record", "name": "Trade", "fields": fields})


def _call(url: str, body: dict[str, str], method: str = "POST") -> dict[str, int]:
    headers = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)
