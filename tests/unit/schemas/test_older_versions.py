"""Do today's readers read what older versions wrote, as Avro resolves it? Single records, blocks, and compiled code."""

import copy
from typing import Any

import msgspec
import numpy as np
import pytest

from operators import symbol_layout as at
from schemas.avro_files import source
from schemas.blocks import as_today, count_rows, decode_block, encode_block
from schemas.codec import DecodeError, NewerVersion, decode, decode_rows, encode
from schemas.market import TradeBlock
from schemas.plain_columns import read_columns
from schemas.topics import TOPICS
from tests.unit.schemas.evolved import OLDER_ID, add_older, field, without, written
from tests.unit.symbol_leg.one_symbol import Source, bars_of, fold, marks_of, ns

COMMAND = {"account": "paper", "command": "PAUSE", "ts_event_ns": 7, "issued_by": "me", "reason": "why"}


def test_a_record_of_an_older_version_is_todays_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """A field that came, one that went, one renamed, one widened, an order changed, a symbol that is gone."""
    today = copy.deepcopy(source("risk_commands"))
    field(today, "reason")["default"] = "not said"
    field(today, "issued_by")["aliases"] = ["who"]
    field(today, "command")["type"]["default"] = "HALT"
    older = copy.deepcopy(without(today, "reason"))
    field(older, "issued_by").update(name="who", type="bytes", aliases=[])
    field(older, "command")["type"].update(symbols=["FREEZE", "RESUME"], default="FREEZE")
    older["fields"] = [*older["fields"][::-1], {"name": "desk", "type": "string"}]
    add_older(monkeypatch, "risk_commands", today, older)
    said = {"id": "c1", "account": "paper", "ts_event_ns": 7, "who": b"me", "desk": "rates"}
    for symbol, command in (("FREEZE", "HALT"), ("RESUME", "RESUME")):
        event = decode("risk_commands", written(older, said | {"command": symbol}))
        assert msgspec.to_builtins(event) == {
            "id": "c1", "account": "paper", "command": command, "ts_event_ns": 7, "issued_by": "me",
            "reason": "not said",
        }  # fmt: skip
    assert decode("risk_commands", encode(event)) == event


def test_records_inside_records_are_resolved_too(monkeypatch: pytest.MonkeyPatch) -> None:
    today = copy.deepcopy(source("account_journal"))
    position = field(today, "positions")["type"]["items"]
    field(position, "next_offset")["default"] = -1
    older = copy.deepcopy(today)
    field(older, "positions")["type"]["items"] = copy.deepcopy(without(position, "next_offset"))
    add_older(monkeypatch, "account_journal", today, older)
    said = {"id": "a:0", "account": "a", "seq": 0, "taken_to_ns": 5, "forced": False}
    event: Any = decode(
        "account_journal", written(older, said | {"positions": [{"topic": "marks", "partition": 3}]})
    )
    assert [(p.topic, p.partition, p.next_offset) for p in event.positions] == [("marks", 3, -1)]


def test_a_union_that_has_grown_and_was_ordered_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    today = source("execution_requests")
    older = [today[1]]
    cancel = {
        "client_order_id": "c",
        "account": "a",
        "symbol": "ES",
        "venue": "X",
        "ts_event_ns": 1,
        "reason": "r",
    }
    add_older(monkeypatch, "execution_requests", today, older)
    assert msgspec.to_builtins(decode("execution_requests", written(older, cancel))) == cancel
    add_older(monkeypatch, "execution_requests", today, today[::-1])
    value = written(today[::-1], ("titan.CancelOrder", cancel))
    assert msgspec.to_builtins(decode("execution_requests", value)) == cancel


def older_market(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Market data before sides were told: sizes whole, price after size, a note behind; venue and final unsaid."""
    today = copy.deepcopy(source("market_data"))
    for name, default in (("side", []), ("venue", "elsewhere"), ("final", False)):
        for branch in today:
            if any(found["name"] == name for found in branch["fields"]):
                field(branch, name)["default"] = default
    older = copy.deepcopy(today[:1])
    older[0] = without(older[0], "side", "venue", "final", "price", "size")
    array = {"type": "array", "items": "long"}
    older[0]["fields"] += [
        {"name": "size", "type": array},
        {"name": "price", "type": {"type": "array", "items": "double"}},
        {"name": "note", "type": "string"},
    ]
    add_older(monkeypatch, "market_data", today, older)
    return older


def older_block(older: Any, block: TradeBlock) -> bytes:
    """The block as the older version wrote it."""
    said = {name: getattr(block, name) for name in ("symbol", "session", "seq", "complete_to_ns")}
    for name in ("ts_event_ns", "recv_delay_ns", "trade_id", "price"):
        said[name] = getattr(block, name).tolist()
    return written(older, said | {"size": [int(size) for size in block.size], "note": "by hand"})


def test_a_block_of_an_older_version(monkeypatch: pytest.MonkeyPatch) -> None:
    older = older_market(monkeypatch)
    new = decode_block(Source().trades((1.0, 1640.25, 3.0), (2.0, 1640.5, 4.0), to=30.0, ids=[5, 6]))
    assert isinstance(new, TradeBlock)
    value = older_block(older, new)
    again = decode_block(value)
    assert isinstance(again, TradeBlock)
    assert (again.symbol, again.venue, again.final, again.seq) == ("ES", "elsewhere", False, 0)
    for name in ("ts_event_ns", "recv_delay_ns", "trade_id", "price", "size", "side"):
        assert np.array_equal(getattr(again, name), getattr(new, name)), name
        assert getattr(again, name).dtype == getattr(new, name).dtype
    assert count_rows(value) == 2
    assert as_today(value) == encode_block(again)
    plain = decode_rows("market_data", value, read_columns)
    assert np.array_equal(plain.doubles, decode_rows("market_data", value).doubles)


def test_a_column_that_older_rows_lack_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    today = copy.deepcopy(source("marks"))
    (record,) = today if isinstance(today, list) else (today,)
    field(record, "volatility")["default"] = []
    older = without(record, "volatility")
    add_older(monkeypatch, "marks", record, older)
    said = {
        f["name"]: [1, 2]
        if isinstance(f["type"], dict)
        else {"string": "ES", "long": 9, "boolean": True}[f["type"]]
        for f in older["fields"]
    }
    rows = decode_rows("marks", written(older, said))
    assert np.isnan(rows.column("volatility")).all() and rows.column("close").tolist() == [1.0, 2.0]


def test_compiled_code_reads_a_poll_of_both_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bars, marks and refused rows are those of the same rows in today's version, wherever the version changes."""
    older = older_market(monkeypatch)
    source_ = Source()
    rows = [(float(at_s), 1640.0 + at_s % 7, 1.0 + at_s % 3) for at_s in range(400)]
    todays = [source_.trades(*rows[i : i + 20], to=i + 19.5) for i in range(0, 400, 20)]
    expected = fold(*todays)
    assert len(bars_of(expected)) > 5
    for mixed in (lambda i: True, lambda i: i % 2, lambda i: i < 10, lambda i: i >= 10, lambda i: i == 19):
        messages = [
            older_block(older, decode_block(value)) if mixed(i) else value  # type: ignore[arg-type]
            for i, value in enumerate(todays)
        ]
        found = fold(*messages)
        assert bars_of(found) == bars_of(expected) and found.dead_letters == expected.dead_letters
        assert repr(marks_of(found)) == repr(marks_of(expected))
        assert (found.complete_to_ns, found.final) == (expected.complete_to_ns, expected.final)


def test_what_no_version_wrote_is_refused_whole_and_the_rest_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    older = older_market(monkeypatch)
    source_ = Source()
    first, second = (source_.trades((t, 1640.0, 1.0), to=t + 1.0) for t in (1.0, 3.0))
    late = older_block(older, decode_block(source_.trades((2.0, 1640.0, 1.0), to=5.0)))  # type: ignore[arg-type]
    newer, cut = b"\x00" + (5000).to_bytes(4, "big") + first[5:], late[:-3]
    output = fold(first, newer, cut, second, late, newer)
    assert [(letter.offset, letter.ordinal, letter.reason) for letter in output.dead_letters] == [
        (71, -1, "newer_version"), (72, -1, "malformed"), (74, 0, "late"), (75, -1, "newer_version"),
    ]  # fmt: skip
    assert [letter.original for letter in output.dead_letters if letter.ordinal < 0] == [newer, cut, newer]
    assert output.complete_to_ns == ns(5.0)


def test_a_message_of_an_older_version_that_cannot_be_meant_is_kept_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    older = older_market(monkeypatch)
    block: Any = decode_block(Source().trades((1.0, 1640.0, 1.0), to=5.0))
    value = older_block(
        older, type(block)(**{n: getattr(block, n) for n in block.__struct_fields__} | {"seq": -4})
    )
    (letter,) = fold(value).dead_letters
    assert (letter.reason, letter.original) == (at.REASONS[at.MALFORMED], value)


@pytest.mark.parametrize("topic", TOPICS)
def test_a_newer_version_and_another_topics_are_told_apart(topic: str) -> None:
    read = decode_rows if topic in ("market_data", "bars", "features", "regimes", "marks") else decode
    newest = max(known.schema_id for known in TOPICS.values())
    with pytest.raises(
        NewerVersion, match=rf"^{topic}: schema id {newest + 1}, .* newer Titan; upgrade this one"
    ):
        read(topic, b"\x00" + (newest + 1).to_bytes(4, "big") + b"\x00" * 20)
    other = next(known for known in TOPICS.values() if known.name != topic)
    with pytest.raises(
        DecodeError, match=rf"^{topic}: schema id {other.schema_id} belongs to {other.name}; this"
    ):
        read(topic, b"\x00" + other.schema_id.to_bytes(4, "big") + b"\x00" * 20)
    assert OLDER_ID not in TOPICS[topic].schema_ids
