"""Which strategy is checked? One of the registry, one that is configured, or a class in a file of one's own."""

import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from flows.config import Settings
from flows.config.errors import BadValue, UnknownKey
from flows.config.keys import Placed, fields, nearest, unknown
from flows.config.sources import Origin, Text
from flows.config.values import read
from flows.connectors.input_errors import InputError
from operators.strategies import STRATEGIES, Strategy


class Subject(msgspec.Struct, frozen=True):
    """The strategy with its parameters; ``spec`` names its class for another process, ``timeframe`` may be empty."""

    name: str
    spec: str
    file: str
    strategy: Any
    timeframe: str = ""

    @property
    def parameters(self) -> dict[str, Any]:
        """Every parameter by name."""
        return msgspec.to_builtins(self.strategy) if isinstance(self.strategy, msgspec.Struct) else {}


def subject_of(named: str, given: Mapping[str, str], settings: Settings) -> Subject:
    """Return the strategy named as in the registry or configuration, or as ``module:Class`` or ``file.py:Class``.

    ``given`` are parameters as typed.

    Raises:
        ConfigError: no such strategy or parameter, or a value that is not allowed.
        InputError: the file or module cannot be imported, or its class is no strategy.
    """
    if ":" in named:
        cls = load(named)
        return _made(named, cls, {}, given, "")
    section = settings.strategies.get(named)
    kind = section.kind or named if section else named
    if kind not in STRATEGIES:
        raise _unknown_strategy(
            named, [*STRATEGIES, *(name for name in settings.strategies if name not in STRATEGIES)]
        )
    params, timeframe = (dict(section.params), section.timeframe) if section else ({}, "")
    return _made(named, STRATEGIES[kind], params, given, timeframe)


def _unknown_strategy(named: str, known: list[str]) -> UnknownKey:
    if named.endswith(".py"):
        return UnknownKey(f"{named} names a file: name its class, too, as {named}:Class")
    near = nearest(named, known)
    hint = f"did you mean {near}?" if near else f"there are {', '.join(known)}."
    return UnknownKey(f"no strategy {named!r}: {hint} One of your own is named as path/to/file.py:Class")


def load(spec: str) -> type[Strategy]:
    """Return the class that ``module:Class`` or ``path/to/file.py:Class`` names.

    Raises:
        InputError: it cannot be imported, or is no strategy.
    """
    where, _, name = spec.rpartition(":")
    module = _from_file(Path(where)) if where.endswith(".py") else _imported(where, spec)
    cls = getattr(module, name, None)
    if not inspect.isclass(cls):
        classes = [n for n, c in vars(module).items() if inspect.isclass(c) and hasattr(c, "step")]
        raise InputError(f"{where} has no class {name!r}; it has {', '.join(classes) or 'no strategy'}")
    lacking = [method for method in ("init", "step") if not callable(getattr(cls, method, None))]
    if lacking:
        raise InputError(
            f"{spec} is no strategy: it has no {' and no '.join(lacking)}(); see operators/strategies/strategy.py"
        )
    return cls


def _made(
    named: str, cls: type[Any], params: dict[str, Any], given: Mapping[str, str], timeframe: str
) -> Subject:
    known = fields(cls) if issubclass(cls, msgspec.Struct) else {}
    origin = Origin("flag", "--set")
    for name, raw in given.items():
        if name not in known:
            raise unknown((named, name), origin, known)
        params[name] = read(Placed((named, name), known[name], Text(raw), origin))
    try:
        strategy = cls(**params)
    except (TypeError, ValueError) as error:
        raise BadValue(f"{named}: {error}") from error
    file = str(Path(inspect.getfile(cls)).resolve())
    spec = named if named.partition(":")[0].endswith(".py") else f"{cls.__module__}:{cls.__qualname__}"
    return Subject(named, spec, file, strategy, timeframe)


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise InputError(f"there is no file {path}; write path/to/file.py:Class")
    name = f"checked_{path.stem}"
    present = sys.modules.get(name)
    if present is not None and present.__file__ == str(path.resolve()):
        return present
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise InputError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.append(folder)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise InputError(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    return module


def _imported(where: str, spec: str) -> ModuleType:
    if "" not in sys.path and os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        return importlib.import_module(where)
    except Exception as error:
        raise InputError(
            f"{spec}: cannot import {where}: {error}. A file is named as path/to/file.py:Class"
        ) from error
