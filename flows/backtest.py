"""What would both legs have done over recorded market data? The same operators as live, as fast as the machine allows.

Market data comes in large chunks; the symbol leg folds each, its marks and signals are put in event-time order by the
account leg's own sequencer, and the account leg with its simulated venue folds those. Nothing here decides anything:
there is no second implementation of bars, fills or ledgers that could differ from the live one.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence

import msgspec

from flows import stop
from flows.amounts import decimal_of
from flows.backtest_results import BacktestResults
from flows.config import Settings
from flows.config.parameters import account_leg
from flows.connectors.account_inputs import COMMANDS
from flows.connectors.history import History, SymbolMessages
from flows.connectors.log import Log
from flows.digests import TopicDigest
from flows.recorded_commands import TimedCommand
from flows.run import by_strategy
from flows.run_settings import as_record
from flows.symbol_states import SymbolStates, symbol_leg
from operators.account_leg import AccountLeg
from operators.account_state import AccountState
from operators.mark_run import MarkRun
from operators.performance import Metrics
from operators.portfolio import portfolio_update
from operators.sequencer import InputRecord, Sequencer, Taken
from operators.strategies import StrategyError
from schemas.account import PortfolioUpdate, RiskCommand
from schemas.codec import Event


class BacktestSummary(msgspec.Struct):
    """What a backtest did; ``stopped`` when it was asked to end before its time. Amounts are exact decimals.

    Times do not count the opening of files and the start.
    """

    symbols: list[str]
    stopped: bool
    fault: str
    """What ended the run before its end: a strategy that raised."""
    settings_digest: str
    wall_s: float
    cpu_s: float
    bars_per_s: float
    bars: int
    marks: int
    signals: int
    decisions: int
    orders: int
    fills: int
    alerts: int
    dead_letters: int
    final_equity: str
    final_cash: str
    realized: str
    unrealized: str
    fees: str
    strategies: dict[str, dict[str, str]]
    """By strategy: pnl (after fees), realized, unrealized, fees."""
    metrics: Metrics
    topics: dict[str, TopicDigest]
    out: str = ""


class Backtest:
    """Both legs over a history; ``results`` takes what they say, ``commands`` act at their place in event time.

    ``looks`` are event times at which it is told how the account stands, rising; later than the last event is its end.
    """

    def __init__(
        self,
        settings: Settings,
        history: History,
        results: BacktestResults,
        commands: Iterable[TimedCommand] = (),
        looks: Iterable[int] = (),
    ) -> None:
        self._states = SymbolStates(symbol_leg(settings))
        self._account_leg: AccountLeg = account_leg(settings)
        self._history = history
        self.symbols = history.symbols()
        self.fault = ""
        self._results = results
        self.account: AccountState = self._account_leg.init()
        self._sequencer = Sequencer(self.symbols)
        self._inputs = self._sequencer.init()
        self._commands = deque(commands)
        self._looks = deque(looks)
        self._obeyed = 0

    def run(self, progress: Callable[[int, int], None]) -> None:
        """Fold the whole history, or as much of it as there is before someone asks to stop.

        ``progress`` is told the bars closed so far and the event time reached. A strategy that raises ends the run;
        what was done before stands, and ``fault`` says what happened.
        """
        said = self._results.progress
        try:
            for chunk in self._history.chunks():
                if stop.asked():
                    return
                self._results.market(chunk)
                for poll in chunk.polls:
                    self._fold_symbol(poll)
                self._fold_account(force=False)
                self._results.flush()
                progress(said.bars, said.event_time_ns)
            self._fold_account(force=True)
            while self._looks:
                self._look(min(self._looks[0], self.account.clock_ns))
        except StrategyError as error:
            self.fault = str(error)
        finally:
            self._results.flush()

    def final_update(self) -> PortfolioUpdate:
        """Return how the account stands after its last event."""
        return portfolio_update(self._account_leg, self.account, "end", self.account.clock_ns)

    def _fold_symbol(self, poll: SymbolMessages) -> None:
        output = self._states.step(poll.symbol, poll.partition, poll.offsets, poll.values)
        self._sequencer.offer(self._inputs, self._results.symbol(output))

    def _fold_account(self, force: bool) -> None:
        frontier_ns = self._sequencer.frontier_ns(self._inputs)
        while self._commands and (force or self._commands[0].after_ns <= frontier_ns):
            self._obey(self._commands.popleft(), force)
        self._take(*self._sequencer.take(self._inputs, force), force)

    def _obey(self, given: TimedCommand, force: bool) -> None:
        """Take everything before the command; the next cut is led by it."""
        self._take(given.after_ns, self._sequencer.take_to(self._inputs, given.after_ns), force)
        partition = self._results.command(given.command)
        record = InputRecord(COMMANDS, partition, self._obeyed, "", (given.command,))
        self._sequencer.offer(self._inputs, [record])
        self._obeyed += 1

    def _take(self, taken_to_ns: int, events: Sequence[Taken], force: bool) -> None:
        if not events:
            return
        self._results.journal(taken_to_ns, force, self._sequencer.positions(self._inputs))
        said: list[Event] = []
        for event in events:
            rest = event
            while self._looks and _ends_ns(rest) > self._looks[0]:
                before, rest = _parted(rest, self._looks[0])
                said += self._account_leg.step(self.account, before) if before is not None else []
                self._results.account(said)
                said = []
                self._look(self._looks[0])
            said += self._account_leg.step(self.account, rest)
        self._results.account(said)

    def _look(self, at_ns: int) -> None:
        """Tell how the account stands, which leaves it as it is."""
        self._looks.popleft()
        state = msgspec.structs.replace(self.account)
        self._results.look(portfolio_update(self._account_leg, state, "look", at_ns))


def _ends_ns(event: Taken) -> int:
    """Return the event time of an event, of marks that of the last; a person's command has none."""
    if isinstance(event, MarkRun):
        return int(event.longs[-1, 0])
    return -1 if isinstance(event, RiskCommand) else event.ts_event_ns


def _parted(event: Taken, at_ns: int) -> tuple[Taken | None, Taken]:
    """Return the marks up to a time and those after it; of anything else nothing and all."""
    if not isinstance(event, MarkRun):
        return None, event
    end = int(event.longs[:, 0].searchsorted(at_ns, "right"))
    return event.part(0, end) if end else None, event.part(end, len(event))


def backtest(
    settings: Settings, history: History, log: Log | None, progress: Callable[[int, int], None]
) -> BacktestSummary:
    """Run both legs over ``history``; keep the run in ``log``, a new and empty one, if there is one.

    Raises:
        InputError, LogError: the market data cannot be read, or the run not be kept.
    """
    results = BacktestResults(settings, log)
    run = Backtest(settings, history, results)
    wall, cpu = time.monotonic(), time.process_time()
    run.run(progress)
    results.close()
    return _summary(settings, run, results, wall=wall, cpu=cpu)


def _summary(
    settings: Settings, run: Backtest, results: BacktestResults, *, wall: float, cpu: float
) -> BacktestSummary:
    wall_s, cpu_s = time.monotonic() - wall, time.process_time() - cpu
    said, ledger, last = results.progress, run.account.ledger, run.final_update()
    return BacktestSummary(
        symbols=list(run.symbols),
        stopped=stop.asked(),
        fault=run.fault,
        settings_digest=as_record(settings).digest,
        wall_s=wall_s,
        cpu_s=cpu_s,
        bars_per_s=said.bars / wall_s if wall_s else 0.0,
        **said.counts(),
        final_equity=decimal_of(ledger.equity_nanos),
        final_cash=decimal_of(ledger.cash_nanos),
        realized=decimal_of(ledger.realized_nanos),
        unrealized=decimal_of(ledger.unrealized_nanos),
        fees=decimal_of(ledger.fees_nanos),
        strategies=_by_strategy(last),
        metrics=results.performance(last).metrics,
        topics=results.digests.results(),
    )


def _by_strategy(last: PortfolioUpdate) -> dict[str, dict[str, str]]:
    return {
        name: {field.removesuffix("_nanos"): decimal_of(nanos) for field, nanos in totals.items()}
        for name, totals in by_strategy(last.books).items()
    }
