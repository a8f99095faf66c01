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
from tests.chaos.contents import BY_SYMBOL, Contents, Difference, contents, difference, doubles
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
    effects = 160 if topology == "live" else 90
    return Trial(
        seed=seed,
        market=number,
        topology=topology,
        torn=dice.random() < 0.5,
        speed=0.0 if topology == "to end" else dice.choice((0.0, 0.0, 20.0)),
        faults=tuple(planned(dice, names(topology), effects, KINDS)),
    )


def run(trial: Trial) -> Outcome:
    """Run it and compare."""
    expected = reference(trial.market)
    with (
        tempfile.TemporaryDirectory(prefix="titan-chaos-", dir=MEMORY) as folder,
        open_empty(Path(folder)) as log,
    ):
        world, processes = _world(trial, log)
        try:
            world.run()
            found = judged(trial, log)
        except AssertionError as error:
            found = Difference(others=1, first=str(error))
    met = [fault for process in processes for fault in process.turn.met]
    lives = sum(process.lives for process in processes)
    return Outcome(trial, found, met, world.errors, lives, expected.events)


def judged(trial: Trial, log: Log) -> Difference:
    """Compare with the uninterrupted run; where wall time has cut, with what its own journal says again."""
    expected, actual = reference(trial.market), contents(log)
    if trial.topology != "tail":
        return difference(expected, actual)
    found = difference(expected, actual, BY_SYMBOL) or doubles(actual)
    if not found:
        verdict = verify(log, replay_settings(log, None, {}), None, lambda _: None)
        found.note("others", len(verdict.differing), "".join(map(_first, verdict.topics)) or verdict.fault)
    return found


def _first(topic: TopicVerdict) -> str:
    return f"{topic.topic}: {topic.first.text} " if topic.first is not None else ""


@functools.cache
def reference(number: int) -> Contents:
    """Return what a market's run holds that nothing interrupted."""
    undisturbed = Trial(0, number, "live", False, 0.0, ())
    with (
        tempfile.TemporaryDirectory(prefix="titan-chaos-", dir=MEMORY) as folder,
        open_empty(Path(folder)) as log,
    ):
        _world(undisturbed, log)[0].run()
        return contents(log)


def _world(trial: Trial, log: Log) -> tuple[World, list[Process]]:
    settings = market(trial.market)
    gateway = msgspec.structs.replace(settings.gateway, speed=trial.speed)
    settings = msgspec.structs.replace(settings, gateway=gateway)
    processes = processes_of(trial.topology, settings)
    dice = random.Random(f"schedule {trial.seed}")
    return World(log, processes, list(trial.faults), dice, trial.torn), processes
