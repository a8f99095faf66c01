"""Are the ratios of daily returns those of empyrical-reloaded and quantstats, to 1e-12?"""

import json
import warnings

import empyrical
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.performance.ratios import LEAST, return_ratios, simple_returns, underwater
from tests.golden.series import FOLDER, quotes

NAMES = {
    "total_return": empyrical.cum_returns_final,
    "cagr": empyrical.cagr,
    "annual_volatility": empyrical.annual_volatility,
    "downside_risk": empyrical.downside_risk,
    "sharpe_ratio": empyrical.sharpe_ratio,
    "sortino_ratio": empyrical.sortino_ratio,
    "calmar_ratio": empyrical.calmar_ratio,
    "omega_ratio": empyrical.omega_ratio,
    "max_drawdown": empyrical.max_drawdown,
    "tail_ratio": empyrical.tail_ratio,
    "value_at_risk": empyrical.value_at_risk,
    "conditional_value_at_risk": empyrical.conditional_value_at_risk,
}
"""Every ratio that empyrical has a function of the same meaning for."""
YEARLY = {
    "cagr",
    "annual_volatility",
    "downside_risk",
    "sharpe_ratio",
    "sortino_ratio",
    "calmar_ratio",
    "omega_ratio",
}
DAILY = st.one_of(st.just(0.0), st.floats(-0.5, 0.5, width=32))
GOLDEN = json.loads((FOLDER / "performance.json").read_text())


def theirs(name: str, returns: "pd.Series[float]", periods: int) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(NAMES[name](returns, annualization=periods) if name in YEARLY else NAMES[name](returns))


@given(st.lists(DAILY, min_size=LEAST, max_size=60), st.sampled_from([252, 365]))
def test_every_ratio_equals_that_of_empyrical(days: list[float], periods: int) -> None:
    returns = np.array(days)
    series = pd.Series(returns, pd.bdate_range("2020-01-01", periods=len(days)))
    ours = return_ratios(returns, periods)
    for name in NAMES:
        expected, found = theirs(name, series, periods), getattr(ours, name)
        if found is None:
            assert not np.isfinite(expected), name
        else:
            assert found == pytest.approx(expected, rel=1e-12, abs=1e-12), name


@pytest.mark.parametrize("source", ["quantstats 0.0.86", "empyrical-reloaded 0.7.1"])
def test_two_years_of_spy_give_the_published_libraries_numbers(source: str) -> None:
    close = quotes("Default.csv")[:, 3]
    ours = return_ratios(simple_returns(close), 252)
    for name, expected in GOLDEN[source].items():
        assert getattr(ours, name) == pytest.approx(expected, rel=1e-12, abs=1e-12), name


@pytest.mark.parametrize("days", [[], [0.01], [0.01, -0.02]])
def test_too_few_days_say_nothing_about_a_year(days: list[float]) -> None:
    ours = return_ratios(np.array(days), 252)
    assert {ours.cagr, ours.annual_volatility, ours.sharpe_ratio, ours.sortino_ratio, ours.skew} == {None}
    assert ours.total_return == pytest.approx(np.prod(1 + np.array(days)) - 1)


def test_nothing_is_divided_by_nothing() -> None:
    still, rising = return_ratios(np.zeros(5), 252), return_ratios(np.full(5, 0.01), 252)
    assert (still.sharpe_ratio, still.sortino_ratio, still.calmar_ratio, still.kurtosis) == (None,) * 4
    assert (still.max_drawdown, still.days_won, still.cagr) == (0.0, None, 0.0)
    assert (rising.sharpe_ratio, rising.omega_ratio, rising.skew, rising.days_won) == (None, None, None, 1.0)


def test_ruin_ends_the_returns() -> None:
    returns = simple_returns(np.array([100.0, 50.0, -10.0, 5.0, 500.0]))
    ours = return_ratios(np.append(returns, []), 252)
    assert returns.tolist() == [-0.5, -1.2]
    assert ours.max_drawdown == pytest.approx(-1.1)
    assert ours.cagr is None
    assert return_ratios(np.array([0.1, 0.1, -1.2]), 252).cagr == -1.0


@given(st.lists(DAILY, min_size=1, max_size=40))
def test_underwater_is_the_drawdown_of_each_day(days: list[float]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wealth = np.append(1.0, np.cumprod(1 + np.array(days)))
    expected = [wealth[i] / wealth[: i + 1].max() - 1 for i in range(1, len(wealth))]
    assert underwater(np.array(days)).tolist() == pytest.approx(expected, abs=1e-12)
