"""How do many trials go? Over all cores, counted by scenario; a failing one with the command that repeats it."""

import multiprocessing
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress

import msgspec

from tests.chaos.faults import Fault
from tests.chaos.planted import PLANTED, planted
from tests.chaos.trial import Outcome, Trial, reference, run, trial, undisturbed


class Row(msgspec.Struct):
    """What the trials of one scenario came to."""

    scenario: str
    trials: int = 0
    kills: int = 0
    faults: int = 0
    events: int = 0
    losses: int = 0
    doubles: int = 0
    others: int = 0
    seconds: float = 0.0

    def add(self, outcome: Outcome, seconds: float) -> None:
        """Count one."""
        deaths = sum(fault.kind in ("kill", "lose", "old") for fault in outcome.met)
        self.trials += 1
        self.kills += deaths
        self.faults += len(outcome.met) - deaths
        self.events += outcome.events
        self.losses += outcome.difference.losses
        self.doubles += outcome.difference.doubles
        self.others += outcome.difference.others
        self.seconds += seconds


def many(first: int, count: int, workers: int) -> Iterator[tuple[Outcome, float]]:
    """Run the trials ``first`` to ``first + count - 1``; yield each with its CPU seconds."""
    reference(0)  # compiles what is not compiled yet, before the processes part
    context = multiprocessing.get_context("fork")
    with context.Pool(workers, _deaf) as pool:
        yield from pool.imap_unordered(_timed, range(first, first + count), chunksize=8)


def rows(outcomes: Iterable[tuple[Outcome, float]]) -> tuple[list[Row], list[Outcome]]:
    """Return a row for each scenario, and the trials that failed; of those before an interrupt."""
    found: dict[str, Row] = {}
    failed = []
    with suppress(KeyboardInterrupt):
        for outcome, seconds in outcomes:
            name = outcome.trial.scenario
            found.setdefault(name, Row(name)).add(outcome, seconds)
            done = sum(row.trials for row in found.values())
            if done % 500 == 0:
                print(f"{done:,} trials, {len(failed)} failed", file=sys.stderr, flush=True)
            if outcome.difference:
                failed.append(outcome)
                print(told(outcome), file=sys.stderr, flush=True)
    return [found[name] for name in sorted(found)], failed


def told(outcome: Outcome) -> str:
    """Return what went wrong in a trial and how to see it again, with as few faults as it needs."""
    fewest = shrunk(outcome.trial)
    return (
        f"trial {outcome.trial.seed} ({outcome.trial.scenario}): {outcome.difference.first}\n"
        f"    again: make chaos N=1 SEED={outcome.trial.seed}\n"
        f"    least: python -m tests.chaos --seed {outcome.trial.seed} --faults '{' '.join(map(str, fewest.faults))}'"
    )


def shrunk(failing: Trial) -> Trial:
    """Return the trial without the faults that it fails without."""
    at = 0
    while at < len(failing.faults):
        fewer = msgspec.structs.replace(failing, faults=failing.faults[:at] + failing.faults[at + 1 :])
        if run(fewer).difference:
            failing = fewer
        else:
            at += 1
    return failing


def found_after(bug: str, first: int, most: int) -> int | None:
    """Return in which of the trials from ``first`` on a planted bug was found; None where it was not."""
    for number in range(most):
        tried = trial(first + number)
        undisturbed(tried)
        with planted(PLANTED[bug]):
            if run(tried).difference:
                return number + 1
    return None


def markdown(found: list[Row]) -> str:
    """Return the rows as a table."""
    total = Row("all")
    for row in found:
        for name in Row.__struct_fields__[1:]:
            setattr(total, name, getattr(total, name) + getattr(row, name))
    names = "scenario | trials | kills | other faults | events compared | lost | doubled | otherwise | CPU s a trial"
    lines = [f"| {names} |", "|---" + "|---:" * 8 + "|"]
    for row in [*found, total]:
        cells = [row.trials, row.kills, row.faults, row.events, row.losses, row.doubles, row.others]
        numbers = " | ".join(f"{cell:,}" for cell in cells)
        lines.append(f"| {row.scenario} | {numbers} | {row.seconds / max(1, row.trials):.2f} |")
    return "\n".join(lines)


def _deaf() -> None:
    """Let an interrupt end the parent, which then ends the workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _timed(seed: int) -> tuple[Outcome, float]:
    began = time.process_time()
    outcome = run(trial(seed))
    return outcome, time.process_time() - began


def only(seed: int, faults: list[Fault] | None) -> Outcome:
    """Run one trial, with other faults than its own where some are given."""
    chosen = trial(seed)
    return run(chosen if faults is None else msgspec.structs.replace(chosen, faults=tuple(faults)))
