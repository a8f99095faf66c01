"""A broker with TLS, passwords, certificates and rights: does Titan run on it, and does it say what is wrong if not?"""

import json
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.connectors.kafka_reader import KafkaReader
from flows.connectors.log import (
    DeliveryFailed,
    LogError,
    LogSettings,
    LogSettingsError,
    LogUnreachable,
    TopicSpec,
    open_log,
)
from tests.integration.runs import UNREACHABLE, Place
from tests.servers.secured import PASSWORDS, Secured


def _log(url: str, kafka: dict[str, str]) -> str:
    """Open a log with these settings, write and read one record, and return the topic that was made for it."""
    topic = f"t-{uuid.uuid4()}"
    with open_log(url, LogSettings(kafka=dict(kafka), flush_timeout_s=10)) as log:
        log.apply([TopicSpec(topic, 1)])
        with log.writer() as writer:
            writer.append(topic, b"k", b"v", 1)
        with log.reader({(topic, 0): 0}) as reader:
            until = time.monotonic() + 30
            while not (found := reader.poll(10, 0.2)) and time.monotonic() < until:
                pass
        assert [record.value for record in found] == [b"v"]
    return topic


def _refused(url: str, kafka: dict[str, str]) -> str:
    """What is said about a log that cannot be used, which must come soon and hold no password."""
    began = time.monotonic()
    with pytest.raises(LogError) as error:
        _log(url, kafka)
    assert time.monotonic() - began < 20
    said = str(error.value)
    assert "\n" not in said and not [password for password in PASSWORDS.values() if password in said]
    assert isinstance(error.value, LogUnreachable | DeliveryFailed | LogSettingsError)
    return said


def test_a_user_with_a_password_reads_and_writes(secured: Secured) -> None:
    _log(f"kafka://{secured.bootstrap}", secured.kafka())


def test_a_client_with_a_certificate_reads_and_writes(secured: Secured) -> None:
    told = {"security.protocol": "SSL", "ssl.ca.location": secured.ca}
    told |= {"ssl.certificate.location": secured.certificate, "ssl.key.location": secured.certificate}
    _log(f"kafka://{secured.mutual}", told)


@pytest.mark.parametrize(
    ("user", "others", "says"),
    [
        ("titan", {"sasl_password": "wrong"}, r"invalid credentials.*Check log.kafka.sasl.username \(it is titan\)"),
        ("titan", {"sasl_mechanism": "PLAIN"}, "supported mechanisms: SCRAM-SHA-512.*sasl.mechanism"),
        ("titan", {"ssl_ca_location": "OTHER"}, "certificate that is not trusted.*ssl.ca.location"),
        ("titan", {"security_protocol": "SASL_PLAINTEXT"}, "speaks TLS: set log.kafka.security.protocol to sasl_ssl"),
        ("titan", {"security_protocol": "PLAINTEXT"}, "speaks TLS: set log.kafka.security.protocol to sasl_ssl"),
        ("titan", {"security_protocol": "SSL"}, "wants a user.*sasl_ssl"),
        ("titan", {"sasl_pasword": "x"}, 'No such configuration property: "sasl.pasword"'),
        ("stranger", {}, "cannot create topics: Authorization failed.*Give its user READ, WRITE, CREATE"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else None,
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_sentence(
    secured: Secured, user: str, others: dict[str, str], says: str
) -> None:
    told = secured.kafka(user, **others)
    if told["ssl.ca.location"] == "OTHER":
        told["ssl.ca.location"] = secured.other_ca
    said = _refused(f"kafka://{secured.bootstrap}", told)
    assert re.search(says, said), said


def test_a_certificate_for_another_host_is_refused(secured: Secured) -> None:
    said = _refused(f"kafka://localhost:{secured.bootstrap.rpartition(':')[2]}", secured.kafka())
    assert "certificate that is not for this host" in said and "localhost" in said


def test_a_broker_that_wants_certificates_is_understood(secured: Secured) -> None:
    said = _refused(f"kafka://{secured.mutual}", {"security.protocol": "SSL", "ssl.ca.location": secured.ca})
    assert "ssl.certificate.location" in said


def test_tls_to_a_broker_without_is_understood(secured: Secured, kafka_bootstrap: str) -> None:
    assert "does not speak TLS" in _refused(f"kafka://{kafka_bootstrap}", secured.kafka())


def test_a_reader_may_not_write_and_a_stranger_not_read(secured: Secured) -> None:
    url = f"kafka://{secured.bootstrap}"
    topic = _log(url, secured.kafka())
    rights = "Give its user READ, WRITE, CREATE and DESCRIBE"
    with open_log(url, LogSettings(kafka=dict(secured.kafka("reader")))) as log:
        with log.reader({(topic, 0): 0}) as reader:
            assert reader.positions()
        with (
            pytest.raises(DeliveryFailed, match=f"(?s)authorization failed.*{rights}"),
            log.writer() as writer,
        ):
            writer.append(topic, b"k", b"v", int(time.time() * 1000))
    with (
        open_log(url, LogSettings(kafka=dict(secured.kafka("stranger")))) as log,
        pytest.raises(LogUnreachable, match=f"authorization failed.*{rights}"),
    ):
        log.span(topic, 0)


def test_a_reader_whose_password_no_longer_holds_says_so(secured: Secured) -> None:
    url = f"kafka://{secured.bootstrap}"
    topic = _log(url, secured.kafka())
    wrong = LogSettings(kafka=dict(secured.kafka(sasl_password="changed")), timeout_s=1)
    with open_log(url, LogSettings(kafka=dict(secured.kafka()))) as log:
        reader = KafkaReader(url, secured.bootstrap, wrong, {(topic, 0): 0}, log, lambda: log, log.identity())
        until = time.monotonic() + 30
        with (
            reader,
            pytest.raises(LogUnreachable, match=f"cannot read {topic}: .*Check log.kafka.sasl.username"),
        ):
            while time.monotonic() < until:
                assert reader.poll(1, 0.2) == []


@pytest.fixture
def place(tmp_path: Path, secured: Secured) -> Iterator[Place]:
    more = f'''
[log]
synchronous = "normal"
url = "kafka://{secured.bootstrap}"
[log.kafka]
security.protocol = "SASL_SSL"
sasl.mechanism = "SCRAM-SHA-512"
sasl.username = "titan"
ssl.ca.location = "{secured.ca}"
debug = "all"
'''
    place = Place(tmp_path / "place")
    toml = place.folder / "titan.toml"
    text = toml.read_text(encoding="utf-8").replace('[log]\nsynchronous = "normal"\n', more)
    toml.write_text(text, encoding="utf-8")
    yield place


def test_a_whole_run_without_the_password_in_any_output_or_file(
    place: Place, tmp_path: Path, secured: Secured
) -> None:
    password = PASSWORDS["titan"]
    kept = tmp_path / "password"
    kept.write_text(password + "\n", encoding="utf-8")
    kept.chmod(0o600)
    told = {"TITAN__LOG__KAFKA__SASL__PASSWORD_FILE": str(kept), "TITAN_DEBUG": "1"}
    commands = (
        ("topics", "apply"), ("ingest", "es.parquet"), ("run", "--to-end"),
        ("doctor",), ("status", "--json"), ("config", "show"),
        ("config", "show", "--json"), ("topics", "tail", "run_settings", "--from", "earliest", "--to-end", "--json"),
    )  # fmt: skip
    said = [place.done(*command, **told) for command in commands]
    assert "fills" in said[2].out + said[2].err
    assert "********" in said[5].out and str(kept) not in said[5].out
    failed = place.run("run", "--to-end", **told, TITAN__LOG__KAFKA__SASL__MECHANISM="PLAIN")
    assert failed.code == UNREACHABLE
    assert failed.err.splitlines()[-1].startswith("titan: kafka://")
    argv = place.run("config", "show", "--set", f"log.kafka.sasl.password={password}")
    assert argv.code == 2 and "TITAN__LOG__KAFKA__SASL__PASSWORD_FILE" in argv.err
    for ended in (*said, failed, argv):
        assert password not in ended.out + ended.err
    files = [path for path in place.folder.rglob("*") if path.is_file()]
    assert any(path.name == "settings.json" for path in files)
    assert not [path for path in files if password.encode() in path.read_bytes()]
    with open_log(f"kafka://{secured.bootstrap}", LogSettings(kafka=dict(secured.kafka()))) as log:
        for topic, partitions in log.topics().items():
            ends = [end for _, end in log.spans(topic)]
            with log.reader(
                {(topic, part): log.span(topic, part)[0] for part in range(partitions)}
            ) as reader:
                stop = {(topic, part): end for part, end in enumerate(ends)}
                while not reader.at_end(stop):
                    assert not [r for r in reader.poll(1000, 0.1) if password.encode() in (r.value or b"")]


def test_a_wrong_password_ends_a_command_soon_with_one_line(place: Place) -> None:
    for command in (("topics", "apply"), ("ingest", "es.parquet"), ("run", "--to-end")):
        ended = place.run(*command, TITAN__LOG__KAFKA__SASL__PASSWORD="wrong-canary")
        assert ended.code == UNREACHABLE and ended.seconds < 60
        assert len(ended.err.splitlines()) == 1 and "log.kafka.sasl.username" in ended.err
        assert "wrong-canary" not in ended.err


def test_librdkafka_s_own_debug_log_holds_no_password(secured: Secured) -> None:
    program = (
        "import logging, sys, json\n"
        "logging.basicConfig(level=0)\n"
        "from flows.connectors.log import open_log, LogSettings\n"
        "open_log(sys.argv[1], LogSettings(kafka=json.loads(sys.stdin.read()) | {'debug': 'all'})).close()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, f"kafka://{secured.bootstrap}"],
        input=json.dumps(secured.kafka()), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0 and "SCRAM" in done.stderr
    assert PASSWORDS["titan"] not in done.stdout + done.stderr
