"""How a sum over a whole session keeps its last digits: Knuth's two-sum, the lost bits kept beside the total.

Takes two neighbouring float64 of a state: the rounded total and what rounding has lost. Error after N additions is
about eps + N eps^2, instead of N eps (Neumaier, ZAMM 54 (1974) 39-51).
"""

from numba import njit

from operators.features.feature import Vector


@njit(cache=True, error_model="numpy")
def add(state: Vector, at: int, value: float) -> None:
    """Add `value` to the total at `state[at]`, its lost bits at `state[at + 1]`."""
    before = state[at]
    after = before + value
    part = after - before
    state[at + 1] += (before - (after - part)) + (value - part)
    state[at] = after


@njit(cache=True, error_model="numpy")
def total(state: Vector, at: int) -> float:
    """The total with its lost bits, rounded once."""
    return float(state[at] + state[at + 1])
