"""What is one trial? A seed makes a market, a topology, a schedule and faults; it ends as if nothing had happened.

Nothing but the seed decides, so a failing trial fails again.
"""

import functools
import random
import tempfile
from pathlib import Path

import msgspec

from flows.connectors.log import Log
from flows.differences import TopicVerdict
from flows.replay_settings import replay_settings
from flows.verify import verify
from tests.chaos.contents import (
    BY_SYMBOL,
    REPEATABLE,
    Contents,
    Difference,
    contents,
    difference,
    doubles,
    once,
)
from tests.chaos.faults import KINDS, Fault, planned
from tests.chaos.markets import COUNT, MEMORY, market, open_empty
from tests.chaos.topologies import TOPOLOGIES, names, processes_of
from tests.chaos.world import Process, World


class Trial(msgspec.Struct, frozen=True):
    """Everything that a trial is made of, but its dice."""

    seed: int
    market: int
    topology: str
    torn: bool
    speed: float
    faults: tuple[Fault, ...]

    @property
    def scenario(self) -> str:
        """What it is counted under."""
        return f"{self.topology}, {'parts' if self.torn else 'whole'}"


class Outcome(msgspec.Struct):
    """How a trial ended."""

    trial: Trial
    difference: Difference
    met: list[Fault]
    errors: list[str]
    lives: int
    events: int


def trial(seed: int) -> Trial:
    """Return the trial of a seed."""
    dice = random.Random(f"trial {seed}")
    topology = dice.choice(TOPOLOGIES)
    number = dice.randrange(COUNT)
    effects = {"live": 160, "apart": 90, "tail": 90}.get(topology, 40)
    return Trial(
        seed=seed,
        market=number,
        topology=topology,
        torn=dice.random() < 0.5,
        speed=0.0 if "ingest" in names(topology) else dice.choice((0.0, 0.0, 20.0)),
        faults=tuple(planned(dice, names(topology), effects, KINDS)),
    )


def run(trial: Trial) -> Outcome:
    """Run it and compare."""
    expected = undisturbed(trial)
    with (
        tempfile.TemporaryDirectory(prefix="titan-chaos-", dir=MEMORY) as folder,
        open_empty(Path(folder)) as log,
    ):
        world, processes = _world(trial, log)
        try:
            world.run()
            found = judged(trial, log, world.twice)
        except AssertionError as error:
            found = Difference(others=1, first=str(error))
    met = [fault for process in processes for fault in process.turn.met]
    lives = sum(process.lives for process in processes)
    return Outcome(trial, found, met, world.errors, lives, expected.events)


def judged(trial: Trial, log: Log, twice: bool) -> Difference:
    """Compare with the uninterrupted run; where wall time has cut, with what its own journal says again.

    Where a symbol leg ran ``twice``, what it says may be there twice; no account may notice.
    """
    expected, actual = undisturbed(trial), contents(log)
    if twice:
        actual = once(actual)
    if trial.topology != "tail":
        return difference(expected, actual)
    found = difference(expected, actual, BY_SYMBOL) or doubles(actual)
    if not found:
        verdict = verify(log, replay_settings(log, None, {}), None, lambda _: None)
        differing = [
            one
            for one in verdict.topics
            if one.topic in verdict.differing and not (twice and one.topic in REPEATABLE)
        ]
        found.note("others", len(differing), "".join(map(_first, differing)) or verdict.fault)
    return found


def _first(topic: TopicVerdict) -> str:
    return f"{topic.topic}: {topic.first.text} " if topic.first is not None else ""


def undisturbed(trial: Trial) -> Contents:
    """Return what its log would hold if nothing went wrong: in all topologies the same, of as many sessions."""
    return reference(trial.market, "two days" if trial.topology == "two days" else "live")


@functools.cache
def reference(number: int, topology: str = "live") -> Contents:
    """Return what a market's run holds that nothing interrupted."""
    uninterrupted = Trial(0, number, topology, False, 0.0, ())
    with (
        tempfile.TemporaryDirectory(prefix="titan-chaos-", dir=MEMORY) as folder,
        open_empty(Path(folder)) as log,
    ):
        _world(uninterrupted, log)[0].run()
        return contents(log)


def _world(trial: Trial, log: Log) -> tuple[World, list[Process]]:
    settings = market(trial.market)
    gateway = msgspec.structs.replace(settings.gateway, speed=trial.speed)
    settings = msgspec.structs.replace(settings, gateway=gateway)
    processes = processes_of(trial.topology, settings)
    dice = random.Random(f"schedule {trial.seed}")
    return World(log, processes, list(trial.faults), dice, trial.torn), processes
