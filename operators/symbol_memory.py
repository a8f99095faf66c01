"""How the compiled call gets its memory: many small arrays as views of a few large ones.

Handing one array to compiled code costs about 0.12 microseconds, a tuple or a read-only array several times that. So
parameters travel as two vectors, state and room for results as one each (floats in the same memory as integers), and
are cut into named views on the other side. ``Tables`` and ``Scratch`` are those views.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from operators import symbol_layout as at
from operators.features.borrow import borrow
from operators.features.feature_set import SLOTS
from operators.normalise import Doubles, Longs
from schemas.columns import Bytes

REGIME_PARAMS = 3
_EDGES = SLOTS + 1
_OWN_HEAD = 2  # number of floats, bytes of the name


class Tables(NamedTuple):
    """What does not change: parameters, the symbol's name, its trading sessions, the layout of features."""

    params: Longs
    scales: Doubles
    name: Bytes
    sessions: Longs
    feature_params: Doubles
    regime_params: Doubles
    state_at: Longs
    params_at: Longs
    out_at: Longs


class Scratch(NamedTuple):
    """Room for rows that wait and for what comes out; ``counts`` says how much of each is used."""

    counts: Longs
    row_ints: Longs
    rows: Doubles
    bar_ints: Longs
    bars: Doubles
    mark_ints: Longs
    marks: Doubles
    reject_ints: Longs
    rejects: Doubles
    longs: Longs  # the memory of row_ints
    doubles: Doubles  # the memory of rows


@njit(cache=True, forceinline=True)
def view_state(numbers: Longs) -> tuple[Longs, Doubles]:
    """Cut a packed state (``operators.symbol_state``) into its two vectors."""
    numbers = borrow(numbers)
    count = numbers[0]
    return numbers[1 : 1 + count], numbers[1 + count :].view(np.float64)


@njit(cache=True, forceinline=True)
def view_tables(shared: Longs, own: Longs) -> Tables:
    """Cut the packed tables (``pack_tables``) into views."""
    shared, own = borrow(shared), borrow(own)
    edges = at.PARAM_INTS + shared[at.P_TIMEFRAMES]
    sessions = edges + 3 * _EDGES
    features = at.PARAM_FLOATS + REGIME_PARAMS
    names = _OWN_HEAD + own[0]
    floats = own[_OWN_HEAD:names].view(np.float64)
    return Tables(
        shared[:edges], floats[: at.PARAM_FLOATS], own[names:].view(np.uint8)[: own[1]], shared[sessions:],
        floats[features:], floats[at.PARAM_FLOATS : features], shared[edges : edges + _EDGES],
        shared[edges + _EDGES : edges + 2 * _EDGES], shared[edges + 2 * _EDGES : sessions],
    )  # fmt: skip


def pack_tables(tables: Tables) -> tuple[Longs, Longs]:
    """Return the tables as two vectors: what symbols with the same sessions share, and a symbol's own."""
    ints = (tables.params, tables.state_at, tables.params_at, tables.out_at, tables.sessions)
    floats = np.concatenate((tables.scales, tables.regime_params, tables.feature_params))
    name = np.zeros(len(tables.name) // 8 + 1, np.int64)
    name.view(np.uint8)[: len(tables.name)] = tables.name
    head = np.array([len(floats), len(tables.name)])
    return np.concatenate(ints), np.concatenate((head, floats.view(np.int64), name))


@njit(cache=True, forceinline=True)
def view_scratch(room: Longs) -> Scratch:
    """Cut the packed room (``make_scratch``) into views."""
    room = borrow(room)
    rows, closed, width = room[at.ROOM_ROWS], room[at.ROOM_CLOSED], room[at.ROOM_WIDTH]
    others = 2 * rows + 2
    a = at.COUNTS
    b = a + rows * at.ROW_INTS
    c = b + closed * at.OUT_INTS
    d = c + others * at.MARK_INTS
    e = d + others * at.REJECT_INTS
    ints, floats = room[:e], room[e:].view(np.float64)
    x = rows * at.ROW_FLOATS
    y = x + closed * width
    z = y + others * at.MARK_FLOATS
    return Scratch(
        ints[:a], ints[a:b].reshape(rows, at.ROW_INTS), floats[:x].reshape(rows, at.ROW_FLOATS),
        ints[b:c].reshape(closed, at.OUT_INTS), floats[x:y].reshape(closed, width),
        ints[c:d].reshape(others, at.MARK_INTS), floats[y:z].reshape(others, at.MARK_FLOATS),
        ints[d:].reshape(others, at.REJECT_INTS), floats[z:].reshape(others, at.ROW_FLOATS),
        ints[a:b], floats[:x],
    )  # fmt: skip


def make_scratch(rows: int, closed: int, width: int) -> Longs:
    """Return room for ``rows`` waiting rows and ``closed`` bars of ``width`` float columns, packed."""
    others = 2 * rows + 2
    ints = at.COUNTS + rows * at.ROW_INTS + closed * at.OUT_INTS + others * (at.MARK_INTS + at.REJECT_INTS)
    floats = rows * at.ROW_FLOATS + closed * width + others * (at.MARK_FLOATS + at.ROW_FLOATS)
    room = np.zeros(ints + floats, np.int64)
    room[at.ROOM_ROWS], room[at.ROOM_CLOSED], room[at.ROOM_WIDTH] = rows, closed, width
    return room
