"""The symbol leg as a dataflow: market data out of the log; bars, features, regimes, marks and signals into it.

Run it alone with ``titan run --leg symbol`` or ``python -m bytewax.run flows.symbol_leg``.
"""

import pickle
from collections.abc import Callable

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.operators import StatefulBatchLogic

from flows.config import Settings, ns
from flows.connectors.log import Log, Position
from flows.connectors.log_sink import LogSink
from flows.connectors.market_source import MarketDataSource, SymbolPoll
from flows.connectors.symbol_outbox import SymbolOutbox
from flows.progress import Progress
from flows.run_settings import note_settings
from flows.shares import partitions_of
from flows.symbol_states import symbol_leg
from operators.symbol_leg import SymbolLeg, SymbolOutput, SymbolState

Ended = Callable[[dict[Position, int]], bool]


class SymbolLogic(StatefulBatchLogic[SymbolPoll, SymbolOutput, bytes]):
    """One symbol's fold in Bytewax; its snapshot is the pickled state."""

    def __init__(self, leg: SymbolLeg, resume_state: bytes | None) -> None:
        self._leg = leg
        self._state: SymbolState | None = pickle.loads(resume_state) if resume_state else None
        self._interval_ns = leg.parameters.mark_interval_ns
        self._clock: tuple[int, bool] | None = None

    def on_batch(self, values: list[SymbolPoll]) -> tuple[list[SymbolOutput], bool]:
        """Fold the polls, in order; say what followed, or that the clock went on by a mark's interval."""
        state = self._state
        if state is None:
            state = self._state = self._leg.init(values[0].symbol)
        outputs = []
        for v in values:
            output = self._leg.fold(state, v.partition, v.poll, v.first, v.end)
            clock = (output.complete_to_ns // self._interval_ns, output.final)
            if clock != self._clock or output.holds_rows:
                outputs.append(output)
            self._clock = clock
        return outputs, StatefulBatchLogic.RETAIN

    def snapshot(self) -> bytes:
        """Return the state as it is now."""
        return pickle.dumps(self._state)


def add_symbol_leg(
    flow: Dataflow, settings: Settings, log: Log, progress: Progress, ended: Ended | None
) -> None:
    """Add the leg to a dataflow; ``ended`` is None to tail the log."""
    leg = symbol_leg(settings)
    count = log.topics()["market_data"]
    partitions = partitions_of(settings, count)
    note_settings(log, settings, writes=0 in partitions)
    meter = progress.meters["symbol"]
    source = MarketDataSource(log, partitions, settings.run.poll_records, ended, meter)
    interval_ns, account = ns(settings.symbol_leg.mark_interval), settings.account.id
    outbox = SymbolOutbox(interval_ns, progress, partitions, count, account)
    polls = op.input("read_market_data", flow, source)
    results = op.stateful_batch("symbol_leg", polls, lambda resume: SymbolLogic(leg, resume))
    op.output("write_symbol_results", results, LogSink(log, outbox, meter))
