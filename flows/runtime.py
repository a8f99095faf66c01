"""How is a dataflow executed? In this process, on one worker, with a recovery store that fits the settings."""

import gc
import hashlib
from datetime import timedelta
from pathlib import Path

import msgspec
from bytewax._bytewax import cli_main
from bytewax.dataflow import Dataflow
from bytewax.errors import BytewaxRuntimeError
from bytewax.recovery import RecoveryConfig, init_db_dir

from flows.config import ConfigError, Settings, recovery_dir
from flows.config.parameters import symbol_parameters
from flows.connectors.input_errors import InputError
from flows.connectors.log import Log, TopicSpec, open_log
from flows.connectors.log_errors import LogError
from schemas.topics import TOPICS

_MARK = "settings.json"
_DERIVING = ("symbol_leg", "strategies", "account", "sizing", "risk", "venue", "instruments")


def open_configured_log(settings: Settings) -> Log:
    """Open the configured log and create the topics that it lacks."""
    log = open_log(settings.log.url, settings.log)
    log.apply([TopicSpec(t.name, t.partitions, t.compacted) for t in TOPICS.values()])
    return log


def execute(flow: Dataflow, settings: Settings, name: str) -> None:
    """Run ``flow`` until its sources end or the process is asked to stop; ``name`` names its recovery store.

    Raises:
        ConfigError: the recovery store belongs to a run with other settings.
        LogError, ValueError: what a source or sink raised, without Bytewax's wrapping.
    """
    folder = _store(settings, name)
    _spare_the_collector()
    try:
        cli_main(
            flow,
            epoch_interval=timedelta(seconds=settings.run.snapshot_interval_s),
            recovery_config=RecoveryConfig(folder),
        )
    except BytewaxRuntimeError as error:
        raise _ours(error) from None


def _spare_the_collector() -> None:
    """Let the cyclic collector pass over what lives long: scanning each poll's messages cost a third of all CPU."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)


def _ours(error: BaseException) -> BaseException:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, LogError | ConfigError | InputError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return error


def fingerprint(settings: Settings) -> dict[str, object]:
    """Return all settings that the records of a run depend on."""
    plain = msgspec.to_builtins(settings)
    said: dict[str, object] = {section: plain[section] for section in _DERIVING}
    said["symbol_state"] = symbol_parameters(settings).tag
    return said


def _store(settings: Settings, name: str) -> Path:
    """Return the recovery store of a dataflow, made if it is missing."""
    folder = recovery_dir(settings) / name
    mark = folder / _MARK
    said = fingerprint(settings)
    if mark.exists():
        _check(said, msgspec.json.decode(mark.read_bytes()), folder)
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    init_db_dir(folder, 1)
    mark.write_bytes(msgspec.json.format(msgspec.json.encode(said)))
    return folder


def _check(now: dict[str, object], then: dict[str, object], folder: Path) -> None:
    if _digest(now) == _digest(then):
        return
    other = [section for section in now if now[section] != then.get(section)]
    raise ConfigError(
        f"{folder} holds the state of a run with other settings in: {', '.join(other)}. What is in a log follows "
        f"from one set of settings: go back to them (they stand in {folder / _MARK}), or use another log"
    )


def _digest(said: dict[str, object]) -> str:
    return hashlib.sha256(msgspec.json.encode(said, order="deterministic")).hexdigest()
