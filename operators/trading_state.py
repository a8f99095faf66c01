"""May the account trade? A literal table (state, cause) -> state, where a cause is a command or a breached rule.

ACTIVE    everything may be ordered.
PAUSED    no new entries; exits pass (an order that only reduces its strategy's book); working orders are left alone.
REDUCING  as PAUSED, and working entry orders are cancelled.
HALTED    no order at all; every open order is cancelled. A cancel always passes, in every state.

A pause never loosens. A rule never loosens either, but for one case: REDUCING that came from a *daily* limit
ends with the trading day (cause NEW_DAY). HALTED is left by command only: RESUME to trade, REDUCE_ONLY to
unwind.
"""

from typing import Literal

from schemas.orders import RuleCheck, TradingState

Cause = Literal["PAUSE", "RESUME", "REDUCE_ONLY", "HALT", "BREACH_REDUCE", "BREACH_HALT", "NEW_DAY"]

TRADING_STATES: dict[tuple[TradingState, Cause], TradingState] = {
    ("ACTIVE", "PAUSE"): "PAUSED",
    ("ACTIVE", "RESUME"): "ACTIVE",
    ("ACTIVE", "REDUCE_ONLY"): "REDUCING",
    ("ACTIVE", "HALT"): "HALTED",
    ("ACTIVE", "BREACH_REDUCE"): "REDUCING",
    ("ACTIVE", "BREACH_HALT"): "HALTED",
    ("ACTIVE", "NEW_DAY"): "ACTIVE",
    ("PAUSED", "PAUSE"): "PAUSED",
    ("PAUSED", "RESUME"): "ACTIVE",
    ("PAUSED", "REDUCE_ONLY"): "REDUCING",
    ("PAUSED", "HALT"): "HALTED",
    ("PAUSED", "BREACH_REDUCE"): "REDUCING",
    ("PAUSED", "BREACH_HALT"): "HALTED",
    ("PAUSED", "NEW_DAY"): "PAUSED",
    ("REDUCING", "PAUSE"): "REDUCING",
    ("REDUCING", "RESUME"): "ACTIVE",
    ("REDUCING", "REDUCE_ONLY"): "REDUCING",
    ("REDUCING", "HALT"): "HALTED",
    ("REDUCING", "BREACH_REDUCE"): "REDUCING",
    ("REDUCING", "BREACH_HALT"): "HALTED",
    ("REDUCING", "NEW_DAY"): "ACTIVE",
    ("HALTED", "PAUSE"): "HALTED",
    ("HALTED", "RESUME"): "ACTIVE",
    ("HALTED", "REDUCE_ONLY"): "REDUCING",
    ("HALTED", "HALT"): "HALTED",
    ("HALTED", "BREACH_REDUCE"): "HALTED",
    ("HALTED", "BREACH_HALT"): "HALTED",
    ("HALTED", "NEW_DAY"): "HALTED",
}

_SEVERITY: dict[TradingState, float] = {"ACTIVE": 0.0, "PAUSED": 1.0, "REDUCING": 2.0, "HALTED": 3.0}
_ENTRY_LIMIT = 0.0
_EXIT_LIMIT = 2.0


def _check(state: TradingState, limit: float) -> RuleCheck:
    return RuleCheck("trading_state", _SEVERITY[state], limit, _SEVERITY[state] <= limit)


_CHECKS = {
    (state, is_exit): _check(state, _EXIT_LIMIT if is_exit else _ENTRY_LIMIT)
    for state in _SEVERITY
    for is_exit in (True, False)
}


def state_check(state: TradingState, is_exit: bool) -> RuleCheck:
    """The state as a rule: value 0 active, 1 paused, 2 reducing, 3 halted; limit 0 for an entry, 2 for an exit."""
    return _CHECKS[state, is_exit]
