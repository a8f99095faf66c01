"""Does a real registry hold our schemas under the ids that records carry, and can standard tools read them?"""

import io
import json
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import fastavro
import msgspec
import pytest

from flows.connectors.registry_settings import RegistrySettings
from flows.connectors.schema_registry import RegistryRefused, SchemaRegistry
from flows.schema_life import LEVEL, register
from schemas.avro_files import version
from schemas.codec import encode
from schemas.orders import CancelOrder
from schemas.topics import TOPICS
from tests.integration.runs import ROOT, UNREACHABLE, USAGE, Place
from tests.servers.registry import RegistryServer
from tests.unit.cli.conftest import Titan

CHECK_FAILED = 5
CANCEL = CancelOrder("c1", "paper", "ES", "CME", 1, "too old")


def asked(url: str, body: Any = None, method: str = "GET") -> Any:
    """What the registry answers to a standard client."""
    told = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, told, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


def test_a_registry_is_told_once_and_tools_read_by_it(
    own_registry: RegistryServer, titan: Titan, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = own_registry.url
    assert titan("schemas", "register").code == USAGE
    ended = titan("schemas", "check", "--registry", url)
    assert ended.code == CHECK_FAILED and "bars: bars-value, id 2: is not in the registry" in ended.out
    would = titan("schemas", "register", "--registry", url, "--dry-run", "--json").json
    assert {one["state"] for one in would["versions"]} == {"would be registered"}
    assert asked(f"{url}/subjects") == []
    monkeypatch.setenv("TITAN__REGISTRY__URL", url)
    for state in ("registered", "was there"):
        done = titan("schemas", "register", "--json").json["versions"]
        assert [one["schema_id"] for one in done] == sorted(i for t in TOPICS.values() for i in t.schema_ids)
        assert {one["state"] for one in done} == {state}
    assert titan("schemas", "check", "--registry", url, "--json").json["ok"]
    assert titan("schemas", "diff", "--registry", url).out == ""
    assert asked(f"{url}/config/bars-value")["compatibilityLevel"] == LEVEL
    value = encode(CANCEL)
    schema = json.loads(asked(f"{url}/schemas/ids/{int.from_bytes(value[1:5], 'big')}")["schema"])
    read = fastavro.schemaless_reader(io.BytesIO(value[5:]), fastavro.parse_schema(schema), None)
    assert read == msgspec.to_builtins(CANCEL)
    known_otherwise(titan, url)
    ended = titan("schemas", "register", "--registry", url.split("/apis")[0])
    assert ended.code == UNREACHABLE and "what answers there is no schema registry" in ended.err


def known_otherwise(titan: Titan, url: str) -> None:
    """What others did to the registry is named, and what can be mended is."""
    alerts = json.loads((ROOT / "schemas/avro/alerts.avsc").read_text())
    spoilt = alerts | {"fields": [*alerts["fields"], {"name": "host", "type": "string"}]}
    with pytest.raises(urllib.error.HTTPError, match="409"):
        asked(f"{url}/subjects/alerts-value/versions", {"schema": json.dumps(spoilt)}, "POST")
    grown = alerts | {"fields": [*alerts["fields"], {"name": "host", "type": "string", "default": ""}]}
    given = asked(f"{url}/subjects/alerts-value/versions", {"schema": json.dumps(grown)}, "POST")["id"]
    asked(f"{url}/config/bars-value", {"compatibility": "NONE"}, "PUT")
    ended = titan("schemas", "check", "--registry", url)
    assert ended.code == CHECK_FAILED
    assert (
        f"alerts: alerts-value, version 2, id {given}: is in the registry, and this Titan does not"
        in ended.out
    )
    assert (
        f"bars: bars-value: its compatibility is NONE, not {LEVEL}; run titan schemas register" in ended.out
    )
    assert "Alert.host" in titan("schemas", "diff", "alerts", "--registry", url).out
    titan("schemas", "register", "--registry", url)
    assert asked(f"{url}/config/bars-value")["compatibilityLevel"] == LEVEL


def test_ids_that_are_taken_or_given_otherwise(own_registry: RegistryServer) -> None:
    """Nothing is left half told: the first is seen before anything is written, the second is taken back."""
    url = own_registry.url
    other = {
        "schema": json.dumps({"type": "record", "name": "Theirs", "fields": [{"name": "a", "type": "long"}]})
    }
    registry = SchemaRegistry(RegistrySettings(url))
    assert asked(f"{url}/subjects/theirs-value/versions", other, "POST") == {"id": 1}
    with pytest.raises(
        RegistryRefused, match="id 1, which records of market_data carry, is another schema's there"
    ):
        register(registry, dry_run=False)
    assert asked(f"{url}/subjects") == ["theirs-value"]
    registry.forget("theirs-value", 1)
    assert registry.by_id(1) is None
    given = 1
    while given <= max(topic.schema_id for topic in TOPICS.values()):
        filler = {"schema": json.dumps({"type": "fixed", "name": "Theirs", "size": given})}
        given = asked(f"{url}/subjects/theirs-value/versions", filler, "POST")["id"]
        registry.forget("theirs-value", registry.versions("theirs-value")[-1].version)
    given = asked(f"{url}/subjects/market_data-value/versions", ours("market_data"), "POST")["id"]
    with pytest.raises(RegistryRefused, match=f"gave id {given} to market_data-value"):
        register(registry, dry_run=False)
    assert [one.schema_id for one in registry.versions("market_data-value")] == [given], "it is somebody's"
    registry.forget("market_data-value", 1)
    with pytest.raises(
        RegistryRefused, match="market_data-value, whose records carry 1: ids cannot be chosen there"
    ):
        register(registry, dry_run=False)
    assert asked(f"{url}/subjects") == []


def ours(topic: str) -> dict[str, str]:
    """The oldest version of a topic as another client would register it."""
    return {"schema": json.dumps(version(topic, TOPICS[topic].schema_ids[0])), "schemaType": "AVRO"}


def test_nobody_there(tmp_path: Path) -> None:
    ended = Place(tmp_path).run("schemas", "check", "--registry", "http://127.0.0.1:1")
    assert ended.code == UNREACHABLE and "http://127.0.0.1:1: no schema registry answers there" in ended.err


def test_an_old_titan_and_a_new_one(tmp_path: Path) -> None:
    """Alerts get a field in a copy of the source: each side meets the records of the other, by the command line."""
    new = tmp_path / "new"
    for package in ("schemas", "operators", "flows", "ui"):
        shutil.copytree(ROOT / package, new / package, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    avsc, table, events = (new / "schemas" / name for name in ("avro/alerts.avsc", "topics.py", "account.py"))
    schema = json.loads(avsc.read_text())
    schema["fields"].append(
        {"name": "host", "type": "string", "default": "unknown", "doc": "Where it was said."}
    )
    avsc.write_text(json.dumps(schema))
    place = Place(tmp_path / "place")
    ended = place.run("schemas", "check", PYTHONPATH=str(new))
    assert (
        ended.code == CHECK_FAILED and "alerts: Alert.host: is new, 'unknown' in older records" in ended.out
    )
    newest = max(topic.schema_id for topic in TOPICS.values()) + 1
    (new / f"schemas/history/alerts/{newest}.avsc").write_text(json.dumps(schema))
    row = '_topic("alerts", 13, "source", "symbol_leg account_leg", "ui", 1)'
    assert row in table.read_text()
    table.write_text(
        table.read_text().replace(row, row.replace("13", str(newest)).replace(", 1)", ", 1, older=(13,))"))
    )
    said = "    message: str\n    ts_event_ns: int\n"
    assert said in events.read_text()
    events.write_text(events.read_text().replace(said, said + "    host: str\n"))
    place.done("schemas", "check", PYTHONPATH=str(new))
    say(ROOT, place, "'hello', 1")
    say(new, place, "'again', 2, 'box'")
    tail = ("topics", "tail", "alerts", "--from", "earliest", "--to-end", "--json", "--log", place.sqlite)
    lines = [json.loads(line) for line in place.done(*tail, PYTHONPATH=str(new)).out.splitlines()]
    assert [(line["message"], line["host"]) for line in lines] == [("hello", "unknown"), ("again", "box")]
    ended = place.run(*tail)
    assert ended.code == CHECK_FAILED
    assert [json.loads(line)["message"] for line in ended.out.splitlines()] == ["hello"]
    assert f"alerts: schema id {newest}, and this Titan knows those up to {newest - 1}" in ended.err


def say(source: Path, place: Place, more: str) -> None:
    """Let the Titan in ``source`` write an alert."""
    script = (
        "from flows.connectors.log import TopicSpec, open_log; from schemas.account import Alert\n"
        "from schemas.codec import encode\n"
        f"with open_log({place.sqlite!r}) as log:\n"
        "    log.apply([TopicSpec('alerts', 1)])\n"
        "    with log.writer() as writer:\n"
        f"        writer.append('alerts', b'a', encode(Alert('a', 'a', 'INFO', 'x', {more})), 1)\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=source, check=True, timeout=60)
