"""What is a feature: frozen parameters, a flat state, and one compiled kernel that folds a bar into it.

A feature is a frozen struct of parameters. Its kernel has one shape for every feature:

    step(state, params, bar, out) -> None

with four float64 vectors: `state` (this feature's own slice, changed in place), `params` (its numbers), `bar`
(operators.bar_columns) and `out` (one number an output, written in full on every bar). An output is NaN where it is
unknown: before its nominal warm-up, or where its formula divides by zero (each file says where).

`nominal` is the number of bars after which every output has a value; `warm` the number after which that value no
longer depends on where the series began. Windowed features are warm at once; a recursive average keeps a trace of its
seed, and is called warm when that trace, relative to the price (to the 0..100 range of an oscillator, to itself for
ATR), is below 1e-4 for the median start and below 1e-3 for any start in the real series of tests/golden: 4 windows for
an EMA, 8 for RSI and ATR, 11 for ADX, 3 slow + 2 signal for MACD. Nothing may be decided before `warm`.

Kernels are compiled with error_model="numpy" (a possible ZeroDivisionError keeps numba from inlining: an EMA took 39 ns
instead of 4) and so must never divide by 0, where compiled and plain Python would differ.

numba's cache is keyed by the file that holds the kernel and does not notice a change in a function which it calls from
another file: the cache directory must be keyed by a hash of all sources, or be deleted after an edit.
"""

from collections.abc import Callable
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Kernel = Callable[[Vector, Vector, Vector, Vector], None]

NAN = float("nan")
# An average that only decays is set to 0 here: below about 1e-308 a double loses its digits and then never reaches 0.
TINY = 1e-290


class Feature(Protocol):
    """Parameters of one feature; a line of the registry in `operators.features`."""

    VERSION: ClassVar[int]  # raised when the kernel's numbers change; part of the feature-set hash

    @property
    def outputs(self) -> tuple[str, ...]:
        """Column names, in the order in which the kernel writes them."""

    @property
    def state_size(self) -> int:
        """Number of float64 in the state."""

    @property
    def nominal(self) -> int:
        """Bars until every output has a value."""

    @property
    def warm(self) -> int:
        """Bars until the value no longer depends on the start of the series."""

    @property
    def kernel(self) -> Kernel:
        """The compiled step."""

    def params(self) -> Vector:
        """The numbers that the kernel reads."""

    def init(self) -> Vector:
        """A new state, before the first bar."""


def require_at_least(least: float, **values: float) -> None:
    """Raise ValueError where a parameter is below `least`, naming it."""
    for name, value in values.items():
        if not value >= least:
            raise ValueError(f"{name} is {value}; it must be at least {least}: choose a larger {name}")
