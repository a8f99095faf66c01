"""What is a person told about bytes that cannot be read? The topic, what was found, what was expected."""

import numpy as np
import pytest

from schemas.account import RiskCommand
from schemas.blocks import decode_block, encode_block
from schemas.codec import DecodeError, decode, decode_rows, encode
from schemas.market import BarBlock, Gap, Heartbeat, QuoteBlock, TradeBlock
from schemas.orders import CancelOrder
from schemas.scalars import write_long, write_string

HEAD = {"symbol": "ES", "venue": "CME", "session": 7, "seq": 5, "complete_to_ns": 40}
ONE = np.array([1])
TRADES = TradeBlock(
    **HEAD, ts_event_ns=ONE, recv_delay_ns=ONE, trade_id=ONE, side=ONE, price=ONE * 2.0, size=ONE * 3.0
)
VALUE = encode_block(TRADES)
CANCEL = encode(CancelOrder("c1", "paper", "ES", "CME", 1, "too old"))


@pytest.mark.parametrize(
    ("topic", "value", "says"),
    [
        ("market_data", b"", r"market_data: no Confluent header \(zero byte and 4-byte schema id\) in 0 bytes"),
        ("market_data", b"\x00\x00\x00\x00", "no Confluent header .* in 4 bytes"),
        ("market_data", b"\x01" + VALUE[1:], "no Confluent header"),
        (
            "market_data",
            b"\x00\x00\x00\x00\x63" + VALUE[5:],
            "market_data: schema id 99, and this Titan knows those up to .* written by a newer Titan; upgrade",
        ),
        ("bars", VALUE, "bars: schema id 1 belongs to market_data; this topic's is 2"),
        ("market_data", VALUE[:5] + write_long(5) + VALUE[6:], "union branch 5, known are 0 to 4"),
        ("market_data", VALUE[:5] + write_long(-1) + VALUE[6:], "union branch -1"),
        ("market_data", VALUE[:5], r"market_data: cut short \(record of 5 bytes\)"),
        ("market_data", VALUE + b"\x00\x01", "market_data: 2 bytes after the record's end"),
        ("market_data", VALUE[:7] + b"\xff\xff" + VALUE[9:], "market_data: .*codec can't decode"),
        ("execution_requests", CANCEL[:5] + write_long(2) + CANCEL[6:], "union branch 2, known are 0 to 1"),
        ("execution_requests", CANCEL + b"x", "1 bytes after the record's end"),
        ("execution_requests", CANCEL[:9], r"execution_requests: .* \(record of 9 bytes\)"),
    ],
)  # fmt: skip
def test_unreadable_bytes(topic: str, value: bytes, says: str) -> None:
    read = decode if topic == "execution_requests" else decode_rows
    with pytest.raises(DecodeError, match=says):
        read(topic, value)


@pytest.mark.parametrize(
    "block",
    [
        TRADES,
        QuoteBlock(
            **HEAD, ts_event_ns=ONE, recv_delay_ns=ONE, update_id=ONE,
            bid_price=ONE * 1.0, bid_size=ONE * 2.0, ask_price=ONE * 3.0, ask_size=ONE * 4.0,
        ),
        BarBlock(
            **HEAD, ts_event_ns=ONE, recv_delay_ns=ONE, interval_ns=ONE,
            open=ONE * 1.0, high=ONE * 2.0, low=ONE * 3.0, close=ONE * 4.0, volume=ONE * 5.0,
        ),
        Heartbeat(**HEAD, final=True),
        Gap(**HEAD, from_ns=ONE, to_ns=ONE, first_missing_id=ONE, last_missing_id=ONE, reason="trade_id"),
    ],
    ids=lambda block: type(block).__name__,
)  # fmt: skip
def test_a_block_comes_back_as_it_was(block: object) -> None:
    again = decode_block(encode_block(block))
    assert type(again) is type(block)
    for name in block.__struct_fields__:
        assert np.array_equal(getattr(again, name), getattr(block, name)), name


def test_an_enum_that_is_not_known() -> None:
    command = encode(RiskCommand("1", "paper", "HALT", 1, "me", "why"))
    unknown = command.replace(write_string("paper") + write_long(3), write_string("paper") + write_long(4))
    with pytest.raises(DecodeError, match="risk_commands: command: enum index 4, known are 0 to 3"):
        decode("risk_commands", unknown)


def test_a_block_of_two_lengths_or_another_alphabet_is_not_written() -> None:
    columns = {"ts_event_ns": ONE, "recv_delay_ns": ONE, "trade_id": ONE, "side": ONE, "price": ONE * 1.0}
    with pytest.raises(ValueError, match=r"ES: columns of a block differ in length: \[1, 1, 1, 1, 1, 2\]"):
        encode_block(TradeBlock(**HEAD, **columns, size=np.ones(2)))
    with pytest.raises(ValueError, match="'BTC€' and venue 'CME' must be ASCII"):
        encode_block(Heartbeat(**(HEAD | {"symbol": "BTC€"})))
