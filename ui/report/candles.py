"""Which candles are drawn? The log's bars, made longer until they are few enough to draw.

A candle is known by the start of its interval; its length is one of a ladder, a multiple of the bars it is made of.
"""

import numpy as np

from ui.report.records import Bars, Longs, Regimes
from ui.report.report import Candles

MOST = 2400
"""Candles of one symbol and length that a browser draws without effort."""
_OVERVIEW = 600
"""Candles that still are seen one by one across a screen."""
HOLES = 60
"""Closed hours that are cut out of a time axis; more make zooming slow."""
_SECOND = 1_000_000_000
_HALF_HOUR = 1800 * _SECOND
_SECONDS = (
    1, 2, 5, 10, 15, 30, 60, 120, 180, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 43_200, 86_400, 604_800,
    2_419_200, 31_449_600,
)  # fmt: skip
LADDER = tuple(seconds * _SECOND for seconds in _SECONDS)
_NO_REGIMES = Regimes(np.zeros(0, np.int64), np.zeros(0, np.int64))


def candle_series(bars: dict[int, Bars], regimes: dict[int, Regimes], most: int = MOST) -> list[Candles]:
    """Return one series per timeframe of the log, none above ``most`` candles, shortest first.

    Where no series fits on a screen, a longer one is added for the overview.
    """
    found: dict[int, Candles] = {}
    for timeframe in sorted(bars):
        length = _length(bars[timeframe].close_ns, timeframe, most)
        if length not in found:
            found[length] = candles(bars[timeframe], timeframe, length, regimes.get(timeframe, _NO_REGIMES))
    if found and all(len(series.start_ns) > _OVERVIEW for series in found.values()):
        timeframe = max(bars)
        length = _length(bars[timeframe].close_ns, timeframe, _OVERVIEW)
        found.setdefault(
            length, candles(bars[timeframe], timeframe, length, regimes.get(timeframe, _NO_REGIMES))
        )
    return [found[length] for length in sorted(found)]


def candles(bars: Bars, timeframe_ns: int, length_ns: int, regimes: Regimes) -> Candles:
    """Return bars joined to candles of ``length_ns``, with the regimes told of those bars as runs."""
    ends = _ends(bars.close_ns, length_ns)
    first = np.flatnonzero(np.append(True, np.diff(ends) != 0)[: len(ends)])
    last = np.append(first[1:], len(ends)) - 1
    open_, high, low, close, volume = bars.prices.T
    edges, codes = _runs(regimes, timeframe_ns)
    return Candles(
        length_ns,
        timeframe_ns if length_ns != timeframe_ns else 0,
        (ends[first] - length_ns).tolist(),
        open_[first].tolist(),
        np.maximum.reduceat(high, first).tolist(),
        np.minimum.reduceat(low, first).tolist(),
        close[last].tolist(),
        np.add.reduceat(volume, first).tolist(),
        edges,
        codes,
    )


def closed_hours(bars: Bars, timeframe_ns: int, busy_ns: list[int]) -> list[tuple[int, int]]:
    """Return the stretches in which the market was closed, the longest ``HOLES`` of them, in order of time.

    That is where bars are missing for more than half an hour and three bars, and nothing was filled (``busy_ns``).
    """
    ends, starts = bars.close_ns[:-1], bars.close_ns[1:] - timeframe_ns
    closed = np.flatnonzero(starts - ends > max(_HALF_HOUR, 3 * timeframe_ns))
    busy = np.sort(np.array(busy_ns, np.int64))
    quiet = np.searchsorted(busy, ends[closed]) == np.searchsorted(busy, starts[closed], side="right")
    closed = closed[quiet]
    longest = np.sort(closed[np.argsort(ends[closed] - starts[closed], kind="stable")][:HOLES])
    return list(zip(ends[longest].tolist(), starts[longest].tolist(), strict=True))


def best_for_overview(series: list[Candles]) -> int:
    """Return the place of the series to show first: the most candles that fit on a screen."""
    fitting = [i for i, one in enumerate(series) if len(one.start_ns) <= _OVERVIEW]
    return max(fitting, key=lambda i: len(series[i].start_ns)) if fitting else len(series) - 1


def _length(close_ns: Longs, timeframe_ns: int, most: int) -> int:
    longer = (length for length in LADDER if length > timeframe_ns and length % timeframe_ns == 0)
    for length in (timeframe_ns, *longer):
        if len(np.unique(_ends(close_ns, length))) <= most:
            return length
    return length


def _ends(close_ns: Longs, length_ns: int) -> Longs:
    return -(-close_ns // length_ns) * length_ns


def _runs(regimes: Regimes, timeframe_ns: int) -> tuple[list[int], list[int]]:
    """Join equal neighbours; a hole in the bars belongs to the run before it."""
    if not len(regimes.codes):
        return [], []
    first = np.flatnonzero(np.append(True, np.diff(regimes.codes) != 0))
    edges = np.append(regimes.close_ns[first] - timeframe_ns, regimes.close_ns[-1])
    return edges.tolist(), regimes.codes[first].tolist()
