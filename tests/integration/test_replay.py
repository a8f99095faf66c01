"""Law 5: a recorded live run, said again by today's code, is equal to the byte; and whatever is not equal is named."""

import json
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from flows.config.parameters import account_leg
from flows.connectors.account_outbox import AccountOutbox
from flows.connectors.account_source import AccountSource, AccountSourceSettings, Taken
from flows.connectors.log import Log, LogSettings, Record, open_log
from flows.differences import TopicVerdict
from flows.lanes import BY_ACCOUNT, BY_SYMBOL, DERIVED
from flows.meter import Meter
from flows.progress import Progress
from flows.replay_settings import replay_settings
from flows.verify import Verdict, verify
from operators.features import FEATURE_SET
from operators.strategies import BarRows, Intent
from operators.strategies.sma_crossover import SmaCrossover
from operators.venue import RemoteVenue
from schemas.account import JournalEntry, RiskCommand, RunSettings
from schemas.codec import decode, encode
from schemas.orders import ExecutionReport, SubmitOrder
from schemas.topics import TOPICS
from tests.integration.conftest import References
from tests.integration.log_contents import made, records, written
from tests.integration.runs import ES, MADE_UP, Market, Place, assert_says, end_of, stopped, wait_until


def command(log: Log, name: str, number: int) -> None:
    given = RiskCommand(f"test:{number}", "paper", name, time.time_ns(), "test", "a test")  # type: ignore[arg-type]
    with log.writer() as writer:
        writer.append("risk_commands", b"paper", encode(given), given.ts_event_ns // 1_000_000)


def verdicts(out: str) -> dict[str, dict[str, Any]]:
    return {verdict["topic"]: verdict for verdict in json.loads(out)["topics"]}


def test_a_live_run_that_was_killed_resumed_and_commanded(tmp_path: Path, url: str) -> None:
    place, log = Place(tmp_path), made(url)
    live = ["demo", "--dir", "here", "--log", url, "--speed", ES.speed]
    run = place.start(*live)
    wait_until(lambda: written(log, ["risk_decisions"]) >= 4, run)
    run.kill()
    end_of(run)
    halfway = place.told("replay", "--verify", url, "--json")
    assert {one["verdict"] for one in verdicts(halfway.out).values()} <= {"equal", "prefix"}

    run = place.start(*live)
    for number, name in enumerate(("PAUSE", "RESUME")):
        decided = written(log, ["risk_decisions"])
        wait_until(lambda more=decided + 2: written(log, ["risk_decisions"]) >= more, run)
        command(log, name, number)
    ended = end_of(run)
    assert ended.code == 0, ended.err
    states = {
        event.trading_state
        for event in (decode(r.topic, r.value or b"") for r in records(log, "risk_decisions"))
    }  # type: ignore[union-attr]
    assert states == {"ACTIVE", "PAUSED"}

    again = place.told("replay", "--verify", url, "--json", "--keep", "again")
    found = verdicts(again.out)
    assert {topic: one["verdict"] for topic, one in found.items()} == dict.fromkeys(
        (*DERIVED, "account_journal"), "equal"
    )
    assert all(found[topic]["recorded"] > 10 for topic in (*BY_SYMBOL, *BY_ACCOUNT, "account_journal"))
    assert all(one["recorded_digest"] == one["today_digest"] for one in found.values())
    with open_log(f"sqlite:///{tmp_path}/again/titan.db", LogSettings(create=False)) as kept:
        assert len([*records(kept, "execution_requests")]) == len([*records(log, "execution_requests")])

    what_if = json.loads(place.told("replay", "--what-if", url, "--set", "fast=10", "--json").out)
    assert what_if["commands"] == 2
    assert what_if["differs_from_record"] == [], "commands act in a simulation where they acted in the run"

    told = json.loads(place.told("backtest", "--log", url, "--json").out)
    for topic in BY_SYMBOL:
        assert told["topics"][topic]["digest"] == found[topic]["recorded_digest"], topic


@pytest.mark.parametrize("market", [ES, MADE_UP], ids=["ES", "made up"])
def test_law_5_backtest_is_live(market: Market, reference: References, tmp_path: Path) -> None:
    live, place = reference(market), Place(tmp_path)
    told = json.loads(place.told("backtest", "--log", live.url, "--json", "--out", "again").out)
    found = verdicts(place.told("replay", "--verify", live.url, "--json").out)
    assert {topic: told["topics"][topic]["digest"] for topic in DERIVED} == {
        topic: found[topic]["recorded_digest"] for topic in DERIVED
    }
    kept = verdicts(place.told("replay", "--verify", "again", "--json").out)
    assert {topic: kept[topic]["recorded_digest"] for topic in DERIVED} == {
        topic: found[topic]["recorded_digest"] for topic in DERIVED
    }


def test_what_if_is_what_the_run_would_have_been(reference: References, tmp_path: Path) -> None:
    """Set before a live run or afterwards: the same signals, orders and ledgers."""
    place, sets = (
        Place(tmp_path),
        ["--set", "strategies.sma_crossover.params.fast=10", "--set", "venue.taker_bps=2"],
    )
    asked = ["replay", "--what-if", reference(ES).url, *sets, "--json", "--keep", "would-be"]
    found = json.loads(place.told(*asked).out)
    assert [change["key"] for change in found["changed"]] == [
        "strategies.sma_crossover.params.fast", "venue.taker_bps"
    ]  # fmt: skip
    assert found["differs_from_record"] == []
    signals, fills = found["signals"], found["fills"]
    assert signals["gone"] > 0 and signals["new"] > 0 and signals["same"] > 0 and fills["changed"] > 0
    assert signals["same"] + signals["changed"] + signals["gone"] == signals["before"]
    assert {one["name"] for one in found["strategies"]} == {"rsi_reversion", "sma_crossover"}
    net = sum(one["net_nanos_after"] for one in found["strategies"])
    assert net == found["after"]["net_nanos"] == sum(one["net_nanos_after"] for one in found["symbols"])

    place.done("demo", "--dir", "live", *sets)
    assert {topic: one["digest"] for topic, one in found["topics_after"].items()} == {
        topic: one["recorded_digest"]
        for topic, one in verdicts(place.told("replay", "--verify", "live", "--json").out).items()
        if topic in DERIVED
    }
    assert json.loads(place.told("replay", "--verify", "would-be", "--json").out)["equal"]


def test_a_run_that_is_stopped_and_goes_on(tmp_path: Path) -> None:
    """Verified while it runs, and after Ctrl-C, it is a part of what it will say."""
    place = Place(tmp_path)
    log = made(place.sqlite)
    run = place.start("demo", "--dir", "here", "--log", place.sqlite, "--speed", "3000")
    wait_until(lambda: written(log, ["risk_decisions"]) >= 4, run)
    assert json.loads(place.told("replay", "--verify", place.sqlite, "--json").out)["equal"]
    assert stopped(run, signal.SIGINT).code == 130
    assert json.loads(place.told("replay", "--verify", str(tmp_path), "--json").out)["equal"]


def test_reports_of_a_venue_outside_are_taken_as_recorded(reference: References, tmp_path: Path) -> None:
    """The account leg as it runs with a real venue: orders leave by the log, and its reports come back by the log."""

    def edit(record: Record) -> bytes | None:
        said = ("risk_decisions", "execution_requests", "portfolio_updates", "account_journal")
        return None if record.topic in said else record.value

    url = tampered(reference(ES).url, tmp_path, edit)
    with open_log(url) as log:
        settings = replay_settings(log, None, {}).run
        leg = account_leg(settings)
        leg = msgspec.structs.replace(leg, venue=RemoteVenue(leg.venue.name))
        how = AccountSourceSettings("paper", 1.0, ("ES",), to_end=True, venue_reports=True)
        outbox, state = AccountOutbox("paper", Progress()), leg.init()
        with log.writer(fence="account:paper") as writer:
            source = AccountSource(log, how, lambda: writer, Meter()).build_part("", "paper", None)
            for taken in batches(source):
                said = [taken.entry] if taken.entry else []
                for event in taken.events:
                    said += leg.step(state, event)
                for record in outbox.records(said):
                    writer.append(record.topic, record.key, record.value, record.timestamp_ms)
                writer.flush()
        source.close()
    verdict = verified(url)
    assert verdict.equal
    by_topic = {one.topic: one for one in verdict.topics}
    assert by_topic["execution_reports"].verdict == "input" and by_topic["execution_reports"].recorded > 20
    assert {by_topic[t].verdict for t in BY_ACCOUNT if t != "execution_reports"} == {"equal"}
    assert by_topic["portfolio_updates"].recorded > 100 and by_topic["execution_requests"].recorded > 10

    def forge(value: bytes) -> bytes:
        report = decode("execution_reports", value)
        assert isinstance(report, ExecutionReport)
        return encode(msgspec.structs.replace(report, fee_nanos=report.fee_nanos + 1))

    forged = verified(tampered(url, tmp_path / "forged", at("execution_reports", 5, forge)))
    ledgers = next(one for one in forged.topics if one.topic == "portfolio_updates")
    assert not {"execution_reports", *BY_SYMBOL} & set(forged.differing)
    assert ledgers.first is not None and "fees_nanos" in ledgers.first.fields
    assert ledgers.first.causes[0].what == "execution_reports"


def batches(source: Any) -> Iterator[Taken]:
    try:
        while True:
            for _, taken in source.next_batch():
                yield taken
    except StopIteration:
        return


def test_a_log_without_a_run(reference: References, tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.done("ingest", "es.parquet", "--log", place.sqlite)
    assert_says(place.asked("replay", "--verify", place.sqlite), 2, "run it first: titan run")
    assert_says(place.asked("replay", "--verify", str(tmp_path / "nowhere")), 2, "nowhere")
    assert_says(place.asked("replay", place.sqlite), 2, "--verify")
    assert_says(place.asked("replay", "--what-if", place.sqlite), 2, "--set")
    assert_says(place.asked("replay", "--verify", place.sqlite, "--account", "other"), 2, "other")
    told = json.loads(place.told("replay", "--what-if", place.sqlite, "--set", "fast=10", "--json").out)
    assert told["differs_from_record"] == [] and "no run" in " ".join(told["notes"])
    assert told["signals"]["before"] > 10


def test_two_accounts_of_one_log(reference: References, tmp_path: Path) -> None:
    url = tampered(reference(ES).url, tmp_path, unchanged)
    place = Place(tmp_path / "other")
    more = ["--set", "account.id=other", "--set", "venue.taker_bps=3", "--set", "account.cash=50000"]
    place.done("run", "--to-end", "--log", url, *more, "--set", "run.recovery_dir=recovery")
    assert_says(place.asked("replay", "--verify", url), 2, "paper", "other", "--account")
    told = json.loads(place.told("replay", "--verify", url, "--account", "paper", "--json").out)
    assert told["equal"] and told["account"] == "paper"
    assert {one["verdict"] for one in told["topics"]} == {"equal"}


# What is planted is named ---------------------------------------------------------------------------------------


def tampered(source: str, folder: Path, edit: Callable[[Record], bytes | None]) -> str:
    """Copy a log; ``edit`` returns what a record holds instead, None to leave it out."""
    url = f"sqlite:///{folder}/titan.db"
    with open_log(source, LogSettings(create=False)) as log, made(url) as copy, copy.writer() as writer:
        for topic in TOPICS:
            for record in records(log, topic):
                value = edit(record)
                if value is not None:
                    writer.append(topic, record.key, value, record.timestamp_ms, (), record.partition)
    return url


def verified(url: str, sets: Sequence[str] = ()) -> Verdict:
    with open_log(url, LogSettings(create=False)) as log:
        return verify(log, replay_settings(log, None, {}, sets), None, lambda _: None)


def assert_only(verdict: Verdict, *topics: str) -> list[TopicVerdict]:
    """Assert which topics differ, and that every one shows where, and with what both records say."""
    assert verdict.differing == list(topics)
    assert not verdict.equal
    found = [one for one in verdict.topics if one.topic in topics]
    for one in found:
        assert one.first is not None and one.first.id and one.differing > 0 and one.keys
        assert one.recorded_digest != one.today_digest or one.topic == "account_journal"
    return found


def unchanged(record: Record) -> bytes | None:
    return record.value


def at(topic: str, offset: int, change: Callable[[bytes], bytes | None]) -> Callable[[Record], bytes | None]:
    """Return an edit of one record."""

    def edit(record: Record) -> bytes | None:
        value = record.value or b""
        is_it = record.topic == topic and record.offset == offset and record.key in (b"ES", b"paper")
        return change(value) if is_it else value

    return edit


def test_a_copy_is_equal(reference: References, tmp_path: Path) -> None:
    assert verified(tampered(reference(ES).url, tmp_path, unchanged)).equal


def test_a_flipped_byte_of_a_bar(reference: References, tmp_path: Path) -> None:
    def flip(value: bytes) -> bytes:
        return value[:-9] + bytes([value[-9] ^ 1]) + value[-8:]  # in a column of doubles, the last: downticks

    url = tampered(reference(ES).url, tmp_path, at("bars", 20, flip))
    (bars,) = assert_only(verified(url), "bars")
    first = bars.first
    assert first is not None and bars.differing == 1 and bars.keys == ["ES"]
    assert (first.kind, first.key, first.fields) == ("changed", "ES", ("downticks",))
    assert first.at is not None and (first.at.topic, first.at.offset) == ("bars", 20)
    assert first.recorded is not None and first.today is not None and first.recorded["id"] == first.id
    assert [(cause.what, cause.position.offset) for cause in first.causes if cause.position] == [
        ("market_data", first.today["cause_offset"])
    ]


def test_a_flipped_byte_that_breaks_a_record(reference: References, tmp_path: Path) -> None:
    url = tampered(reference(ES).url, tmp_path, at("bars", 20, lambda value: b"\x07" + value[1:]))
    (bars,) = assert_only(verified(url), "bars")
    assert bars.first is not None and bars.first.kind == "unreadable"
    assert bars.first.at is not None and bars.first.at.offset == 20 and bars.first.recorded is None


@pytest.fixture
def other_features() -> Iterator[None]:
    """Today's code with another parameter in one feature."""
    before = FEATURE_SET.params
    changed = before.copy()
    changed[np.flatnonzero(changed == 14.0)[-1]] = 15.0
    msgspec.structs.force_setattr(FEATURE_SET, "params", changed)
    yield
    msgspec.structs.force_setattr(FEATURE_SET, "params", before)


@pytest.mark.usefixtures("other_features")
def test_a_changed_feature_parameter(reference: References) -> None:
    """Features differ, and what is made from them."""
    verdict = verified(reference(ES).url)
    assert "features" in verdict.differing and "bars" not in verdict.differing
    assert not set(BY_ACCOUNT) & set(verdict.differing), "the account leg is given the recorded signals"
    features = next(one for one in verdict.topics if one.topic == "features")
    assert features.first is not None and features.first.kind == "changed"
    assert features.first.fields == ("plus_di_14", "minus_di_14")


@pytest.mark.parametrize("which", [3, -1])
def test_a_missing_signal(reference: References, tmp_path: Path, which: int) -> None:
    """Lost between the legs: the account leg never heard of it, and did right with what it had heard."""
    live, place = reference(ES), Place(tmp_path / "run")
    count = live.count("trade_signals")
    lost = which % count

    def edit(record: Record) -> bytes | None:
        if record.topic in (*BY_ACCOUNT, "account_journal", "alerts"):
            return None
        return None if record.topic == "trade_signals" and record.offset == lost else record.value

    url = tampered(live.url, tmp_path, edit)
    place.done("run", "--to-end", "--leg", "account", "--log", url)
    (signals,) = assert_only(verified(url), "trade_signals")
    first = signals.first
    assert first is not None and signals.differing == 1
    assert (first.kind, first.key, first.recorded, first.number) == ("missing", "ES", None, lost)
    assert first.today is not None and first.today["seq"] == lost
    assert first.causes[0].what == "market_data"


def test_an_extra_order(reference: References, tmp_path: Path) -> None:
    url = tampered(reference(ES).url, tmp_path, unchanged)
    with open_log(url) as log:
        sent = next(decode("execution_requests", r.value or b"") for r in records(log, "execution_requests"))
        assert isinstance(sent, SubmitOrder)
        more = msgspec.structs.replace(sent, client_order_id="Tsmuggled")
        with log.writer() as writer:
            writer.append("execution_requests", b"paper", encode(more), 1)
    (orders,) = assert_only(verified(url), "execution_requests")
    first = orders.first
    assert first is not None and (first.kind, first.id, first.today) == ("extra", "submit:Tsmuggled", None)
    assert {cause.what for cause in first.causes} == {"risk_decisions", "trade_signals"}
    assert all(cause.event is not None for cause in first.causes)


def test_an_order_in_the_middle(reference: References, tmp_path: Path) -> None:
    """It is one difference, not as many as there are orders after it."""

    def edit(value: bytes) -> bytes:
        sent = decode("execution_requests", value)
        assert isinstance(sent, SubmitOrder)
        return encode(msgspec.structs.replace(sent, client_order_id="Tother"))

    url = tampered(reference(ES).url, tmp_path, at("execution_requests", 2, edit))
    (orders,) = assert_only(verified(url), "execution_requests")
    first = orders.first
    assert first is not None and (first.kind, first.number, orders.differing) == ("replaced", 2, 2)
    assert first.recorded is not None and first.recorded["client_order_id"] == "Tother"
    assert {cause.what for cause in first.causes} >= {"trade_signals", "risk_decisions", "account_journal"}


def test_a_changed_fee(reference: References) -> None:
    verdict = verified(reference(ES).url, ["venue.taker_bps=2"])
    assert set(verdict.differing) >= {"execution_reports", "portfolio_updates"}
    assert not set(verdict.differing) & set(BY_SYMBOL)
    reports = next(one for one in verdict.topics if one.topic == "execution_reports")
    assert reports.first is not None and reports.first.fields == ("fee_nanos",)
    assert [cause.what for cause in reports.first.causes] == [
        "marks",
        "account_journal",
        "execution_requests",
    ]


def test_a_strategy_of_today_that_raises(reference: References, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said in a sentence; what the account leg did is verified all the same."""
    before, bars = SmaCrossover.step, []

    def step(self: SmaCrossover, state: Any, rows: BarRows) -> list[Intent]:
        bars.append(len(rows.seen))
        if sum(bars) > 100:
            raise ZeroDivisionError("planted")
        return before(self, state, rows)

    monkeypatch.setattr(SmaCrossover, "step", step)
    verdict = verified(reference(ES).url)
    assert not verdict.equal and "sma_crossover" in verdict.fault and "planted" in verdict.fault
    by_topic = {one.topic: one for one in verdict.topics}
    assert {by_topic[topic].verdict for topic in BY_ACCOUNT} == {"equal"}
    assert {by_topic[topic].verdict for topic in BY_SYMBOL} == {"unverified"}
    assert all("planted" in by_topic[topic].why for topic in BY_SYMBOL)


def test_settings_that_were_changed_in_the_log(reference: References, tmp_path: Path) -> None:
    def edit(value: bytes) -> bytes:
        settings = decode("run_settings", value)
        assert isinstance(settings, RunSettings)
        other = settings.settings.replace('"taker_bps":1.0', '"taker_bps":2.0')
        assert other != settings.settings
        return encode(msgspec.structs.replace(settings, settings=other))

    verdict = verified(tampered(reference(ES).url, tmp_path, at("run_settings", 0, edit)))
    assert "execution_reports" in verdict.differing and not set(BY_SYMBOL) & set(verdict.differing)
    assert "do not fit their digest" in " ".join(verdict.notes)


Edit = Callable[[JournalEntry], JournalEntry]


def moved(entry: JournalEntry) -> JournalEntry:
    last = msgspec.structs.replace(entry.positions[-1], next_offset=10**6)
    return msgspec.structs.replace(entry, positions=(*entry.positions[:-1], last))


EDITS: dict[str, tuple[Edit, str]] = {
    "number": (lambda e: msgspec.structs.replace(e, seq=e.seq + 1), "where number 20 should be"),
    "back": (lambda e: msgspec.structs.replace(e, taken_to_ns=1), "less than the entry before"),
    "later": (lambda e: msgspec.structs.replace(e, taken_to_ns=e.taken_to_ns + 10**12), "promises only"),
    "beyond": (moved, "which ends at"),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_journal(name: str, reference: References, tmp_path: Path) -> None:
    edit, why = EDITS[name]

    def edited(value: bytes) -> bytes:
        entry = decode("account_journal", value)
        assert isinstance(entry, JournalEntry)
        return encode(edit(entry))

    verdict = verified(tampered(reference(ES).url, tmp_path, at("account_journal", 20, edited)))
    (journal,) = assert_only(verdict, "account_journal")
    assert journal.first is not None and (journal.first.kind, journal.first.number) == ("broken", 20)
    assert why in journal.first.text and journal.first.at is not None and journal.first.at.offset == 20
    by_topic = {one.topic: one for one in verdict.topics}
    assert {by_topic[topic].verdict for topic in BY_SYMBOL} == {"equal"}
    assert {by_topic[topic].verdict for topic in BY_ACCOUNT} == {"unverified"}
    assert all("entry 20" in by_topic[topic].why for topic in BY_ACCOUNT)


def test_the_command_names_what_differs_and_fails(reference: References, tmp_path: Path) -> None:
    url = tampered(reference(ES).url, tmp_path, at("execution_requests", 2, lambda value: value[:-3]))
    ended = Place(tmp_path / "cli").asked("replay", "--verify", url)
    assert ended.code == 5
    last = ended.err.splitlines()[-1]
    assert "execution_requests differ" in last and "execution_requests/0@2.0" in last and "paper" in last
    assert "cause" in ended.out and "recorded" in ended.out and "equal" in ended.out
