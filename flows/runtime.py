"""How is a dataflow executed? In this process, on one worker, with a recovery store that fits the settings."""

import gc
from datetime import timedelta
from pathlib import Path

from bytewax._bytewax import cli_main
from bytewax.dataflow import Dataflow
from bytewax.recovery import RecoveryConfig

from flows.config import ConfigError, Settings, recovery_dir
from flows.connectors.input_errors import InputError
from flows.connectors.log import Log, TopicSpec, open_log
from flows.connectors.log_errors import LogError
from flows.dataflow_api import served_once
from flows.recovery_store import BROKEN, opened, store_error
from flows.run_settings import fingerprint
from flows.stderr import withheld
from flows.stop import Stopped
from flows.wall_clock import watched
from operators.strategies import StrategyError
from schemas.topics import TOPICS

_OURS = (Stopped, LogError, ConfigError, InputError, StrategyError)
_EXPLAINED = (RuntimeError, *_OURS, *BROKEN)
"""What Bytewax raises (it wraps most of what it meets in a RuntimeError), and what it lets pass as it came."""


def open_configured_log(settings: Settings) -> Log:
    """Open the configured log and create the topics that it lacks."""
    log = open_log(settings.log.url, settings.log)
    log.apply([TopicSpec(t.name, t.partitions, t.compacted) for t in TOPICS.values()])
    return log


def execute(flow: Dataflow, settings: Settings, name: str) -> None:
    """Run ``flow`` until its sources end or the process is asked to stop; ``name`` names its recovery store.

    Raises:
        ConfigError: the recovery store belongs to a run with other settings.
        StoreError: the recovery store is in use, damaged or full.
        LogError, InputError, StrategyError: what a source or sink raised, without Bytewax's wrapping.
        OSError: the port of Bytewax's own API is taken.
    """
    store = opened(recovery_dir(settings) / name, fingerprint(settings))
    with served_once(settings.run.expose_api), store as folder:
        _spare_the_collector()
        with withheld() as said, watched():
            try:
                cli_main(
                    flow,
                    epoch_interval=timedelta(seconds=settings.run.snapshot_interval_s),
                    recovery_config=RecoveryConfig(folder),
                )
            except _EXPLAINED as error:
                ours = _ours(error, folder)
                if ours is None:
                    raise
                said.told = True
                if isinstance(ours, Stopped):
                    return
                raise ours from None


def _spare_the_collector() -> None:
    """Let the cyclic collector pass over what lives long: scanning each poll's messages cost a third of all CPU."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)


def _ours(error: Exception, folder: Path) -> Exception | None:
    """Return the error of ours that Bytewax has wrapped, or what its own says about the store; None for a bug."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, _OURS):
            return cause
        cause = cause.__cause__ or cause.__context__
    return store_error(error, folder)
