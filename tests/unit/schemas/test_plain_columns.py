"""Does the reader without compiled code read what the compiled one reads, and refuse what that refuses?"""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from schemas import columns, plain_columns
from schemas.scalars import write_long

LONG = st.integers(-(1 << 63), (1 << 63) - 1)
SMALL = st.integers(-(1 << 20), 1 << 20)


@st.composite
def written(draw: st.DrawFn) -> tuple[bytes, int, int]:
    """Columns as any writer may cut them into array blocks, some with sizes; and how many of each kind."""
    rows, longs, doubles = draw(st.integers(0, 40)), draw(st.integers(0, 3)), draw(st.integers(0, 3))
    out = b"??"
    for column in range(longs + doubles):
        left = rows
        while left:
            count = draw(st.integers(1, left))
            if column < longs:
                kind = draw(st.sampled_from([LONG, SMALL]))
                body = b"".join(write_long(draw(kind)) for _ in range(count))
            else:
                body = np.array([draw(st.floats(width=64)) for _ in range(count)]).tobytes()
            sized = draw(st.booleans())
            out += (write_long(-count) + write_long(len(body)) if sized else write_long(count)) + body
            left -= count
        out += b"\x00"
    return out + draw(st.binary(max_size=3)), longs, doubles


@given(written())
def test_it_equals_the_compiled_reader(case: tuple[bytes, int, int]) -> None:
    value, *shape = case
    longs, doubles, position = columns.read_columns(value, 2, *shape)
    plain = plain_columns.read_columns(value, 2, *shape)
    assert plain[2] == position
    for one, other in ((longs, plain[0]), (doubles, plain[1])):
        assert one.shape == other.shape and one.dtype == other.dtype and one.tobytes() == other.tobytes()


@given(written(), st.data())
def test_what_one_refuses_the_other_refuses(case: tuple[bytes, int, int], data: st.DataObject) -> None:
    value, *shape = case
    broken = bytearray(value)
    for _ in range(data.draw(st.integers(1, 3))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(broken[: data.draw(st.integers(2, len(broken)))])
    answers = []
    for reader in (columns.read_columns, plain_columns.read_columns):
        try:
            longs, doubles, position = reader(cut, 2, *shape)
            answers.append((longs.tobytes(), doubles.tobytes(), position))
        except (ValueError, IndexError):
            answers.append(None)
    assert answers[0] == answers[1]
