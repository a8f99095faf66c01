"""Law 6 in thousands of small worlds: whatever dies, is refused or comes late, the log ends as if nothing had happened.

`make chaos N=10000 SEED=1` is the long set; a failing trial prints the command that runs it again.
"""

import os
import random

import pytest

from tests.chaos.faults import Fault, Turn, parsed
from tests.chaos.long_run import found_after, told
from tests.chaos.planted import PLANTED
from tests.chaos.trial import Trial, reference, run, trial

FIRST = int(os.environ.get("TITAN_CHAOS_SEED") or 1)
TRIALS, GROUPS = 160, 8


@pytest.mark.parametrize("group", range(GROUPS))
def test_whatever_happens_the_log_is_that_of_an_uninterrupted_run(group: int) -> None:
    size = TRIALS // GROUPS
    first = FIRST + group * size
    print(f"trials {first} to {first + size - 1}: make chaos N={size} SEED={first}")
    failed = [outcome for outcome in map(run, map(trial, range(first, first + size))) if outcome.difference]
    assert not failed, "\n".join(map(told, failed[:5]))


@pytest.mark.parametrize(
    "bug",
    [
        "no fence",
        "short memory",
        "deaf to failure",
        "source ahead",
        "no owner",
        "promises believed",
        "end by flag",
    ],
)
def test_a_broken_promise_is_found(bug: str) -> None:
    """The bugs that are found soon; `python -m tests.chaos --planted` tries all of them."""
    number = found_after(bug, 1, 60)
    assert number is not None, PLANTED[bug].breaks
    print(f"{bug}: found in trial {number}")


def test_trials_are_about_something() -> None:
    """Every market trades; every kind of fault falls; a seed is one trial and no other."""
    outcomes = [run(trial(seed)) for seed in range(40)]
    assert {fault.kind for outcome in outcomes for fault in outcome.met} >= {
        "kill",
        "lose",
        "old",
        "stop",
        "refuse",
        "full",
    }
    orders = [len(reference(market).lanes.get(("execution_requests", "SYN000"), [])) for market in range(10)]
    assert sum(orders) > 10
    again = [run(trial(seed)) for seed in range(5)]
    assert [one.met for one in again] == [one.met for one in outcomes[:5]]


def test_a_fault_is_a_word() -> None:
    fault = Fault("account", 12, "kill", 0.25)
    assert parsed(str(fault)) == fault


def test_faults_fall_where_they_are_planned() -> None:
    turn = Turn(
        "a",
        [Fault("a", 3, "full", 0.1), Fault("b", 1, "full", 0.1), Fault("a", 1, "stop", 0.9)],
        random.Random(1),
    )
    flushes = (False, True, False, True, False, False)
    met = [turn.due(flushes=one) for one in flushes]
    assert [fault and fault.kind for fault in met] == [None, None, None, "full", "stop", None]


def test_a_trial_without_faults_is_the_reference_in_any_schedule() -> None:
    for topology in ("live", "apart"):
        for seed in range(6):
            assert not run(Trial(seed, seed, topology, bool(seed % 2), 0.0, ())).difference
