"""What does the account leg remember? One small picklable record, mutated by the fold, bounded by what is open.

Bounds: books and positions by (strategy, symbol) traded; signal times by (strategy, symbol, timeframe);
orders by what works plus ``order_life.CLOSED_KEPT``; commands by ``COMMANDS_KEPT``. Nothing grows with the
number of events.
"""

import msgspec

from operators.ledger import Ledger
from operators.order_life import OrderTable
from schemas.account import Alert, PortfolioUpdate
from schemas.orders import CancelOrder, ExecutionReport, RiskDecision, SubmitOrder, TradingState

Output = RiskDecision | SubmitOrder | CancelOrder | ExecutionReport | PortfolioUpdate | Alert

COMMANDS_KEPT = 1024
STATE_VERSION = 3
"""Raised whenever what the leg or its sequencer pickles changes shape: older snapshots are then not read."""


class AccountState(msgspec.Struct):
    """State of one account.

    ``clock_ns`` is the latest event time applied; it never goes back and commands, whose times are an
    operator's wall clock, do not move it. ``drawdown_base_nanos`` is the equity that today's loss is measured
    from. ``reduced_by_rule`` tells a daily limit's REDUCING, which ends with the day, from an operator's.
    """

    ledger: Ledger
    orders: OrderTable
    venue: object
    rules: list[object]
    version: int = STATE_VERSION
    trading_state: TradingState = "ACTIVE"
    reduced_by_rule: bool = False
    clock_ns: int = 0
    updates: int = 0
    peak_equity_nanos: int = 0
    day_start_equity_nanos: int = 0
    drawdown_base_nanos: int = 0
    watch_floor_nanos: int | None = None
    next_day_ns: int = 0
    next_report_ns: int = 0
    signal_times: dict[tuple[str, str, int], int] = msgspec.field(default_factory=dict)
    commands: dict[str, None] = msgspec.field(default_factory=dict)
