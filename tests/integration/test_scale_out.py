"""Law 9: the symbol leg as two processes over disjoint partitions says what one says; so does the account leg after."""

import signal
import time
from collections import Counter
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
    records,
    written,
)
from tests.integration.runs import MADE_UP, Place, chaos, end_of, stopped, wait_until

BY_ACCOUNT = ("risk_decisions", "execution_requests", "execution_reports", "portfolio_updates")
BY_SYMBOL = ("bars", "features", "regimes", "marks", "trade_signals", "dead_letters")
HALVES = ("1/2", "2/2")


def symbol_leg(place: Place, url: str, share: str, *more: str) -> list[str]:
    """Return the command of one of the processes that share the leg."""
    own = ["--share", share, "--set", f"run.recovery_dir={place.folder}/recovery"]
    return ["run", "--leg", "symbol", "--log", url, *own, *more]


def account_leg(place: Place, url: str, *more: str) -> list[str]:
    """Return the command of the account leg alone."""
    return [
        "run",
        "--leg",
        "account",
        "--log",
        url,
        "--set",
        f"run.recovery_dir={place.folder}/account",
        *more,
    ]


def test_two_processes_say_what_one_says(tmp_path: Path, url: str, reference: References) -> None:
    expected, place = reference(MADE_UP), Place(tmp_path, MADE_UP)
    copied(expected.market_data, url)
    both = [place.start(*symbol_leg(place, url, half, "--to-end")) for half in HALVES]
    for process in both:
        ended = end_of(process)
        assert ended.code == 0, ended.err
    found = events(url)
    assert len({lane[1] for lane in found if lane[0] == "bars"}) == 3
    assert assert_same(expected.events, found, BY_SYMBOL) > 15_000
    place.done(*account_leg(place, url, "--to-end"))
    assert assert_same(expected.events, events(url), DERIVED) > 20_000
    assert_journal_is_whole(url)


def test_one_process_after_two_has_nothing_to_add(tmp_path: Path, reference: References) -> None:
    """What other processes wrote is recalled like one's own where the partitions are one's own now."""
    expected, place = reference(MADE_UP), Place(tmp_path, MADE_UP)
    copied(expected.market_data, place.sqlite)
    place.done(*symbol_leg(place, place.sqlite, "1/2", "--to-end"))
    place.done("run", "--to-end", "--log", place.sqlite)
    assert assert_same(expected.events, events(place.sqlite), DERIVED) > 20_000


def test_three_tailing_processes_keep_up_and_survive_a_kill(
    tmp_path: Path, url: str, reference: References
) -> None:
    expected, place = reference(MADE_UP), Place(tmp_path, MADE_UP)
    log = made(url)
    legs = [place.start(*symbol_leg(place, url, half)) for half in HALVES]
    legs.append(place.start(*account_leg(place, url)))
    first, rest = divided(expected.market_data, 0.5)
    copied(first, url)
    wait_until(lambda: written(log, ["marks"]) > 3, legs[0])
    legs[0].kill()
    end_of(legs[0])
    copied(rest, url)
    legs[0] = place.start(*symbol_leg(place, url, "1/2"))
    wait_until(lambda: written(log, ["trade_signals"]) == expected.count("trade_signals"), legs[0])
    wait_until(lambda: len([*records(log, "risk_decisions")]) == expected.count("risk_decisions"), legs[2])
    for leg in legs:
        assert stopped(leg, signal.SIGTERM).code == 0
    for half_name in HALVES:  # what came after the last signal
        place.done(*symbol_leg(place, url, half_name, "--to-end"))
    assert assert_same(expected.events, events(url), BY_SYMBOL) > 15_000
    assert_journal_is_whole(url)


def test_shares_move_between_one_two_and_three_processes_killed_on_the_way(
    tmp_path: Path, url: str, reference: References
) -> None:
    """1, 2, 3, 1: whoever takes a partition over folds it from the log and adds only what is missing."""
    expected, place, dice = reference(MADE_UP), Place(tmp_path, MADE_UP), chaos("shares")
    log = made(url)
    ends = Counter(record.partition for record in expected.market_data)
    for number, processes in enumerate((1, 2, 3, 1)):
        until = [(number + 1) / 4 * ends[partition] for partition in range(4)]
        part = [
            r for r in expected.market_data if number / 4 * ends[r.partition] <= r.offset < until[r.partition]
        ]
        copied(part, url)
        shares = [f"{k + 1}/{processes}" for k in range(processes)]
        before = written(log, ["marks"])
        legs = [place.start(*symbol_leg(place, url, share)) for share in shares]
        wait_until(lambda before=before: written(log, ["marks"]) > before + 3, legs[0])
        time.sleep(dice.uniform(0, 0.5))
        for leg in legs:
            leg.kill()
            end_of(leg)
    place.done(*symbol_leg(place, url, "1/1", "--to-end"))
    assert assert_same(expected.events, events(url, BY_SYMBOL), BY_SYMBOL) > 15_000
    place.done(*account_leg(place, url, "--to-end"))
    assert assert_same(expected.events, events(url), DERIVED) > 20_000


def test_a_symbol_leg_that_runs_twice_by_mistake_does_the_account_no_harm(
    tmp_path: Path, reference: References
) -> None:
    expected, place = reference(MADE_UP), Place(tmp_path, MADE_UP)
    copied(expected.market_data, place.sqlite)
    twice = [place.start(*symbol_leg(place, place.sqlite, share, "--to-end")) for share in ("1/1", "1/2")]
    for process in twice:
        assert end_of(process).code == 0
    place.done(*account_leg(place, place.sqlite, "--to-end"))
    assert assert_same(expected.events, events(place.sqlite, BY_ACCOUNT), BY_ACCOUNT) > 500
    assert_journal_is_whole(place.sqlite)
