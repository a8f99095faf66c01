"""What is one trial? A seed makes a market, a topology, a schedule and faults; it ends as if nothing had happened.

Nothing but the seed decides, so a failing trial fails again.
"""

import functools
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
from bytewax import operators as op
from bytewax.dataflow import Dataflow

from flows.account_leg import add_account_leg
from flows.config import Settings
from flows.connectors.gateway_outbox import GatewayOutbox
from flows.connectors.gateway_source import GatewaySource
from flows.connectors.log import Log
from flows.connectors.log_sink import LogSink
from flows.gateways import gateway_opener, gateway_symbols
from flows.live import live_flow
from flows.progress import Progress
from flows.run import account_source
from flows.symbol_leg import add_symbol_leg
from tests.chaos.contents import Contents, Difference, contents, difference
from tests.chaos.faults import KINDS, Fault, planned
from tests.chaos.markets import COUNT, MEMORY, at, market, open_empty
from tests.chaos.world import Process, World

_SAID = {"live": "one process", "apart": "four processes"}
TOPOLOGIES = tuple(_SAID)


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
        return f"{_SAID[self.topology]}, {'deliveries in parts' if self.torn else 'whole transactions'}"


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
    names = _names(topology)
    effects = 160 if topology == "live" else 90
    return Trial(
        seed=seed,
        market=number,
        topology=topology,
        torn=dice.random() < 0.5,
        speed=dice.choice((0.0, 0.0, 20.0)),
        faults=tuple(planned(dice, names, effects, KINDS)),
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
            found = difference(expected, contents(log))
        except AssertionError as error:
            found = Difference(others=1, first=str(error))
    met = [fault for process in processes for fault in process.turn.met]
    lives = sum(process.lives for process in processes)
    return Outcome(trial, found, met, world.errors, lives, expected.events)


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
    processes = [
        Process(name, _flow(name, settings), not name.startswith("symbol"), name == "account")
        for name in _names(trial.topology)
    ]
    dice = random.Random(f"schedule {trial.seed}")
    return World(log, processes, list(trial.faults), dice, trial.torn), processes


def _names(topology: str) -> list[str]:
    return ["live"] if topology == "live" else ["gateway", "symbol01", "symbol23", "account"]


def _flow(name: str, settings: Settings) -> Callable[[Log], Dataflow]:
    """Return what builds the dataflow of a process."""

    def live(log: Log) -> Dataflow:
        return live_flow(at(settings, log), log, Progress())

    def gateway(log: Log) -> Dataflow:
        flow = Dataflow("gateway")
        progress = Progress()
        source = GatewaySource(gateway_opener(settings), settings.gateway.speed, progress)
        slices = op.input("read_gateway", flow, source)
        op.output(
            "write_market_data", slices, LogSink(log, GatewayOutbox(progress), progress.meters["gateway"])
        )
        return flow

    def symbol(log: Log) -> Dataflow:
        flow = Dataflow("symbol")
        partitions = [int(digit) for digit in name.removeprefix("symbol")]
        add_symbol_leg(flow, at(settings, log, partitions=partitions), log, Progress(), None)
        return flow

    def account(log: Log) -> Dataflow:
        flow = Dataflow("account")
        how = account_source(settings, expected=gateway_symbols(settings), until_final=True)
        add_account_leg(flow, at(settings, log), log, Progress(), how)
        return flow

    return {"live": live, "gateway": gateway, "symbol": symbol, "account": account}[name.rstrip("0123456789")]
