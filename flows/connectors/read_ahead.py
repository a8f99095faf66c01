"""Which inputs of the account are not read further for now? Those that are ahead of the one that the others wait for.

The sequencer takes nothing that is later than its slowest symbol has been heard (docs/adr/0003). Where one partition is
read faster than another, as at every catch-up, what is early would pile up in memory by as much as the log is long. So
a partition with `MOST` events waiting is left alone until half of them are taken. Never left alone is what the slowest
symbol waits for: its own marks, or the signals that its marks have announced. So there is always something to read that
moves the cut, and what is cut does not depend on it.
"""

from collections import Counter
from collections.abc import Collection

from flows.connectors.account_inputs import COMMANDS, MARKS, SIGNALS
from flows.connectors.log import Position
from flows.connectors.partitioner import partition_of
from operators.sequencer import SequencerState

MOST = 50_000
"""Events of a partition that may wait to be taken, some 5 MB; a record counts as `_RECORD` more."""
_RECORD = 8
_FEW = 64
"""Records that are not worth counting."""
_TOPIC, _PARTITION = 5, 6  # of a place of the sequencer's


def too_early(
    state: SequencerState, sources: Collection[Position], held: Collection[Position]
) -> list[Position]:
    """Return the sources to leave alone; ``held`` are those that are left alone now."""
    if len(state.marks) + len(state.pending) < _FEW:
        return []
    counts = Counter[Position]()
    for _, partition, _, _, marks in state.marks:
        counts[MARKS, partition] += len(marks.longs) + _RECORD
    for place, _ in state.pending:
        counts[place[_TOPIC], place[_PARTITION]] += 1 + _RECORD
    awaited = needed(state, sources)
    return [
        source
        for source, count in counts.items()
        if source[0] != COMMANDS
        and source not in awaited
        and count >= (MOST // 2 if source in held else MOST)
    ]


def needed(state: SequencerState, sources: Collection[Position]) -> list[Position]:
    """Return where that will come from which the slowest symbol waits for; all, where none is waited for."""
    waiting = [(clock.complete_to_ns, symbol) for symbol, clock in state.clocks.items() if not clock.final]
    if not waiting:
        return list(sources)
    _, slowest = min(waiting)
    if state.clocks[slowest].headers:
        return [source for source in sources if source[0] == SIGNALS]
    count = sum(topic == MARKS for topic, _ in sources)
    return [(MARKS, partition_of(slowest.encode(), count))]
