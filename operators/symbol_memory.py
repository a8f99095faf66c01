"""How the compiled call gets its memory: many small arrays as views of a few large ones.

Handing one array to compiled code costs about 0.12 microseconds, so parameters travel as two vectors and the room for
results as two more, and are cut into named views on the other side. ``Tables`` and ``Scratch`` are those views.
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
def view_tables(ints: Longs, floats: Doubles, name: Bytes) -> Tables:
    """Cut the packed tables (``pack_tables``) into views."""
    ints, floats = borrow(ints), borrow(floats)
    edges = at.PARAM_INTS + ints[at.P_TIMEFRAMES]
    sessions = edges + 3 * _EDGES
    features = at.PARAM_FLOATS + REGIME_PARAMS
    return Tables(
        ints[:edges], floats[: at.PARAM_FLOATS], borrow(name), ints[sessions:], floats[features:],
        floats[at.PARAM_FLOATS : features], ints[edges : edges + _EDGES],
        ints[edges + _EDGES : edges + 2 * _EDGES], ints[edges + 2 * _EDGES : sessions],
    )  # fmt: skip


def pack_tables(tables: Tables) -> tuple[Longs, Doubles, Bytes]:
    """Return the tables as one int64 vector, one float64 vector and the name."""
    ints = (tables.params, tables.state_at, tables.params_at, tables.out_at, tables.sessions)
    floats = (tables.scales, tables.regime_params, tables.feature_params)
    return np.concatenate(ints), np.concatenate(floats), tables.name


@njit(cache=True, forceinline=True)
def view_scratch(ints: Longs, floats: Doubles) -> Scratch:
    """Cut the packed room (``make_scratch``) into views."""
    ints, floats = borrow(ints), borrow(floats)
    rows, closed, width = ints[at.ROOM_ROWS], ints[at.ROOM_CLOSED], ints[at.ROOM_WIDTH]
    others = 2 * rows + 2
    a = at.COUNTS
    b = a + rows * at.ROW_INTS
    c = b + closed * at.OUT_INTS
    d = c + others * at.MARK_INTS
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


def make_scratch(rows: int, closed: int, width: int) -> tuple[Longs, Doubles]:
    """Return room for ``rows`` waiting rows and ``closed`` bars of ``width`` float columns, packed."""
    others = 2 * rows + 2
    ints = np.zeros(
        at.COUNTS + rows * at.ROW_INTS + closed * at.OUT_INTS + others * (at.MARK_INTS + at.REJECT_INTS),
        np.int64,
    )
    ints[at.ROOM_ROWS], ints[at.ROOM_CLOSED], ints[at.ROOM_WIDTH] = rows, closed, width
    return ints, np.zeros(rows * at.ROW_FLOATS + closed * width + others * (at.MARK_FLOATS + at.ROW_FLOATS))
