"""Do records that came in any order stand by (partition, key), each key's in offset order, with their own bytes?"""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from flows.connectors.key_runs import KeyRuns, KeySlots, Taken, runs_of, sorted_runs
from operators.symbol_poll import OFFSET

KEYS = [b"", b"A", b"B", b"BTCUSDT"]


def content(runs: KeyRuns) -> dict[tuple[int, bytes], tuple[list[int], list[bytes]]]:
    """What stands where."""
    found = {}
    for place, first, end in zip(runs.keys, runs.edges, runs.edges[1:]):
        offsets = runs.poll.places[first:end, OFFSET].tolist()
        found[place] = (offsets, [runs.poll.message(first, end, offset) for offset in offsets])
    return found


records = st.lists(st.tuples(st.integers(0, 2), st.sampled_from(KEYS), st.binary(max_size=5)), min_size=1)


@given(polls=st.lists(records, min_size=1, max_size=4))
def test_any_polls_stand_by_partition_and_key(polls: list[list[tuple[int, bytes, bytes]]]) -> None:
    slots, offset = KeySlots(), 0
    for poll in polls:
        expected: dict[tuple[int, bytes], tuple[list[int], list[bytes]]] = {}
        for number, (partition, key, value) in enumerate(poll, offset):
            run = expected.setdefault((partition, key), ([], []))
            run[0].append(number)
            run[1].append(value)
        keys = [key for _, key, _ in poll]
        partitions = np.array([partition for partition, _, _ in poll], np.int32)
        guess = slots.of_keys(keys)
        found = Taken(
            [slots.of_places(keys, partitions, guess)],
            [np.arange(offset, offset + len(poll))],
            [value for _, _, value in poll],
        )
        runs = sorted_runs(slots.table, found)
        assert content(runs) == expected == content(runs_of(expected))
        assert runs.poll.largest == max(sum(map(len, values)) for _, values in expected.values())
        offset += len(poll)


def test_keys_that_keep_to_their_partition_are_found_without_looking_at_each() -> None:
    slots, partitions = KeySlots(), np.array([1, 0, 1], np.int32)
    keys = [b"A", b"B", b"A"]
    assert slots.of_keys(keys) is None
    first = slots.of_places(keys, partitions, None)
    again = slots.of_keys(keys)
    assert again is not None and again.tolist() == first.tolist()
    assert slots.of_places(keys, partitions, again) is again
    moved = slots.of_places(keys, np.array([0, 0, 1], np.int32), again)
    assert [slots.table[slot] for slot in moved] == [(0, b"A"), (0, b"B"), (1, b"A")]
