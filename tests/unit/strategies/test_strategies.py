"""Do the strategies say what a few lines of plain Python over the closes say: same bars, same targets, none early?"""

from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest

from operators import bar_columns as column
from operators.bar_columns import BAR_WIDTH
from operators.features import FEATURE_SET
from operators.features.fold import close_bars
from operators.features.fused import fold_features
from operators.instruments import DEFAULT_TABLE
from operators.strategies import STRATEGIES, BarRows
from operators.strategies.rsi_reversion import RsiReversion
from operators.strategies.sma_crossover import SmaCrossover
from operators.symbol_leg import StrategyInstance, SymbolLeg, SymbolOutput, SymbolParameters
from tests.golden.series import quotes
from tests.laws.es_trades import MINUTE, es_trades, messages

WARM = {"sma_crossover": lambda s: s.slow + 1, "rsi_reversion": lambda s: 8 * s.window}
"""The first bar, counted from 1, at which a registered strategy may speak."""


@cache
def es_output(*instances: StrategyInstance) -> SymbolOutput:
    """What the leg says about all the real trades."""
    parameters = SymbolParameters(timeframes_ns=(MINUTE, 5 * MINUTE), strategies=instances)
    leg = SymbolLeg(parameters, DEFAULT_TABLE)
    blocks = messages(es_trades(), list(range(0, len(es_trades().ts_ns), 1000)))
    return leg.step(leg.init("ES"), 0, list(range(len(blocks))), blocks)


@cache
def bar_rows(name: str) -> BarRows:
    """Daily bars of SPY, or minute bars of the E-mini, with their features."""
    if name == "SPY":
        bars = quotes("Default.csv")
    else:
        output = es_output()
        bars = output.bars[output.bar_ints[:, 1] == MINUTE, :BAR_WIDTH]
    bars, features = np.ascontiguousarray(bars), np.empty((len(bars), FEATURE_SET.width))
    layout = (FEATURE_SET.state_at, FEATURE_SET.params_at, FEATURE_SET.out_at)
    fold_features(FEATURE_SET.init(), FEATURE_SET.params, bars, features, *layout)
    n = len(bars)
    return BarRows(
        symbols=(name,),
        symbol=np.zeros(n, np.int64),
        ts_event_ns=np.arange(1, n + 1),
        bars=bars,
        features=features,
        columns=FEATURE_SET.columns,
        seen=np.arange(1, n + 1),
        regime=np.full(n, -1),
    )


def plain_crossings(closes: np.ndarray, fast: int, slow: int, allow_short: bool) -> Iterator[tuple[int, str]]:
    """In whole cents, so that two equal averages are equal."""
    cents = np.rint(closes * 100).astype(np.int64)
    last = 0
    for i in range(slow - 1, len(cents)):
        side = int(
            np.sign(cents[i - fast + 1 : i + 1].sum() * slow - cents[i - slow + 1 : i + 1].sum() * fast)
        )
        if side * last < 0:
            yield i, "LONG" if side > 0 else ("SHORT" if allow_short else "FLAT")
        last = side or last


def plain_reversion(closes: np.ndarray, rules: RsiReversion) -> Iterator[tuple[int, str]]:
    """Wilder's index by his own recipe: the first average is a mean, each later one is (n - 1 old + 1 new) / n."""
    n, moves = rules.window, np.diff(closes)
    up, down = np.maximum(moves, 0.0), np.maximum(-moves, 0.0)
    rise, fall, holds = up[:n].mean(), down[:n].mean(), "FLAT"
    for i in range(n + 1, len(closes)):
        rise, fall = ((n - 1) * rise + up[i - 1]) / n, ((n - 1) * fall + down[i - 1]) / n
        index = 100.0 - 100.0 / (1.0 + rise / fall) if fall else 100.0
        if i + 1 < 8 * n:
            continue
        wants = holds
        if (holds == "LONG" and index >= rules.exit) or (holds == "SHORT" and index <= rules.exit):
            wants = "FLAT"
        if index < rules.low:
            wants = "LONG"
        elif index > rules.high and rules.allow_short:
            wants = "SHORT"
        if wants != holds:
            yield i, wants
        holds = wants


@pytest.mark.parametrize("series", ["SPY", "ES"])
@pytest.mark.parametrize(
    "rules", [SmaCrossover(), SmaCrossover(fast=2, slow=3), SmaCrossover(fast=5, slow=21, allow_short=False)]
)
def test_sma_crossover(series: str, rules: SmaCrossover) -> None:
    rows = bar_rows(series)
    found = [(intent.row, intent.target) for intent in rules.step(rules.init(), rows)]
    closes = rows.bars[:, column.CLOSE]
    assert found == list(plain_crossings(closes, rules.fast, rules.slow, rules.allow_short))
    assert len(found) > 3


@pytest.mark.parametrize("series", ["SPY", "ES"])
@pytest.mark.parametrize(
    "rules",
    [
        RsiReversion(),
        RsiReversion(window=2, low=20.0, high=80.0),
        RsiReversion(window=5, low=35.0, high=65.0, exit=45.0, allow_short=False),
    ],
)
def test_rsi_reversion(series: str, rules: RsiReversion) -> None:
    rows = bar_rows(series)
    found = [(intent.row, intent.target) for intent in rules.step(rules.init(), rows)]
    assert found == list(plain_reversion(rows.bars[:, column.CLOSE], rules))
    assert len(found) > 3


@pytest.mark.parametrize("series", ["SPY", "ES"])
@pytest.mark.parametrize("name", STRATEGIES)
def test_nothing_is_said_before_it_is_warm_nor_a_stop_before_its_range_is(name: str, series: str) -> None:
    rows, strategy = bar_rows(series), STRATEGIES[name]()
    intents = strategy.step(strategy.init(), rows)
    assert intents
    assert intents[0].row + 1 >= WARM[name](strategy), "give a new strategy its warm-up here"
    warm = FEATURE_SET.warm_bars(["atr_14"])
    for intent in intents:
        ranges = 3.0 * rows.feature("atr_14")[intent.row] if intent.row + 1 >= warm else 0.0
        assert intent.stop_distance == ranges
        assert intent.reason
        assert intent.explanation


def a_series(closes: list[float]) -> BarRows:
    """Bars with these closes, features unknown."""
    n = len(closes)
    return BarRows(
        symbols=("X",),
        symbol=np.zeros(n, np.int64),
        ts_event_ns=np.arange(1, n + 1),
        bars=close_bars(closes),
        features=np.full((n, FEATURE_SET.width), np.nan),
        columns=FEATURE_SET.columns,
        seen=np.arange(1, n + 1),
        regime=np.full(n, -1),
    )


def test_the_first_word_comes_with_the_first_warm_bar() -> None:
    falling = RsiReversion(window=3)
    rows = a_series([100.0 - i for i in range(60)])
    assert [(i.row, i.target) for i in falling.step(falling.init(), rows)] == [(8 * 3 - 1, "LONG")]
    crash = SmaCrossover(fast=3, slow=6)
    rows = a_series([100.0, 101.0, 102.0, 103.0, 104.0, 105.0, 1.0, 1.0, 1.0])
    assert [(i.row, i.target) for i in crash.step(crash.init(), rows)] == [(6, "SHORT")]


def test_equal_averages_are_no_crossing_and_hide_none() -> None:
    rules = SmaCrossover(fast=2, slow=4)
    touch = a_series([1.0, 2.0, 3.0, 4.0, 1.0, 7.0, 8.0])
    assert rules.step(rules.init(), touch) == []
    through = a_series([1.0, 2.0, 3.0, 4.0, 1.0, 2.0])
    assert [(i.row, i.target) for i in rules.step(rules.init(), through)] == [(5, "SHORT")]


def test_rounding_of_cents_is_no_difference() -> None:
    moves = 0.05 * np.random.default_rng(7).standard_normal(20_000)
    closes = (100.0 + np.cumsum(moves)).round(2)
    rules = SmaCrossover(fast=5, slow=15)
    said = [(i.row, i.target) for i in rules.step(rules.init(), a_series(closes.tolist()))]
    assert said == list(plain_crossings(closes, 5, 15, True))
    assert len(said) > 1000


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_legs_signals_are_the_strategys_intents_on_the_bars_of_its_timeframe(name: str) -> None:
    instances = (
        StrategyInstance("mine", MINUTE, STRATEGIES[name]()),
        StrategyInstance("slow", 5 * MINUTE, STRATEGIES[name]()),
        StrategyInstance("other", MINUTE, STRATEGIES[name](), symbols=("BTCUSDT",)),
    )
    output, rows = es_output(*instances), bar_rows("ES")
    strategy = STRATEGIES[name]()
    times = output.bar_ints[output.bar_ints[:, 1] == MINUTE, 0]
    expected = [
        (
            int(times[i.row]),
            i.target,
            i.reason,
            i.explanation,
            i.stop_distance,
            rows.bars[i.row, column.CLOSE],
        )
        for i in strategy.step(strategy.init(), rows)
    ]
    mine = [signal for signal in output.signals if signal.strategy == "mine"]
    assert [
        (s.ts_event_ns, s.target, s.reason, s.explanation, s.stop_distance, s.price) for s in mine
    ] == expected
    assert {signal.strategy for signal in output.signals} <= {"mine", "slow"}
    assert [signal.seq for signal in output.signals] == list(range(len(output.signals)))
    assert output.signals_emitted == len(output.signals)
    ids = [signal.id for signal in output.signals]
    assert len(set(ids)) == len(ids)
    assert mine[0].id == f"mine:ES:{MINUTE}:{mine[0].ts_event_ns}"
    ordered = [signal.ts_event_ns for signal in output.signals]
    assert ordered == sorted(ordered)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (
            lambda: SmaCrossover(fast=50, slow=50),
            "fast is 50 and slow is 50; they must satisfy 2 <= fast < slow",
        ),
        (lambda: SmaCrossover(fast=1), "fast is 1"),
        (lambda: RsiReversion(window=1), "window is 1; it must be at least 2"),
        (
            lambda: RsiReversion(low=50.0),
            "low 50.0, exit 50.0, high 70.0 must satisfy 0 < low < exit < high < 100",
        ),
        (lambda: RsiReversion(high=100.0), "high 100.0 must satisfy"),
    ],
)
def test_parameters_that_contradict_each_other_are_refused(make: object, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        make()


def test_the_tag_names_every_parameter_that_gives_the_state_its_meaning() -> None:
    sma = StrategyInstance("a", MINUTE, SmaCrossover())
    variants = [
        SymbolParameters((MINUTE,)),
        SymbolParameters((MINUTE, 5 * MINUTE)),
        SymbolParameters((MINUTE,), mark_interval_ns=5),
        SymbolParameters((MINUTE,), bad_print_fraction=0.1),
        SymbolParameters((MINUTE,), strategies=(sma,)),
        SymbolParameters((MINUTE,), strategies=(StrategyInstance("a", MINUTE, SmaCrossover(slow=60)),)),
        SymbolParameters((MINUTE,), strategies=(StrategyInstance("a", MINUTE, SmaCrossover(), ("ES",)),)),
        SymbolParameters((MINUTE,), strategies=(StrategyInstance("a", MINUTE, RsiReversion()),)),
    ]
    assert len({parameters.tag for parameters in variants}) == len(variants)
