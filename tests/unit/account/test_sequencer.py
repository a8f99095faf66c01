"""One order out of several topics."""

import itertools
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.mark_run import columns_of, merged
from operators.sequencer import InputRecord, Sequencer, SessionsEnded
from schemas.account import InputPosition
from tests.account_events import SECOND, START, command, mark, one_by_one, order, report, signal


def marks(offset, symbol, *seconds, to=None, final=False, signals=0, partition=0) -> InputRecord:
    rows = columns_of([mark(second, 100.0 + offset, symbol) for second in seconds]) if seconds else None
    to = START + int((seconds[-1] if to is None else to) * SECOND)
    return InputRecord("marks", partition, offset, symbol, (), to, final, signals, rows)


def signals(offset, *rows) -> InputRecord:
    return InputRecord("trade_signals", 0, offset, "", rows)


def told(events) -> list[tuple[str, str, int]]:
    return [
        (type(e).__name__, getattr(e, "symbol", ""), (e.ts_event_ns - START) // SECOND)
        for e in one_by_one(events)
    ]


def test_takes_up_to_the_slowest_symbol_in_event_time() -> None:
    sequencer = Sequencer(("A", "B"))
    state = sequencer.init()
    sequencer.offer(state, [marks(0, "B", 1, 2, 3)])
    assert sequencer.take(state) == (-1, [])
    sequencer.offer(state, [marks(0, "A", 1, 2, partition=1)])
    taken_to, events = sequencer.take(state)
    assert taken_to == START + 2 * SECOND
    assert told(events) == [("Mark", "A", 1), ("Mark", "B", 1), ("Mark", "A", 2), ("Mark", "B", 2)]


def test_waits_for_the_signals_that_the_marks_speak_of() -> None:
    sequencer = Sequencer(("A",))
    state = sequencer.init()
    sequencer.offer(
        state, [marks(0, "A", 1, signals=0), marks(1, "A", 2, signals=1), marks(2, "A", 3, signals=1)]
    )
    assert told(sequencer.take(state)[1]) == [("Mark", "A", 1)]
    sequencer.offer(state, [signals(0, signal(2, "LONG", "A", seq=0))])
    assert told(sequencer.take(state)[1]) == [("Mark", "A", 2), ("Signal", "A", 2), ("Mark", "A", 3)]


def test_at_one_time_reports_come_before_marks_and_marks_before_signals() -> None:
    sequencer = Sequencer(("A",))
    state = sequencer.init()
    fill = InputRecord("execution_reports", 0, 0, "A", (report(order(symbol="A"), "ACCEPTED", second=1),))
    rows = signals(0, signal(1, "LONG", "A", "z", seq=0), signal(1, "LONG", "A", "b", seq=1))
    sequencer.offer(state, [rows, marks(0, "A", 1, signals=2), fill])
    kinds = [type(e).__name__ for e in one_by_one(sequencer.take(state)[1])]
    assert kinds == ["ExecutionReport", "Mark", "Signal", "Signal"]


def test_a_symbol_that_promises_nothing_is_not_waited_for() -> None:
    """As one of which no message could be read."""
    sequencer = Sequencer()
    state = sequencer.init()
    sequencer.offer(state, [InputRecord("marks", 1, 0, "G", (), 0), marks(0, "A", 1, 2)])
    assert told(sequencer.take(state)[1]) == [("Mark", "A", 1), ("Mark", "A", 2)]
    sequencer.offer(state, [marks(1, "A", 3, final=True)])
    assert [type(event).__name__ for event in sequencer.take(state)[1]] == ["MarkRun", "SessionsEnded"]


def test_a_final_symbol_holds_nothing_back() -> None:
    sequencer = Sequencer(("A", "B"))
    state = sequencer.init()
    sequencer.offer(state, [marks(0, "A", 1, final=True), marks(1, "B", 1, 2, 3)])
    assert sequencer.take(state)[0] == START + 3 * SECOND
    sequencer.offer(state, [marks(2, "B", 4, final=True)])
    assert sequencer.take(state)[0] == START + 4 * SECOND
    sequencer.offer(state, [marks(3, "A", 9, to=9)])  # a new session opens it again
    assert sequencer.take(state)[0] == START + 9 * SECOND


def test_commands_lead_the_next_cut_whatever_their_time() -> None:
    sequencer = Sequencer(("A", "B"))
    state = sequencer.init()
    sequencer.offer(
        state, [marks(0, "A", 1), InputRecord("risk_commands", 0, 0, "", (command("HALT", second=10**7),))]
    )
    assert told(sequencer.take(state)[1]) == [("RiskCommand", "", 10**7)]
    assert sequencer.take(state)[1] == []


def test_patience_takes_all_and_late_events_come_with_the_next_cut() -> None:
    sequencer = Sequencer(("A", "B"))
    state = sequencer.init()
    sequencer.offer(state, [marks(0, "A", 1, 2)])
    taken_to, events = sequencer.take(state, force=True)
    assert (taken_to, len(one_by_one(events))) == (START + 2 * SECOND, 2)
    sequencer.offer(state, [marks(0, "B", 1, 3, partition=1)])
    assert told(sequencer.take(state)[1]) == [("Mark", "B", 1)]
    assert state.late == 1
    assert state.taken_to_ns == START + 2 * SECOND


def test_records_offered_again_are_ignored_and_positions_are_told() -> None:
    sequencer = Sequencer(("A",))
    state = sequencer.init()
    for _ in range(2):
        sequencer.offer(state, [marks(0, "A", 1), marks(1, "A", 2)])
    assert len(one_by_one(sequencer.take(state)[1])) == 2
    assert sequencer.positions(state) == (InputPosition("marks", 0, 2),)


@st.composite
def day(draw) -> dict[str, list[InputRecord]]:
    """Records of three topics' partitions, each in offset order, as a symbol leg would write them."""
    topics = {"m0": [], "m1": [], "s": []}
    for source, symbol, partition in (("m0", "A", 0), ("m1", "B", 1)):
        emitted, second = 0, 0
        for offset in range(draw(st.integers(1, 6))):
            seconds = []
            for _ in range(draw(st.integers(0, 3))):
                second += 1
                seconds.append(second)
                for strategy in draw(st.sets(st.sampled_from(["x", "y"]))):
                    topics["s"].append(signal(second, "LONG", symbol, strategy, seq=emitted))
                    emitted += 1
            topics[source].append(
                marks(offset, symbol, *seconds, to=second, signals=emitted, partition=partition)
            )
    rows = sorted(
        topics["s"], key=lambda row: draw(st.integers(0, 3))
    )  # topics keep only each symbol's order
    rows = sorted(rows, key=lambda row: (row.symbol, row.seq)) if draw(st.booleans()) else _by_symbol(rows)
    topics["s"] = [signals(offset, row) for offset, row in enumerate(rows)]
    return topics


def _by_symbol(rows) -> list[object]:
    queues = {s: sorted((r for r in rows if r.symbol == s), key=lambda r: r.seq) for s in ("A", "B")}
    return [queues[row.symbol].pop(0) for row in rows]


def arrive(data, topics) -> list[InputRecord]:
    queues, arrived = [list(rows) for rows in topics.values() if rows], []
    while queues:
        queue = data.draw(st.sampled_from(queues))
        arrived.append(queue.pop(0))
        queues = [rows for rows in queues if rows]
    return arrived


def taken(sequencer, data, records) -> list[object]:
    state, events = sequencer.init(), []
    for record in records:
        sequencer.offer(state, [record])
        if data.draw(st.booleans()):
            before = state.taken_to_ns
            taken_to, cut = sequencer.take(state)
            assert taken_to >= before
            events += cut
            state = pickle.loads(pickle.dumps(state))
    return one_by_one(events + sequencer.take(state)[1])


@settings(max_examples=80, deadline=None)
@given(day(), st.data())
def test_any_arrival_and_any_cuts_give_the_same_order(topics, data) -> None:
    sequencer = Sequencer(("A", "B"))
    first, second = (taken(sequencer, data, arrive(data, topics)) for _ in range(2))
    assert first == second
    times = [event.ts_event_ns for event in first]
    assert times == sorted(times)


@settings(max_examples=50, deadline=None)
@given(day(), st.data())
def test_the_journal_replays_even_forced_cuts(topics, data) -> None:
    sequencer, journal, events = Sequencer(("A", "B")), [], []
    state = sequencer.init()
    for count, record in enumerate(arrived := arrive(data, topics), 1):
        sequencer.offer(state, [record])
        taken_to, cut = sequencer.take(state, force=data.draw(st.booleans()))
        journal.append((count, taken_to))
        events += cut
    replay, again, read = sequencer.init(), [], 0
    for count, taken_to in journal:
        sequencer.offer(replay, arrived[read:count])
        again += sequencer.take_to(replay, taken_to)
        read = count
    assert one_by_one(again) == one_by_one(events)
    left, left_again = sequencer.take(state, force=True), sequencer.take(replay, force=True)
    assert (left[0], one_by_one(left[1])) == (left_again[0], one_by_one(left_again[1]))
    assert replay == state


@st.composite
def unruly(draw) -> list[InputRecord]:
    """Records that no symbol leg writes: times out of order, one symbol in two partitions, many events at one time."""
    records, offsets = [], {0: 0, 1: 0}
    for index in range(draw(st.integers(1, 12))):
        partition, symbol = draw(st.sampled_from([0, 1])), draw(st.sampled_from("ABC"))
        seconds = draw(st.lists(st.integers(1, 9), min_size=1, max_size=5))
        offsets[partition] += 1
        records.append(marks(offsets[partition], symbol, *seconds, to=0, partition=partition))
        second, number = draw(st.integers(1, 9)), draw(st.integers(0, 99))
        if draw(st.booleans()):
            records.append(
                signals(index, signal(second, "LONG", symbol, draw(st.sampled_from("xy")), seq=number))
            )
        if draw(st.booleans()):
            told_by = report(order(symbol=symbol), "ACCEPTED", f"e{index}", second=second)
            records.append(InputRecord("execution_reports", 0, index, symbol, (told_by,)))
    return records


def by_definition(records) -> list[object]:
    """Everything, sorted as the module's first paragraph says."""
    placed = []
    for record in records:
        rows = [] if record.marks is None else merged([(record.symbol, record.marks)]).marks()
        for ordinal, event in enumerate([*record.events, *rows]):
            rank = {"ExecutionReport": 0, "Mark": 1, "Signal": 2}[type(event).__name__]
            name = (
                getattr(event, "strategy", ""),
                {0: record.offset, 1: 0, 2: getattr(event, "seq", 0)}[rank],
            )
            origin = (record.topic, record.partition, record.offset, ordinal)
            placed.append(((event.ts_event_ns, rank, event.symbol, *name, *origin), event))
    return [event for _, event in sorted(placed, key=lambda entry: entry[0])]


@settings(max_examples=150, deadline=None)
@given(unruly(), st.lists(st.integers(0, 10), max_size=4))
def test_columns_come_in_the_order_that_the_definition_gives(records, cuts) -> None:
    sequencer = Sequencer()
    state = sequencer.init()
    sequencer.offer(state, records)
    events = []
    for second in [*sorted(cuts), 10]:
        events += one_by_one(sequencer.take_to(state, START + second * SECOND))
        state = pickle.loads(pickle.dumps(state))
    assert events == by_definition(records)
    assert not state.waiting


@pytest.mark.parametrize("expected", [(), ("A", "B", "NEVER HEARD")])
def test_the_end_of_all_sessions_is_told_once_each_time(expected: tuple[str, ...]) -> None:
    """Whatever was expected; a symbol that goes on takes the end back, and its next end is told again."""
    sequencer = Sequencer(expected)
    state = sequencer.init()
    offset = itertools.count()

    def said(symbol: str, second: int, final: bool) -> list[str]:
        given = mark(second, 1.0, symbol)
        marks = columns_of([given])
        record = InputRecord("marks", 0, next(offset), symbol, (), given.ts_event_ns, final, 0, marks)
        sequencer.offer(state, [record])
        return [type(event).__name__ for event in sequencer.take(state, force=True)[1]]

    assert said("A", 10, False) == ["MarkRun"]
    assert said("B", 12, True) == ["MarkRun"]
    assert said("A", 20, True) == ["MarkRun", "SessionsEnded"]
    assert sequencer.take(state, force=True)[1] == []
    assert said("A", 30, False) == ["MarkRun"]
    assert said("A", 40, True) == ["MarkRun", "SessionsEnded"]
    sequencer.reopen(state)
    assert sequencer.take(state, force=True)[1] == []


def test_a_promise_that_is_repeated_tells_no_other_end() -> None:
    """A symbol leg that was killed and rebuilt says its clocks again; cuts without events are in no journal."""
    sequencer = Sequencer(("A",))
    state = sequencer.init()
    sequencer.offer(state, [marks(0, "A", 10, final=True)])
    assert len(sequencer.take(state)[1]) == 2
    sequencer.offer(state, [marks(1, "A", to=5)])
    assert sequencer.take(state)[1] == []
    sequencer.offer(state, [marks(2, "A", to=10, final=True)])
    assert sequencer.take(state)[1] == []


@pytest.mark.parametrize("at_once", [True, False])
def test_the_end_of_a_second_session_is_told_however_it_was_read(at_once: bool) -> None:
    sequencer = Sequencer(("A",))
    state = sequencer.init()
    sequencer.offer(state, [marks(0, "A", 10, final=True)])
    assert len(sequencer.take(state)[1]) == 2
    session = [marks(1, "A", 20), marks(2, "A", 30, final=True)]
    said = []
    for records in [session] if at_once else [[record] for record in session]:
        sequencer.offer(state, records)
        said += sequencer.take(state)[1]
    assert [event for event in said if isinstance(event, SessionsEnded)] == [
        SessionsEnded(START + 30 * SECOND)
    ]


def test_a_cut_that_takes_nothing_leaves_no_trace() -> None:
    """It is in no journal: whoever replays the journal does not know of it."""
    sequencer = Sequencer()
    state = sequencer.init()
    sequencer.offer(state, [marks(0, "A", to=5)])
    assert sequencer.take(state) == (START + 5 * SECOND, [])
    sequencer.offer(state, [marks(0, "B", 1, partition=1), marks(1, "A", 6)])
    assert sequencer.frontier_ns(state) == START + 1 * SECOND
    taken_to, events = sequencer.take(state)
    assert taken_to == START + 1 * SECOND and told(events) == [("Mark", "B", 1)]
