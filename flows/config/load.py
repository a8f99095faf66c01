"""Which settings hold? Defaults, then the file, the environment, the flags; later ones win, key by key."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any

import msgspec

from flows.config.checks import check
from flows.config.errors import BadValue
from flows.config.keys import Leaves, Path, dict_of, dotted, fields, givers, is_struct, leaves, place
from flows.config.secret_sources import check_origin
from flows.config.settings import Settings
from flows.config.sources import Given, Origin, from_environment, from_file, from_flags
from flows.config.strategies import default_parameters, kind_of, with_parameters
from flows.config.values import read

DEFAULT_FILE = "titan.toml"
DEFAULT = Origin("default", "default")

Provenance = dict[str, Origin]
"""Dotted key -> where its value came from."""


def load_settings(
    config_path: str | FilePath | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Sequence[str | Given] = (),
    usual: Sequence[Given] = (),
) -> tuple[Settings, Provenance]:
    """Return the settings, and for every key where its value came from.

    Args:
        config_path: a TOML file; None: TITAN_CONFIG of `environ`, else titan.toml in the working folder if any.
        environ: environment variables; None or empty: none are looked at.
        overrides: `a.b=c` texts, the last one counting most.
        usual: what is otherwise than by default in this kind of run; everything else counts more.

    Raises:
        ConfigUnreadable: a file is missing, not TOML, or holds a secret that others may read.
        UnknownKey: a key that is not there, with the nearest one.
        BadValue: a value of the wrong type, out of range, at odds with another, or a secret on a command line.
    """
    environ = environ or {}
    path = _file(config_path, environ)
    given = [*usual, *(from_file(path) if path else []), *from_environment(environ), *from_flags(overrides)]
    placed = with_parameters(_merge(given))
    values = dict(leaves(Settings()))
    values |= default_parameters(values, placed)
    values |= {leaf.path: read(leaf) for leaf in placed.values()}
    for name in {path[1] for path in values if path[0] == "strategies"}:
        values["strategies", name, "kind"] = kind_of(name, placed)
    settings: Settings = _build(Settings, _nested(values), (), placed)
    check(settings, placed)
    provenance = {
        dotted(path): placed[path].origin if path in placed else DEFAULT for path, _ in leaves(settings)
    }
    return settings, provenance


def _file(config_path: str | FilePath | None, environ: Mapping[str, str]) -> FilePath | None:
    named = config_path or environ.get("TITAN_CONFIG")
    if named:
        return FilePath(named)
    return FilePath(DEFAULT_FILE) if FilePath(DEFAULT_FILE).exists() else None


def _merge(given: Iterable[Given]) -> Leaves:
    """Return the last value given to each leaf; raise for a secret that others could read."""
    leaves_given = [leaf for one in given for leaf in place(one, Settings)]
    for leaf in leaves_given:
        check_origin(leaf)
    return {leaf.path: leaf for leaf in leaves_given}


def _nested(values: Mapping[Path, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path, value in values.items():
        table = tree
        for name in path[:-1]:
            table = table.setdefault(name, {})
        table[path[-1]] = value
    return tree


def _build(kind: Any, tree: Mapping[str, Any], path: Path, placed: Leaves) -> Any:
    """Return the struct of one section, its sections first; what its own checks say is reported by section."""
    found: dict[str, Any] = {}
    for name, inner in fields(kind).items():
        below = (*path, name)
        if is_struct(inner):
            found[name] = _build(inner, tree.get(name, {}), below, placed)
        elif is_struct(dict_of(inner)):
            found[name] = {
                k: _build(dict_of(inner), v, (*below, k), placed) for k, v in tree.get(name, {}).items()
            }
        elif name in tree:
            found[name] = tree[name]
    missing = [
        field.name for field in msgspec.structs.fields(kind) if field.required and field.name not in found
    ]
    if missing:
        raise BadValue(f"{dotted(path)} lacks {', '.join(missing)}: set {dotted((*path, missing[0]))}")
    try:
        return kind(**found)
    except ValueError as error:
        raise BadValue(f"section {dotted(path)}: {error}{givers(path, placed)}") from error
