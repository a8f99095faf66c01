"""What a risk rule is, and what it may look at.

A rule is a frozen struct of parameters. It judges a ``Proposal`` (numbers only, worked out once for all
rules) and answers with its value, its limit and a verdict. An exit, that is an order that only reduces its
strategy's book, is measured but passes, unless the rule says that it ``binds_exits``: no limit may lock a
position in.
"""

from typing import ClassVar, Literal, Protocol, runtime_checkable

import msgspec

from schemas.orders import RuleCheck

OnBreach = Literal["REDUCE", "HALT"]


class Proposal(msgspec.Struct, frozen=True, gc=False):
    """An order that someone wants to place, and the account as it stands and would stand.

    Values in 1e-9 of the currency; *after* counts every working order and this one as filled on the worse
    side.
    """

    strategy: str
    symbol: str
    sign: int
    lots: int
    is_exit: bool
    ts_ns: int
    equity_nanos: int
    drawdown_base_nanos: int
    symbol_after_nanos: int
    gross_after_nanos: int


class Rule(Protocol):
    """A limit on orders. ``init`` makes its state (None if it has none), which ``submitted`` moves on."""

    name: ClassVar[str]
    binds_exits: ClassVar[bool]

    def init(self) -> object:
        """State before any order."""
        ...

    def check(self, state: object, proposal: Proposal) -> RuleCheck:
        """Value, limit and verdict for an order; changes nothing that later answers depend on."""
        ...

    def submitted(self, state: object, proposal: Proposal) -> None:
        """Note that the order was sent; not called for a rule without state."""
        ...


@runtime_checkable
class WatchingRule(Rule, Protocol):
    """A rule that also looks at equity after every mark and fill, and may take the account out of ACTIVE."""

    @property
    def on_breach(self) -> OnBreach:
        """Which state a breach leads to."""
        ...

    def floor_nanos(self, base_nanos: int) -> int:
        """Equity below which the rule is breached, given the equity that the day's loss is measured from."""
        ...


class StatelessRule:
    """A rule that remembers nothing."""

    __slots__ = ()

    def init(self) -> object:
        """No state."""
        return None

    def submitted(self, state: object, proposal: Proposal) -> None:
        """Nothing to note."""


NO_EQUITY = 1e9  # a ratio to equity that is zero or negative


def ratio(value_nanos: int, equity_nanos: int) -> float:
    """Value as a multiple of equity; ``NO_EQUITY`` when there is none."""
    return value_nanos / equity_nanos if equity_nanos > 0 else NO_EQUITY
