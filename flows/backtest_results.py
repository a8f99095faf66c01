"""Where does what a backtest says go? Counted, digested, judged; and written to a log of its own where it is kept.

A kept run is a log like a live one: market data, everything derived from it, the journal and the settings, so that
reports, explanations and replays read it without knowing where it came from.
"""

from collections.abc import Sequence

from flows.config import Settings, ns
from flows.connectors.account_outbox import AccountOutbox
from flows.connectors.history import Chunk, SymbolMessages
from flows.connectors.input_errors import InputError
from flows.connectors.log import Log, Position, Writer
from flows.connectors.log_sink import Outgoing
from flows.connectors.partitioner import partition_of
from flows.connectors.symbol_outbox import SymbolOutbox, bar_rows
from flows.digests import Digests
from flows.progress import Progress
from flows.run_settings import note_settings
from operators.mark_run import MarkColumns
from operators.performance import Performance, PerformanceResult
from operators.sequencer import InputRecord
from operators.symbol_leg import SymbolOutput
from schemas.account import InputPosition, JournalEntry, PortfolioUpdate, RiskCommand
from schemas.codec import Event, encode
from schemas.orders import ExecutionReport, Signal, SubmitOrder
from schemas.topics import TOPICS

PERFORMING = (ExecutionReport, PortfolioUpdate, SubmitOrder)
"""Events that an account's performance is folded from."""
_MARKS, _SIGNALS, _JOURNAL, _COMMANDS = "marks", "trade_signals", "account_journal", "risk_commands"


class BacktestResults:
    """One run's results. ``log`` is new and empty, or None for a run that is not kept."""

    def __init__(self, settings: Settings, log: Log | None = None) -> None:
        self.progress = Progress()
        self.digests = Digests()
        self.performing = Performance(ns(settings.account.day_offset))
        self.performed = self.performing.init()
        self._account = settings.account.id
        self._cuts = 0
        self._ends: dict[Position, int] = {}
        self._writer: Writer | None = None
        if log is not None:
            note_settings(log, settings)
            self._writer = log.writer()
        partitions = TOPICS["market_data"].partitions
        interval = ns(settings.symbol_leg.mark_interval)
        self._symbols = SymbolOutbox(interval, self.progress, tuple(range(partitions)), partitions)
        self._accounts = AccountOutbox(self._account, self.progress)

    def market(self, chunk: Chunk) -> None:
        """Take what was read.

        Raises:
            InputError: the run is kept, and its copy of a log would have its records at other offsets.
        """
        for record in chunk.records:
            if record.topic == "dead_letters":
                self.progress.dead_letters += 1
            if self._writer is not None:
                self._append(record)
        if self._writer is not None:
            for poll in chunk.polls:
                self._check_place(poll)

    def _check_place(self, poll: SymbolMessages) -> None:
        """Make sure that what follows from the messages names the offsets that they have in the kept log."""
        if poll.offsets[-1] >= self._ends["market_data", poll.partition]:
            raise InputError(
                f"market_data/{poll.partition} of the log does not begin at offset 0, or holds keys of another "
                "partition: a copy would have other offsets. Leave out --out, or ingest the data into a new log"
            )

    def command(self, command: RiskCommand) -> int:
        """Take a person's command; return its partition."""
        key = command.account.encode()
        self._append(Outgoing(_COMMANDS, key, encode(command), max(1, command.ts_event_ns // 1_000_000)))
        return partition_of(key, TOPICS[_COMMANDS].partitions)

    def symbol(self, output: SymbolOutput) -> list[InputRecord]:
        """Take what the symbol leg said of one poll; return it as the account leg reads it."""
        self._digest(output)
        if self._writer is None:
            self._symbols.count(output)
            signals = [self._next(_SIGNALS, self._account.encode()) for _ in output.signals]
            marks: int | None = self._next(_MARKS, output.symbol.encode())
        else:
            signals, marks = [], None
            for record in self._symbols.records(output):
                offset = self._append(record)
                if record.topic == _SIGNALS:
                    signals.append(offset)
                elif record.topic == _MARKS:
                    marks = offset
        given = [_signal_record(*one) for one in zip(output.signals, signals, strict=True)]
        return given if marks is None else [*given, _marks_record(output, marks)]

    def journal(self, taken_to_ns: int, forced: bool, positions: tuple[InputPosition, ...]) -> None:
        """Note a cut of the account leg's inputs, before what follows from it."""
        if self._writer is not None:
            entry = JournalEntry(
                f"{self._account}:{self._cuts}", self._account, self._cuts, taken_to_ns, forced, positions
            )
            key = self._account.encode()
            self._append(Outgoing(_JOURNAL, key, encode(entry), max(1, taken_to_ns // 1_000_000)))
        self._cuts += 1

    def account(self, events: Sequence[Event]) -> None:
        """Take what the account leg said."""
        for event in events:
            self.digests.event(event)
            if isinstance(event, PERFORMING):
                self.performing.step(self.performed, event)
        if self._writer is None:
            for event in events:
                self._accounts.count(event)
        else:
            for record in self._accounts.records(events):
                self._append(record)

    def look(self, now: PortfolioUpdate) -> None:
        """Be told how the account stands at a time that was asked for; it enters no log."""

    def performance(self, last: PortfolioUpdate) -> PerformanceResult:
        """Return how the account did up to its last event; ``last`` is how it stands then, and enters no log."""
        return self.performing.finish(self.performed, last)

    def flush(self) -> None:
        """Make durable what was taken so far."""
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        """Release the log's writer."""
        if self._writer is not None:
            self._writer.close()

    def _append(self, record: Outgoing) -> int:
        """Write the record where the run is kept; return its offset."""
        if self._writer is not None:
            self._writer.append(record.topic, record.key, record.value, record.timestamp_ms, record.headers)
        return self._next(record.topic, record.key)

    def _next(self, topic: str, key: bytes) -> int:
        """Return the offset of the key's next record, the same whether the run is kept or not."""
        partition = partition_of(key, TOPICS[topic].partitions)
        offset = self._ends.get((topic, partition), 0)
        self._ends[topic, partition] = offset + 1
        return offset

    def _digest(self, output: SymbolOutput) -> None:
        if len(output.bars):
            for topic, longs, doubles in bar_rows(output):
                self.digests.rows(topic, output.symbol, longs, doubles)
        if len(output.marks):
            self.digests.rows(_MARKS, output.symbol, output.mark_ints, output.marks)
        for event in (*output.signals, *output.alerts, *output.dead_letters):
            self.digests.event(event)


def _signal_record(signal: Signal, offset: int) -> InputRecord:
    return InputRecord(_SIGNALS, 0, offset, signal.symbol, (signal,))


def _marks_record(output: SymbolOutput, offset: int) -> InputRecord:
    return InputRecord(
        topic=_MARKS,
        partition=partition_of(output.symbol.encode(), TOPICS[_MARKS].partitions),
        offset=offset,
        symbol=output.symbol,
        complete_to_ns=output.complete_to_ns,
        final=output.final,
        signals_emitted=output.signals_emitted,
        marks=MarkColumns(output.mark_ints, output.marks),
    )
