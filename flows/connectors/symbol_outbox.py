"""How do a symbol's results become records? Blocks of bars, features, regimes and marks; signals; refused rows."""

from collections.abc import Iterator
from hashlib import blake2b

import numpy as np

from flows.connectors.log import Record
from flows.connectors.log_sink import Outgoing
from flows.connectors.partitioner import partition_of
from flows.connectors.said_again import contradicted
from flows.progress import Progress
from operators import symbol_layout as at
from operators.bar_columns import BAR_WIDTH, SESSION
from operators.features import FEATURE_SET
from operators.symbol_leg import SymbolOutput
from operators.symbol_rejects import missing_from
from schemas.account import Alert, DeadLetter
from schemas.codec import BLOCKS, DecodeError, Event, decode, decode_rows, encode, frame, topic_of
from schemas.orders import Signal

_CODECS = {topic: BLOCKS[topic][0] for topic in ("bars", "features", "regimes", "marks")}
_FRAMES = {topic: frame(topic) for topic in _CODECS}
_LABELS = {topic: codec.labels(FEATURE_SET.columns) for topic, codec in _CODECS.items()}
_CLOCK = "clock"
"""Stands among the topics of rows that wait for how far a symbol's marks promise."""
_FEATURES_END = BAR_WIDTH + FEATURE_SET.width
_BAR_LONGS = np.array([
    at.OUT_TS, at.OUT_TIMEFRAME, at.OUT_QUALITY, at.OUT_REVISION, at.OUT_CAUSE, at.OUT_FIRST_SEQ, at.OUT_LAST_SEQ
])  # fmt: skip
_FEATURE_LONGS = np.array([at.OUT_TS, at.OUT_TIMEFRAME, at.OUT_REVISION, at.OUT_CAUSE, at.OUT_SEEN])
_NO_CLOCK = (0, False)
"""That of a symbol of which nothing could be read: its marks would promise nothing."""
_NOTHING = (np.empty((0, at.MARK_INTS), np.int64), np.empty((0, at.MARK_FLOATS)))


_Signal = tuple[int, int, str]  # seq, event time, id
_Waiting = tuple[dict[tuple[str, str, int], int], dict[str, _Signal], set[int]]


class SymbolOutbox:
    """Writes ``SymbolOutput``s; knows up to where the log was found to hold what waits to be said again.

    Rows and signals of a symbol come in an order of their own, so the last of each is enough. Alerts and dead letters
    have none that polls could not change: eight bytes of each are kept. It recalls what concerns its own ``partitions``
    of market_data's ``count`` and its own ``account``; other processes write the rest.
    """

    topics = ("bars", "features", "regimes", "marks", "trade_signals", "alerts", "dead_letters")

    def __init__(
        self,
        mark_interval_ns: int,
        progress: Progress,
        partitions: tuple[int, ...],
        count: int,
        account: str = "",
    ) -> None:
        self._progress = progress
        self._partitions = partitions
        self._count = count
        self._mark_interval_ns = mark_interval_ns
        self._rows: dict[tuple[str, str, int], int] = {}
        self._signals: dict[str, _Signal] = {}
        self._singles: set[int] = set()
        self._account = account
        self._clocks: dict[str, tuple[int, bool]] = {}

    def recall(self, record: Record) -> None:
        """Note the newest bar of every timeframe, mark and signal, and a hash of every alert and dead letter."""
        topic, value = record.topic, record.value or b""
        try:
            if topic not in _CODECS:
                event = decode(topic, value)
                assert isinstance(event, Signal | Alert | DeadLetter)
                if self._is_ours(event):
                    self._note(event)
                return
            rows = decode_rows(topic, value)
        except DecodeError:
            return
        times = rows.column("ts_event_ns").tolist()
        frames = rows.column("timeframe_ns").tolist() if topic != "marks" else [0] * len(times)
        symbol = rows.head["symbol"]
        if not self._owns(symbol):
            return
        if topic == "marks":
            clock = _CLOCK, symbol, 0
            self._rows[clock] = max(
                _said(rows.head["complete_to_ns"], rows.head["final"]), self._rows.get(clock, 0)
            )
        for timeframe_ns, ts_ns in zip(frames, times, strict=True):
            key = (topic, symbol, timeframe_ns)
            self._rows[key] = max(ts_ns, self._rows.get(key, ts_ns))

    def waiting(self) -> _Waiting:
        """Return the last rows and signals that wait, and hashes of what has no order."""
        return self._rows, self._signals, self._singles

    def wait_for(self, waiting: _Waiting) -> None:
        """Wait for these."""
        self._rows, self._signals, self._singles = waiting

    def records(self, output: SymbolOutput) -> list[Outgoing]:
        """Return blocks first, then signals, then the marks that count them.

        Raises:
            LogContradicted: a symbol's signals are not those that the log holds.
        """
        self.count(output)
        key, found = output.symbol.encode(), list[Outgoing]()
        if len(output.bars):
            found += self._bars(key, output)
        if output.signals or output.dead_letters or output.alerts:
            found += self._events(output)
        if len(output.marks) or self._moved_on(output):
            found += self._marks(key, output)
        return found

    def _events(self, output: SymbolOutput) -> Iterator[Outgoing]:
        for event in (*output.dead_letters, *output.alerts):
            if not (self._singles and self._is_known(event.id)):
                yield _single(event)
        for signal in output.signals:
            if not (self._signals and self._was_signalled(signal)):
                yield _single(signal)

    def _note(self, event: Signal | Alert | DeadLetter) -> None:
        if not isinstance(event, Signal):
            self._singles.add(_hash(event.id))
        elif event.seq >= self._signals.get(event.symbol, (0,))[0]:
            self._signals[event.symbol] = (event.seq, event.ts_event_ns, event.id)

    def _is_known(self, name: str) -> bool:
        """Say whether the log holds it; then it waits no more."""
        known = _hash(name)
        if known not in self._singles:
            return False
        self._singles.discard(known)
        return True

    def _was_signalled(self, signal: Signal) -> bool:
        """Say whether the log holds it; with the last that it holds the symbol's wait is over."""
        last = self._signals.get(signal.symbol)
        if last is None:
            return False
        seq, ts_ns, name = last
        if signal.seq >= seq:
            del self._signals[signal.symbol]
        ours, logs = (signal.seq, signal.ts_event_ns), (seq, ts_ns)
        if signal.id != name if signal.seq == seq else (ours > logs) != (ours[::-1] > logs[::-1]):
            why = (
                f"number {signal.seq} of {signal.symbol} is {signal.id}, and the log's number {seq} is {name}"
            )
            raise contradicted("the symbol leg", "trade_signals", why)
        return signal.seq <= seq

    def _is_ours(self, event: Signal | Alert | DeadLetter) -> bool:
        if isinstance(event, Signal):
            return event.account == self._account and self._owns(event.symbol)
        if isinstance(event, DeadLetter):
            return event.topic == "market_data" and event.partition in self._partitions
        return event.source == "symbol_leg" and missing_from(event) in (*self._partitions, None)

    def _owns(self, symbol: str) -> bool:
        return partition_of(symbol.encode(), self._count) in self._partitions

    def count(self, output: SymbolOutput) -> None:
        """Count what follows from one poll among what the run has done."""
        progress = self._progress
        progress.bars += len(output.bars)
        progress.marks += len(output.marks)
        progress.signals += len(output.signals)
        progress.alerts += len(output.alerts)
        progress.dead_letters += len(output.dead_letters)
        progress.event_time_ns = max(progress.event_time_ns, output.complete_to_ns)

    def _bars(self, key: bytes, output: SymbolOutput) -> Iterator[Outgoing]:
        ints = output.bar_ints
        for topic, longs, doubles in bar_rows(output):
            if self._rows:
                fresh = self._fresh(topic, output.symbol, ints[:, at.OUT_TS], ints[:, at.OUT_TIMEFRAME])
                longs, doubles = longs[fresh], doubles[fresh]
            if len(longs):
                head = (
                    (output.symbol, FEATURE_SET.feature_set_hash) if topic == "features" else (output.symbol,)
                )
                body = _CODECS[topic].encode(head, longs, np.ascontiguousarray(doubles), _LABELS[topic])
                yield Outgoing(topic, key, _FRAMES[topic] + body, max(1, int(longs[-1, 0]) // 1_000_000))

    def _fresh(self, topic: str, symbol: str, times: np.ndarray, frames: np.ndarray) -> np.ndarray:
        """Return which rows the log was not found to hold; those that it holds wait no more."""
        known = [self._rows.get((topic, symbol, frame), -1) for frame in frames.tolist()]
        for timeframe_ns, ts_ns in zip(frames.tolist(), times.tolist(), strict=True):
            if ts_ns >= self._rows.get((topic, symbol, timeframe_ns), ts_ns + 1):
                del self._rows[topic, symbol, timeframe_ns]
        return times > np.array(known, np.int64)

    def _clock(self, output: SymbolOutput) -> tuple[int, bool]:
        return output.complete_to_ns // self._mark_interval_ns, output.final

    def _moved_on(self, output: SymbolOutput) -> bool:
        return self._clock(output) != self._clocks.get(output.symbol, _NO_CLOCK)

    def _is_new_clock(self, output: SymbolOutput) -> bool:
        """Say whether the log was not found to promise as much; what it promises waits no more."""
        clock = _CLOCK, output.symbol, 0
        known, said = self._rows.get(clock, -1), _said(output.complete_to_ns, output.final)
        if said >= known:
            self._rows.pop(clock, None)
        return said > known

    def _marks(self, key: bytes, output: SymbolOutput) -> Iterator[Outgoing]:
        """Return the marks, or an empty block where only the clock moved on by a mark's interval."""
        longs, doubles = output.mark_ints, output.marks
        promises = self._moved_on(output)
        if self._rows:
            fresh = self._fresh("marks", output.symbol, longs[:, 0], np.zeros(len(longs), np.int64))
            longs, doubles = longs[fresh], doubles[fresh]
            promises = self._is_new_clock(output) and promises
        if not len(longs):
            if not promises:
                return
            longs, doubles = _NOTHING
        self._clocks[output.symbol] = self._clock(output)
        head = (output.symbol, output.complete_to_ns, output.final, output.signals_emitted)
        body = _CODECS["marks"].encode(head, longs, doubles, _LABELS["marks"])
        yield Outgoing("marks", key, _FRAMES["marks"] + body, max(1, output.complete_to_ns // 1_000_000))


def _said(complete_to_ns: int, final: bool) -> int:
    """Return a number that rises with what is promised."""
    return 2 * complete_to_ns + final


def bar_rows(output: SymbolOutput) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Return the rows of bars, features and regimes: topic, integers [n, k] and floats [n, m] in the schema's order."""
    bars, ints = output.bars, output.bar_ints
    yield "bars", ints.take(_BAR_LONGS, axis=1), bars[:, :SESSION]
    yield "features", ints.take(_FEATURE_LONGS, axis=1), bars[:, BAR_WIDTH:_FEATURES_END]
    regimes = ints.take(_FEATURE_LONGS, axis=1)
    regimes[:, -1] = bars[:, _FEATURES_END].astype(np.int64)
    yield "regimes", regimes, bars[:, _FEATURES_END + 1 :]


def _hash(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest())


def _single(event: Event) -> Outgoing:
    if isinstance(event, Signal):
        key = event.account
    elif isinstance(event, DeadLetter):
        key = event.topic
    else:
        assert isinstance(event, Alert)
        key = event.source
    return Outgoing(topic_of(event), key.encode(), encode(event), max(1, event.ts_event_ns // 1_000_000))
