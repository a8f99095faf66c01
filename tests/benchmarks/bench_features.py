"""What does a bar cost: the seven classic indicators, every registered feature, all of them, and the regime.

Run as `python -m tests.benchmarks.bench_features`. CPU time, medians [smallest - largest] of nine runs over 50,000 bars
made of real minutes; peers (the `bench` extra) run over 5,000 of them, in the same process.
"""

import importlib.metadata
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numba import njit

from operators.features import FEATURE_SET, FEATURES, FeatureSet
from operators.features.borrow import borrow
from operators.features.feature import Kernel, Vector
from operators.features.feature_set import Offsets
from operators.features.fold import Matrix
from operators.features.fused import fold_features, step_features
from operators.regime import OUTPUTS, VolatilityBuckets
from operators.regime import step as step_regime
from tests.benchmarks.peers.indicators import PEERS
from tests.golden.series import quotes

CLASSIC = ("sma_20", "ema_20", "rsi_14", "macd_12_26_9", "bb_20_2", "atr_14", "adx_14")
_k0, _k1, _k2, _k3, _k4, _k5, _k6 = (FEATURES[name].kernel for name in CLASSIC)


@njit(error_model="numpy")
def fold_classic(
    state: Vector, params: Vector, bars: Matrix, out: Matrix, so: Offsets, po: Offsets, oo: Offsets
) -> None:
    """The seven classics over `bars`, as `fold_features` does for all."""
    state, params, bars, out = borrow(state), borrow(params), borrow(bars), borrow(out)
    for i in range(len(bars)):
        bar, row = bars[i], out[i]
        _k0(state[so[0] : so[1]], params[po[0] : po[1]], bar, row[oo[0] : oo[1]])
        _k1(state[so[1] : so[2]], params[po[1] : po[2]], bar, row[oo[1] : oo[2]])
        _k2(state[so[2] : so[3]], params[po[2] : po[3]], bar, row[oo[2] : oo[3]])
        _k3(state[so[3] : so[4]], params[po[3] : po[4]], bar, row[oo[3] : oo[4]])
        _k4(state[so[4] : so[5]], params[po[4] : po[5]], bar, row[oo[4] : oo[5]])
        _k5(state[so[5] : so[6]], params[po[5] : po[6]], bar, row[oo[5] : oo[6]])
        _k6(state[so[6] : so[7]], params[po[6] : po[7]], bar, row[oo[6] : oo[7]])


@njit(error_model="numpy")
def fold_regime(state: Vector, params: Vector, volatilities: Vector, out: Vector) -> None:
    """The regime over `volatilities`."""
    for i in range(len(volatilities)):
        step_regime(state, params, volatilities[i], out)


def alone(kernel: Kernel) -> Callable[[Vector, Vector, Matrix, Matrix], None]:
    """One kernel over all bars."""

    @njit(error_model="numpy")
    def fold_one(state: Vector, params: Vector, bars: Matrix, out: Matrix) -> None:
        state, params, bars, out = borrow(state), borrow(params), borrow(bars), borrow(out)
        for i in range(len(bars)):
            kernel(state, params, bars[i], out[i])

    return fold_one


class Cost(NamedTuple):
    """Nanoseconds of CPU per unit of work: median, smallest, largest of nine runs."""

    median: float
    low: float
    high: float


def cost_ns(run: Callable[[], object], count: int) -> Cost:
    """Measure after one run that compiles."""
    run()
    times = []
    for _ in range(9):
        begin = time.process_time_ns()
        run()
        times.append((time.process_time_ns() - begin) / count)
    return Cost(statistics.median(times), min(times), max(times))


def measure_peers(bars: Matrix) -> dict[str, Cost]:
    """The seven classics by each peer that is installed; say which is not."""
    found = {}
    for name, make in PEERS.items():
        try:
            run = make(bars)
        except ImportError:
            print(f"{name} is not installed: pip install -c constraints.txt -e '.[bench]'")
            continue
        found[f"7 classic, {name} {importlib.metadata.version(name)}"] = cost_ns(run, len(bars))
    return found


def fold_all(features: FeatureSet, fold: Callable[..., None], bars: Matrix) -> Callable[[], None]:
    """A run of a whole set."""
    state, out = features.init(), np.empty((len(bars), features.width))
    return lambda: fold(
        state, features.params, bars, out, features.state_at, features.params_at, features.out_at
    )


def measure() -> dict[str, Cost]:
    """Cost of a bar, by name."""
    bars = np.tile(quotes("Intraday.csv"), (32, 1))[:50_000]
    bars[:, 9] = np.arange(len(bars)) % 5
    classic = FeatureSet.of({name: FEATURES[name] for name in CLASSIC})
    result = {
        "7 classic indicators": cost_ns(fold_all(classic, fold_classic, bars), len(bars)),
        f"all {len(FEATURES)} features, {FEATURE_SET.width} outputs": cost_ns(
            fold_all(FEATURE_SET, fold_features, bars), len(bars)
        ),
    }
    result |= measure_peers(bars[:5_000])
    state, row = FEATURE_SET.init(), np.empty(FEATURE_SET.width)
    offsets = (FEATURE_SET.state_at, FEATURE_SET.params_at, FEATURE_SET.out_at)

    def one_by_one() -> None:
        for bar in bars[:5000]:
            step_features(state, FEATURE_SET.params, bar, row, *offsets)

    result["all, one Python call a bar"] = cost_ns(one_by_one, 5000)
    buckets, volatilities = VolatilityBuckets(), np.abs(np.diff(bars[:, 3]))
    memory, out = buckets.init(), np.empty(len(OUTPUTS))
    result["regime"] = cost_ns(lambda: fold_regime(memory, buckets.params(), volatilities, out), len(bars))
    for name, feature in FEATURES.items():
        run, init, params = alone(feature.kernel), feature.init(), feature.params()
        outputs = np.empty((len(bars), len(feature.outputs)))
        result[name] = cost_ns(lambda r=run, s=init, p=params, o=outputs: r(s, p, bars, o), len(bars))
    return result


if __name__ == "__main__":
    for what, cost in measure().items():
        low, middle, high = (ns / 1000.0 for ns in (cost.low, cost.median, cost.high))
        print(f"{what:36s}{middle:9.3f} us a bar [{low:.3f} - {high:.3f}]")
    print(f"state: {FEATURE_SET.state_size * 8} bytes, feature set {FEATURE_SET.feature_set_hash}")
