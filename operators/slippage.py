"""How much worse than the reference price does a taker trade? Models by name; a new one is a line in ``SLIPPAGE``.

A model returns a distance in price units, zero or more. The venue rounds it up to ticks, moves the price
against the taker and never past a limit. Makers do not slip.
"""

import math
from typing import Protocol

import msgspec

from schemas.market import Mark

_BPS = 1e-4


class Slippage(Protocol):
    """Distance from the reference price, given what was known at the fill."""

    def distance(self, price: float, mark: Mark) -> float:
        """Price units, finite, >= 0."""
        ...


class NoSlippage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Fills at the reference price."""

    def distance(self, price: float, mark: Mark) -> float:
        """Zero."""
        return 0.0


class FixedBps(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fixed share of the price."""

    bps: float = 1.0

    def distance(self, price: float, mark: Mark) -> float:
        """Price times bps / 10,000."""
        return price * self.bps * _BPS


class HalfSpread(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Half of the quoted spread; ``fallback_bps`` of the price where no sane quote is known."""

    fallback_bps: float = 1.0

    def distance(self, price: float, mark: Mark) -> float:
        """(ask - bid) / 2."""
        if 0.0 < mark.bid <= mark.ask < math.inf:
            return (mark.ask - mark.bid) / 2.0
        return price * self.fallback_bps * _BPS


class VolatilitySlippage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``k`` standard deviations of the return between marks; ``fallback_bps`` where volatility is unknown."""

    k: float = 0.5
    fallback_bps: float = 1.0

    def distance(self, price: float, mark: Mark) -> float:
        """The k-fold of volatility, times price."""
        if 0.0 < mark.volatility < math.inf:
            return self.k * mark.volatility * price
        return price * self.fallback_bps * _BPS


SLIPPAGE: dict[str, type[Slippage]] = {
    "none": NoSlippage,
    "fixed_bps": FixedBps,
    "spread": HalfSpread,
    "volatility": VolatilitySlippage,
}
