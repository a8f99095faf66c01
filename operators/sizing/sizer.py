"""What a sizer is: parameters in the object, a position in lots as the answer."""

from typing import Protocol

from operators.instruments import Instrument
from schemas.orders import Signal


class Sizer(Protocol):
    """How large a position a signal deserves."""

    def lots(self, signal: Signal, instrument: Instrument, equity_nanos: int, price_ticks: int) -> int:
        """Unsigned lots to hold, whole, 0 if the account is too small.

        ``signal`` has passed intake: strength in [0, 1], stop distance finite and not negative.
        """
        ...
