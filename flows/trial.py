"""What does one set of parameters make of bars that many sets share? Its own strategies and its own account leg."""

import numpy as np

from flows.backtest_results import PERFORMING
from operators import symbol_layout as at
from operators.account_leg import AccountLeg
from operators.account_state import AccountState
from operators.mark_run import MarkColumns
from operators.performance import Metrics, Performance
from operators.portfolio import portfolio_update
from operators.sequencer import InputRecord, Sequencer
from operators.strategies import StrategyError
from operators.symbol_leg import SymbolOutput, SymbolParameters, SymbolState
from operators.symbol_signals import Voices
from operators.symbol_state import pack_state
from schemas.orders import ExecutionReport, SubmitOrder


class Trial:
    """One set over the shared bars; keeps counts and performance, no events.

    It ends where a strategy raises: ``fault`` says what, and what was done before stands.
    """

    def __init__(self, parameters: SymbolParameters, leg: AccountLeg, symbols: tuple[str, ...]) -> None:
        self.signals = self.orders = self.fills = 0
        self.fault = ""
        self._voices = Voices(parameters)
        self._leg = leg
        self.account: AccountState = leg.init()
        self._sequencer = Sequencer(symbols)
        self._inputs = self._sequencer.init()
        self._performance = Performance(leg.day_offset_ns)
        self._performed = self._performance.init()
        self._states: dict[str, SymbolState] = {}
        self._offset = 0

    def offer(self, output: SymbolOutput) -> None:
        """Let the strategies see the bars of one poll of one symbol, and the account leg its marks."""
        if self.fault:
            return
        emitted = 0
        try:
            signals = self._voices.signals(self._state(output.symbol), output) if len(output.bars) else []
        except StrategyError as error:
            self.fault = str(error)
            return
        self.signals += len(signals)
        given = [InputRecord("trade_signals", 0, self._next(), one.symbol, (one,)) for one in signals]
        state = self._states.get(output.symbol)
        if state is not None:
            emitted = int(state.ints[at.SIGNALS])
        given.append(
            InputRecord(
                topic="marks",
                partition=0,
                offset=self._next(),
                symbol=output.symbol,
                complete_to_ns=output.complete_to_ns,
                final=output.final,
                signals_emitted=emitted,
                marks=MarkColumns(output.mark_ints, output.marks),
            )
        )
        self._sequencer.offer(self._inputs, given)

    def take(self, force: bool) -> None:
        """Let the account leg act on what is in order by now."""
        if self.fault:
            return
        step = self._leg.step
        for event in self._sequencer.take(self._inputs, force)[1]:
            for said in step(self.account, event):
                if isinstance(said, PERFORMING):
                    self._performance.step(self._performed, said)
                    self.orders += isinstance(said, SubmitOrder)
                    self.fills += isinstance(said, ExecutionReport) and said.last_quantity_nanos > 0

    def metrics(self) -> Metrics:
        """Return how the account did up to its last event."""
        last = portfolio_update(self._leg, self.account, "end", self.account.clock_ns)
        return self._performance.finish(self._performed, last).metrics

    def _next(self) -> int:
        self._offset += 1
        return self._offset - 1

    def _state(self, symbol: str) -> SymbolState:
        """Return what the strategies remember of a symbol; bars and features are not theirs."""
        state = self._states.get(symbol)
        if state is None:
            mine = [instance.strategy.init() for instance, _ in self._voices.of(symbol)]
            numbers = pack_state(np.zeros(at.INTS, np.int64), np.empty(0))
            state = SymbolState(symbol, "", numbers, numbers[:0], np.empty((0, 0)), mine)
            self._states[symbol] = state
        return state
