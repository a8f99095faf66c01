"""How large may the account's position in one symbol be, against equity?"""

from typing import ClassVar

import msgspec

from operators.rules.rule import Proposal, StatelessRule, ratio
from schemas.orders import RuleCheck


class PositionLimit(StatelessRule, msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Absolute position value of the symbol, net over strategies, at most ``max_fraction`` of equity."""

    name: ClassVar[str] = "position_limit"
    binds_exits: ClassVar[bool] = False

    max_fraction: float = 2.0

    def check(self, state: object, proposal: Proposal) -> RuleCheck:
        """Value: position value after the order / equity."""
        value = ratio(proposal.symbol_after_nanos, proposal.equity_nanos)
        return RuleCheck(self.name, value, self.max_fraction, value <= self.max_fraction)
