"""What each feature should say: its textbook definition in decimals, bar by bar from the whole history.

100 digits hold any double of these series, and the sum of a window of them, exactly.

An oracle takes the feature (for its parameters) and bars, and returns two lists of rows: the exact outputs (None where
unknown) and the scale to which each is exact in doubles (the operands of a difference; None = the value itself).
"""

from collections.abc import Callable, Sequence
from decimal import Decimal, localcontext

import numpy as np

from operators import bar_columns as at
from operators.features.adx import Adx
from operators.features.atr import Atr
from operators.features.bollinger import Bollinger
from operators.features.cvd import Cvd
from operators.features.ema import Ema
from operators.features.feature import Feature
from operators.features.fold import Matrix
from operators.features.garman_klass import GarmanKlass
from operators.features.log_return import LogReturn
from operators.features.macd import Macd
from operators.features.realised_volatility import RealisedVolatility
from operators.features.rsi import Rsi
from operators.features.sma import Sma
from operators.features.tick_imbalance import TickImbalance
from operators.features.volume_z import VolumeZ
from operators.features.vwap import SessionVwap

Exact = Decimal | None
Row = list[tuple[Exact, Exact]]  # (value, scale) of each output
ZERO, ONE, HUNDRED = Decimal(0), Decimal(1), Decimal(100)


def oracle(feature: Feature, bars: Matrix) -> tuple[Matrix, Matrix]:
    """Exact outputs (n, outputs), NaN where unknown, and their scales."""
    with localcontext() as context:
        context.prec = 100
        columns = [[Decimal(float(x)) for x in column] for column in bars.T]
        rows = ORACLES[type(feature)](feature, columns)
        values = [[np.nan if value is None else float(value) for value, _ in row] for row in rows]
        scales = [
            [abs(float((value if scale is None else scale) or 0)) for value, scale in row] for row in rows
        ]
    return np.array(values), np.array(scales)


def _mean(values: Sequence[Decimal]) -> Decimal:
    return sum(values, ZERO) / len(values)


def _sd(values: Sequence[Decimal], ddof: int) -> Decimal:
    mean = _mean(values)
    return (sum(((x - mean) ** 2 for x in values), ZERO) / (len(values) - ddof)).sqrt()


def _windows(values: Sequence[Exact], n: int) -> list[list[Decimal] | None]:
    """The last n values at each place; None where there are fewer, or one of them is unknown."""
    ends = range(1, len(values) + 1)
    windows = [list(values[end - n : end]) if end >= n else None for end in ends]
    return [None if w is None or None in w else w for w in windows]  # type: ignore[misc]


def _average(values: Sequence[Exact], n: int, weight: Decimal) -> list[Exact]:
    """Exponential average, seeded with the mean of the first n known values."""
    result: list[Exact] = []
    seed: list[Decimal] = []
    average: Exact = None
    for value in values:
        if value is not None and average is not None:
            average += weight * (value - average)
        elif value is not None:
            seed.append(value)
            average = _mean(seed) if len(seed) == n else None
        result.append(average)
    return result


def _log_returns(close: list[Decimal]) -> list[Exact]:
    return [None, *((now / before).ln() for before, now in zip(close, close[1:], strict=False))]


def log_return(feature: LogReturn, bars: list[list[Decimal]]) -> list[Row]:
    """ln(close / last close)."""
    return [[(r, None)] for r in _log_returns(bars[at.CLOSE])]


def sma(feature: Sma, bars: list[list[Decimal]]) -> list[Row]:
    """Mean of the window."""
    return [[(w and _mean(w), None)] for w in _windows(bars[at.CLOSE], feature.window)]


def ema(feature: Ema, bars: list[list[Decimal]]) -> list[Row]:
    """a = 2 / (n + 1)."""
    return [[(v, None)] for v in _average(bars[at.CLOSE], feature.window, Decimal(2) / (feature.window + 1))]


def rsi(feature: Rsi, bars: list[list[Decimal]]) -> list[Row]:
    """100 U / (U + D) of Wilder averages; 50 where nothing moves."""
    close, n = bars[at.CLOSE], feature.window
    moves = [now - before for before, now in zip(close, close[1:], strict=False)]
    ups = _average([max(m, ZERO) for m in moves], n, ONE / n)
    downs = _average([max(-m, ZERO) for m in moves], n, ONE / n)
    rows: list[Row] = [[(None, None)]]
    for up, down in zip(ups, downs, strict=True):
        known = up is not None and down is not None
        rows.append([((HUNDRED * up / (up + down) if up + down else Decimal(50)) if known else None, None)])
    return rows


def macd(feature: Macd, bars: list[list[Decimal]]) -> list[Row]:
    """EMA - EMA, its EMA, their difference; as exact as the largest price so far that still weighs."""
    close = bars[at.CLOSE]
    fast = _average(close, feature.fast, Decimal(2) / (feature.fast + 1))
    slow = _average(close, feature.slow, Decimal(2) / (feature.slow + 1))
    line = [f - s if f is not None and s is not None else None for f, s in zip(fast, slow, strict=True)]
    signal = _average(line, feature.signal, Decimal(2) / (feature.signal + 1))
    rows: list[Row] = []
    reach = ZERO
    for f, m, s in zip(fast, line, signal, strict=True):
        reach = max(reach * (1 - Decimal(2) / (feature.slow + 1)), f or ZERO)
        rows.append([(m, reach), (s, reach), (m - s if m is not None and s is not None else None, reach)])
    return rows


def bollinger(feature: Bollinger, bars: list[list[Decimal]]) -> list[Row]:
    """Bands of k deviations (ddof 0)."""
    rows: list[Row] = []
    for window, close in zip(_windows(bars[at.CLOSE], feature.window), bars[at.CLOSE], strict=True):
        if window is None:
            rows.append([(None, None)] * 6)
            continue
        mid, sd = _mean(window), _sd(window, 0)
        reach = Decimal(feature.width) * sd
        z = (close - mid) / sd if sd else None
        share = (close - mid + reach) / (2 * reach) if sd else None
        edges: Row = [(mid, None), (mid + reach, mid + reach), (mid - reach, mid + reach)]
        rows.append([*edges, (share, max(ONE, abs(share or ZERO))), (z, ONE), (2 * reach / mid, None)])
    return rows


def _true_ranges(bars: list[list[Decimal]]) -> list[Exact]:
    high, low, close = bars[at.HIGH], bars[at.LOW], bars[at.CLOSE]
    later = zip(high[1:], low[1:], close, strict=False)
    return [None, *(max(h, last) - min(low, last) for h, low, last in later)]


def atr(feature: Atr, bars: list[list[Decimal]]) -> list[Row]:
    """Wilder average of the true range from the second bar on."""
    ranges = _true_ranges(bars)
    averages = _average(ranges, feature.window, ONE / feature.window)
    return [[(a, None), (r, None)] for a, r in zip(averages, ranges, strict=True)]


def adx(feature: Adx, bars: list[list[Decimal]]) -> list[Row]:
    """Ratios of Wilder averages (n times the average is the sum), and the average of their contrast."""
    high, low, n = bars[at.HIGH], bars[at.LOW], feature.window
    rises: list[Exact] = [None, *(b - a for a, b in zip(high, high[1:], strict=False))]
    falls: list[Exact] = [None, *(a - b for a, b in zip(low, low[1:], strict=False))]
    pairs = list(zip(rises, falls, strict=True))
    plus = [None if r is None else (r if r > f and r > 0 else ZERO) for r, f in pairs]
    minus = [None if f is None else (f if f > r and f > 0 else ZERO) for r, f in pairs]
    averages = [_average(x, n, ONE / n) for x in (plus, minus, _true_ranges(bars))]
    directions: list[tuple[Exact, Exact]] = []
    contrast: list[Exact] = []
    for p, m, t in zip(*averages, strict=True):
        known = t is not None
        p, m = (HUNDRED * p / t if known and t else ZERO), (HUNDRED * m / t if known and t else ZERO)
        directions.append((p if known else None, m if known else None))
        contrast.append((HUNDRED * abs(p - m) / (p + m) if p + m else ZERO) if known else None)
    trend = _average(contrast, n, ONE / n)
    return [[(p, None), (m, None), (a, HUNDRED)] for (p, m), a in zip(directions, trend, strict=True)]


def _sessions(bars: list[list[Decimal]]) -> list[int]:
    """Where the session of each bar began."""
    starts: list[int] = []
    for i, session in enumerate(bars[at.SESSION]):
        starts.append(i if i == 0 or session != bars[at.SESSION][i - 1] else starts[-1])
    return starts


def session_vwap(feature: SessionVwap, bars: list[list[Decimal]]) -> list[Row]:
    """Notional over volume of the session so far."""
    rows: list[Row] = []
    for i, start in enumerate(_sessions(bars)):
        volume = sum(bars[at.VOLUME][start : i + 1], ZERO)
        vwap = sum(bars[at.NOTIONAL][start : i + 1], ZERO) / volume if volume else None
        close = bars[at.CLOSE][i]
        rows.append([(vwap, None), ((close - vwap) / vwap, max(ONE, close / vwap)) if vwap else (None, None)])
    return rows


def realised_volatility(feature: RealisedVolatility, bars: list[list[Decimal]]) -> list[Row]:
    """sd (ddof 1) of the window's returns, as exact as its largest return."""
    windows = _windows(_log_returns(bars[at.CLOSE]), feature.window)
    return [[(w and _sd(w, 1), w and max(abs(r) for r in w))] for w in windows]


def garman_klass(feature: GarmanKlass, bars: list[list[Decimal]]) -> list[Row]:
    """Root of the mean of 0.5 ln(H/L)^2 - (2 ln 2 - 1) ln(C/O)^2."""
    prices = zip(bars[at.OPEN], bars[at.HIGH], bars[at.LOW], bars[at.CLOSE], strict=True)
    body = 2 * Decimal(2).ln() - 1
    terms = [(h / low).ln() ** 2 / 2 - body * (c / o).ln() ** 2 for o, h, low, c in prices]
    return [[(w and _mean(w).sqrt(), None)] for w in _windows(terms, feature.window)]


def volume_z(feature: VolumeZ, bars: list[list[Decimal]]) -> list[Row]:
    """(volume - mean) / sd (ddof 0) of the window before."""
    volume = bars[at.VOLUME]
    before = [None, *_windows(volume, feature.window)]
    rows: list[Row] = []
    for now, window in zip(volume, before, strict=False):
        sd = _sd(window, 0) if window else ZERO
        z = (now - _mean(window)) / sd if window and sd else None
        rows.append([(z, max(ONE, abs(z or ZERO)))])
    return rows


def cvd(feature: Cvd, bars: list[list[Decimal]]) -> list[Row]:
    """Bought minus sold in the session so far, as exact as what was traded."""
    bought, sold = bars[at.BUY_VOLUME], bars[at.SELL_VOLUME]
    spans = [slice(start, i + 1) for i, start in enumerate(_sessions(bars))]
    sums = [(sum(bought[span], ZERO), sum(sold[span], ZERO)) for span in spans]
    return [[(b - s, b + s)] for b, s in sums]


def tick_imbalance(feature: TickImbalance, bars: list[list[Decimal]]) -> list[Row]:
    """(up - down) / (up + down)."""
    ticks = zip(bars[at.UPTICKS], bars[at.DOWNTICKS], strict=True)
    return [[((up - down) / (up + down) if up + down else None, ONE)] for up, down in ticks]


ORACLES: dict[type, Callable[..., list[Row]]] = {
    LogReturn: log_return,
    Sma: sma,
    Ema: ema,
    Rsi: rsi,
    Macd: macd,
    Bollinger: bollinger,
    Atr: atr,
    Adx: adx,
    SessionVwap: session_vwap,
    RealisedVolatility: realised_volatility,
    GarmanKlass: garman_klass,
    VolumeZ: volume_z,
    Cvd: cvd,
    TickImbalance: tick_imbalance,
}
