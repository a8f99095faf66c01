"""How does a command end? The one table from errors to exit codes, and the message that a person sees.

    0    done
    2    usage: unknown command or option, unusable configuration or log URL
    3    bad input: a file, record or strategy that cannot be used
    4    the log or a server cannot be reached or used
    5    a check failed
    130  interrupted

A bug has no row here: it leaves with its traceback and exit code 1. TITAN_DEBUG=1 shows the traceback of every
error.
"""

import errno
import os
import sys
import traceback
from collections.abc import Iterator
from importlib import import_module

DONE, BUG, USAGE, BAD_INPUT, UNREACHABLE, CHECK_FAILED, INTERRUPTED = (0, 1, 2, 3, 4, 5, 130)

_CODES: dict[str, int] = {
    "flows.config.errors:ConfigError": USAGE,
    "flows.connectors.log_errors:LogUrlError": USAGE,
    "flows.connectors.log_errors:LogSettingsError": USAGE,
    "flows.connectors.input_errors:InputError": BAD_INPUT,
    "flows.connectors.log_errors:RecordTooLarge": BAD_INPUT,
    "flows.connectors.log_errors:LogError": UNREACHABLE,
    "flows.connectors.schema_registry:RegistryError": UNREACHABLE,
    "flows.recovery_store:StoreError": UNREACHABLE,
    "operators.strategies.strategy:StrategyError": BAD_INPUT,
    "schemas.codec:DecodeError": BAD_INPUT,
}
"""Error class -> exit code; the first row that fits counts, so a subclass stands before its root."""

_PACKAGES = (
    "bytewax",
    "confluent_kafka",
    "fastavro",
    "msgspec",
    "numba",
    "numpy",
    "plotly",
    "prometheus_client",
    "pyarrow",
    "rich",
)
"""Packages that an installation has; without one it is incomplete."""

_SERVER_ERRNOS = (
    errno.EADDRINUSE,
    errno.ECONNREFUSED,
    errno.EHOSTUNREACH,
    errno.ENETUNREACH,
    errno.ENOSPC,
    errno.ETIMEDOUT,
)


class UsageError(Exception):
    """A command was asked for something that is not there; exit code 2."""


class CheckFailed(Exception):
    """A check of the system failed; exit code 5."""


def exit_code(error: BaseException) -> int:
    """Return the exit code of an error, looking through the errors that it was raised from."""
    return _judge(error)[0]


def report(error: BaseException) -> int:
    """Print what a person should read about the error on stderr, and return the exit code."""
    code, cause = _judge(error)
    if code == INTERRUPTED:
        print("interrupted", file=sys.stderr)
    elif code == BUG or os.environ.get("TITAN_DEBUG", "") not in ("", "0"):
        traceback.print_exception(error)
    if code == BUG:
        print(
            "titan: this is a bug in Titan, not in what you did; please report the lines above",
            file=sys.stderr,
        )
    elif code != INTERRUPTED and str(cause):
        print(f"titan: {_printable(_words(cause))}", file=sys.stderr)
    return code


def _judge(error: BaseException) -> tuple[int, BaseException]:
    """Return the exit code and the error in the chain that decided it."""
    for link in _chain(error):
        code = _code(link)
        if code != BUG:
            return code, link
    return BUG, error


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__


def _code(error: BaseException) -> int:
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, UsageError):
        return USAGE
    if isinstance(error, CheckFailed):
        return CHECK_FAILED
    if isinstance(error, ModuleNotFoundError):
        return USAGE if _package(error) in _PACKAGES else BUG
    for name, code in _CODES.items():
        module, _, cls = name.partition(":")
        if module in sys.modules and isinstance(error, getattr(import_module(module), cls)):
            return code
    if isinstance(error, OSError):
        return UNREACHABLE if error.errno in _SERVER_ERRNOS else BAD_INPUT
    return BUG


def _package(error: ModuleNotFoundError) -> str:
    return (error.name or "").partition(".")[0]


def _words(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"the Python package {_package(error)} is missing from this installation: run make"
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}"
    return str(error)


def _printable(text: str) -> str:
    """Return the text with what a terminal would obey, and not show, as escapes."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)
