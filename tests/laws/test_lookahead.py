"""Law 2 for every strategy and every feature of the registries, over real data, through the whole symbol leg."""

import pytest

from flows.config import load_settings
from flows.lookahead import VENDORED, Plan, check_lookahead, subject_of
from operators.strategies import STRATEGIES


@pytest.mark.parametrize("name", STRATEGIES)
def test_law_2_nothing_said_changes_with_what_follows(name: str) -> None:
    settings, _ = load_settings(None, {}, [])
    report = check_lookahead(
        subject_of(name, {}, settings), VENDORED, settings, Plan(times=60), lambda d, t: None
    )
    assert report.findings == []
    assert {line.check: line.verdict for line in report.checks} == {
        line.check: "ok" for line in report.checks
    }
    assert report.passed
    assert sum(material.signals for material in report.materials) > 100
    assert {material.symbol for material in report.materials} >= {"ES", "SPY", "AAPL", "BTCUSDT"}
