"""The whole system in one dataflow: gateway, symbol leg, account leg with its venue, joined by the log.

``python -m bytewax.run flows.live`` works with no configuration: it replays recorded trades as a live feed, on paper.
Settings come from ``titan.toml`` and the environment. Add ``-r DIR -s 5 -b 0`` for snapshots (``titan demo`` and
``titan run`` have them by themselves); without them a restart rebuilds its state from the log and repeats nothing.
"""

import atexit
import os
import sys
from contextlib import ExitStack

import bytewax.operators as op
from bytewax.dataflow import Dataflow

from flows import stop
from flows.account_leg import add_account_leg
from flows.config import ConfigError, Settings, load_settings
from flows.connectors.gateway_outbox import GatewayOutbox
from flows.connectors.gateway_source import GatewaySource
from flows.connectors.input_errors import InputError
from flows.connectors.log import Log, LogError
from flows.connectors.log_sink import LogSink
from flows.dataflow_api import check_api
from flows.gateways import gateway_opener, gateway_symbols
from flows.metrics import exported
from flows.progress import Progress
from flows.recovery_store import StoreError, folder_of_bytewax, forget_unfinished
from flows.run import account_source, summary_line
from flows.runtime import open_configured_log
from flows.symbol_leg import add_symbol_leg
from flows.wall_clock import watched


def live_flow(settings: Settings, log: Log, progress: Progress) -> Dataflow:
    """Return the dataflow; it ends when the gateway's session has ended and everything that follows from it is said."""
    flow = Dataflow("live")
    gateway = GatewaySource(gateway_opener(settings), settings.gateway.speed, progress)
    slices = op.input("read_gateway", flow, gateway)
    op.output(
        "write_market_data",
        slices,
        LogSink(log, GatewayOutbox(progress), progress.meters["gateway"], waits=True),
    )
    add_symbol_leg(flow, settings, log, progress, lambda positions: progress.gateway_ended(log, positions))
    how = account_source(settings, expected=gateway_symbols(settings), until_final=True)
    add_account_leg(flow, settings, log, progress, how)
    return flow


def main_flow() -> Dataflow:
    """Return the dataflow of the main job, configured by files and environment; a user's error ends the process."""
    try:
        return _main_flow()
    except (ConfigError, InputError, LogError, StoreError, OSError) as error:
        raise SystemExit(f"titan: {error}") from None


def _main_flow() -> Dataflow:
    settings, _ = load_settings(None, os.environ, [])
    check_api(settings.run.expose_api)
    if (store := folder_of_bytewax(sys.argv[1:], os.environ)) is not None:
        forget_unfinished(store)
    stop.install()
    log = open_configured_log(settings)
    progress = Progress()
    ends = ExitStack()
    ends.callback(lambda: print(summary_line(progress), file=sys.stderr))
    ends.enter_context(exported(settings, progress))
    ends.enter_context(watched())
    atexit.register(ends.close)
    print(f"titan: {settings.gateway.kind} gateway into {settings.log.url}; Ctrl-C stops", file=sys.stderr)
    return live_flow(settings, log, progress)


def __getattr__(name: str) -> Dataflow:
    """Build ``flow`` when Bytewax asks for it, not when the module is imported."""
    if name == "flow":
        return main_flow()
    raise AttributeError(name)
