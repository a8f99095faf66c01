"""How are the account leg's inputs read? Signals, marks and commands of one account, decoded, in log order."""

from collections import deque
from collections.abc import Collection, Iterator

from flows.connectors.held import until
from flows.connectors.log import Log, Position, Reader, Record
from flows.connectors.partitioner import partition_of
from flows.connectors.refused_inputs import RefusedInputs, Saved
from operators.mark_run import MarkColumns
from operators.sequencer import InputRecord
from schemas.account import DeadLetter, RiskCommand
from schemas.codec import DecodeError, NewerVersion, decode, decode_rows
from schemas.orders import ExecutionReport, Signal

INPUTS = MARKS, SIGNALS, COMMANDS, REPORTS = "marks", "trade_signals", "risk_commands", "execution_reports"


_EARLY = 20_000
"""Records of a partition that may be read ahead of the others while the journal is followed."""


def input_partitions(log: Log, account: str, venue_reports: bool) -> list[Position]:
    """Return the partitions that concern the account: all of marks, and its own of the others."""
    topics = log.topics()
    marks = [(MARKS, partition) for partition in range(topics[MARKS])]
    own = [SIGNALS, COMMANDS, *([REPORTS] if venue_reports else [])]
    return marks + [(topic, partition_of(account.encode(), topics[topic])) for topic in own]


class AccountInputs:
    """Reads the inputs of one account from given positions on; what cannot be decoded becomes a dead letter.

    Records that were read too early (one partition comes ahead of another) wait as they came: decoded they would be
    twice as large. What the log says was refused stays refused; ``known`` is what a snapshot says of that.
    """

    def __init__(
        self, log: Log, account: str, positions: dict[Position, int], known: Saved | None = None
    ) -> None:
        self._log = log
        self._account = account
        self._key = account.encode()
        self._reader: Reader = log.reader(positions)
        self._waiting: dict[Position, deque[Record]] = {}
        self.known = RefusedInputs(log, account, positions, known)
        self.given: dict[Position, int] = dict(positions)
        self.refused: list[DeadLetter] = []

    def poll(self, max_records: int, without: Collection[Position] = ()) -> list[InputRecord]:
        """Return what can be read now, leaving some partitions alone."""
        self._reader.hold(without)
        self._read(max_records, 0.0)
        return self._give(self._reader.positions())

    def read_to(self, stop: dict[Position, int]) -> list[InputRecord]:
        """Return everything below ``stop``, waiting for it; keep what was read beyond.

        Raises:
            LogUnreachable: the log has fallen silent before.
        """
        for _ in until(self._log, self._reader, stop):
            here = self._reader.positions()
            full = [source for source, early in self._waiting.items() if len(early) >= _EARLY]
            self._reader.hold([source for source in full if here[source] >= stop.get(source, 0)])
            self._read(2000, 1.0)
        return self._give(stop)

    def ends(self) -> dict[Position, int]:
        """Return where the log ends now."""
        return self._reader.ends()

    def close(self) -> None:
        """Release the reader."""
        self._reader.close()

    def _read(self, max_records: int, timeout_s: float) -> None:
        for record in self._reader.poll(max_records, timeout_s):
            self._waiting.setdefault((record.topic, record.partition), deque()).append(record)

    def _give(self, stop: dict[Position, int]) -> list[InputRecord]:
        given: list[InputRecord] = []
        for source, end in stop.items():
            waiting = self._waiting.get(source) or deque()
            while waiting and waiting[0].offset < end:
                for found in self._decode(waiting.popleft()):
                    if isinstance(found, DeadLetter):
                        self.refused.append(found)
                    else:
                        given.append(found)
            self.given[source] = max(end, self.given.get(source, 0))
        return given

    def _decode(self, record: Record) -> Iterator[InputRecord | DeadLetter]:
        topic, value = record.topic, record.value or b""
        if topic != MARKS and record.key != self._key:
            return
        if known := self.known.meet(topic, record.partition, record.offset):
            yield _letter(record, *known)
            return
        try:
            if topic == MARKS:
                yield _marks(record, value)
                return
            event = decode(topic, value)
        except DecodeError as error:
            reason = "newer_version" if isinstance(error, NewerVersion) else "malformed"
            yield _refused(record, reason, str(error))
            return
        assert isinstance(event, Signal | RiskCommand | ExecutionReport)
        if event.account != self._account:
            yield _refused(record, "malformed", f"it is for account {event.account!r}; its key must say so")
            return
        symbol = "" if isinstance(event, RiskCommand) else event.symbol
        yield InputRecord(topic, record.partition, record.offset, symbol, (event,))


def _marks(record: Record, value: bytes) -> InputRecord:
    rows = decode_rows(MARKS, value)
    head = rows.head
    return InputRecord(
        topic=MARKS,
        partition=record.partition,
        offset=record.offset,
        symbol=head["symbol"],
        complete_to_ns=head["complete_to_ns"],
        final=head["final"],
        signals_emitted=head["signals_emitted"],
        marks=MarkColumns(rows.longs, rows.doubles),
    )


def _refused(record: Record, reason: str, why: str) -> DeadLetter:
    detail = why if reason == "newer_version" else f"{why}; the writer of this record is at fault"
    return _letter(record, reason, detail)


def _letter(record: Record, reason: str, detail: str) -> DeadLetter:
    return DeadLetter(
        id=f"{record.topic}:{record.partition}:{record.offset}:-1",
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        ordinal=-1,
        symbol="",
        ts_event_ns=0,
        reason=reason,
        detail=detail,
        original=record.value or b"",
    )
