"""Is every planted cheat caught and named by its line or its input, and does nobody honest get accused?"""

from functools import cache
from pathlib import Path

import pytest

from flows.config import load_settings
from flows.lookahead import Plan, Report, Source, check_lookahead, subject_of
from tests.unit.gateways.sessions import DEMO
from tests.unit.lookahead import cheats, honest, subtle_cheats

SETTINGS = load_settings(None, {}, [])[0]
SPY = Source((str(DEMO / "spy_1m.csv"),))
PLAN = Plan(times=60, bars=1000)
LIVE, CUT, TWICE = "one bar at a time", "future cut off", "same answer twice"

UNSAID = ("leaves its bars alone", "runs to the end", "reads only its bars")
HONEST = ("HonestPasses", "HonestBuffer", "Breakout", "Columns")

# the cheat, a check that must fail, the input that is named, how many bars ahead it lies
CHEATS = [
    ("NextBar", CUT, "close", 1),
    ("BeyondTheEnd", CUT, "high", 1),
    ("Rolled", CUT, "close", 1),
    ("Sliced", CUT, "close", 1),
    ("Normalised", CUT, "volume", None),
    ("Centred", CUT, "close", None),
    ("FeatureAhead", CUT, "rsi_14", 3),
    ("CountsRows", CUT, "", 30),
    ("RarelyFiveAhead", CUT, "close", 5),
    ("BackDated", CUT, "close", 2),
    ("WrapsAround", CUT, "close", None),
    ("Backward", "future changed", "close", None),
    ("Pivot", CUT, "high", None),
    ("BeforeTheBreak", CUT, "ts_event_ns", 1),
    ("OnlyExplains", CUT, "close", 2),
    ("Percentile", CUT, "volume", None),
    ("Nested", CUT, "low", 2),
    ("TwoPasses", CUT, "close", None),
    ("NextRegime", CUT, "regime", 1),
    ("LengthDecides", CUT, None, None),
    ("RunLength", CUT, "close", None),
    ("ReadsTomorrow", "reads only its bars", "", None),
    ("ReadsTheClock", "reads only its bars", "", None),
    ("Remembers", TWICE, "", None),
    ("LearnsByHeart", TWICE, "", None),
    ("Throws", TWICE, "", None),
    ("Writes", "leaves its bars alone", "", None),
    ("Raises", "runs to the end", "", None),
    ("NeedsTwoRows", LIVE, "", None),
]


@cache
def checked(name: str) -> Report:
    """The report about a strategy of this folder."""
    module = next(module for module in (cheats, subtle_cheats, honest) if hasattr(module, name))
    subject = subject_of(f"{module.__name__}:{name}", {}, SETTINGS)
    return check_lookahead(subject, (SPY,), SETTINGS, PLAN, lambda done, total: None)


@pytest.mark.parametrize(("name", "check", "column", "ahead"), CHEATS, ids=[row[0] for row in CHEATS])
def test_a_cheat_is_caught_and_named(name: str, check: str, column: str | None, ahead: int | None) -> None:
    report = checked(name)
    assert not report.passed
    assert {line.check for line in report.checks if line.verdict == "FAIL"} >= {check}
    found = report.findings[0]
    assert column in (None, found.column)
    assert ahead in (None, found.bars_ahead)
    assert found.culprit is not None
    assert Path(found.culprit.file).name in ("cheats.py", "subtle_cheats.py")
    assert found.culprit.source.endswith("# <- cheat"), found.culprit
    assert found.said != found.otherwise or check in UNSAID


def test_a_window_that_is_not_in_the_state_is_no_look_ahead_but_told_all_the_same() -> None:
    report = checked("ForgetsItsWindow")
    assert [line.check for line in report.checks if line.verdict == "FAIL"] == [LIVE]
    (found,) = report.findings
    assert "the 10 bars before standing in the same block" in found.words


def test_rounding_that_depends_on_the_blocks_is_told_as_that() -> None:
    report = checked("RoundsByBlock")
    assert [line.check for line in report.checks if line.verdict == "FAIL"] == [LIVE]
    (found,) = report.findings
    assert "the last digits of its numbers" in found.words
    assert found.said.startswith("LONG (mean=")


@pytest.mark.parametrize("name", HONEST)
def test_honest_strategies_pass(name: str) -> None:
    report = checked(name)
    assert report.passed
    assert report.findings == []
    assert report.materials[0].signals > 3


def test_what_is_found_does_not_depend_on_when_it_is_asked() -> None:
    once, again = (
        check_lookahead(
            subject_of("tests.unit.lookahead.cheats:NextBar", {}, SETTINGS),
            (SPY,),
            SETTINGS,
            PLAN,
            lambda d, t: None,
        )
        for _ in range(2)
    )
    assert (once.findings, once.checks) == (again.findings, again.checks)
