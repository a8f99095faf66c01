"""Do the laws of the design hold for the symbol leg: cuts, prefixes, resumption, garbage; and for every strategy?"""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.connectors.gateway import CutSettings
from flows.connectors.recorded import RecordedSettings, open_recorded
from flows.connectors.synthetic import open_synthetic
from flows.connectors.synthetic_settings import FaultRates, SyntheticSettings
from operators import symbol_layout as at
from operators.bar_columns import BAR_WIDTH
from operators.features import FEATURE_SET
from operators.instruments import DEFAULT_TABLE
from operators.strategies import STRATEGIES, BarRows
from operators.symbol_leg import StrategyInstance, SymbolLeg, SymbolParameters
from schemas.blocks import decode_block, encode_block
from tests.laws.es_trades import MINUTE, Trades, es_trades, messages
from tests.laws.market_streams import SECOND, SEEDS, Session, a_stream, cut, streams
from tests.laws.symbol_leg_digest import digest
from tests.laws.symbol_runs import LEG, QUICK, SESSIONS, Said, parameters, run, said
from tests.unit.gateways.sessions import DATA, DEMO

ROOT = Path(__file__).parents[2]
FAULTY = SyntheticSettings(
    symbols=1,
    pairs=0,
    rate_per_s=3.0,
    duration_s=100.0,
    faults=FaultRates(gaps=0.1, duplicates=0.02, bad_prints=0.02, crossed_quotes=0.02),
)
GATEWAYS: dict[str, tuple[SymbolLeg, str, Callable[[CutSettings], Any]]] = {
    "synthetic": (LEG, "SYN000", lambda cut: open_synthetic(FAULTY, cut)),
    "binance": (
        LEG,
        "BTCUSDT",
        lambda cut: open_recorded([str(DATA / "btcusdt_usdm_1500.jsonl.gz")], cut=cut),
    ),
    "bars": (
        SymbolLeg(parameters(MINUTE, 5 * MINUTE), DEFAULT_TABLE, SESSIONS),
        "SPY",
        lambda cut: open_recorded([str(DEMO / "spy_1m.csv")], RecordedSettings(symbol="SPY"), cut=cut),
    ),
}
ES = Trades(*(column[100_000:112_000] for column in es_trades()))


def assert_same(got: Said, expected: Said) -> None:
    """Bit for bit, naming the part that differs."""
    for name in got._fields:
        assert getattr(got, name) == getattr(expected, name), name


def random_polls(rng: np.random.Generator, count: int) -> list[int]:
    """Where polls begin."""
    return rng.integers(0, count, rng.integers(0, 9)).tolist()


@given(stream=streams(), seeds=st.lists(SEEDS, min_size=3, max_size=3))
@settings(max_examples=400)
def test_law_1_any_cut_into_messages_and_polls_says_the_same(stream: list[Session], seeds: list[int]) -> None:
    expected = said(*run(cut(stream)))
    for seed in seeds:
        rng = np.random.default_rng(seed)
        blocks = cut(stream, rng)
        assert_same(said(*run(blocks, random_polls(rng, len(blocks)))), expected)


@given(seed=SEEDS)
@settings(max_examples=10)
def test_law_1_on_real_trades(seed: int) -> None:
    rng = np.random.default_rng(seed)
    whole = said(*run(messages(ES, [0]), (), LEG, "ES"))
    edges = sorted({0, *rng.integers(0, len(ES.ts_ns), rng.integers(0, 2000)).tolist()})
    blocks = messages(ES, edges)
    assert_same(said(*run(blocks, random_polls(rng, len(blocks)), LEG, "ES")), whole)


@pytest.mark.parametrize(
    ("cut_ns", "max_rows"), [(10**6, 1000), (10**9, 3), (10 * 10**9, 50), (10**12, 1), (10**15, 1000)]
)
@pytest.mark.parametrize("source", GATEWAYS)
def test_law_1_on_what_a_gateway_cuts(source: str, cut_ns: int, max_rows: int) -> None:
    leg, symbol, _ = GATEWAYS[source]
    got = said(*run(gateway_blocks(source, cut_ns, max_rows), (), leg, symbol))
    assert_same(got, said(*run(gateway_blocks(source, SECOND // 4, 1000), (), leg, symbol)))
    assert len(got.bars) > 0


def gateway_blocks(source: str, cut_ns: int, max_rows: int) -> list[bytes]:
    """All that the gateway says when it cuts so."""
    open_gateway = GATEWAYS[source][2]
    with open_gateway(CutSettings(cut_ns=cut_ns, max_rows=max_rows)) as gateway:
        return [encode_block(block) for some in gateway for block in some.blocks]


@given(stream=streams(), seed=SEEDS, most=st.sampled_from([1, 300, 5000]))
@settings(max_examples=30)
def test_a_poll_too_large_for_one_call_is_taken_in_parts(stream: list[Session], seed: int, most: int) -> None:
    blocks = cut(stream, np.random.default_rng(seed))
    expected = said(*run(blocks))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("operators.symbol_leg._MOST_BYTES", most)
        assert_same(said(*run(blocks)), expected)


def test_the_streams_show_every_fault_quality_and_strategy() -> None:
    """The laws above are worth what the streams hold."""
    reasons, qualities, speakers = set(), set(), set()
    for seed in range(60):
        outputs, _ = run(cut(a_stream(np.random.default_rng(seed), 0.3)))
        reasons |= {letter.reason for output in outputs for letter in output.dead_letters}
        qualities |= {int(q) for output in outputs for q in output.bar_ints[:, at.OUT_QUALITY]}
        speakers |= {signal.strategy.rpartition("_")[0] for output in outputs for signal in output.signals}
    of_messages = {"malformed", "wrong_symbol", "missing_rows", "bad_gap", "newer_version"}
    assert reasons == set(at.REASONS) - of_messages
    assert qualities == {at.COMPLETE, at.PARTIAL, at.REPAIRED}
    assert speakers == set(STRATEGIES)


@given(stream=streams(), seed=SEEDS)
@settings(max_examples=60)
def test_law_2_what_was_said_stays_when_the_future_is_appended(stream: list[Session], seed: int) -> None:
    rng = np.random.default_rng(seed)
    blocks = cut(stream, rng)
    known = int(rng.integers(0, len(blocks) + 1))
    before, after = said(*run(blocks[:known])), said(*run(blocks))
    for name in ("bar_ints", "bars", "mark_ints", "marks", "signals"):
        earlier = getattr(before, name)
        assert getattr(after, name)[: len(earlier)] == earlier, name


@given(stream=streams(), seed=SEEDS)
@settings(max_examples=60)
def test_law_3_a_pickled_state_goes_on_as_if_never_stopped(stream: list[Session], seed: int) -> None:
    rng = np.random.default_rng(seed)
    blocks = cut(stream, rng)
    polls = range(len(blocks)) if seed % 4 == 0 else random_polls(rng, len(blocks))
    assert_same(said(*run(blocks, polls, resume=True)), said(*run(blocks)))


def one_timeframe(**more: Any) -> SymbolLeg:
    """A leg with all features, one timeframe and every strategy with its own parameters."""
    strategies = tuple(StrategyInstance(name, MINUTE, kind()) for name, kind in STRATEGIES.items())
    return SymbolLeg(
        SymbolParameters(timeframes_ns=(MINUTE,), strategies=strategies, **more), DEFAULT_TABLE, SESSIONS
    )


def test_law_3_the_state_is_small_and_does_not_grow_over_a_million_events() -> None:
    bare = SymbolLeg(SymbolParameters(timeframes_ns=(MINUTE,)), DEFAULT_TABLE)
    assert len(pickle.dumps(bare.init("ES"))) <= 4096
    leg, trades = one_timeframe(), es_trades()
    state = leg.init("ES")
    sizes, later = [], int(trades.ts_ns[-1] - trades.ts_ns[0]) // MINUTE * MINUTE + 10 * MINUTE
    for day in range(2):
        moved = trades._replace(ts_ns=trades.ts_ns + day * later)
        blocks = messages(moved, list(range(0, len(moved.ts_ns), 1000)), session=day + 1)
        for start in range(0, len(blocks), 100):
            part = blocks[start : start + 100]
            leg.step(state, 0, list(range(start, start + len(part))), part)
            sizes.append(len(pickle.dumps(state)) - (at.ROW_INTS + at.ROW_FLOATS) * 8 * len(state.held))
    assert 2 * len(trades.ts_ns) >= 1_000_000
    assert max(sizes) <= 4096
    assert max(sizes) - min(sizes) < 50, (
        "without the rows that wait for their time only lengths of numbers change"
    )
    assert len(state.held) == 0


def test_the_rows_that_wait_are_bounded_and_what_comes_after_their_time_is_late() -> None:
    leg = one_timeframe(held_rows=50)
    state = leg.init("ES")
    some = Trades(*(column[:500] for column in es_trades()))
    dead = []
    for number, block in enumerate(messages(some, list(range(0, 500, 5)))[:-1]):
        silent = msgspec.structs.replace(decode_block(block), complete_to_ns=1)
        dead += leg.step(state, 0, [number], [encode_block(silent)]).dead_letters
        assert len(state.held) <= 50
    assert dead == []
    old = msgspec.structs.replace(decode_block(messages(some, [0])[0]), seq=500, complete_to_ns=1)
    (late, *_) = leg.step(state, 0, [101], [encode_block(old)]).dead_letters
    assert late.reason == "late"


def test_a_state_of_other_parameters_is_refused() -> None:
    state = one_timeframe().init("ES")
    with pytest.raises(ValueError, match=r"the state of ES has tag \w+, these parameters have \w+: restore"):
        LEG.step(state, 0, [], [])


@pytest.mark.parametrize("name", STRATEGIES)
def test_laws_2_and_3_for_every_strategy(name: str) -> None:
    """Fed at once, in pieces or with a pickled memory: the same intents, and none changes when bars follow."""
    rows = es_bar_rows()
    strategy = STRATEGIES[name](**QUICK.get(name, {}))
    whole = strategy.step(strategy.init(), rows)
    assert len(whole) > 20
    for pieces in ([1] * 200, [7, 1, 30], [100]):
        memory, place, intents = strategy.init(), 0, list[Any]()
        for size in [*pieces, len(rows.bars)]:
            memory = pickle.loads(pickle.dumps(memory))
            found = strategy.step(memory, part(rows, place, place + size))
            intents += [msgspec.structs.replace(intent, row=intent.row + place) for intent in found]
            place += size
            assert intents == [intent for intent in whole if intent.row < place]


@cache
def es_bar_rows() -> BarRows:
    """The minute bars of the real trades, as strategies see them."""
    leg = SymbolLeg(SymbolParameters(timeframes_ns=(MINUTE,)), DEFAULT_TABLE)
    blocks = messages(es_trades(), list(range(0, len(es_trades().ts_ns), 1000)))
    output = leg.step(leg.init("ES"), 0, list(range(len(blocks))), blocks)
    n, end = len(output.bars), BAR_WIDTH + FEATURE_SET.width
    return BarRows(
        symbols=("ES",),
        symbol=np.zeros(n, np.int64),
        ts_event_ns=output.bar_ints[:, at.OUT_TS],
        bars=output.bars[:, :BAR_WIDTH],
        features=output.bars[:, BAR_WIDTH:end],
        columns=FEATURE_SET.columns,
        seen=output.bar_ints[:, at.OUT_SEEN],
        regime=output.bars[:, end].astype(np.int64),
    )


def part(rows: BarRows, start: int, stop: int) -> BarRows:
    """Some of the rows."""
    names = [name for name in rows.__struct_fields__ if name not in ("symbols", "columns")]
    return msgspec.structs.replace(rows, **{name: getattr(rows, name)[start:stop] for name in names})


def test_compiled_and_plain_python_say_the_same() -> None:
    """A second interpreter with NUMBA_DISABLE_JIT=1, warnings being errors."""
    plain = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.laws.symbol_leg_digest"],
        cwd=ROOT,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert plain.stderr == ""
    assert plain.stdout.strip() == digest()
