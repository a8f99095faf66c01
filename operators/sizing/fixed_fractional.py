"""Fixed-fractional sizing: lose the same share of equity whenever the stop is hit (Vince 1990; Tharp 1998).

with a stop     lots = floor(equity * risk_fraction * strength / (stop distance * value of one price unit of a lot))
without         lots = floor(equity * notional_fraction * strength / value of one lot)
always          lots <= floor(equity * max_leverage / value of one lot)
"""

import msgspec

from operators.instruments import Instrument
from schemas.orders import Signal


class FixedFractional(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``risk_fraction`` of equity lost at the stop, ``notional_fraction`` of equity held where no stop is named.

    ``max_leverage`` caps the position's value as a multiple of equity. Raises ``ValueError`` on fractions
    that are not positive.
    """

    risk_fraction: float = 0.01
    notional_fraction: float = 0.1
    max_leverage: float = 1.0

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if not 0.0 < getattr(self, name) < float("inf"):
                raise ValueError(f"sizing.{name} is {getattr(self, name)}; it must be a positive number")

    def lots(self, signal: Signal, instrument: Instrument, equity_nanos: int, price_ticks: int) -> int:
        """Unsigned lots to hold; 0 for a flat target or when equity or price is not positive."""
        if signal.target == "FLAT" or equity_nanos <= 0 or price_ticks <= 0:
            return 0
        tick_value = instrument.tick_value_nanos
        lot_value = price_ticks * tick_value
        if signal.stop_distance > 0.0:
            stop_ticks = signal.stop_distance * 1e9 / instrument.tick_size_nanos
            wanted = equity_nanos * self.risk_fraction * signal.strength / (stop_ticks * tick_value)
        else:
            wanted = equity_nanos * self.notional_fraction * signal.strength / lot_value
        return int(min(wanted, equity_nanos * self.max_leverage / lot_value))
