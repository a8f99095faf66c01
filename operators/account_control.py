"""What does a command or a breached rule change? The account's trading state, and the orders that must go."""

from operators.account_alerts import account_alert
from operators.account_parameters import AccountParameters
from operators.account_state import COMMANDS_KEPT, AccountState, Output
from operators.order_gate import cancel_order
from operators.portfolio import portfolio_update
from operators.rules.rule import WatchingRule
from operators.trading_state import TRADING_STATES, Cause
from schemas.account import RiskCommand, Severity
from schemas.orders import ExecutionReport


def on_command(
    parameters: AccountParameters, state: AccountState, command: RiskCommand, out: list[Output]
) -> list[ExecutionReport]:
    """Obey an operator. A command id that was obeyed lately (the last ``COMMANDS_KEPT``) is a repetition, dropped.

    RESUME after a breached daily limit measures the rest of the day from the equity at the command.
    """
    if command.id in state.commands:
        return []
    state.commands[command.id] = None
    if len(state.commands) > COMMANDS_KEPT:
        del state.commands[next(iter(state.commands))]
    if state.clock_ns == 0:
        state.clock_ns = command.ts_event_ns
    if command.command == "RESUME" and _breached(parameters, state) is not None:
        start_drawdown(parameters, state, state.ledger.equity_nanos)
    state.reduced_by_rule = False
    return change_state(parameters, state, command.command, f"command:{command.id}", command.reason, out)


def watch(parameters: AccountParameters, state: AccountState, out: list[Output]) -> list[ExecutionReport]:
    """Let watching rules look at equity; the first that is breached moves the state, unless it is there already."""
    rule = _breached(parameters, state)
    if rule is None:
        return []
    cause = _cause(rule)
    if TRADING_STATES[state.trading_state, cause] == state.trading_state:
        return []
    state.reduced_by_rule = cause == "BREACH_REDUCE"
    equity, base = state.ledger.equity_nanos, state.drawdown_base_nanos
    text = f"equity {equity / 1e9:.2f} is {(base - equity) / max(base, 1):.2%} below the day's base {base / 1e9:.2f}"
    return change_state(parameters, state, cause, f"rule:{rule.name}", text, out)


def change_state(
    parameters: AccountParameters,
    state: AccountState,
    cause: Cause,
    cause_id: str,
    reason: str,
    out: list[Output],
) -> list[ExecutionReport]:
    """Move the trading state by its table; cancel entries when reducing, everything when halted."""
    before = state.trading_state
    after = state.trading_state = TRADING_STATES[before, cause]
    _set_floor(parameters, state)
    reports: list[ExecutionReport] = []
    if after != before:
        text = f"{before} -> {after} by {cause_id}: {reason or 'no reason given'}"
        severity: Severity = "INFO" if after == "ACTIVE" else "CRITICAL" if after == "HALTED" else "WARNING"
        out.append(account_alert(parameters.account, severity, "trading_state", text, state.clock_ns))
    if cause in ("HALT", "BREACH_HALT", "REDUCE_ONLY", "BREACH_REDUCE") and after in ("HALTED", "REDUCING"):
        for order in list(state.orders.open.values()):
            if after == "HALTED" or not order.reduce_only:
                reports += cancel_order(parameters, state, order, cause_id, out)
    out.append(portfolio_update(parameters, state, cause_id, state.clock_ns))
    return reports


def start_drawdown(parameters: AccountParameters, state: AccountState, equity_nanos: int) -> None:
    """Measure the day's loss from an equity."""
    state.drawdown_base_nanos = equity_nanos
    _set_floor(parameters, state)


def _set_floor(parameters: AccountParameters, state: AccountState) -> None:
    """Work out, once for all marks, below which equity a watching rule can move the account from where it is."""
    floors = [
        rule.floor_nanos(state.drawdown_base_nanos)
        for rule in parameters.watchers
        if TRADING_STATES[state.trading_state, _cause(rule)] != state.trading_state
    ]
    state.watch_floor_nanos = max(floors) if floors else None


def _cause(rule: WatchingRule) -> Cause:
    return "BREACH_HALT" if rule.on_breach == "HALT" else "BREACH_REDUCE"


def _breached(parameters: AccountParameters, state: AccountState) -> WatchingRule | None:
    equity, base = state.ledger.equity_nanos, state.drawdown_base_nanos
    for rule in parameters.watchers:
        if equity < rule.floor_nanos(base):
            return rule
    return None
