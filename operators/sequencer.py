"""In which order does the account leg take its inputs? Event time, with patience; a function of what was read.

Marks, signals, venue reports and commands come from several topics, and no log records the order between
topics. So the leg makes one. It takes everything pending with ``ts_event_ns <= W``, sorted by (ts_event_ns,
report < mark < signal, symbol, strategy, seq), where

    W = min over symbols of the ``complete_to_ns`` of their marks, counted only once the signals that the
    marks speak of
        (``signals_emitted``) have all arrived; a symbol whose session is final no longer holds W back

W never goes back. When a symbol stays silent for longer than the edge's patience, the edge forces a cut: all
that is pending is taken, and what comes late is taken with the next cut. Commands wait for no clock: they
lead the next cut.

What a cut takes is a pure function of (positions read, W): the journal records both, and ``take_to`` replays
it. With ``expected`` symbols the order (unforced) does not depend on how the topics' records interleave;
without them, a symbol holds W back only from its first record on.

When every symbol heard of has said its last (``final``) and all of it has been taken, the cut ends with
``SessionsEnded``: how the account stands then would otherwise be told by the next session only. An end is told once,
by its time: whether the next session was read in one go or bit by bit, or brought nothing new, has no say in it. A cut
that takes nothing is in no journal, so it leaves no trace in the state either: W does not rise by it.

Marks stay in the columns that their records brought (``mark_run``); a cut gives those between two other events
as one run.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Sequence
from heapq import heappop, heappush

import msgspec
import numpy as np

from operators.mark_run import MarkColumns, MarkRun, merged
from schemas.account import InputPosition, RiskCommand
from schemas.orders import ExecutionReport, Signal

_NEVER = -1
_REPORT, _SIGNAL = 0, 1  # marks of the same time stand between them


class SessionsEnded(msgspec.Struct, frozen=True):
    """Every symbol's session is over; ``ts_event_ns`` is the cut's time."""

    ts_event_ns: int


Told = Signal | RiskCommand | ExecutionReport
Taken = Told | MarkRun | SessionsEnded

# (ts_event_ns, rank, symbol, strategy, seq, topic, partition, offset, ordinal): no two are equal
_Place = tuple[int, int, str, str, int, str, int, int, int]
# (first ts_event_ns, partition, offset, symbol, columns in the order of time): no two agree in partition and offset
_Pending = tuple[int, int, int, str, MarkColumns]


class InputRecord(msgspec.Struct, frozen=True):
    """One decoded log record. A record of marks also carries its header; one that promises nothing is none."""

    topic: str
    partition: int
    offset: int
    symbol: str
    events: tuple[Told, ...] = ()
    complete_to_ns: int = _NEVER
    final: bool = False
    signals_emitted: int = 0
    marks: MarkColumns | None = None


class SymbolClock(msgspec.Struct):
    """How far one symbol has been heard. ``headers`` are (signals_emitted, complete_to_ns, final) not yet believed.

    ``ended`` is what the last header said; ``final`` is that, unless a reopened sequencer waits for more.
    """

    complete_to_ns: int = _NEVER
    final: bool = False
    signals: int = 0
    ended: bool = False
    headers: deque[tuple[int, int, bool]] = msgspec.field(default_factory=deque)


class SequencerState(msgspec.Struct):
    """What was read and not yet taken; bounded by it. ``late`` counts events older than a cut made before them.

    ``marks`` is a heap by the time of each record's first mark.
    """

    clocks: dict[str, SymbolClock]
    positions: dict[tuple[str, int], int] = msgspec.field(default_factory=dict)
    pending: list[tuple[_Place, Signal | ExecutionReport]] = msgspec.field(default_factory=list)
    marks: list[_Pending] = msgspec.field(default_factory=list)
    commands: list[RiskCommand] = msgspec.field(default_factory=list)
    taken_to_ns: int = _NEVER
    late: int = 0
    told_end_ns: int = _NEVER

    @property
    def waiting(self) -> bool:
        """Whether anything that has a place in time waits to be taken."""
        return bool(self.pending or self.marks)


class Sequencer(msgspec.Struct, frozen=True):
    """``expected``: symbols to be heard before anything is taken; others count from their first record."""

    expected: tuple[str, ...] = ()

    def init(self) -> SequencerState:
        """Nothing read."""
        return SequencerState({symbol: SymbolClock() for symbol in self.expected})

    def reopen(self, state: SequencerState) -> None:
        """Go on after an end: expected symbols, new ones and those whose session had ended, are waited for again."""
        for symbol in self.expected:
            state.clocks.setdefault(symbol, SymbolClock()).final = False

    def offer(self, state: SequencerState, records: Iterable[InputRecord]) -> None:
        """Note records, each topic partition in offset order; a record that was offered before is ignored."""
        for record in records:
            source = (record.topic, record.partition)
            if record.offset < state.positions.get(source, 0):
                continue
            state.positions[source] = record.offset + 1
            for ordinal, event in enumerate(record.events):
                _note(state, record, ordinal, event)
            if record.marks is not None and len(record.marks.longs):
                columns = _in_time(record.marks)
                first_ns = columns.longs.item(0)
                heappush(state.marks, (first_ns, record.partition, record.offset, record.symbol, columns))
            if record.complete_to_ns > 0 or record.final:
                clock = _clock(state, record.symbol)
                clock.headers.append((record.signals_emitted, record.complete_to_ns, record.final))
                _believe(clock)

    def frontier_ns(self, state: SequencerState) -> int:
        """W: the time up to which every symbol has been heard; -1 before that. Never goes back."""
        waiting = [clock.complete_to_ns for clock in state.clocks.values() if not clock.final]
        if waiting:
            return max(state.taken_to_ns, min(waiting))
        heard = [clock.complete_to_ns for clock in state.clocks.values()]
        return max(state.taken_to_ns, _latest_ns(state), *heard)

    def take(self, state: SequencerState, force: bool = False) -> tuple[int, list[Taken]]:
        """Cut at W, or, forced, at the latest time pending; returns the cut's time and its events in order."""
        taken_to_ns = self.frontier_ns(state)
        if force:
            taken_to_ns = max(taken_to_ns, _latest_ns(state))
        return taken_to_ns, self.take_to(state, taken_to_ns)

    def take_to(self, state: SequencerState, taken_to_ns: int) -> list[Taken]:
        """Cut at a given time: commands first, then all that is pending at or before it. Replays a journal entry."""
        commands = sorted(state.commands, key=lambda command: (command.ts_event_ns, command.id))
        state.commands.clear()
        state.pending.sort(key=_place)
        end = bisect_right(state.pending, taken_to_ns, key=_time)
        told = state.pending[:end]
        del state.pending[:end]
        run = _take_marks(state, taken_to_ns)
        state.late += bisect_right(told, state.taken_to_ns, key=_time)
        if run is not None:
            state.late += int(run.longs[:, 0].searchsorted(state.taken_to_ns, "right"))
        woven = [event for _, event in told] if run is None else _woven(run, told)
        to_ns = max(state.taken_to_ns, taken_to_ns)
        taken = [*commands, *woven, *_ends(state, to_ns)]
        if taken:
            state.taken_to_ns = to_ns
        return taken

    def positions(self, state: SequencerState) -> tuple[InputPosition, ...]:
        """How far each input has been read, sorted, for the journal."""
        return tuple(
            InputPosition(topic, partition, offset)
            for (topic, partition), offset in sorted(state.positions.items())
        )


def _ends(state: SequencerState, to_ns: int) -> list[Taken]:
    """The end of all sessions, once; of those that were heard, whatever was expected."""
    heard = [clock for clock in state.clocks.values() if clock.headers or clock.complete_to_ns != _NEVER]
    ended = bool(heard) and all(clock.ended and not clock.headers for clock in heard) and not state.waiting
    if not ended or to_ns <= state.told_end_ns:
        return []
    state.told_end_ns = to_ns
    return [SessionsEnded(to_ns)]


def _note(state: SequencerState, record: InputRecord, ordinal: int, event: Told) -> None:
    if isinstance(event, RiskCommand):
        state.commands.append(event)
        return
    rank, seq = _REPORT, record.offset
    if isinstance(event, Signal):
        rank, seq = _SIGNAL, event.seq
        clock = _clock(state, event.symbol)
        clock.signals = max(clock.signals, event.seq + 1)
        _believe(clock)
    origin = (record.topic, record.partition, record.offset, ordinal)
    state.pending.append(((event.ts_event_ns, rank, event.symbol, event.strategy, seq, *origin), event))


def _in_time(marks: MarkColumns) -> MarkColumns:
    """A record's marks in the order of time; a symbol leg writes them so, another writer may not."""
    times = marks.longs[:, 0]
    if len(times) == 1 or (times[1:] >= times[:-1]).all():
        return marks
    order = times.argsort(kind="stable")
    return MarkColumns(marks.longs[order], marks.doubles[order])


def _latest_ns(state: SequencerState) -> int:
    """The latest time that is pending; -1 if nothing is."""
    latest = max((place[0] for place, _ in state.pending), default=_NEVER)
    return max((columns.longs.item(-1, 0) for *_, columns in state.marks), default=latest)


def _take_marks(state: SequencerState, taken_to_ns: int) -> MarkRun | None:
    """Take the marks at or before a time out of what is pending, in order; None if there are none."""
    heap, parts = state.marks, []
    while heap and heap[0][0] <= taken_to_ns:
        _, partition, offset, symbol, columns = heappop(heap)
        longs, doubles = columns.longs, columns.doubles
        if longs.item(-1, 0) > taken_to_ns:
            end = int(longs[:, 0].searchsorted(taken_to_ns, "right"))
            rest = MarkColumns(longs[end:], doubles[end:])
            heappush(heap, (longs.item(end, 0), partition, offset, symbol, rest))
            columns = MarkColumns(longs[:end], doubles[:end])
        parts.append((partition, offset, symbol, columns))
    parts.sort(key=_origin)
    return merged([part[2:] for part in parts]) if parts else None


def _woven(run: MarkRun, told: Sequence[tuple[_Place, Told]]) -> list[Taken]:
    """The run cut where the other events stand; at one time reports lead the marks, and signals follow them."""
    if not told:
        return [run]
    mark_ns, told_ns = run.longs[:, 0].copy(), np.array([place[0] for place, _ in told], np.int64)
    is_signal = [place[1] == _SIGNAL for place, _ in told]
    places = np.where(is_signal, mark_ns.searchsorted(told_ns, "right"), mark_ns.searchsorted(told_ns))
    woven: list[Taken] = []
    start = 0
    for (_, event), end in zip(told, places.tolist()):
        if end > start:
            woven.append(run.part(start, end))
        woven.append(event)
        start = end
    if start < len(run):
        woven.append(run.part(start, len(run)))
    return woven


def _clock(state: SequencerState, symbol: str) -> SymbolClock:
    clock = state.clocks.get(symbol)
    return state.clocks.setdefault(symbol, SymbolClock()) if clock is None else clock


def _believe(clock: SymbolClock) -> None:
    """Move the clock by the headers whose signals have all arrived."""
    headers = clock.headers
    while headers and headers[0][0] <= clock.signals:
        _, complete_to_ns, ended = headers.popleft()
        if complete_to_ns >= clock.complete_to_ns:  # else it repeats what another writer has said
            clock.complete_to_ns = complete_to_ns
            clock.ended = clock.final = ended


def _place(entry: tuple[_Place, Told]) -> _Place:
    return entry[0]


def _time(entry: tuple[_Place, Told]) -> int:
    return entry[0][0]


def _origin(part: tuple[int, int, str, MarkColumns]) -> tuple[int, int]:
    return part[:2]
