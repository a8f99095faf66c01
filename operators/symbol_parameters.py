"""What decides how the symbol leg works: timeframes, bounds, strategies; and the tag that names all of it."""

import hashlib
from typing import Any

import msgspec

from operators.features import FEATURE_SET
from operators.instruments import NANOS
from operators.regime import VolatilityBuckets

VERSION = 3
"""Of the state's layout and meaning: raised with every change, so that older states are rebuilt from the log."""


class StrategyInstance(msgspec.Struct, frozen=True):
    """A strategy with its parameters, bound to a timeframe and to symbols ("*" means every one)."""

    name: str
    timeframe_ns: int
    strategy: Any  # operators.strategies.Strategy; msgspec cannot check a protocol
    symbols: tuple[str, ...] = ("*",)

    def wants(self, symbol: str) -> bool:
        """Say whether the strategy trades the symbol."""
        return "*" in self.symbols or symbol in self.symbols

    @property
    def version(self) -> str:
        """Hash of kind and parameters."""
        said = [type(self.strategy).__name__, msgspec.to_builtins(self.strategy)]
        return hashlib.sha256(msgspec.json.encode(said)).hexdigest()[:12]


class SymbolParameters(msgspec.Struct, frozen=True):
    """Parameters of the symbol leg; times in ns, ``bad_print_fraction`` of the last price."""

    timeframes_ns: tuple[int, ...]
    mark_interval_ns: int = NANOS
    bad_print_fraction: float = 0.2
    bad_print_reset_ns: int = 3600 * NANOS
    held_rows: int = 10_000
    account: str = "paper"
    strategies: tuple[StrategyInstance, ...] = ()
    regime: VolatilityBuckets = VolatilityBuckets()

    @property
    def tag(self) -> str:
        """Hash of all that gives the state its meaning: a state with another tag must be rebuilt from the log."""
        said = [VERSION, FEATURE_SET.feature_set_hash, self.timeframes_ns, self.mark_interval_ns]
        said += [self.bad_print_fraction, self.bad_print_reset_ns, msgspec.to_builtins(self.regime)]
        said += [[s.name, s.timeframe_ns, s.symbols, s.version] for s in self.strategies]
        return hashlib.sha256(msgspec.json.encode(said)).hexdigest()[:16]
