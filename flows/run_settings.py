"""With which settings was a log derived? Kept in the log itself, so that any run of it can be repeated and explained.

Whoever adds a leg to a dataflow notes its settings first: once for each account, in ``run_settings``. What a log holds
follows from one set of settings; a run with other ones is refused, whichever process asks and wherever its recovery
store is.
"""

import hashlib
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import msgspec

from flows.config import ConfigError, Settings
from flows.config.keys import differing
from flows.config.parameters import symbol_parameters
from flows.config.sources import Given, Origin
from flows.connectors.held import event_of, held
from flows.connectors.log import Log
from operators.account_state import STATE_VERSION
from schemas.account import RunSettings
from schemas.codec import encode

TOPIC = "run_settings"
DERIVING = ("symbol_leg", "strategies", "account", "sizing", "risk", "venue", "instruments")
"""Sections that records depend on."""
_SNAPSHOTS = 4
"""Raised when what sources and sinks save changes its shape."""


def deriving(settings: Settings) -> dict[str, Any]:
    """Return the sections that records depend on as plain data; no other section is ever written down."""
    return {section: msgspec.to_builtins(getattr(settings, section)) for section in DERIVING}


def fingerprint(settings: Settings) -> dict[str, object]:
    """Return all settings that the records of a run depend on, and of what shape its snapshots are."""
    tag = symbol_parameters(settings).tag
    return {**deriving(settings), "symbol_state": tag, "account_state": [STATE_VERSION, _SNAPSHOTS]}


def as_record(settings: Settings) -> RunSettings:
    """Return the settings as the log keeps them."""
    text = msgspec.json.encode(deriving(settings), order="deterministic")
    digest = digest_of(text)
    account = settings.account.id
    return RunSettings(
        id=f"{account}:{digest}",
        account=account,
        ts_event_ns=0,
        digest=digest,
        symbol_tag=symbol_parameters(settings).tag,
        version=_version(),
        settings=text.decode(),
    )


def digest_of(settings: bytes) -> str:
    """Return the digest of settings as the log keeps them."""
    return hashlib.sha256(settings).hexdigest()[:16]


def note_settings(log: Log, settings: Settings, writes: bool = True) -> None:
    """Note in the log what its records are about to be derived with, unless it stands there already.

    Of several processes that share a leg one ``writes``, so that it stands there once; the others compare.

    Raises:
        ConfigError: the log was derived with other settings, or by code whose features or strategies differ.
    """
    mine = as_record(settings)
    known = recorded(log, mine.account)
    if known is None and not writes:
        return
    if known is None:
        with log.writer() as writer:
            writer.append(TOPIC, mine.account.encode(), encode(mine), 1)
        return
    if known.digest != mine.digest:
        changed = "; ".join(_differences(known, mine)[:3])
        raise ConfigError(
            f"{log.url} was derived with other settings: {changed}. What is in a log follows from one set of "
            "settings: go back to them, use another log (`titan backtest --log` derives it anew), or ask `titan replay "
            "--what-if` what would have changed"
        )
    if known.symbol_tag != mine.symbol_tag:
        raise ConfigError(
            f"{log.url} was derived by Titan {known.version} with other features or strategies (tag "
            f"{known.symbol_tag}, now {mine.symbol_tag}): use another log; `titan backtest --log` derives it anew"
        )


def recorded(log: Log, account: str | None = None) -> RunSettings | None:
    """Return what the log says about an account, or about its only one; None where it says nothing.

    Raises:
        ConfigError: no account is named and the log holds several.
    """
    found = _all(log)
    if account is not None:
        return found.get(account)
    if len(found) > 1:
        raise ConfigError(f"{log.url} holds the accounts {', '.join(sorted(found))}: choose one by --account")
    return next(iter(found.values()), None)


def recorded_settings(log: Log, base: Settings, account: str | None = None) -> Settings | None:
    """Return ``base`` with every section that the log was derived with; None where the log says nothing.

    Raises:
        ConfigError: today's Titan cannot read them, or several accounts and none named.
    """
    known = recorded(log, account)
    if known is None:
        return None
    types = {field.name: field.type for field in msgspec.structs.fields(Settings)}
    try:
        said: dict[str, Any] = msgspec.json.decode(known.settings)
        sections = {name: msgspec.convert(said[name], types[name]) for name in DERIVING}
    except (msgspec.MsgspecError, KeyError) as error:
        raise ConfigError(
            f"{log.url}: the settings of account {known.account}, written by Titan {known.version}, do not fit this "
            f"version: {error}. Use that version, or set them by --set"
        ) from error
    return msgspec.structs.replace(base, **sections)


def recorded_given(log: Log, account: str | None = None) -> list[Given]:
    """Return the settings that the log was derived with as a layer for ``load_settings``; empty where it says nothing.

    Raises:
        ConfigError: several accounts and none named, or one is named that it does not know.
    """
    known = recorded(log, account)
    if known is None and account is not None:
        raise ConfigError(
            f"{log.url} keeps no settings of account {account}: it knows {', '.join(_all(log)) or 'none'}"
        )
    if known is None:
        return []
    said: dict[str, Any] = msgspec.json.decode(known.settings)
    origin = Origin("log", log.url)
    return [Given((section,), _without_nothing(said[section]), origin) for section in DERIVING]


def settings_that_differ(then: RunSettings, now: RunSettings) -> list[tuple[str, Any, Any]]:
    """Return the keys that differ, with both values; ``not set`` where one has none."""
    before, after = (msgspec.json.decode(one.settings) for one in (then, now))
    return [
        (key, *("not set" if value is None else value for value in values))
        for key, *values in differing(before, after)
    ]


def _without_nothing(tree: Any) -> Any:
    """Return the tree without its nulls, which stand for what was left out."""
    if not isinstance(tree, dict):
        return tree
    return {name: _without_nothing(value) for name, value in tree.items() if value is not None}


def _all(log: Log) -> dict[str, RunSettings]:
    found: dict[str, RunSettings] = {}
    for record in held(log, TOPIC):
        event = event_of(record)
        if isinstance(event, RunSettings):
            found.setdefault(event.account, event)
    return found


def _differences(then: RunSettings, now: RunSettings) -> list[str]:
    return [f"{key} was {before}, is {after}" for key, before, after in settings_that_differ(then, now)]


def _version() -> str:
    try:
        return version("titan")
    except PackageNotFoundError:
        return "unknown"
