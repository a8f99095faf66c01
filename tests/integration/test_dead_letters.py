"""What could not be used is listed, shown and sent again: once, whatever dies meanwhile, and never into the past."""

import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from flows.connectors.account_inputs import AccountInputs
from flows.connectors.log import Log
from flows.dead_letters import plan, redrive
from flows.dead_letters.letters import HEADER, NOT_READ, Wanted, letters
from schemas.account import DeadLetter, RiskCommand
from schemas.blocks import decode_block, encode_block
from schemas.codec import decode, encode
from schemas.flatten import flatten
from schemas.market import MarketBlock
from tests.integration.log_contents import assert_same, events, made, records
from tests.integration.runs import ROOT, Place, end_of
from tests.unit.cli.conftest import Titan
from tests.unit.symbol_leg.one_symbol import Source, ns

USAGE, UNREACHABLE, CHECK_FAILED = 2, 4, 5
ROWS = [(float(at_s), 1640.0 + 0.25 * (at_s % 40), 1.0 + at_s % 3) for at_s in range(600)]


def session() -> list[bytes]:
    """Ten minutes of trades, a message every twenty seconds."""
    source = Source()
    return [
        source.heartbeat(0.0),
        *(source.trades(*ROWS[i : i + 20], to=i + 19.5) for i in range(0, 600, 20)),
    ]


def append(log: Log, *values: bytes, topic: str = "market_data", key: bytes = b"ES") -> None:
    """Write records, in order."""
    with log.writer() as writer:
        for value in values:
            writer.append(topic, key, value, ns(0.0) // 1_000_000)


Cli = Callable[..., Any]


@pytest.fixture
def cli(titan: Titan, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """What a good command says, run in this process in its place; of `deadletters`, where no other is named."""

    def run(place: Place, *arguments: str, code: int = 0) -> Any:
        monkeypatch.chdir(place.folder)
        log = () if arguments[0] == "replay" else ("--log", place.sqlite)
        group = () if arguments[0] in ("run", "replay", "backtest") else ("deadletters",)
        ended = titan(*group, *arguments, *log, "--json")
        assert ended.code == code, ended
        return ended.json

    return run


def ran(cli: Cli, place: Place) -> None:
    """Both legs up to the end of the log."""
    cli(place, "run", "--to-end", "--set", f"run.recovery_dir={place.folder}/recovery")


def test_rows_that_nobody_could_read_are_given_by_hand(tmp_path: Path, cli: Cli) -> None:
    """They take their place in time, once; a verified replay and a backtest over the log say the same."""
    place, whole = Place(tmp_path / "place"), Place(tmp_path / "whole")
    *first, last = session()
    after = Source().heartbeat(900.0)
    for one, messages in ((place, [*first, last[:-3]]), (whole, [*first, last])):
        with made(one.sqlite) as log:
            append(log, *messages)
        ran(cli, one)
    (letter,) = cli(place, "list")["letters"]
    assert (letter["reason"], letter["state"], letter["original"]) == ("malformed", "open", last[:-3].hex())
    (left,) = cli(place, "redrive", letter["id"], code=CHECK_FAILED)["letters"]
    assert left["state"] == "left" and "give its rows by --with FILE" in left["why"]
    shown = cli(place, "show", letter["id"])
    assert shown["key"] == "ES" and len(shown["around"]) == 2 and "unreadable" in shown["decoded"][0]
    (place.folder / "rows.json").write_text(json.dumps(flatten("market_data", last)))
    with_rows = ("redrive", letter["id"], "--with", "rows.json")
    assert cli(place, *with_rows, "--dry-run")["sent"] == 1
    assert [cli(place, *with_rows)["sent"] for _ in range(3)] == [1, 0, 0]
    assert cli(place, "list", "--state", "redriven")["count"] == 1
    for one in (place, whole):
        with made(one.sqlite) as log:
            append(log, after)
        ran(cli, one)
    aside = ("cause_offset", "first_seq", "last_seq")
    found, expected = events(place.sqlite, ("bars", "marks")), events(whole.sqlite, ("bars", "marks"))
    assert assert_same(expected, found, ("bars", "marks"), aside) > 100
    assert cli(place, "replay", "--verify", place.sqlite)["equal"]
    assert cli(place, "backtest")["bars"] == sum(
        len(lane) for (topic, _), lane in found.items() if topic == "bars"
    )


def test_the_past_stays_as_it_was(tmp_path: Path, cli: Cli) -> None:
    """A late row is refused before it is sent, and where it is forced it becomes a letter that names the former."""
    place, source = Place(tmp_path), Source()
    with made(place.sqlite) as log:
        append(log, *session())
        source.lose("trade", 600)
        append(log, source.trades((30.0, 1640.0, 1.0), to=599.6))
    ran(cli, place)
    (letter,) = cli(place, "list", "--reason", "late")["letters"]
    (left,) = cli(place, "redrive", "--reason", "late")["letters"]
    assert (left["id"], left["state"]) == (letter["id"], "left") and left["why"].startswith("late: ")
    assert cli(place, "redrive", "--reason", "late", "--force")["sent"] == 1
    bars = events(place.sqlite, ("bars",))
    ran(cli, place)
    again, state = cli(place, "list", "--reason", "late")["letters"], Counter[str]()
    state.update(one["state"] for one in again)
    assert state == {"redriven": 1, "open": 1}
    (new,) = [one for one in again if one["state"] == "open"]
    shown = cli(place, "show", new["id"])
    assert shown["former"] == letter["id"] and shown["headers"] == {HEADER: letter["id"]}
    assert cli(place, "redrive", "--reason", "late")["sent"] == 0
    assert events(place.sqlite, ("bars",)) == bars
    assert cli(place, "replay", "--verify", place.sqlite)["equal"]


def test_a_session_is_not_disturbed_by_what_is_sent_beside_it(tmp_path: Path, cli: Cli) -> None:
    """The gateway goes on in its session: nothing counts as missing, nothing as repeated."""
    place = Place(tmp_path)
    *first, last = session()
    with made(place.sqlite) as log:
        append(log, *first, encode_block(garbled(last)))
    ran(cli, place)
    ids = [letter["id"] for letter in cli(place, "list")["letters"]]
    (place.folder / "rows.json").write_text(json.dumps(flatten("market_data", last)[:3]))
    assert cli(place, "redrive", ids[0], "--with", "rows.json")["sent"] == 1
    with made(place.sqlite) as log:
        append(log, last, Source().heartbeat(700.0))
    ran(cli, place)
    assert events(place.sqlite, ("alerts",)) == {}
    assert cli(place, "replay", "--verify", place.sqlite)["equal"]


def garbled(value: bytes) -> MarketBlock:
    """The block under another symbol than its key."""
    return msgspec.structs.replace(decode_block(value), symbol="NQ")


def commands_of_another(log: Log, count: int) -> None:
    """Commands whose key is not their account, and what the reader of account paper's inputs says about each."""
    commands = [
        RiskCommand(f"c{number}", "other", "PAUSE", ns(0.0), "test", "under a wrong key")
        for number in range(count)
    ]
    append(log, *map(encode, commands), topic="risk_commands", key=b"paper")
    inputs = AccountInputs(log, "paper", {("risk_commands", 0): 0})
    assert inputs.read_to(inputs.ends()) == []
    append(log, *map(encode, inputs.refused), topic="dead_letters", key=b"risk_commands")
    inputs.close()


def sent(log: Log) -> Counter[str]:
    """How often each letter was sent again, by its record and by its note."""
    by_record = Counter(
        value.decode()
        for record in records(log, "risk_commands")
        for name, value in record.headers
        if name == HEADER
    )
    noted: Any = [decode("redrives", record.value or b"") for record in records(log, "redrives")]
    assert by_record == Counter(note.id for note in noted)
    return by_record


DYING = """
import os, sys
from flows.connectors.log import open_log
from flows.dead_letters import redrive
from flows.dead_letters.letters import Wanted, letters
url, left, where = sys.argv[1], int(sys.argv[2]), sys.argv[3]
append = redrive._append
def counted(writer, planned, sending):
    global left
    left -= 1
    if left == 0 and where == "before": os.kill(os.getpid(), 9)
    append(writer, planned, sending)
    if left == 0 and where == "after": os.kill(os.getpid(), 9)
    if left == 0:
        flush = writer.flush
        writer.flush = lambda: (flush(), os.kill(os.getpid(), 9))
redrive._append, redrive._AT_ONCE = counted, 7
with open_log(url) as log:
    list(redrive.send(log, letters(log, Wanted(topic="risk_commands")), redrive.Sending("me", 1_000_000)))
"""


def test_killed_between_any_two_effects_and_several_at_once(tmp_path: Path, url: str) -> None:
    """Each letter is sent once: the record and its note are in the log together, or neither is."""
    place, count = Place(tmp_path), 150
    redrive = ("deadletters", "redrive", "--topic", "risk_commands", "--log", url, "--json")
    with made(url) as log:
        commands_of_another(log, count)
        for left, where in (
            (1, "before"),
            (8, "before"),
            (1, "after"),
            (8, "after"),
            (1, "flushed"),
            (8, "flushed"),
        ):
            killed = subprocess.run(
                [sys.executable, "-c", DYING, url, str(left), where],
                cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, timeout=60,
            )  # fmt: skip
            assert killed.returncode == -signal.SIGKILL, killed.stderr
            assert set(sent(log).values()) <= {1}
        assert 0 < len(sent(log)) < count
        for ended in [end_of(process) for process in [place.start(*redrive) for _ in range(3)]]:
            assert ended.code in (0, UNREACHABLE) and "Traceback" not in ended.err, ended
        ended = place.done(*redrive)
        assert len(json.loads(ended.out)["letters"]) == len(sent(log)) == count
        assert set(sent(log).values()) == {1}
        keys = {record.key for record in records(log, "risk_commands") if record.headers}
    assert keys == {b"other"}, "the key says the account that the command is for"


def test_all_is_read_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction of the broker's ends by itself after a while; and the marks of a log are many."""
    seen: list[str] = []
    with made(Place(tmp_path).sqlite) as log:
        lost = [DeadLetter(f"market_data:0:{n}:-1", "market_data", 0, n, -1, f"S{n}", 0, "malformed", "", encode_block(
            msgspec.structs.replace(decode_block(session()[1]), symbol=f"S{n}"))) for n in range(5)]  # fmt: skip
        append(log, *map(encode, lost), topic="dead_letters", key=b"market_data")
        monkeypatch.setattr(plan, "held", lambda *_: seen.append("read") or ())
        monkeypatch.setattr(redrive, "plan", lambda *a: seen.append("plan") or plan.plan(*a))
        monkeypatch.setattr(redrive, "_append", lambda *_: seen.append("append"))
        sending = redrive.Sending("me", 1_000_000, force=True)
        assert len(list(redrive.send(log, letters(log, Wanted()), sending))) == 5
    assert seen == ["plan", "read", *["plan"] * 4, *["append"] * 5]


def test_what_a_person_got_wrong(tmp_path: Path, cli: Cli, titan: Titan) -> None:
    place = Place(tmp_path)
    with made(place.sqlite) as log:
        append(log, *session()[:3])
        commands_of_another(log, 2)
    (tmp_path / "bad.json").write_text('{"command": "EXPLODE"}')
    (tmp_path / "bad.bin").write_bytes(b"\x00\x00\x00\x00\x07abc")
    letter = cli(place, "list")["letters"][0]["id"]
    for arguments, code, says in (
        (("redrive",), USAGE, "which letters?"),
        (("redrive", "nobody"), USAGE, "no dead letter 'nobody'"),
        (("show", "nobody"), USAGE, "no dead letter 'nobody'"),
        (("list", "--topic", "risk_command"), USAGE, "did you mean risk_commands"),
        (("list", "--reason", "bogus"), USAGE, "no reason 'bogus': there are malformed,"),
        (("redrive", "--reason", "bad_prnt"), USAGE, "did you mean bad_print?"),
        (("list", "--state", "shut"), USAGE, "--state is open or redriven"),
        (("list", "--from", "yesterday"), USAGE, "yesterday"),
        (("redrive", "--topic", "risk_commands", "--with", "bad.json"), USAGE, "--with corrects one letter"),
        (("redrive", letter, "--with", "bad.json"), 3, "the corrected record cannot be read"),
        (("redrive", letter, "--with", "none.json"), 3, "none.json"),
    ):
        ended = titan("deadletters", *arguments, "--log", place.sqlite)
        assert ended.code == code and says in ended.err, (arguments, ended)
    (left,) = cli(place, "redrive", letter, "--with", "bad.bin", "--force", code=CHECK_FAILED)["letters"]
    assert left["state"] == "left" and "mend the file" in left["why"]
    command = {
        "id": "c0",
        "account": "paper",
        "command": "HALT",
        "ts_event_ns": ns(0.0),
        "issued_by": "me",
        "reason": "so",
    }
    (tmp_path / "good.json").write_text(json.dumps(command))
    assert cli(place, "redrive", letter, "--with", "good.json")["sent"] == 1
    ran(cli, place)
    states = [
        event["trading_state"]
        for lane in events(place.sqlite, ("portfolio_updates",)).values()
        for event in lane
    ]
    assert states[-1] == "HALTED" and cli(place, "list")["counts"] == [
        {"reason": "malformed", "topic": "risk_commands", "open": 1, "redriven": 1}
    ]
    assert cli(place, "replay", "--verify", place.sqlite)["equal"]


def test_a_symbol_that_nobody_knew_is_derived_anew(
    tmp_path: Path, cli: Cli, titan: Titan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way that every message names works: not in the log, which keeps to its settings, but in one made from it."""
    place = Place(tmp_path)
    (tmp_path / "q.csv").write_text("timestamp,open,high,low,close,volume\n" + "".join(
        f"2024-01-02T14:{minute}:00Z,100,101,99,100,5\n" for minute in range(30, 40)) + "no row\n")  # fmt: skip
    (tmp_path / "empty.json").write_text("{}")
    (tmp_path / "none.json").write_text("[]")
    into = ("ingest", "q.csv", "--symbol", "QQQ", "--interval", "1m", "--log", place.sqlite)
    define = ("--set", "instruments.QQQ.tick_size=0.01", "--set", "instruments.QQQ.lot_size=1")
    monkeypatch.chdir(tmp_path)
    assert "such as: titan run --set 'instruments.QQQ." in titan(*into).err
    ran(cli, place)
    assert "such as: titan backtest --log LOG --out DIR --set" in titan(*into).err
    by_kind: dict[str, list[str]] = {"line": [], "heartbeat": [], "bar": []}
    for letter in cli(place, "list")["letters"]:
        shown = cli(place, "show", letter["id"])
        by_kind[shown["decoded"][0].get("type", "line")].append(letter["id"])
    assert all(by_kind.values()) and cli(place, "show", *by_kind["line"])["decoded"] == [
        {"line": 12, "text": "no row"}
    ]
    for kind, says in (
        ("line", "mend that and ingest it again"),
        ("heartbeat", "it is a Heartbeat and holds no rows: there is nothing to send again"),
        ("bar", "titan backtest --log LOG --out DIR"),
    ):
        (left,) = cli(place, "redrive", by_kind[kind][0], code=CHECK_FAILED)["letters"]
        assert says in left["why"]
    for file in ("empty.json", "none.json"):
        ended = titan("deadletters", "redrive", by_kind["bar"][0], "--with", file, "--log", place.sqlite)
        assert ended.code == 3 and "each with its field type: trade, quote, bar" in ended.err
    assert titan("run", "--to-end", "--log", place.sqlite, *define).code == USAGE
    assert cli(place, "backtest", "--out", "anew", *define)["bars"] == 10


def test_every_reason_that_a_file_is_refused_for_can_be_asked_for() -> None:
    sources = "".join(file.read_text() for file in (ROOT / "flows/connectors/recorded").glob("*.py"))
    said = set(re.findall(r"\.refuse\([^\"()]*\"(\w+)\"", sources)) | {"not_a_bar"}
    assert said == set(NOT_READ)
