"""Which parameters does a configured strategy take? Those of its kind in the registry of strategies.

A kind is known only once all sources are merged, so its parameters are typed after that.
"""

from typing import Any

from flows.config.errors import UnknownKey
from flows.config.keys import Leaves, Path, Placed, dotted, fields, leaves, nearest, unknown
from flows.config.values import read
from operators.strategies import STRATEGIES


def with_parameters(placed: Leaves) -> Leaves:
    """Return the leaves with every strategy's kind checked and every parameter typed.

    Raises:
        UnknownKey: no such kind of strategy, or no such parameter of it; the message names the nearest.
    """
    return {path: _typed(leaf, placed) if _is_parameter(path) else leaf for path, leaf in placed.items()}


def default_parameters(values: dict[Path, Any], placed: Leaves) -> dict[Path, Any]:
    """Return the default parameters of every strategy that is named anywhere, by leaf."""
    found: dict[Path, Any] = {}
    for name in dict.fromkeys(path[1] for path in (*values, *placed) if path[0] == "strategies"):
        kind = kind_of(name, placed)
        for path, value in leaves(STRATEGIES[kind]()):
            found["strategies", name, "params", *path] = value
    return found


def _is_parameter(path: Path) -> bool:
    return path[0] == "strategies" and path[2] == "params"


def kind_of(name: str, placed: Leaves) -> str:
    """Return the kind of the strategy of this name: as given, else the one of its own name."""
    given = placed.get(("strategies", name, "kind"))
    kind = read(given) if given else ""
    if (kind or name) in STRATEGIES:
        return kind or name
    origin = (
        given.origin
        if given
        else next(leaf.origin for path, leaf in placed.items() if path[:2] == ("strategies", name))
    )
    key = dotted(("strategies", name))
    near = nearest(kind or name, STRATEGIES)
    if kind:
        hint = f"did you mean {near}?" if near else f"there are {', '.join(STRATEGIES)}"
        raise UnknownKey(f"{key}.kind = {kind} (from {origin}): there is no such kind of strategy: {hint}")
    hint = f"did you mean strategies.{near}? " if near else ""
    raise UnknownKey(
        f"unknown strategy {key} (from {origin}): {hint}"
        f"A strategy under a new name needs {key}.kind, one of {', '.join(STRATEGIES)}"
    )


def _typed(leaf: Placed, placed: Leaves) -> Placed:
    known = fields(STRATEGIES[kind_of(leaf.path[1], placed)])
    name = leaf.path[3]
    if name not in known:
        raise unknown(leaf.path, leaf.origin, known)
    return Placed(leaf.path, known[name], leaf.value, leaf.origin)
