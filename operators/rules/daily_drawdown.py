"""How much may be lost in one trading day?

Measured from the equity at the start of the day, or, once an operator has resumed after a breach, from the
equity at that command: who resumes accepts the loss so far.
"""

from typing import ClassVar

import msgspec

from operators.rules.rule import NO_EQUITY, OnBreach, Proposal, StatelessRule
from schemas.orders import RuleCheck


class DailyDrawdown(StatelessRule, msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Loss of the day at most ``max_loss`` of its starting equity; beyond it the account reduces or halts."""

    name: ClassVar[str] = "daily_drawdown"
    binds_exits: ClassVar[bool] = False

    max_loss: float = 0.05
    on_breach: OnBreach = "REDUCE"

    def check(self, state: object, proposal: Proposal) -> RuleCheck:
        """Value: loss since the day's start / starting equity; negative for a gain."""
        value = self.loss(proposal.equity_nanos, proposal.drawdown_base_nanos)
        return RuleCheck(self.name, value, self.max_loss, value <= self.max_loss)

    def loss(self, equity_nanos: int, base_nanos: int) -> float:
        """Share of the starting equity that is lost."""
        return (base_nanos - equity_nanos) / base_nanos if base_nanos > 0 else NO_EQUITY

    def floor_nanos(self, base_nanos: int) -> int:
        """Equity below which the day's loss is beyond the limit."""
        return base_nanos - int(base_nanos * self.max_loss)
