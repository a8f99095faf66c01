"""An account has one owner: whoever starts last takes over, and who was only paused can do nothing any more."""

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.integration.conftest import References
from tests.integration.log_contents import (
    DERIVED,
    assert_journal_is_whole,
    assert_same,
    copied,
    divided,
    events,
    made,
    written,
)
from tests.integration.runs import (
    ES,
    UNREACHABLE,
    Place,
    assert_says,
    chaos,
    end_of,
    stopped,
    wait_until,
)


def account_leg(place: Place, url: str, owner: str, *more: str) -> list[str]:
    """Return the command of one owner, in small cuts; each has a recovery store of its own, as on a host of its own."""
    own = ["--set", f"run.recovery_dir={place.folder}/{owner}", "--set", "run.poll_records=5"]
    return ["run", "--leg", "account", "--log", url, *own, *more]


def test_a_paused_owner_is_taken_over_from_and_cannot_act_again(
    tmp_path: Path, url: str, reference: References
) -> None:
    """An owner that has nothing to do does not notice; it does with the first thing that it would write."""
    expected, place, dice = reference(ES), Place(tmp_path), chaos("owner")
    first, rest = divided(expected.market_data, 0.7)
    copied(first, url)
    symbol_leg = ["run", "--leg", "symbol", "--to-end", "--log", url]
    place.done(*symbol_leg)
    log, whole = made(url), expected.count("portfolio_updates")
    owners = [place.start(*account_leg(place, url, "host0"))]
    for number, share in enumerate(sorted(dice.uniform(0.02, 0.4) for _ in range(3))):
        owner = owners[-1]
        wait_until(lambda mark=share * whole: written(log, ["portfolio_updates"]) >= mark, owner)
        time.sleep(dice.uniform(0, 0.02))
        owner.send_signal(signal.SIGSTOP)
        there = written(log, ["portfolio_updates"])
        owners.append(place.start(*account_leg(place, url, f"host{number + 1}")))
        acted = _has_acted(lambda there=there: written(log, ["portfolio_updates"]) > there + 8, owners[-1])
        owner.send_signal(
            signal.SIGCONT
        )  # without it nobody could write: it was stopped while it held the file
        print(f"taken over at {share:.2f} of the work{'' if acted else ', in the middle of a batch'}")
    copied(rest, url)
    place.done(*symbol_leg)
    for owner in owners[:-1]:
        assert_says(end_of(owner), UNREACHABLE, "account paper is now run by another process", "only one run")
    wait_until(lambda: written(log, ["portfolio_updates"]) >= whole - 1, owners[-1])
    assert stopped(owners[-1], signal.SIGTERM).code == 0
    place.done(*account_leg(place, url, "host0", "--to-end"))
    assert assert_same(expected.events, events(url), DERIVED) > 10_000
    assert_journal_is_whole(url)


def _has_acted(true: Callable[[], bool], heir: subprocess.Popen[str]) -> bool:
    """Wait until the heir has written; False where it has to wait for the file."""
    until = time.monotonic() + 6.0
    while not true():
        if time.monotonic() > until:
            return False
        assert heir.poll() is None, end_of(heir)
        time.sleep(0.02)
    return True
