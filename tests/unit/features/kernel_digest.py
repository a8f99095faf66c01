"""Prints a digest of all features and the regime over real and spiked bars: the same compiled or not.

Run as `python -m tests.unit.features.kernel_digest`, with and without NUMBA_DISABLE_JIT=1.
"""

import hashlib

import numpy as np

from operators.features import FEATURE_SET
from operators.features.fused import fold_features
from operators.regime import OUTPUTS, VolatilityBuckets, step
from tests.golden.series import quotes


def digest() -> str:
    """Hash of outputs and state; one NaN counts like another."""
    total = hashlib.sha256()
    for file, factor in (("Default.csv", 1.0), ("Bitcoin.csv", 1e-12), ("Intraday.csv", 1e6)):
        bars = quotes(file)[:420]
        bars[:, :5] *= factor
        bars[200, :6] *= 1e12
        bars[300:330, :4] = bars[300, 0]
        bars[:, 9] = np.arange(len(bars)) % 3
        out = np.empty((len(bars), FEATURE_SET.width))
        state = FEATURE_SET.init()
        offsets = (FEATURE_SET.state_at, FEATURE_SET.params_at, FEATURE_SET.out_at)
        fold_features(state, FEATURE_SET.params, bars, out, *offsets)
        regimes = np.empty((len(bars), len(OUTPUTS)))
        buckets = VolatilityBuckets()
        memory = buckets.init()
        for volatility, row in zip(
            out[:, FEATURE_SET.column("realised_volatility_20")], regimes, strict=True
        ):
            step(memory, buckets.params(), volatility, row)
        for array in (out, state, regimes, memory):
            total.update(np.where(np.isnan(array), np.nan, array).tobytes())
    return total.hexdigest()


if __name__ == "__main__":
    print(digest())
