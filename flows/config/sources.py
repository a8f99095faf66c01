"""Where do settings come from? Readers of the TOML file, the environment and the flags.

Each returns `Given` values in the order in which they count; nothing is checked against the tree here. Values
from the environment and from flags stay `Text`, because only the type of their key says how to read them.
"""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from flows.config.errors import BadValue, ConfigUnreadable, UnknownKey
from flows.config.private_files import private_text
from flows.secrets import masked_words

Layer = Literal["default", "file", "environment", "log", "flag"]

PREFIX = "TITAN__"
FILE = "_FILE"
"""TITAN__SECTION__KEY_FILE names a private file that holds the value of TITAN__SECTION__KEY."""
ALIASES: dict[str, tuple[str, ...]] = {"TITAN_LOG": ("log", "url")}
"""Environment variables with a short name of their own."""


class Origin(msgspec.Struct, frozen=True):
    """Which layer said it, and where in that layer."""

    layer: Layer
    where: str

    def __str__(self) -> str:
        """The place in words: the file, the variable or the flag."""
        return self.where


class Text(msgspec.Struct, frozen=True):
    """A value as typed, not yet read."""

    raw: str


class Given(msgspec.Struct, frozen=True):
    """One value somebody gave: `value` is Text, or what TOML made of it (tables included)."""

    path: tuple[str, ...]
    value: Any
    origin: Origin


def from_file(path: Path) -> list[Given]:
    """Read a TOML file; one Given per top-level key.

    Raises:
        ConfigUnreadable: missing, a folder, not permitted, not UTF-8, or not TOML (with line and column).
    """
    try:
        tables = tomllib.loads(path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise ConfigUnreadable(
            f"cannot read the configuration file {path}: {error.strerror}. "
            "Name another one by --config or TITAN_CONFIG, or leave both out to run with the defaults"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigUnreadable(f"{path} is not UTF-8 text (byte {error.start}): save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigUnreadable(f"{path} is not valid TOML: {error}") from error
    origin = Origin("file", str(path))
    return [Given((key,), value, origin) for key, value in tables.items()]


def from_environment(environ: Mapping[str, str]) -> list[Given]:
    """Read TITAN__SECTION__KEY variables and the aliases; the aliases count less than the full names.

    Raises:
        ConfigUnreadable: a file that a variable names cannot be read, or others may read it.
        BadValue: a variable and its _FILE are both set.
    """
    given = [
        Given(path, Text(environ[name]), Origin("environment", name))
        for name, path in ALIASES.items()
        if environ.get(name)
    ]
    for name, (value, variable) in _variables(environ).items():
        path = tuple(name.removeprefix(PREFIX).split("__"))
        given.append(Given(path, Text(value), Origin("environment", variable)))
    return given


def from_flags(overrides: Sequence[str | Given]) -> list[Given]:
    """Read `a.b=c` overrides; a later one counts more.

    Raises:
        UnknownKey: no `=`, or the key is not one.
    """
    given = []
    for override in overrides:
        if isinstance(override, Given):
            given.append(override)
            continue
        key, equals, raw = override.partition("=")
        path = _key(key.strip()) if equals else None
        if path is None:
            raise UnknownKey(
                f"--set {masked_words(override)}: write KEY=VALUE, "
                "such as --set strategies.sma_crossover.params.fast=10"
            )
        given.append(Given(path, Text(raw.strip()), Origin("flag", f"--set {key.strip()}")))
    return given


def _variables(environ: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return the value of every TITAN__ variable, what stands in files read, and the variable that gave it."""
    found: dict[str, tuple[str, str]] = {}
    for name in sorted(name for name in environ if name.startswith(PREFIX)):
        plain = name.removesuffix(FILE)
        if plain == name or plain.endswith("_"):
            found[name] = (environ[name], name)
        elif plain in environ:
            raise BadValue(f"{plain} and {name} are both set: keep one of them")
        else:
            found[plain] = (private_text(environ[name], f"{name} names it"), name)
    return found


def literal(raw: str) -> Any:
    """Return the text read as one TOML value, or None where it is not one.

    >>> literal("10"), literal('["a", "b"]'), literal("plain words")
    (10, ['a', 'b'], None)
    """
    try:
        table = tomllib.loads(f"value = {raw}")
    except tomllib.TOMLDecodeError:
        return None
    return table["value"] if set(table) == {"value"} else None


def _key(key: str) -> tuple[str, ...] | None:
    """Return the segments of a dotted TOML key, or None."""
    try:
        table: Any = tomllib.loads(f"{key} = true")
    except tomllib.TOMLDecodeError:
        return None
    path: list[str] = []
    while isinstance(table, dict):
        if len(table) != 1:
            return None
        ((segment, table),) = table.items()
        path.append(segment)
    return tuple(path) if table is True else None
