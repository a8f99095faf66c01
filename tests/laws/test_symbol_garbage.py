"""Law 8 for the symbol leg: any bytes give an event or a dead letter, never an exception and never silence.

What went in is counted as a second reader counts it: rows used + refused + waiting + sent before = rows in.
"""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from operators import symbol_layout as at
from operators.bar_columns import BAR_WIDTH, TRADES
from operators.symbol_leg import SymbolOutput, SymbolState
from schemas import blocks
from schemas.blocks import decode_block
from schemas.codec import DecodeError, NewerVersion, decode_rows, frame
from schemas.scalars import write_long, write_string
from tests.laws.market_streams import SECOND, SEEDS, START, SYMBOL, Session, a_session, cut, streams
from tests.laws.symbol_runs import LEG, run, said
from tests.unit.schemas.hostile_blocks import spoilt

ROW_BLOCKS = ("TradeBlock", "QuoteBlock", "BarBlock")


class Ledger:
    """Counts what became of every row of every message."""

    def __init__(self, messages: list[bytes], outputs: list[SymbolOutput], state: SymbolState) -> None:
        self.letters = [letter for output in outputs for letter in output.dead_letters]
        self.refused = {letter.offset: letter for letter in self.letters if letter.ordinal < 0}
        self.waiting = int(np.count_nonzero(state.held_ints[:, at.KIND] != blocks.GAP))
        self.rows = self.again = 0
        session, expected = None, dict[str, int]()
        for offset, message in enumerate(messages):
            if offset in self.refused:
                assert self.refused[offset].original == message
                continue
            found = decode_rows("market_data", message)  # what the leg takes, this reader takes too
            if found.head["session"] != session:
                session, expected = found.head["session"], {}
            if found.record in ROW_BLOCKS:
                known = expected.get(found.record, 0)
                rows, seq = len(found.longs), found.head["seq"]
                self.rows += rows
                self.again += min(rows, max(0, known - seq))
                expected[found.record] = max(known, seq + rows)

    @property
    def rows_refused(self) -> int:
        """Rows with a dead letter of their own."""
        kinds = [
            type(decode_block(letter.original)).__name__ for letter in self.letters if letter.ordinal >= 0
        ]
        return sum(kind in ROW_BLOCKS for kind in kinds)


def trades_used(outputs: list[SymbolOutput], state: SymbolState) -> int:
    """Trades in the closed bars and the open one of the first timeframe."""
    timeframe = LEG.parameters.timeframes_ns[0]
    closed = sum(o.bars[o.bar_ints[:, at.OUT_TIMEFRAME] == timeframe, TRADES].sum() for o in outputs)
    is_open = state.ints[at.INTS + at.BAR_END] != 0
    return int(closed + (state.floats[at.FLOATS + TRADES] if is_open else 0.0))


def spoil(messages: list[bytes], share: float, rng: np.random.Generator) -> list[bytes]:
    """Messages of which some are spoilt."""
    return [spoilt(message, rng) if rng.random() < share else message for message in messages]


@given(seed=SEEDS, share=st.sampled_from([0.1, 0.5, 1.0]))
@settings(max_examples=150)
def test_every_trade_is_used_refused_waiting_or_known(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    first = a_session(rng, 1, START, (blocks.TRADES,), 60, SECOND, 0.2)
    messages = spoil(cut([first], rng), share, rng)
    outputs, state = run(messages, rng.integers(0, len(messages), 4).tolist())
    ledger = Ledger(messages, outputs, state)
    quotes_and_bars = [m for m in messages if _kind(m) in ("QuoteBlock", "BarBlock")]
    if not quotes_and_bars:
        used = trades_used(outputs, state)
        assert ledger.rows == used + ledger.rows_refused + ledger.waiting + ledger.again


def _kind(message: bytes) -> str:
    try:
        return decode_rows("market_data", message).record
    except DecodeError:
        return ""


@given(stream=streams(), seed=SEEDS, share=st.sampled_from([0.1, 0.5, 1.0]))
@settings(max_examples=150)
def test_spoilt_messages_of_every_kind(stream: list[Session], seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    messages = spoil(cut(stream, rng), share, rng)
    outputs, state = run(messages, rng.integers(0, len(messages), 9).tolist())
    ledger = Ledger(messages, outputs, state)
    used = ledger.rows - ledger.rows_refused - ledger.waiting - ledger.again
    assert used >= 0
    for letter in ledger.refused.values():
        check_refusal(letter.reason, letter.original)
    for array in (state.floats, *(output.bars[:, :BAR_WIDTH] for output in outputs)):
        assert not np.isinf(array).any()


def check_refusal(reason: str, message: bytes) -> None:
    """A whole message is refused where our other reader refuses it, or for its symbol, an alphabet or a count."""
    try:
        head: dict[str, Any] = decode_rows("market_data", message).head
    except DecodeError as error:
        assert reason == ("newer_version" if isinstance(error, NewerVersion) else "malformed")
        return
    if reason == "wrong_symbol":
        assert head["symbol"] != SYMBOL
    else:
        names_ascii = head["symbol"].isascii() and head["venue"].isascii()
        small = len(message) < 8 * len(decode_rows("market_data", message).longs)
        assert not names_ascii or not 0 <= head["seq"] <= 1 << 62 or small


@given(st.lists(st.binary(max_size=80), max_size=5))
@example([b""])
@example([b"", b"\x00"])
@settings(max_examples=300)
def test_noise_is_refused_message_by_message(noise: list[bytes]) -> None:
    head = write_string(SYMBOL) + write_string("SIM")
    messages = [*noise, *(frame("market_data", 0) + head + some for some in noise)]
    outputs, state = run(messages)
    ledger = Ledger(messages, outputs, state)
    readable = [offset for offset, message in enumerate(messages) if _kind(message)]
    assert set(range(len(messages))) - set(readable) <= set(ledger.refused)
    assert all(letter.detail and letter.id for letter in ledger.letters)


@given(stream=streams(), seed=SEEDS)
@settings(max_examples=60)
def test_noise_between_messages_changes_nothing(stream: list[Session], seed: int) -> None:
    rng = np.random.default_rng(seed)
    clean = cut(stream, rng)
    noisy = list(clean)
    for _ in range(5):
        noisy.insert(int(rng.integers(0, len(noisy) + 1)), rng.bytes(int(rng.integers(0, 60))))
    expected, got = said(*run(clean)), said(*run(noisy))
    assert got._replace(dead=[]) == expected._replace(dead=[])
    assert sorted(set(got.dead) - set(expected.dead)) == sorted(d for d in got.dead if d[0] == "malformed")


def _head(session: int, seq: int, promise: int) -> bytes:
    numbers = write_long(session) + write_long(seq) + write_long(promise)
    return frame("market_data", 0) + write_string(SYMBOL) + write_string("SIM") + numbers + b"\x00"


@pytest.mark.parametrize("seq", [-1, (1 << 63) - 1, -(1 << 63), (1 << 62) + 1])
def test_a_count_that_is_none_is_refused(seq: int) -> None:
    """Else it would overflow, and every row after it would seem to be known."""
    one = write_long(1) + write_long(START) + b"\x00"
    longs = one + (write_long(1) + b"\x00" + b"\x00") * 3
    doubles = (write_long(1) + np.float64(100.0).tobytes() + b"\x00") * 2
    message = _head(1, seq, START) + longs + doubles
    assert decode_rows("market_data", message).head["seq"] == seq
    (output,), _ = run([message])
    (letter,) = output.dead_letters
    assert letter.reason == "malformed"
    assert "a count, name or time in the block is out of range" in letter.detail


def test_a_message_in_which_every_row_closes_bars_fits_its_room() -> None:
    rng = np.random.default_rng(0)
    told = a_session(rng, 1, START, (blocks.TRADES,), 200, 0, 0.0).told
    trades = [item for item in told if item.kind == blocks.TRADES]
    sparse = [item._replace(ts=START + i * 40 * SECOND) for i, item in enumerate(trades)]
    (output,), _ = run(cut([Session(1, sparse, START + 10**6 * SECOND)], rng))
    assert len(output.bars) == 2 * len(sparse) == 400
