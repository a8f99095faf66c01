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
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable

import msgspec

from operators.account_leg import AccountEvent
from schemas.account import InputPosition, RiskCommand
from schemas.market import Mark
from schemas.orders import Signal

_NEVER = -1
_REPORT, _MARK, _SIGNAL = 0, 1, 2

# (ts_event_ns, rank, symbol, strategy, seq, topic, partition, offset, ordinal): no two are equal
_Place = tuple[int, int, str, str, int, str, int, int, int]


class InputRecord(msgspec.Struct, frozen=True):
    """One decoded log record. A record of marks also carries its header; ``complete_to_ns`` -1 means no header."""

    topic: str
    partition: int
    offset: int
    symbol: str
    events: tuple[AccountEvent, ...]
    complete_to_ns: int = _NEVER
    final: bool = False
    signals_emitted: int = 0


class SymbolClock(msgspec.Struct):
    """How far one symbol has been heard. ``headers`` are (signals_emitted, complete_to_ns, final) not yet believed."""

    complete_to_ns: int = _NEVER
    final: bool = False
    signals: int = 0
    headers: deque[tuple[int, int, bool]] = msgspec.field(default_factory=deque)


class SequencerState(msgspec.Struct):
    """What was read and not yet taken; bounded by it. ``late`` counts events older than a cut made before them."""

    clocks: dict[str, SymbolClock]
    positions: dict[tuple[str, int], int] = msgspec.field(default_factory=dict)
    pending: list[tuple[_Place, AccountEvent]] = msgspec.field(default_factory=list)
    commands: list[RiskCommand] = msgspec.field(default_factory=list)
    taken_to_ns: int = _NEVER
    late: int = 0


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
                self._note(state, record, ordinal, event)
            if record.complete_to_ns != _NEVER:
                clock = _clock(state, record.symbol)
                clock.headers.append((record.signals_emitted, record.complete_to_ns, record.final))
                _believe(clock)

    def frontier_ns(self, state: SequencerState) -> int:
        """W: the time up to which every symbol has been heard; -1 before that. Never goes back."""
        waiting = [clock.complete_to_ns for clock in state.clocks.values() if not clock.final]
        if waiting:
            return max(state.taken_to_ns, min(waiting))
        heard = [clock.complete_to_ns for clock in state.clocks.values()]
        heard += [place[0] for place, _ in state.pending]
        return max(state.taken_to_ns, *heard) if heard else state.taken_to_ns

    def take(self, state: SequencerState, force: bool = False) -> tuple[int, list[AccountEvent]]:
        """Cut at W, or, forced, at the latest time pending; returns the cut's time and its events in order."""
        taken_to_ns = self.frontier_ns(state)
        if force and state.pending:
            taken_to_ns = max(taken_to_ns, max(place[0] for place, _ in state.pending))
        return taken_to_ns, self.take_to(state, taken_to_ns)

    def take_to(self, state: SequencerState, taken_to_ns: int) -> list[AccountEvent]:
        """Cut at a given time: commands first, then all that is pending at or before it. Replays a journal entry."""
        commands = sorted(state.commands, key=lambda command: (command.ts_event_ns, command.id))
        state.commands.clear()
        state.pending.sort(key=_place)
        end = bisect_right(state.pending, taken_to_ns, key=_time)
        taken = [event for _, event in state.pending[:end]]
        state.late += bisect_right(state.pending, state.taken_to_ns, 0, end, key=_time)
        del state.pending[:end]
        state.taken_to_ns = max(state.taken_to_ns, taken_to_ns)
        return [*commands, *taken]

    def positions(self, state: SequencerState) -> tuple[InputPosition, ...]:
        """How far each input has been read, sorted, for the journal."""
        return tuple(
            InputPosition(topic, partition, offset)
            for (topic, partition), offset in sorted(state.positions.items())
        )

    def _note(self, state: SequencerState, record: InputRecord, ordinal: int, event: AccountEvent) -> None:
        origin = (record.topic, record.partition, record.offset, ordinal)
        if isinstance(event, Mark):
            place = (event.ts_event_ns, _MARK, event.symbol, "", 0, *origin)
        elif isinstance(event, Signal):
            place = (event.ts_event_ns, _SIGNAL, event.symbol, event.strategy, event.seq, *origin)
            clock = _clock(state, event.symbol)
            clock.signals = max(clock.signals, event.seq + 1)
            _believe(clock)
        elif isinstance(event, RiskCommand):
            state.commands.append(event)
            return
        else:
            place = (event.ts_event_ns, _REPORT, event.symbol, event.strategy, record.offset, *origin)
        state.pending.append((place, event))


def _clock(state: SequencerState, symbol: str) -> SymbolClock:
    clock = state.clocks.get(symbol)
    return state.clocks.setdefault(symbol, SymbolClock()) if clock is None else clock


def _believe(clock: SymbolClock) -> None:
    """Move the clock by the headers whose signals have all arrived."""
    headers = clock.headers
    while headers and headers[0][0] <= clock.signals:
        _, complete_to_ns, clock.final = headers.popleft()
        clock.complete_to_ns = max(clock.complete_to_ns, complete_to_ns)


def _place(entry: tuple[_Place, AccountEvent]) -> _Place:
    return entry[0]


def _time(entry: tuple[_Place, AccountEvent]) -> int:
    return entry[0][0]
