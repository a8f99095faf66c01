"""What do daily returns say? The field's ratios, named and defined as in empyrical-reloaded 0.7 and equal to it.

Conventions, all of them: returns are simple, ``equity today / equity yesterday - 1``, one a trading day; the
risk-free rate and the required return are zero; a year has ``periods`` returns (252 or 365); standard deviations
divide by n - 1, the downside deviation by n. A figure that would be a division by zero, or that fewer than
``LEAST`` returns would pretend to know, is None.

References: Sharpe, "The Sharpe Ratio", 1994; Sortino and Price, "Performance Measurement in a Downside Risk
Framework", 1994; Young, "Calmar Ratio", 1991; Keating and Shadwick, "A Universal Performance Measure", 2002 (omega).
Skewness and excess kurtosis are the sample's (adjusted Fisher-Pearson), as in pandas and quantstats. quantstats 0.0.86
says the same of all that it shares, but for value at risk: ours is the empirical quantile, as empyrical's, and the
conditional one the mean of what lies at or below it; quantstats takes both from a normal distribution.
"""

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

LEAST = 3
"""Daily returns below which nothing is said about a year or a distribution."""
_TAIL = 0.05


class ReturnRatios(msgspec.Struct, frozen=True):
    """Ratios of daily returns; drawdown and value at risk are returns, so negative."""

    total_return: float
    cagr: float | None
    annual_volatility: float | None
    downside_risk: float | None
    sharpe_ratio: float | None
    sortino_ratio: float | None
    calmar_ratio: float | None
    omega_ratio: float | None
    max_drawdown: float
    tail_ratio: float | None
    value_at_risk: float | None
    conditional_value_at_risk: float | None
    skew: float | None
    kurtosis: float | None
    best_day: float | None
    worst_day: float | None
    days_won: float | None


def return_ratios(returns: Doubles, periods: int) -> ReturnRatios:
    """Return the ratios of simple daily returns, oldest first.

    >>> ratios = return_ratios(np.array([0.01, -0.02, 0.03, 0.01]), 252)
    >>> round(ratios.total_return, 9), round(ratios.max_drawdown, 9), round(ratios.sharpe_ratio, 6)
    (0.02968894, -0.02, 5.775201)
    >>> return_ratios(np.array([0.01, -0.02]), 252).sharpe_ratio
    """
    n = len(returns)
    few = n < LEAST
    grown = _grown(returns)
    mean = float(returns.mean()) if n else 0.0
    spread = 0.0 if few else _spread(returns)
    downside = 0.0 if few else math.sqrt(float(np.square(np.minimum(returns, 0.0)).mean()))
    yearly, deepest = None if few else _cagr(grown, n, periods), _deepest(returns)
    centred = returns - mean
    return ReturnRatios(
        grown - 1.0,
        yearly,
        None if few else spread * math.sqrt(periods),
        None if few else downside * math.sqrt(periods),
        _over(mean * math.sqrt(periods), spread),
        _over(mean * periods, downside * math.sqrt(periods)),
        None if yearly is None else _over(yearly, -deepest),
        None if few else _over(float(returns[returns > 0].sum()), -float(returns[returns < 0].sum())),
        deepest,
        None if few else _over(*(abs(float(q)) for q in np.percentile(returns, [95, 5]))),
        None if few else float(np.percentile(returns, 100 * _TAIL)),
        None if few else _tail_mean(returns),
        _skew(centred) if spread else None,
        _kurtosis(centred) if spread and n > 3 else None,
        float(returns.max()) if n else None,
        float(returns.min()) if n else None,
        _over(float((returns > 0).sum()), float((returns != 0).sum())),
    )


class HourRatios(msgspec.Struct, frozen=True):
    """Ratios of hourly returns; nothing is made yearly of them."""

    hours: int
    volatility: float | None
    best_hour: float | None
    worst_hour: float | None
    hours_won: float | None


def hour_ratios(returns: Doubles) -> HourRatios:
    """Return the ratios of simple hourly returns; volatility is their standard deviation (n - 1).

    >>> hour_ratios(np.array([0.01, -0.01, 0.0, 0.02])).hours_won
    0.6666666666666666
    """
    n = len(returns)
    return HourRatios(
        n,
        _spread(returns) if n >= LEAST else None,
        float(returns.max()) if n else None,
        float(returns.min()) if n else None,
        _over(float((returns > 0).sum()), float((returns != 0).sum())),
    )


def sharpe_ratio(changes: Doubles, periods: int) -> float | None:
    """Return mean over standard deviation, for a year; of amounts as of returns, since the unit cancels.

    >>> sharpe_ratio(np.array([1.0, 1.0, 1.0]), 252)
    """
    if len(changes) < LEAST:
        return None
    return _over(float(changes.mean()) * math.sqrt(periods), _spread(changes))


def simple_returns(values: Doubles) -> Doubles:
    """Return the n - 1 returns of n values, ended by the first value that is not positive: nothing is earned on debt.

    >>> simple_returns(np.array([100.0, 110.0, -5.0, 20.0])).round(6).tolist()
    [0.1, -1.045455]
    """
    ruined = np.flatnonzero(values <= 0)
    lived = values[: ruined[0] + 1] if len(ruined) else values
    if len(lived) < 2:
        return np.zeros(0)
    return lived[1:] / lived[:-1] - 1.0


def underwater(returns: Doubles) -> Doubles:
    """Return the drawdown at every day's end, as a return from the highest value so far.

    >>> underwater(np.array([0.1, -0.5, 0.2])).round(6).tolist()
    [0.0, -0.5, -0.4]
    """
    wealth = np.cumprod(1.0 + returns)
    return wealth / np.maximum.accumulate(np.append(1.0, wealth))[1:] - 1.0


def _grown(returns: Doubles) -> float:
    return float(np.prod(1.0 + returns))


def _cagr(grown: float, n: int, periods: int) -> float:
    """Return what a year would have grown by; all is lost where nothing is left."""
    return float(grown ** (periods / n)) - 1.0 if grown > 0 else -1.0


def _deepest(returns: Doubles) -> float:
    return float(min(underwater(returns).min(initial=0.0), 0.0))


def _tail_mean(returns: Doubles) -> float:
    worst = int((len(returns) - 1) * _TAIL)
    return float(np.partition(returns, worst)[: worst + 1].mean())


def _spread(values: Doubles) -> float:
    """Return the standard deviation; that of equal numbers is zero, whatever their mean was rounded to."""
    return 0.0 if values.max() == values.min() else float(values.std(ddof=1))


def _skew(centred: Doubles) -> float:
    n = len(centred)
    squares = centred * centred
    ratio = float((squares * centred).mean()) / math.sqrt(float(squares.mean())) ** 3
    return math.sqrt(n * (n - 1)) / (n - 2) * ratio


def _kurtosis(centred: Doubles) -> float:
    n = len(centred)
    squares = centred * centred
    ratio = float((squares * squares).mean()) / float(squares.mean()) ** 2
    return (n - 1) * ((n + 1) * (ratio - 3.0) + 6.0) / ((n - 2) * (n - 3))


def _over(above: float, below: float) -> float | None:
    return above / below if below > 0 else None
