"""How are daily returns and the results of trades spread? Counts in bins of one width, one edge of which is zero.

The outermost bins also hold what lies beyond them, so that a single outlier does not squeeze all others into one bar.
"""

import math

import numpy as np
from numpy.typing import NDArray

from operators.performance import PerformanceResult
from ui.report.report import Distribution, Trade

LEAST = 5
"""Values below which nothing is spread."""
_QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


def distributions(performance: PerformanceResult | None, trades: list[Trade]) -> list[Distribution]:
    """Return those of which there are enough values: ``daily_return`` and ``trade_return``, as ratios."""
    days = [row.return_ for row in performance.daily if row.return_ is not None] if performance else []
    series = {"daily_return": days, "trade_return": [trade.return_ for trade in trades]}
    return [distribution(name, np.array(values)) for name, values in series.items() if len(values) >= LEAST]


def distribution(name: str, values: NDArray[np.float64]) -> Distribution:
    """Return counts and quantiles of the values."""
    edges = _edges(values)
    within = np.clip(values, edges[0], np.nextafter(edges[-1], -np.inf))
    quantiles = np.quantile(values, _QUANTILES).tolist()
    return Distribution(
        name,
        len(values),
        float(values.mean()),
        float(values.std(ddof=1)),
        {f"{q:g}": value for q, value in zip(_QUANTILES, quantiles, strict=True)},
        edges.tolist(),
        np.histogram(within, edges)[0].tolist(),
    )


def _edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return bin edges that are multiples of a round width, from the first to the last hundredth of the values."""
    low, high = np.quantile(values, [0.005, 0.995]).tolist()
    wanted = min(60.0, max(8.0, 2.0 * math.sqrt(len(values))))
    width = _round_width(max(high - low, abs(high) * 1e-3, 1e-6) / wanted)
    first, last = math.floor(low / width), math.floor(high / width) + 1
    return np.arange(first, last + 1) * width


def _round_width(least: float) -> float:
    """Return the next of 1, 2, 2.5, 5 times a power of ten.

    >>> _round_width(0.0013), _round_width(0.0021), _round_width(0.006)
    (0.002, 0.0025, 0.01)
    """
    power = 10.0 ** math.floor(math.log10(least))
    return power * next(step for step in _STEPS if step * power >= least * (1 - 1e-9))
