"""With which settings is a recorded run repeated? Those that its log keeps, and what is asked to be otherwise.

What the log says beats file and environment; they only say what the log does not, such as how to reach it. A log that
keeps no settings is repeated with today's configuration, and that is told.
"""

from collections.abc import Mapping, Sequence

import msgspec

from flows.backtest_settings import full_key
from flows.config import ConfigError, Settings, load_settings
from flows.config.keys import differing
from flows.config.parameters import symbol_parameters
from flows.config.sources import Given, Origin, Text
from flows.connectors.log import Log
from flows.run_settings import deriving, digest_of, recorded, recorded_given, recorded_settings


class Change(msgspec.Struct, frozen=True):
    """A key whose value is not what it was; None where it was not set."""

    key: str
    before: object
    after: object


class ReplaySettings(msgspec.Struct, frozen=True):
    """``run``: those of the run; ``asked``: with what was set otherwise; ``source`` in words; ``notes`` to be told."""

    run: Settings
    asked: Settings
    source: str
    notes: tuple[str, ...] = ()


def replay_settings(
    log: Log,
    config: str | None,
    environ: Mapping[str, str],
    sets: Sequence[str] = (),
    account: str | None = None,
) -> ReplaySettings:
    """Return the settings of the run that ``log`` holds, and the same with KEY=VALUE texts applied.

    Raises:
        ConfigError: what the log or a text says is not allowed, or it holds several accounts and none is named.
    """
    configured, _ = load_settings(config, environ)
    known = recorded(log, account)
    if known is None:
        if account is not None and account != configured.account.id:
            raise ConfigError(f"{log.url} keeps no settings of account {account}; name it by account.id")
        run, notes = configured, ["the log keeps no settings: today's configuration is taken for the run's"]
        given: list[Given] = []
    else:
        found = recorded_settings(log, configured, known.account)
        run = configured if found is None else found
        given, notes = [*recorded_given(log, known.account), *_without_others(configured, run)], []
        if digest_of(known.settings.encode()) != known.digest:
            notes.append(
                "the settings in the log do not fit their digest: they were changed after they were noted"
            )
        tag = symbol_parameters(run).tag
        if tag != known.symbol_tag:
            notes.append(
                f"the run was made by Titan {known.version} with other features, strategies or timeframes "
                f"(tag {known.symbol_tag}, today {tag})"
            )
    asked = run
    if sets:
        kinds = {name: section.kind for name, section in run.strategies.items() if section.enabled}
        asked, _ = load_settings(config, environ, [*given, *(full_key(one, kinds) for one in sets)])
        asked = _of_the_run(run, asked, sets)
    source = "today's configuration" if known is None else f"kept in the log ({known.digest})"
    return ReplaySettings(run, asked, source, tuple(notes))


def changes(run: Settings, asked: Settings) -> list[Change]:
    """Return the keys that records depend on and that are not the same, by name."""
    return [Change(*one) for one in differing(*(deriving(one) for one in (run, asked)))]


def _of_the_run(run: Settings, asked: Settings, sets: Sequence[str]) -> Settings:
    """Return ``asked`` without what only today's configuration brought in, and nobody asked for."""
    named = " ".join(sets)
    return msgspec.structs.replace(
        asked,
        log=run.log,
        run=run.run,
        gateway=run.gateway,
        strategies={n: s for n, s in asked.strategies.items() if n in run.strategies or s.enabled},
        instruments={n: s for n, s in asked.instruments.items() if n in run.instruments or n in named},
    )


def _without_others(configured: Settings, run: Settings) -> list[Given]:
    """Return what turns off the configured strategies that the run did not know."""
    origin = Origin("default", "not in the recorded run")
    return [
        Given(("strategies", name, "enabled"), Text("false"), origin)
        for name in configured.strategies
        if name not in run.strategies
    ]
