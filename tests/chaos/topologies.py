"""As which processes does the system run? The flows that commands start, each with a log of its own view.

live      `titan demo`: gateway and both legs in one process
apart     gateway, two symbol legs and the account leg; the account knows for whom it waits
tail      the same, but the account leg only has patience: wall time decides its cuts, which its journal records
to end    `titan ingest`, then `titan run --to-end`: one after the other
two days  the same, and then once more with another session, which may be later, overlap, or bring nothing new
"""

from collections.abc import Callable

import bytewax.operators as op
from bytewax.dataflow import Dataflow

from flows import ingest as ingesting
from flows import stop
from flows.account_leg import add_account_leg
from flows.config import Settings
from flows.connectors.gateway_outbox import GatewayOutbox
from flows.connectors.gateway_source import GatewaySource
from flows.connectors.history import symbols_in
from flows.connectors.log import Log
from flows.connectors.log_sink import LogSink
from flows.gateways import gateway_opener, gateway_symbols
from flows.live import live_flow
from flows.progress import Progress
from flows.run import account_source
from flows.symbol_leg import add_symbol_leg
from tests.chaos.markets import at, next_session
from tests.chaos.world import Process

_NAMES = {
    "live": ("live",),
    "apart": ("gateway", "symbol01", "symbol23", "account"),
    "tail": ("gateway", "symbol01", "symbol23", "patient"),
    "to end": ("ingest", "symbol-end", "account-end"),
    "two days": ("ingest", "symbol-end", "account-end", "ingest-2", "symbol-end-2", "account-end-2"),
}
TOPOLOGIES = tuple(_NAMES)


def names(topology: str) -> list[str]:
    """Return the processes of a topology."""
    return list(_NAMES[topology])


_Build = Callable[[Log], Dataflow | None]


def processes_of(topology: str, settings: Settings) -> list[Process]:
    """Return the processes, not started."""
    build = {
        "live": _live,
        "gateway": _gateway,
        "symbol01": _symbol,
        "symbol23": _symbol,
        "account": _account,
    }
    build |= {
        "patient": _account,
        "ingest": _ingest,
        "symbol-end": _symbol_to_end,
        "account-end": _account_to_end,
    }
    made: list[Process] = []
    sessions = {"ingest-2": next_session(settings)}
    for name in names(topology):
        kind = name.removesuffix("-2")
        shared = build[kind] is _symbol
        fenced = build[kind] in (_account, _account_to_end)
        ends = not shared and name != "patient"
        process = Process(name, build[kind](sessions.get(name, settings), kind), ends, fenced, shared)
        process.after = made[-1] if "ingest" in names(topology) and made else None
        process.heir_of = next((one for one in made if f"{one.name}-2" == name), None)
        made.append(process)
    return made


def _live(settings: Settings, _name: str) -> _Build:
    return lambda log: live_flow(at(settings, log), log, Progress())


def _gateway(settings: Settings, _name: str) -> _Build:
    def build(log: Log) -> Dataflow:
        flow, progress = Dataflow("gateway"), Progress()
        source = GatewaySource(gateway_opener(settings), settings.gateway.speed, progress)
        slices = op.input("read_gateway", flow, source)
        op.output(
            "write_market_data", slices, LogSink(log, GatewayOutbox(progress), progress.meters["gateway"])
        )
        return flow

    return build


def _symbol(settings: Settings, name: str) -> _Build:
    partitions = [int(digit) for digit in name.removeprefix("symbol")]

    def build(log: Log) -> Dataflow:
        flow = Dataflow("symbol")
        add_symbol_leg(flow, at(settings, log, partitions=partitions), log, Progress(), None)
        return flow

    return build


def _account(settings: Settings, name: str) -> _Build:
    how = account_source(settings)
    if name == "account":
        how = account_source(settings, expected=gateway_symbols(settings), until_final=True)

    def build(log: Log) -> Dataflow:
        flow = Dataflow("account")
        add_account_leg(flow, at(settings, log), log, Progress(), how)
        return flow

    return build


def _ingest(settings: Settings, _name: str) -> _Build:
    """Ingest is no dataflow: all of it happens in one step, with faults inside."""

    def build(log: Log) -> None:
        right = ingesting.open_configured_log, stop.install
        ingesting.open_configured_log, stop.install = lambda _: log, lambda: None
        try:
            ingesting.ingest(at(settings, log), lambda _: None)
        finally:
            ingesting.open_configured_log, stop.install = right

    return build


def _symbol_to_end(settings: Settings, _name: str) -> _Build:
    def build(log: Log) -> Dataflow:
        flow = Dataflow("symbol")
        stops = {("market_data", p): end for p, (_, end) in enumerate(log.spans("market_data"))}
        at_end = lambda here: all(here[source] >= stops[source] for source in here)  # noqa: E731
        add_symbol_leg(flow, at(settings, log), log, Progress(), at_end)
        return flow

    return build


def _account_to_end(settings: Settings, _name: str) -> _Build:
    def build(log: Log) -> Dataflow:
        flow = Dataflow("account")
        how = account_source(settings, to_end=True, expected=symbols_in(log, "marks"))
        add_account_leg(flow, at(settings, log), log, Progress(), how)
        return flow

    return build
