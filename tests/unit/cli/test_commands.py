"""What every command prints, and how it ends."""

import re
from pathlib import Path

import pytest

from flows.config import load_settings
from flows.connectors.log import open_log
from schemas.account import InputPosition, JournalEntry
from schemas.codec import decode, encode
from schemas.topics import TOPICS
from tests.unit.cli.conftest import START_NS, Titan
from ui.cli.checks import transport

FAST = "strategies.sma_crossover.params.fast"


def test_config_show_lists_every_key_with_its_source(titan: Titan) -> None:
    Path("titan.toml").write_text("[account]\nid = 'mine'\n", encoding="utf-8")
    ended = titan("config", "show", "--json", "--set", f"{FAST}=7", "--log", "sqlite:///x.db")
    rows = {row["key"]: row for row in ended.json}  # type: ignore[attr-defined]
    assert ended.code == 0
    assert rows["account.id"] == {
        "key": "account.id",
        "value": "mine",
        "source": "file",
        "where": "titan.toml",
    }
    assert (rows[FAST]["value"], rows[FAST]["source"]) == (7, "flag")
    assert rows["log.url"]["where"] == "--log"


def test_config_show_of_a_part_and_of_nothing(titan: Titan) -> None:
    ended = titan("config", "show", "risk.order_rate")
    assert ended.code == 0
    assert ended.out.splitlines()[2].split() == ["risk.order_rate.max_per_minute", "120", "default"]
    assert titan("config", "show", "risk.orders").code == 2


def test_config_show_masks_secrets(titan: Titan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TITAN__LOG__KAFKA__SASL__PASSWORD", "hunter2")
    for how in ((), ("--json",)):
        ended = titan("config", "show", "log", *how)
        assert ended.code == 0
        assert "hunter2" not in ended.out
        assert "********" in ended.out and "TITAN__LOG__KAFKA__SASL__PASSWORD" in ended.out
    ended = titan("config", "show", "log", "--log", "kafka://u:hunter2@h:1")
    assert ended.code == 2
    assert "hunter2" not in ended.out + ended.err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["config", "show", "--set", "acount.id=x"], 2, "did you mean account"),
        (["config", "show", "--config", "none.toml"], 2, "cannot read the configuration file none.toml"),
        (["topics", "tail", "bar"], 2, "did you mean bars?"),
        (["topics", "tail", "bars", "--limit", "0"], 2, "limit"),
        (["topics", "list", "--log", "http://x"], 2, "kafka://host:port"),
        (["topics", "list", "--log", "sqlite:///none.db"], 4, "titan topics apply"),
        (["status", "--log", "sqlite:///none.db"], 4, "Create one with: titan topics apply"),
        (["nonsense"], 2, "No such command"),
        (["command", "halt"], 2, "--reason"),
    ],
)
def test_what_is_asked_wrongly_ends_with_a_code_and_a_line(
    titan: Titan, arguments: list[str], code: int, says: str
) -> None:
    ended = titan(*arguments)
    assert ended.code == code
    assert says in ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""


def test_topics_apply_creates_what_is_missing_once(titan: Titan) -> None:
    log = ["--log", "sqlite:///new.db", "--json"]
    assert titan("topics", "apply", *log).json == {"created": list(TOPICS), "present": [], "dry_run": False}
    assert titan("topics", "apply", *log).json == {"created": [], "present": list(TOPICS), "dry_run": False}
    assert titan("topics", "apply", *log, "--dry-run").json == {
        "created": [], "present": list(TOPICS), "dry_run": True,
    }  # fmt: skip


def test_topics_list_counts_records(titan: Titan, filled: str) -> None:
    rows = {row["topic"]: row for row in titan("topics", "list", "--json", "--log", filled).json}  # type: ignore[attr-defined]
    assert rows["market_data"]["records"] == 3
    assert rows["portfolio_updates"]["spans"] == [{"first": 0, "end": 2}]


def test_topics_tail_prints_one_object_an_event(titan: Titan, filled: str) -> None:
    ended = titan(
        "topics", "tail", "market_data", "--from", "earliest", "--to-end", "--json", "--log", filled
    )
    assert ended.code == 0
    assert [event["id"] for event in ended.lines][:5] == [f"7:ES:trade:{i}" for i in range(5)]
    assert [(event["offset"], event["ordinal"]) for event in ended.lines][:5] == [
        (0, 0), (0, 1), (0, 2), (1, 0), (1, 1),
    ]  # fmt: skip
    first, second = ended.lines[:2]
    assert list(first)[:6] == ["topic", "partition", "offset", "ordinal", "key", "id"]
    assert (first["ts_event_ns"], first["ts_recv_ns"]) == (START_NS, START_NS + 5)
    assert second["price"] is None
    assert ended.lines[5]["type"] == "heartbeat"


@pytest.mark.parametrize(
    ("options", "events"),
    [
        (["--from", "earliest", "--limit", "2"], 2),
        (["--from", "latest"], 0),
        (["--from", "1"], 3),
        (["--from", "99"], 0),
        (["--from", "2013-08-31T22:00:03+00:00"], 3),
        (["--from", "2013-08-31T22:00:05"], 1),
        (["--from", "earliest", "--key", "ES"], 6),
        (["--from", "earliest", "--key", "NQ"], 0),
    ],
)
def test_topics_tail_starts_and_stops_where_it_is_told(
    titan: Titan, filled: str, options: list[str], events: int
) -> None:
    ended = titan("topics", "tail", "market_data", *options, "--to-end", "--json", "--log", filled)
    assert ended.code == 0
    assert len(ended.lines) == events


def test_topics_tail_of_a_nonsense_start(titan: Titan, filled: str) -> None:
    ended = titan("topics", "tail", "bars", "--from", "yesterday", "--to-end", "--log", filled)
    assert ended.code == 2
    assert "2013-09-02T14:30:00Z" in ended.err


def test_topics_tail_names_what_it_cannot_decode_and_goes_on(titan: Titan, filled: str) -> None:
    with open_log(filled) as log, log.writer() as writer:
        writer.append("market_data", b"NQ", b"garbage", 1)
        writer.flush()
    ended = titan(
        "topics", "tail", "market_data", "--from", "earliest", "--to-end", "--json", "--log", filled
    )
    assert ended.code == 5
    assert len(ended.lines) == 6
    assert '"error"' in ended.err


def test_a_dead_letter_keeps_its_own_position_beside_what_it_is_about(titan: Titan, filled: str) -> None:
    (event,) = titan(
        "topics", "tail", "dead_letters", "--from", "0", "--to-end", "--json", "--log", filled
    ).lines
    assert (event["topic"], event["offset"]) == ("dead_letters", 0)
    assert (event["of_topic"], event["of_offset"], event["original"]) == ("market_data", 1, "AP8=")


def test_topics_tail_as_text_is_one_line_an_event(titan: Titan, filled: str) -> None:
    lines = titan(
        "topics", "tail", "market_data", "--from", "earliest", "--to-end", "--log", filled
    ).out.splitlines()
    assert len(lines) == 6
    assert lines[0].split()[:3] == ["2013-08-31T22:00:00Z", "0@0.0", "ES"]


def test_status_says_how_things_stand(titan: Titan, filled: str) -> None:
    found = titan("status", "--json", "--log", filled).json
    assert isinstance(found, dict)
    assert found["topics"]["market_data"]["records"] == 3
    (account,) = found["portfolios"]
    assert (account["trading_state"], account["profit_nanos"]) == ("PAUSED", 49_000_000_000)
    assert found["dead_letters"]["reasons"] == {"late": 1}
    assert found["recovery"]["exists"] is False
    text = titan("status", "--log", filled).out
    assert "paper (PAUSED)" in text
    assert "100,049.00" in text


def test_status_of_an_empty_log(titan: Titan, url: str) -> None:
    found = titan("status", "--json", "--log", url).json
    assert isinstance(found, dict)
    assert (found["portfolios"], found["marks"], found["dead_letters"]["count"]) == ([], [], 0)


def test_a_command_is_appended_and_warns_where_nobody_takes_it(titan: Titan, url: str) -> None:
    ended = titan("command", "reduce-only", "--reason", "close", "--wait", "0.1", "--json", "--log", url)
    assert ended.code == 0
    assert "no account leg took the command" in ended.err
    said = ended.json
    assert isinstance(said, dict)
    assert (said["command"], said["account"], said["partition"], said["offset"]) == (
        "REDUCE_ONLY",
        "paper",
        0,
        0,
    )
    assert said["taken"] is False
    with open_log(url) as log, log.reader({("risk_commands", 0): 0}) as reader:
        (record,) = reader.poll(10, 1.0)
    assert decode("risk_commands", record.value or b"").id == said["id"]
    assert record.key == b"paper"


def test_a_command_that_the_account_leg_took_says_so(url: str) -> None:
    from schemas.account import RiskCommand
    from ui.cli import command

    given = RiskCommand("command:1", "paper", "HALT", START_NS, "me", "test")
    entry = JournalEntry("paper:0", "paper", 0, 0, False, (InputPosition("risk_commands", 0, 1),))

    def append_entry() -> None:
        with open_log(url) as log, log.writer() as writer:
            writer.append("account_journal", b"paper", encode(entry), 1)
            writer.flush()

    import threading

    timer = threading.Timer(0.3, append_entry)
    timer.start()
    with open_log(url) as log:
        assert command.send(log, given, 5.0)["taken"] is True
    timer.join()


def test_doctor_passes_on_a_good_log(titan: Titan, url: str) -> None:
    ended = titan("doctor", "--json", "--log", url)
    assert ended.code == 0, ended.out
    checks = {check["name"]: check for check in ended.json["checks"]}  # type: ignore[index]
    assert {"python", "packages", "clock", "kernels", "configuration", "disk", "log", "topics"} <= set(checks)
    assert checks["topics"]["verdict"] == "ok"


@pytest.mark.parametrize(
    ("sets", "says"),
    [
        (["log.url=kafka://127.0.0.1:9092,localhost:9093"], "plaintext"),
        (["log.url=kafka://10.0.0.1:9092"], "go to 10.0.0.1:9092 in the clear"),
        (["log.url=kafka://10.0.0.1:9092", 'log.kafka={"security.protocol"="SSL"}'], "^ssl$"),
        (["registry.url=http://10.0.0.1:8081", "registry.username=me"], "in the clear"),
        (["registry.url=https://10.0.0.1:8081", "registry.username=me"], "nothing"),
    ],
)
def test_doctor_sees_what_crosses_a_network_in_the_clear(sets: list[str], says: str) -> None:
    password = {"TITAN__REGISTRY__PASSWORD": "x"} if "registry.username=me" in sets else {}
    settings, _ = load_settings(environ=password, overrides=sets)
    found = transport(settings)
    assert re.search(says, found.message)
    assert (found.verdict == "warn") == ("clear" in found.message) == bool(found.advice)


def test_doctor_fails_with_advice(titan: Titan) -> None:
    Path("not.db").write_bytes(b"this is no log" * 1000)
    ended = titan("doctor", "--log", "sqlite:///not.db")
    assert ended.code == 5
    assert "fail  log" in ended.out
    ended = titan("doctor", "--set", "account.cash=lots", "--json")
    assert ended.code == 5
    assert ended.json["ok"] is False  # type: ignore[index]


def test_doctor_sees_topics_with_other_partitions(titan: Titan) -> None:
    from flows.connectors.log import TopicSpec

    with open_log("sqlite:///odd.db") as log:
        log.apply([TopicSpec("bars", 7)])
    ended = titan("doctor", "--log", "sqlite:///odd.db")
    assert ended.code == 5
    assert "bars has 7 partitions, not 4" in ended.out
