"""How much may the account hold in all, long and short added, against equity?"""

from typing import ClassVar

import msgspec

from operators.rules.rule import Proposal, StatelessRule, ratio
from schemas.orders import RuleCheck


class GrossExposure(StatelessRule, msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sum of absolute position values, at most ``max_leverage`` times equity."""

    name: ClassVar[str] = "gross_exposure"
    binds_exits: ClassVar[bool] = False

    max_leverage: float = 4.0

    def check(self, state: object, proposal: Proposal) -> RuleCheck:
        """Value: gross exposure after the order / equity."""
        value = ratio(proposal.gross_after_nanos, proposal.equity_nanos)
        return RuleCheck(self.name, value, self.max_leverage, value <= self.max_leverage)
