"""``make chaos``: thousands of trials, and a table of what they came to.

python -m tests.chaos --trials 10000 --seed 1 --rounds 3  the long set, and the scenarios of real processes
python -m tests.chaos --seed 4711 [--faults '...']        one trial again
python -m tests.chaos --planted                           how soon is each planted bug found?
"""

import argparse
import signal
import sys
import time
from pathlib import Path

from flows import kernel_cache

kernel_cache.use()

from tests.chaos import long_run  # noqa: E402
from tests.chaos.faults import parsed  # noqa: E402
from tests.chaos.planted import PLANTED  # noqa: E402
from tests.chaos.rounds import rounds, table  # noqa: E402

_MOST_TRIALS = 1000
_DOCUMENT = Path(__file__).parents[2] / "docs/reliability.md"


def main() -> int:
    """Return 1 where a trial failed."""
    asked = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    asked.add_argument("--trials", type=int, default=1)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--workers", type=int, default=2)
    asked.add_argument("--faults", help="words such as kill:live:12:0.500, in place of the trial's own")
    asked.add_argument(
        "--planted", action="store_true", help="break promises on purpose and see how soon it shows"
    )
    asked.add_argument("--rounds", type=int, default=0, help="and the scenarios of real processes, so often")
    asked.add_argument("--write", action="store_true", help="put the table into docs/reliability.md")
    given = asked.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    if given.planted:
        return _planted(given.seed, given.write)
    if given.trials == 1:
        return _one(given.seed, given.faults)
    failed = _many(given.trials, given.seed, given.workers, given.write) if given.trials else 0
    if given.rounds:
        failed |= _rounds(given.rounds, given.seed, given.workers, given.write)
    return failed


def _one(seed: int, words: str | None) -> int:
    outcome = long_run.only(seed, None if words is None else [parsed(word) for word in words.split()])
    print(f"trial {seed}: {outcome.trial.scenario}, market {outcome.trial.market}")
    print(f"  planned  {' '.join(map(str, outcome.trial.faults))}")
    print(f"  happened {' '.join(map(str, outcome.met))}; {outcome.lives} lives")
    for error in outcome.errors:
        print(f"  error    {error}")
    print(f"  {outcome.difference.first or f'{outcome.events} events are those of the uninterrupted run'}")
    return int(bool(outcome.difference))


def _many(count: int, seed: int, workers: int, write: bool) -> int:
    print(f"{count} trials from seed {seed} on, {workers} processes", file=sys.stderr)
    began = time.monotonic()
    found, failed = long_run.rows(long_run.many(seed, count, workers))
    done = sum(row.trials for row in found)
    wall = (
        f"{done:,} of the seeds {seed} to {seed + count - 1}, {time.monotonic() - began:,.0f} s of wall time."
    )
    _tell("chaos", f"{long_run.markdown(found)}\n\n{wall}", write)
    return int(bool(failed))


def _rounds(count: int, seed: int, workers: int, write: bool) -> int:
    began = time.monotonic()
    done, found = rounds(count, seed, workers)
    took = f"{done} rounds from seed {seed} on, {time.monotonic() - began:,.0f} s of wall time."
    _tell("rounds", f"{table(found)}\n\n{took}", write)
    return int(any(scenario.failed for scenario in found.values()))


def _planted(seed: int, write: bool) -> int:
    lines = ["| planted bug | found in trial |", "|---|---:|"]
    missed = 0
    for name, bug in PLANTED.items():
        number = long_run.found_after(name, seed, _MOST_TRIALS)
        missed += number is None
        lines.append(f"| {bug.breaks} | {number or f'not in {_MOST_TRIALS}'} |")
        print(lines[-1], file=sys.stderr, flush=True)
    _tell("planted", "\n".join(lines), write)
    return int(bool(missed))


def _tell(marker: str, table: str, write: bool) -> None:
    """Print a table; put it between its markers in the documentation."""
    print(table)
    if write:
        before, _, rest = _DOCUMENT.read_text(encoding="utf-8").partition(f"<!-- {marker} -->\n")
        _, end, after = rest.partition(f"<!-- /{marker} -->")
        _DOCUMENT.write_text(f"{before}<!-- {marker} -->\n{table}\n{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
