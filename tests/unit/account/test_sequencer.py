"""One order out of several topics."""

import pickle

from hypothesis import given, settings
from hypothesis import strategies as st

from operators.sequencer import InputRecord, Sequencer
from schemas.account import InputPosition
from tests.account_events import SECOND, START, command, mark, order, report, signal


def marks(offset, symbol, *seconds, to=None, final=False, signals=0, partition=0) -> InputRecord:
    rows = tuple(mark(second, 100.0, symbol) for second in seconds)
    to = START + int((seconds[-1] if to is None else to) * SECOND)
    return InputRecord("marks", partition, offset, symbol, rows, to, final, signals)


def signals(offset, *rows) -> InputRecord:
    return InputRecord("trade_signals", 0, offset, "", rows)


def told(events) -> list[tuple[str, str, int]]:
    return [(type(e).__name__, getattr(e, "symbol", ""), (e.ts_event_ns - START) // SECOND) for e in events]


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
    kinds = [type(e).__name__ for e in sequencer.take(state)[1]]
    assert kinds == ["ExecutionReport", "Mark", "Signal", "Signal"]


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
    assert (taken_to, len(events)) == (START + 2 * SECOND, 2)
    sequencer.offer(state, [marks(0, "B", 1, 3, partition=1)])
    assert told(sequencer.take(state)[1]) == [("Mark", "B", 1)]
    assert state.late == 1
    assert state.taken_to_ns == START + 2 * SECOND


def test_records_offered_again_are_ignored_and_positions_are_told() -> None:
    sequencer = Sequencer(("A",))
    state = sequencer.init()
    for _ in range(2):
        sequencer.offer(state, [marks(0, "A", 1), marks(1, "A", 2)])
    assert len(sequencer.take(state)[1]) == 2
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
    return events + sequencer.take(state)[1]


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
    assert again == events
    assert replay == state
