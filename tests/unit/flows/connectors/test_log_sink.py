"""Does a sink write nothing twice, however often a restart is itself cut short? Real outboxes, a real log."""

import pickle
from pathlib import Path

import msgspec
import numpy as np
import pytest

from flows.connectors.account_outbox import AccountOutbox
from flows.connectors.gateway import Slice
from flows.connectors.gateway_outbox import GatewayOutbox
from flows.connectors.log import Log, TopicSpec, open_log
from flows.connectors.log_errors import LogContradicted
from flows.connectors.log_sink import LogSink, Outbox
from flows.connectors.symbol_outbox import SymbolOutbox
from flows.meter import Meter
from flows.progress import Progress
from operators.symbol_layout import MARK_FLOATS, MARK_INTS
from operators.symbol_rejects import missing_rows_alert
from operators.symbol_state import SymbolOutput
from schemas.account import Alert, DeadLetter, InputPosition, JournalEntry
from schemas.blocks import decode_block
from schemas.codec import decode, decode_rows, encode
from schemas.market import Heartbeat, MarketBlock, TradeBlock
from schemas.orders import Signal
from schemas.topics import TOPICS


@pytest.fixture
def log(tmp_path: Path) -> Log:
    log = open_log(f"sqlite:///{tmp_path}/t.db")
    log.apply([TopicSpec(topic.name, topic.partitions) for topic in TOPICS.values()])
    return log


class Sink:
    """A sink that lives until it is killed."""

    def __init__(self, log: Log, outbox: Outbox, snapshot: bytes | None = None) -> None:
        self._part = LogSink(log, outbox, Meter()).build_part("", "log", snapshot)

    def write(self, *items: object) -> None:
        self._part.write_batch(list(items))

    def snapshot(self) -> bytes:
        return self._part.snapshot()


def values(log: Log, topic: str) -> list[bytes]:
    spans = log.spans(topic)
    stop = {(topic, partition): end for partition, (_, end) in enumerate(spans)}
    found = []
    with log.reader(dict.fromkeys(stop, 0)) as reader:
        while not reader.at_end(stop):
            found += [record.value or b"" for record in reader.poll(100, 1.0)]
    return found


def alert(number: int, source: str = "account:paper") -> Alert:
    return Alert(f"{source}:{number}", source, "INFO", "test", "a test", 1_000_000 * (number + 1))


def test_a_restart_that_is_cut_short_does_not_forget_what_is_in_the_log(log: Log) -> None:
    def started(snapshot: bytes | None) -> Sink:
        return Sink(log, AccountOutbox("paper", Progress()), snapshot)

    alerts = [alert(number) for number in range(6)]  # each follows from a cut of its own
    sink = started(None)
    sink.write(alerts[:2])
    snapshot = sink.snapshot()
    sink.write(alerts[2:5])
    for number in (2, 3):  # each restart says one more again, is saved, and is killed
        sink = started(snapshot)
        sink.write(alerts[number : number + 1])
        snapshot = sink.snapshot()
    sink = started(snapshot)
    sink.write(alerts[4:])
    assert [decode("alerts", value) for value in values(log, "alerts")] == alerts
    assert started(sink.snapshot()).snapshot() == started(sink.snapshot()).snapshot()


def heard(second: int, marks: int = 0, final: bool = False) -> SymbolOutput:
    """What a poll gives that brings a symbol forward to a second, with its newest marks."""
    longs = np.zeros((marks, MARK_INTS), np.int64)
    longs[:, 0] = (np.arange(second - marks, second) + 1) * 10**9
    none = np.empty((0, 0))
    return SymbolOutput(
        "ES", 0, none.astype(np.int64), none, longs, np.ones((marks, MARK_FLOATS)), [], [], [], second * 10**9, final, 0
    )  # fmt: skip


def test_a_symbol_leg_that_starts_over_repeats_neither_marks_nor_what_they_promise(log: Log) -> None:
    def started() -> tuple[Sink, SymbolOutbox]:
        outbox = SymbolOutbox(10**9, Progress(), (0, 1, 2, 3), 4)
        return Sink(log, outbox), outbox

    def promised() -> list[tuple[int, bool]]:
        heads = [decode_rows("marks", value).head for value in values(log, "marks")]
        return [(head["complete_to_ns"] // 10**9, head["final"]) for head in heads]

    started()[0].write(heard(1, 1), heard(2), heard(5, 2), heard(7))
    started()[0].write(heard(1, 1), heard(3), heard(5, 2), heard(6), heard(7))  # polls cut otherwise
    assert promised() == [(1, False), (2, False), (5, False), (7, False)]
    sink, outbox = started()
    sink.write(heard(5, 3), heard(7), heard(7, final=True), heard(9, 1))
    assert promised()[4:] == [(7, True), (9, False)]
    assert not any(outbox.waiting())


def test_a_snapshot_remembers_nothing_of_what_others_wrote(log: Log) -> None:
    others = [alert(1, "symbol_leg"), alert(2, "account:other")]
    letter = DeadLetter("market_data:0:1:0", "market_data", 0, 1, 0, "ES", 1_000_000, "late", "", b"")
    with log.writer() as writer:
        for event in others:
            writer.append("alerts", b"k", encode(event), 1)
        writer.append("dead_letters", b"market_data", encode(letter), 1)
    outbox = AccountOutbox("paper", Progress())
    Sink(log, outbox)
    assert not any(outbox.waiting())


def signal(number: int, account: str = "paper", ts_ns: int | None = None) -> Signal:
    ts_ns = (number + 1) * 10**9 if ts_ns is None else ts_ns
    return Signal(
        id=f"sma:ES:60:{ts_ns}", account=account, strategy="sma", symbol="ES", timeframe_ns=60, ts_event_ns=ts_ns,
        seq=number, target="LONG", strength=1.0, confidence=1.0, horizon_ns=60, price=1.0, stop_distance=1.0,
        reason="", explanation={}, regime=0, parameter_version="", model_version="", cause_partition=0, cause_offset=0,
    )  # fmt: skip


def signalled(*signals: Signal) -> SymbolOutput:
    output = heard(1)
    output.signals = list(signals)
    return output


def test_what_a_leg_remembers_does_not_grow_with_what_it_said(log: Log) -> None:
    def weight(outbox: Outbox) -> int:
        Sink(log, outbox)
        return len(pickle.dumps(outbox.waiting()))

    weights = []
    for stretch in range(2):
        Sink(log, SymbolOutbox(10**9, Progress(), (0,), 1, "paper"))
        with log.writer() as writer:
            for number in range(stretch * 500, stretch * 500 + 500):
                writer.append("trade_signals", b"paper", encode(signal(number)), 1)
                writer.append("alerts", b"paper", encode(alert(number)), 1)
        symbols = SymbolOutbox(10**9, Progress(), (0, 1, 2, 3), 4, "paper")
        weights.append((weight(symbols), weight(AccountOutbox("paper", Progress()))))
    assert max(map(sum, weights)) < 600 and abs(sum(weights[0]) - sum(weights[1])) < 10


def test_another_accounts_signals_are_not_taken_for_ones_own(log: Log) -> None:
    for account in ("paper", "other"):
        Sink(log, SymbolOutbox(10**9, Progress(), (0, 1, 2, 3), 4, account)).write(
            signalled(signal(0, account), signal(1, account))
        )
    said = [decode("trade_signals", value) for value in values(log, "trade_signals")]
    assert said == [signal(n, account) for account in ("paper", "other") for n in (0, 1)]


def test_what_other_shares_said_of_their_partitions_is_not_waited_for(log: Log) -> None:
    def share(partition: int) -> SymbolOutbox:
        outbox = SymbolOutbox(10**9, Progress(), (partition,), 4, "paper")
        output = heard(1)
        output.alerts = [missing_rows_alert("ES", partition, 7)]
        Sink(log, outbox).write(output)
        return outbox

    for partition in (0, 1, 0, 1):
        assert not share(partition).waiting()[2]
    assert len(values(log, "alerts")) == 2


@pytest.mark.parametrize(
    "again", [[signal(0), signal(1), signal(2, ts_ns=77 * 10**9)], [signal(0), signal(1, ts_ns=77 * 10**9)]]
)
def test_a_symbol_leg_that_says_something_else_is_stopped(log: Log, again: list[Signal]) -> None:
    def started() -> Sink:
        return Sink(log, SymbolOutbox(10**9, Progress(), (0, 1, 2, 3), 4, "paper"))

    started().write(signalled(signal(0), signal(1), signal(2)))
    with pytest.raises(
        LogContradicted, match=r"trade_signals contradicts .* of ES is sma:ES:60:77.*replay --verify"
    ):
        started().write(signalled(*again))


@pytest.mark.parametrize("again", [[0, 1, 9], [0, 1], [9]])
def test_an_account_that_says_something_else_is_stopped_before_a_new_cut(log: Log, again: list[int]) -> None:
    def started() -> Sink:
        return Sink(log, AccountOutbox("paper", Progress()))

    started().write([alert(0), alert(1), alert(2)])
    entry = JournalEntry("paper:7", "paper", 7, 1, False, ())
    with pytest.raises(LogContradicted, match="alerts contradicts what account paper says"):
        started().write([*map(alert, again), entry, alert(3)])
    assert len(values(log, "alerts")) == 3 and not values(log, "account_journal")


def block(seq: int, rows: int) -> TradeBlock:
    numbers = np.arange(seq, seq + rows)
    zeros = np.zeros(rows, np.int64)
    return TradeBlock(
        symbol="ES", venue="CME", session=7, seq=seq, complete_to_ns=10**9 * (seq + rows),
        ts_event_ns=10**9 * numbers + 1, recv_delay_ns=zeros, trade_id=numbers, side=zeros,
        price=numbers + 0.5, size=np.ones(rows),
    )  # fmt: skip


def beat(second: int, final: bool = False) -> Heartbeat:
    return Heartbeat(symbol="ES", venue="CME", session=7, seq=0, complete_to_ns=10**9 * second, final=final)


def cut(*blocks: MarketBlock) -> Slice:
    return Slice(0.0, list(blocks), [])


def trade_ids(log: Log) -> list[int]:
    blocks = [decode_block(value) for value in values(log, "market_data")]
    return [number for b in blocks if isinstance(b, TradeBlock) for number in b.trade_id.tolist()]


def test_a_session_cut_otherwise_after_a_restart_is_written_once(log: Log) -> None:
    sink = Sink(log, GatewayOutbox(Progress()))
    sink.write(cut(block(0, 3)), cut(beat(4)), cut(block(4 - 1, 4)))
    for rows in (2, 5):
        sink = Sink(log, GatewayOutbox(Progress()))
        sink.write(*(cut(block(seq, rows)) for seq in range(0, 10, rows)), cut(beat(12, final=True)))
    assert trade_ids(log) == list(range(10))
    beats = [b for b in map(decode_block, values(log, "market_data")) if isinstance(b, Heartbeat)]
    assert [(b.complete_to_ns // 10**9, b.final) for b in beats] == [(4, False), (12, True)]


def test_a_gateway_whose_restart_is_cut_short_writes_nothing_twice(log: Log) -> None:
    slices = [cut(block(2 * number, 2), beat(2 * number + 2)) for number in range(5)]
    sink = Sink(log, GatewayOutbox(Progress()))
    snapshot = sink.snapshot()
    sink.write(*slices[:4])
    for number in range(3):
        sink = Sink(log, GatewayOutbox(Progress()), snapshot)
        sink.write(slices[number])
        snapshot = sink.snapshot()
    Sink(log, GatewayOutbox(Progress()), snapshot).write(*slices[3:])
    assert trade_ids(log) == list(range(10))


def test_sessions_that_a_gateway_does_not_speak_of_are_forgotten(log: Log) -> None:
    other = msgspec.structs.replace(block(0, 3), session=8)
    Sink(log, GatewayOutbox(Progress())).write(cut(other))
    outbox = GatewayOutbox(Progress())
    Sink(log, outbox).write(cut(block(0, 3)))
    assert not any(outbox.waiting())


def test_a_cut_that_led_to_nothing_waits_for_one_that_did_unless_it_took_a_command(log: Log) -> None:
    def cut(number: int, commands: int = 0) -> JournalEntry:
        at = (InputPosition("marks", 0, number), InputPosition("risk_commands", 0, commands))
        return JournalEntry(f"paper:{number}", "paper", number, 1, False, at)

    def held() -> int:
        return len(values(log, "account_journal"))

    writer = log.writer(fence="account:paper")
    part = LogSink(log, AccountOutbox("paper", Progress()), Meter(), lambda: writer).build_part(
        "", "log", None
    )
    for batch, expected in (
        ([cut(0)], 1), ([cut(1)], 1), ([cut(2), alert(0)], 3), ([cut(3)], 3), ([cut(4, 1)], 5), ([cut(5, 1)], 5)
    ):  # fmt: skip
        part.write_batch([batch])
        assert held() == expected
    part.snapshot()
    assert held() == 6
