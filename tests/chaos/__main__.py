"""``make chaos``: thousands of trials, and a table of what they came to.

python -m tests.chaos --trials 10000 --seed 1             the long set
python -m tests.chaos --seed 4711 [--faults '...']        one trial again
python -m tests.chaos --planted                           how soon is each planted bug found?
"""

import argparse
import sys
import time

from flows import kernel_cache

kernel_cache.use()

from tests.chaos import long_run  # noqa: E402
from tests.chaos.faults import parsed  # noqa: E402
from tests.chaos.planted import PLANTED  # noqa: E402

_MOST_TRIALS = 3000


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
    given = asked.parse_args()
    if given.planted:
        return _planted(given.seed)
    if given.trials == 1:
        return _one(given.seed, given.faults)
    return _many(given.trials, given.seed, given.workers)


def _one(seed: int, words: str | None) -> int:
    outcome = long_run.only(seed, None if words is None else [parsed(word) for word in words.split()])
    print(f"trial {seed}: {outcome.trial.scenario}, market {outcome.trial.market}")
    print(f"  planned  {' '.join(map(str, outcome.trial.faults))}")
    print(f"  happened {' '.join(map(str, outcome.met))}; {outcome.lives} lives")
    for error in outcome.errors:
        print(f"  error    {error}")
    print(f"  {outcome.difference.first or f'{outcome.events} events are those of the uninterrupted run'}")
    return int(bool(outcome.difference))


def _many(count: int, seed: int, workers: int) -> int:
    print(f"{count} trials from seed {seed} on, {workers} processes", file=sys.stderr)
    began = time.monotonic()
    found, failed = long_run.rows(long_run.many(seed, count, workers))
    print(long_run.markdown(found))
    done = sum(row.trials for row in found)
    print(
        f"\n{done:,} of the seeds {seed} to {seed + count - 1}, {time.monotonic() - began:,.0f} s of wall time."
    )
    return int(bool(failed))


def _planted(seed: int) -> int:
    print("| planted bug | found in trial |\n|---|---:|")
    missed = 0
    for name, bug in PLANTED.items():
        number = long_run.found_after(name, seed, _MOST_TRIALS)
        missed += number is None
        print(f"| {bug.breaks} | {number or f'not in {_MOST_TRIALS}'} |", flush=True)
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
