"""How many orders a minute of event time? A guard against a strategy gone wild, so it binds exits too."""

from collections import deque
from typing import ClassVar

import msgspec

from operators.rules.rule import Proposal
from schemas.orders import RuleCheck

_MINUTE_NS = 60_000_000_000


class OrderRate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At most ``max_per_minute`` orders in any 60 s. State: times of the last ``max_per_minute`` orders, no more."""

    name: ClassVar[str] = "order_rate"
    binds_exits: ClassVar[bool] = True

    max_per_minute: int = 120

    def __post_init__(self) -> None:
        if self.max_per_minute < 1:
            raise ValueError(f"order_rate.max_per_minute is {self.max_per_minute}; it must be at least 1")

    def init(self) -> object:
        """No orders yet."""
        return deque(maxlen=self.max_per_minute)

    def check(self, state: object, proposal: Proposal) -> RuleCheck:
        """Value: orders in the minute that ends now, this one included."""
        times = _times(state)
        oldest = proposal.ts_ns - _MINUTE_NS
        while times and times[0] <= oldest:
            times.popleft()
        value = len(times) + 1
        return RuleCheck(self.name, float(value), float(self.max_per_minute), value <= self.max_per_minute)

    def submitted(self, state: object, proposal: Proposal) -> None:
        """Remember when the order was sent."""
        _times(state).append(proposal.ts_ns)


def _times(state: object) -> deque[int]:
    if not isinstance(state, deque):
        raise TypeError(f"order_rate was given the state {state!r}; it must be the one that its init() made")
    return state
