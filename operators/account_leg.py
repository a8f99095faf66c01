"""What does one account do? A fold over signals, marks, commands and venue reports, in the order the journal fixed.

    leg = AccountLeg(account="paper", venue=SimulatedVenue(DEFAULT_TABLE), rules=(PositionLimit(), OrderRate()))
    state = leg.init()
    outputs = leg.step(state, event)        # Signal | Mark | MarkRun | RiskCommand | ExecutionReport | SessionsEnded

Outputs, in the order in which they came about: RiskDecision, SubmitOrder, CancelOrder, ExecutionReport (of
the simulated venue only; a real venue's reports are inputs), PortfolioUpdate, Alert. ``state`` is mutated in
place.

Event time: the account's clock is the latest time of a mark, signal or venue report. When it passes the end
of a report interval, the account is reported as of that end; when it passes the end of a trading day, the
next day's starting equity is noted. What happens exactly at the end still belongs to the interval and day
before it. Commands act at once and move no clock. When all sessions have ended, the account is reported as it
stands then.
"""

from operators.account_alerts import account_alert
from operators.account_control import change_state, on_command, start_drawdown, watch
from operators.account_parameters import DAY_NS, AccountParameters
from operators.account_state import AccountState, Output
from operators.executions import apply_report
from operators.instruments import MAX_PRICE
from operators.ledger import mark as mark_position
from operators.ledger import open_ledger, position_of
from operators.mark_run import MarkRun
from operators.mark_table import BUSY, TS_EVENT
from operators.order_gate import decide, on_signal
from operators.order_life import OrderTable
from operators.portfolio import portfolio_update
from operators.quiet_marks import pass_quiet
from operators.sequencer import SessionsEnded
from schemas.account import RiskCommand
from schemas.market import Mark
from schemas.orders import ExecutionReport, Signal

Told = Signal | RiskCommand | ExecutionReport
AccountEvent = Told | Mark | MarkRun | SessionsEnded


class AccountLeg(AccountParameters, frozen=True, kw_only=True):
    """The account leg; its parameters are those of ``AccountParameters``."""

    def init(self) -> AccountState:
        """Cash, no positions, no orders, ACTIVE."""
        cash = self.initial_cash_nanos
        state = AccountState(
            open_ledger(cash),
            OrderTable(),
            self.venue.init(),
            [rule.init() for rule in self.rules],
            peak_equity_nanos=cash,
            day_start_equity_nanos=cash,
        )
        start_drawdown(self, state, cash)
        return state

    def step(self, state: AccountState, event: AccountEvent) -> list[Output]:
        """Apply one event; returns what follows from it. Raises ``TypeError`` for an event of another kind."""
        out: list[Output] = []
        if type(event) is MarkRun:
            self._on_run(state, event, out)
        elif type(event) is Mark:
            self._on_mark(state, event, out)
        elif isinstance(event, Told):
            self._on_told(state, event, out)
        elif isinstance(event, SessionsEnded):
            if state.clock_ns:
                out.append(portfolio_update(self, state, f"sessions:{event.ts_event_ns}", state.clock_ns))
        else:
            raise TypeError(
                f"the account leg takes Signal, Mark, MarkRun, RiskCommand or ExecutionReport, not {event!r}"
            )
        return out

    def _on_told(self, state: AccountState, event: Told, out: list[Output]) -> None:
        """Act on what a strategy, an operator or a venue says."""
        if event.account != self.account:
            text = (
                f"{type(event).__name__} {event.id} is for account {event.account!r}; dropped, check its key"
            )
            out.append(account_alert(self.account, "WARNING", "wrong_account", text, state.clock_ns))
        elif isinstance(event, RiskCommand):
            self._settle(state, on_command(self, state, event, out), out)
        else:
            if event.ts_event_ns > state.clock_ns:
                self._advance(state, event.ts_event_ns, out)
            if isinstance(event, Signal):
                self._settle(state, on_signal(self, state, event, out), out)
            else:
                released = apply_report(self, state, event, out)
                if released is not None:
                    self._settle(state, decide(self, state, released, out), out)
                self._look_at_equity(state, out)

    def _on_run(self, state: AccountState, run: MarkRun, out: list[Output]) -> None:
        """As ``_on_mark`` for each mark in turn; those that change nothing but prices in compiled code."""
        row, rows = 0, len(run)
        while row < rows:
            row = pass_quiet(state, run, row)
            if row < rows:
                self._on_mark(state, run.mark(row), out)
                row += 1

    def _on_mark(self, state: AccountState, mark: Mark, out: list[Output]) -> None:
        """Value the symbol, let the venue work, look at equity; old, repeated and unknown marks only move the clock."""
        if mark.ts_event_ns > state.clock_ns:
            self._advance(state, mark.ts_event_ns, out)
        position = state.ledger.symbols.get(mark.symbol)
        if position is None:
            instrument = self.instruments.find(mark.symbol)
            if instrument is None:
                state.ledger.marks.ignore(mark.symbol)
                return
            position = position_of(state.ledger, instrument)
        table, row = state.ledger.marks, position.row
        if mark.ts_event_ns <= table.ints.item(row, TS_EVENT):
            return
        close = mark.close
        if not (
            0.0 < close < MAX_PRICE
            and 0.0 < mark.open < MAX_PRICE
            and 0.0 < mark.low <= mark.high < MAX_PRICE
        ):
            text = f"mark {mark.symbol}:{mark.ts_event_ns} has no usable prices, ignored: {mark}"
            out.append(account_alert(self.account, "WARNING", "bad_mark", text, state.clock_ns))
            return
        mark_position(state.ledger, position, int(close * position.ticks_per_unit + 0.5) or 1)
        if table.ints[row, BUSY]:
            reports = self.venue.on_mark(state.venue, mark, lambda: table.last(row, mark.symbol) or mark)
            table.note(row, mark)
            self._settle(state, reports, out)
            table.ints[row, BUSY] = self.venue.awaits_mark(state.venue, mark.symbol)
        else:
            table.note(row, mark)
        self._look_at_equity(state, out)

    def _look_at_equity(self, state: AccountState, out: list[Output]) -> None:
        """Keep the peak; let watching rules judge a loss of the day."""
        equity = state.ledger.cash_nanos + state.ledger.net_nanos
        if equity > state.peak_equity_nanos:
            state.peak_equity_nanos = equity
        floor = state.watch_floor_nanos
        if floor is not None and equity < floor:
            self._settle(state, watch(self, state, out), out)

    def _settle(self, state: AccountState, reports: list[ExecutionReport], out: list[Output]) -> None:
        """Apply what the simulated venue said, and what follows from that, until nothing does."""
        queue = reports[:]
        for report in queue:  # which grows meanwhile
            out.append(report)
            released = apply_report(self, state, report, out)
            if released is not None:
                queue += decide(self, state, released, out)

    def _advance(self, state: AccountState, ts_ns: int, out: list[Output]) -> None:
        """Move the clock forward, reporting and changing day where it passes an end."""
        if state.next_report_ns == 0:
            state.next_report_ns = _end_of(ts_ns, self.report_interval_ns, 0)
            state.next_day_ns = _end_of(ts_ns, DAY_NS, self.day_offset_ns)
        elif ts_ns > state.next_report_ns or ts_ns > state.next_day_ns:
            self._pass_ends(state, ts_ns, out)
        state.clock_ns = ts_ns

    def _pass_ends(self, state: AccountState, ts_ns: int, out: list[Output]) -> None:
        if ts_ns > state.next_report_ns:
            end = state.next_report_ns
            state.next_report_ns = _end_of(ts_ns, self.report_interval_ns, 0)
            state.clock_ns = end
            out.append(portfolio_update(self, state, f"period:{end}", end))
        if ts_ns > state.next_day_ns:
            end = state.next_day_ns
            state.next_day_ns = _end_of(ts_ns, DAY_NS, self.day_offset_ns)
            state.clock_ns = end
            equity = state.ledger.equity_nanos
            state.day_start_equity_nanos = equity
            start_drawdown(self, state, equity)
            if state.reduced_by_rule:
                state.reduced_by_rule = False
                change_state(self, state, "NEW_DAY", f"day:{end}", "the daily limit starts anew", out)


def _end_of(ts_ns: int, interval_ns: int, offset_ns: int) -> int:
    """End of the interval (start, end] that holds the time."""
    return -(-(ts_ns - offset_ns) // interval_ns) * interval_ns + offset_ns
