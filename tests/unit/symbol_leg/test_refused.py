"""What is refused, why, and what is a person told? One table; every reason has its row."""

import re

import msgspec
import numpy as np
import pytest

from operators import symbol_layout as at
from operators.instruments import NANOS, Instrument, InstrumentTable
from operators.symbol_leg import SymbolLeg, SymbolParameters
from schemas.blocks import decode_block, encode_block
from schemas.codec import decode, encode
from schemas.market import MarketBlock
from tests.unit.symbol_leg.one_symbol import LEG, SECOND, Source, bars_of, fold, leg_of, ns

NAN, INF = float("nan"), float("inf")
GOOD = (1.0, 1640.25, 3.0)


def trade(price: float, size: float, time: float = 2.0) -> tuple[bytes, ...]:
    """A good trade, then this one."""
    return (Source().trades(GOOD, (time, price, size), to=30.0),)


def after(price: float) -> tuple[bytes, ...]:
    """A quote whose bid is the price, ask 1640.5."""
    return (Source().quotes((2.0, price, 5.0, 1640.5, 6.0), to=30.0),)


def quote(*values: float) -> tuple[bytes, ...]:
    """A quote."""
    return (Source().quotes((2.0, *values), to=30.0),)


def bar(*values: float, interval: float = 60.0, close: float = 60.0) -> tuple[bytes, ...]:
    """A vendor bar."""
    return (Source().bars((close, *values), to=1000.0, interval=interval),)


def two_kinds() -> tuple[bytes, ...]:
    """Trades, then a vendor's bar of the minute after them, in one session."""
    source = Source()
    return source.trades(GOOD, to=30.0), source.bars((120.0, 1.0, 2.0, 1.0, 2.0, 5.0), to=200.0)


def two_bars() -> tuple[bytes, ...]:
    """A vendor's bar of one minute, and another one of the same."""
    return (Source().bars((60.0, *(9.0,) * 5), (60.0, *(9.25,) * 5), to=61.0),)


def bars_then_trade() -> tuple[bytes, ...]:
    """A vendor's bar, then a trade, in one session."""
    source = Source()
    return source.bars((60.0, 1640.0, 1641.0, 1639.0, 1640.0, 5.0), to=61.0), source.trades(
        (70.0, 1640.0, 1.0), to=80.0
    )


def duplicate() -> tuple[bytes, ...]:
    """A venue's id twice, in rows of their own."""
    return (Source().trades(GOOD, (2.0, 1640.25, 3.0), to=30.0, ids=[811, 811]),)


def backwards() -> tuple[bytes, ...]:
    """A row older than what was promised."""
    source = Source()
    return source.trades((10.0, 1640.25, 1.0), to=11.0), source.trades((9.0, 1640.0, 2.0), to=12.0)


def gap_backwards() -> tuple[bytes, ...]:
    """A gap that ends before it begins."""
    return Source().trades(GOOD, to=2.0), Source().gap(9.0, 8.0, to=10.0)


ROWS = [
    ("not_finite", trade(NAN, 3.0), "'price': nan", "a number is NaN or infinite; check the source"),
    ("not_finite", trade(INF, 3.0), "'price': inf", "NaN or infinite"),
    ("not_finite", trade(1640.25, -INF), "'size': -inf", "NaN or infinite"),
    ("not_positive", trade(0.0, 3.0), "'price': 0.0", "a price or size is not positive; check the source"),
    ("not_positive", trade(-1640.25, 3.0), "'price': -1640.25", "not positive"),
    ("not_positive", trade(1640.25, 0.0), "'size': 0.0", "not positive"),
    ("not_positive", trade(1640.25, -3.0), "'size': -3.0", "not positive"),
    ("below_lot", trade(1640.25, 0.4), "'size': 0.4", "check lot and tick size in the instrument table"),
    ("below_lot", trade(0.1, 3.0), "'price': 0.1", "rounds to zero lots or ticks"),
    ("bad_print", trade(16.40, 3.0), "'price': 16.4", "believed from the third print in a row at one level"),
    (
        "bad_time",
        trade(1640.25, 3.0, -1.9e9),
        "'ts_event_ns': -",
        "check the source's time column and its unit",
    ),
    ("late", backwards(), "'price': 1640.0", "older than what the source had promised .* disorder bound"),
    ("duplicate", duplicate(), "'trade_id': 811", "the venue's id was seen before; the first one was used"),
    (
        "crossed_quote",
        quote(1640.75, 5.0, 1640.5, 6.0),
        "'bid_price': 1640.75",
        "bid above ask; check the source",
    ),
    ("not_finite", after(NAN), "'bid_price': nan", "NaN or infinite"),
    ("not_positive", after(0.0), "'bid_price': 0.0", "not positive"),
    ("not_positive", quote(1640.0, -1.0, 1640.5, 6.0), "'bid_size': -1.0", "not positive"),
    ("bad_bar", bar(10.0, 9.0, 8.0, 9.5, 1.0), "'high': 9.0", "contradict each other"),
    ("bad_bar", bar(10.0, 12.0, 10.5, 11.0, 1.0), "'low': 10.5", "contradict each other"),
    ("bad_bar", bar(10.0, 12.0, 9.0, 11.0, 1.0, interval=0.0), "'interval_ns': 0", "interval contradict"),
    ("bad_bar", bar(10.0, 12.0, 9.0, 11.0, 1.0, interval=-60.0), "'interval_ns': -6", "interval contradict"),
    ("not_finite", bar(10.0, 12.0, 9.0, 11.0, NAN), "'volume': nan", "NaN or infinite"),
    ("not_positive", bar(10.0, 12.0, 9.0, 11.0, -1.0), "'volume': -1.0", "not positive"),
    ("not_positive", bar(10.03, 12.0, 0.0, 11.0, 1.0), "'open': 10.03", "not positive"),
    ("below_lot", bar(10.0, 12.0, 0.01, 11.0, 1.0), "'low': 0.01", "rounds to zero lots or ticks"),
    (
        "no_timeframe",
        bar(10.0, 12.0, 9.0, 11.0, 1.0, interval=45.0),
        "'interval_ns': 45",
        "symbol_leg.timeframes",
    ),
    ("misaligned_bar", bar(10.03, 12.0, 9.0, 11.0, 1.0, close=330.0), "'open': 10.03", "time zone"),
    (
        "overlapping_bar",
        two_bars(),
        "'open': 9.25",
        "the bar begins before the end of the last trade or bar used",
    ),
    (
        "mixed_sources",
        two_kinds(),
        "'close': 2.0",
        "not from both; ingest the other under a symbol of its own",
    ),
    ("mixed_sources", bars_then_trade(), "'price': 1640.0", "not from both"),
    ("bad_gap", gap_backwards(), "'from_ns': 1", "a gap must begin after 1970 and end after its begin"),
]


@pytest.mark.parametrize(("reason", "messages", "shows", "advises"), ROWS)
def test_a_row_is_refused_alone(reason: str, messages: tuple[bytes, ...], shows: str, advises: str) -> None:
    output = fold(*messages)
    (letter,) = output.dead_letters
    assert letter.reason == reason
    assert (letter.topic, letter.partition, letter.symbol) == ("market_data", 3, "ES")
    assert letter.id == f"market_data:3:{letter.offset}:{letter.ordinal}"
    assert letter.ordinal >= 0
    where = f"market_data/3@{letter.offset}, row {letter.ordinal}: ES {{"
    assert letter.detail.startswith(where)
    assert shows in letter.detail
    assert re.search(advises, letter.detail)
    assert decode("dead_letters", encode(letter)) == letter


@pytest.mark.parametrize(("reason", "messages", "shows", "advises"), ROWS)
def test_the_original_is_the_row_as_it_came_and_can_be_read_again(
    reason: str, messages: tuple[bytes, ...], shows: str, advises: str
) -> None:
    (letter,) = fold(*messages).dead_letters
    row = decode_block(letter.original)
    came = decode_block(messages[letter.offset - 70])
    assert type(row) is type(came)
    assert row.symbol == "ES"
    for name in columns_of(came):
        (value,) = getattr(row, name)
        assert np.array_equal(value, getattr(came, name)[letter.ordinal], equal_nan=True), name
    assert letter.ts_event_ns == getattr(row, columns_of(came)[0])[0]


def columns_of(block: MarketBlock) -> list[str]:
    """Names of its columns."""
    return [name for name in block.__struct_fields__[6:] if name != "reason"]


def test_the_table_shows_every_reason_of_a_row() -> None:
    whole_messages = {"malformed", "wrong_symbol", "missing_rows", "newer_version"}
    assert {reason for reason, *_ in ROWS} == set(at.REASONS) - whole_messages


@pytest.mark.parametrize(
    ("reason", "message", "says"),
    [
        ("malformed", b"", "no Confluent header .* in 0 bytes; the writer of this record is at fault"),
        ("malformed", b"\x00\x00\x00\x00\x09" + Source().heartbeat(1.0)[5:], "schema id 9 belongs to risk_decisions"),
        ("malformed", Source().trades(GOOD, to=2.0)[:-1], "cut short"),
        ("malformed", Source().trades(GOOD, to=2.0)[:40], "cut short"),
        ("malformed", Source().trades(GOOD, to=2.0) + b"\x01", "1 bytes after the record's end"),
        ("wrong_symbol", Source("BTCUSDT").trades(GOOD, to=2.0), "says symbol 'BTCUSDT', its key says 'ES'"),
        ("wrong_symbol", Source("ESX").heartbeat(2.0), "the writer must use one of them for both"),
    ],
)  # fmt: skip
def test_a_message_is_refused_whole(reason: str, message: bytes, says: str) -> None:
    source = Source()
    output = fold(source.trades(GOOD, to=2.0), message, source.trades((5.0, 1641.0, 1.0), to=90.0))
    (letter,) = output.dead_letters
    assert (letter.reason, letter.offset, letter.ordinal, letter.original) == (reason, 71, -1, message)
    assert letter.detail.startswith("market_data/3@71: ")
    assert re.search(says, letter.detail)
    assert bars_of(output)[0][-1] == 4.0, "the messages around it are used"


def test_an_unknown_symbol_says_what_to_add() -> None:
    messages = [Source("NOPE").trades(GOOD, to=2.0), b"noise"]
    output = fold(*messages, symbol="NOPE")
    assert [letter.reason for letter in output.dead_letters] == ["unknown_symbol"] * 2
    assert [letter.original for letter in output.dead_letters] == messages
    detail = output.dead_letters[0].detail
    assert detail.startswith(
        "market_data/3@70: symbol 'NOPE' is not in the instrument table; add [instruments.NOPE]"
    )
    assert output.final, "so that nothing waits for it"


def test_rows_sent_again_are_dropped() -> None:
    source = Source()
    first = source.trades(GOOD, (2.0, 1641.0, 1.0), to=3.0)
    second = source.trades((4.0, 1642.0, 1.0), to=5.0)
    output = fold(first, second, first, second, source.heartbeat(90.0))
    assert output.dead_letters == []
    assert output.alerts == []
    assert bars_of(output)[0][-1] == 5.0


def test_missing_rows_are_an_alert_and_make_their_bars_partial() -> None:
    source = Source()
    first = source.trades((1.0, 1640.0, 1.0), to=2.0)
    source.lose("trade", 5)
    output = fold(
        source.heartbeat(0.0),
        first,
        source.trades((61.0, 1640.0, 1.0), to=62.0),
        source.trades((121.0, 1640.0, 1.0), to=122.0),
        source.heartbeat(180.0),
    )
    (alert,) = output.alerts
    assert (alert.code, alert.severity) == ("missing_rows", "WARNING")
    assert "ES: rows of its source are missing before market_data/3@72" in alert.message
    assert "ingest the missing rows again" in alert.message
    assert [row[2] for row in bars_of(output)] == ["partial", "partial", "complete"]


def test_a_bad_print_is_believed_the_third_time_and_after_a_pause() -> None:
    source = Source()
    moved = source.trades(GOOD, (2.0, 900.0, 1.0), (3.0, 901.0, 1.0), (4.0, 902.0, 1.0), to=60.0)
    output = fold(moved)
    assert [letter.reason for letter in output.dead_letters] == ["bad_print"] * 2
    assert bars_of(output)[0][3:] == (1640.25, 1640.25, 902.0, 902.0, 4.0)
    alone = Source().trades(GOOD, (2.0, 900.0, 1.0), (3.0, 1640.0, 1.0), (4.0, 900.0, 1.0), to=60.0)
    assert len(fold(alone).dead_letters) == 2, "prints that do not follow one another"
    later = Source().trades(GOOD, (3602.0, 900.0, 1.0), to=3660.0)
    assert fold(later).dead_letters == []


def test_trade_ids_are_remembered_across_polls_and_quotes_by_order() -> None:
    source, state = Source(), LEG.init("ES")
    fold(source.trades(GOOD, (2.0, 1640.5, 1.0), to=3.0, ids=[5, 6]), state=state)
    again = fold(source.trades((4.0, 1640.5, 1.0), (5.0, 1640.5, 1.0), to=6.0, ids=[6, 7]), state=state)
    assert [letter.reason for letter in again.dead_letters] == ["duplicate"]
    quotes = source.quotes((6.0, 1.0, 1.0, 2.0, 1.0), (7.0, 1.0, 1.0, 2.0, 1.0), to=8.0, ids=[9, 9])
    assert [letter.reason for letter in fold(quotes, state=state).dead_letters] == ["duplicate"]
    other = Source(session=2).quotes((9.0, 1.0, 1.0, 2.0, 1.0), to=10.0, ids=[1])
    assert fold(other, state=state).dead_letters == [], "another session counts anew"


@pytest.mark.parametrize(("symbol", "price"), [("BTCUSDT", 1e6), ("TINY", 1e-8), ("TINY", 3.7e-7)])
def test_prices_from_a_hundred_millionth_to_a_million(symbol: str, price: float) -> None:
    rows = {symbol: Instrument(symbol, "X", "USD", 1 if price < 1 else 10_000_000, NANOS)}
    leg = SymbolLeg(SymbolParameters(timeframes_ns=(60 * SECOND,)), InstrumentTable(rows))
    trades = Source(symbol).trades((1.0, price, 2.0), (2.0, price * 1.1, 1.0), to=60.0)
    output = fold(trades, leg=leg, symbol=symbol)
    assert output.dead_letters == []
    (found,) = bars_of(output)
    np.testing.assert_allclose(found[3:], (price, price * 1.1, price, price * 1.1, 3.0), rtol=1e-12)


def test_a_locked_quote_and_one_without_size_are_used() -> None:
    assert fold(*quote(1640.5, 5.0, 1640.5, 0.0)).dead_letters == []


def test_prices_and_sizes_are_rounded_to_the_instruments_grid() -> None:
    output = fold(Source().trades((1.0, 1640.3, 2.6), (2.0, 1640.13, 1.2), to=60.0))
    assert bars_of(output)[0][3:] == (1640.25, 1640.25, 1640.25, 1640.25, 4.0)
    cents = fold(Source("SYN0").trades((1.0, 0.1 + 0.2, 1.0), to=60.0), symbol="SYN0")
    assert bars_of(cents)[0][3] == 0.3, "the decimal number, not a multiple of a binary tick"


def test_a_refused_row_can_be_sent_again() -> None:
    leg = leg_of(60.0)
    source, state = Source(), leg.init("ES")
    (letter,) = fold(source.trades(GOOD, (2.0, 0.0, 3.0), to=3.0), leg=leg, state=state).dead_letters
    mended = msgspec.structs.replace(
        decode_block(letter.original), session=1, seq=2, price=np.array([1641.0]), complete_to_ns=ns(60.0),
        ts_event_ns=np.array([ns(4.0)]),
    )  # fmt: skip
    output = fold(encode_block(mended), leg=leg, state=state)
    assert bars_of(output)[0][3:] == (1640.25, 1641.0, 1640.25, 1641.0, 6.0)
