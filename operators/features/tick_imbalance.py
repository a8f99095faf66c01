"""Did trades in this bar push the price up or down: (upticks - downticks) / (upticks + downticks), -1..1.

Signs by the tick rule (Lee and Ready, Journal of Finance 46 (1991) 733-746): an unchanged price carries the last sign.
NaN in a bar without a signed tick.
"""

from typing import ClassVar

import msgspec
import numpy as np
from numba import njit

from operators.bar_columns import DOWNTICKS, UPTICKS
from operators.features.feature import NAN, Kernel, Vector


@njit(cache=True, error_model="numpy")
def step(state: Vector, params: Vector, bar: Vector, out: Vector) -> None:
    """Fold one bar: state (0,), params (0,), out (1,)."""
    ticks = bar[UPTICKS] + bar[DOWNTICKS]
    out[0] = (bar[UPTICKS] - bar[DOWNTICKS]) / ticks if ticks > 0.0 else NAN


class TickImbalance(msgspec.Struct, frozen=True):
    """Balance of upticks and downticks within the bar.

    >>> from operators.features.fold import close_bars, fold
    >>> from operators.bar_columns import DOWNTICKS, UPTICKS
    >>> bars = close_bars([10.0] * 3)
    >>> bars[:, UPTICKS], bars[:, DOWNTICKS] = [3, 0, 0], [1, 1, 0]
    >>> fold(TickImbalance(), bars)[:, 0].tolist()
    [0.5, -1.0, nan]
    """

    VERSION: ClassVar[int] = 1

    @property
    def outputs(self) -> tuple[str, ...]:
        """One column: `tick_imbalance`."""
        return ("tick_imbalance",)

    @property
    def state_size(self) -> int:
        """None: the bar says it all."""
        return 0

    @property
    def nominal(self) -> int:
        """One bar."""
        return 1

    @property
    def warm(self) -> int:
        """As nominal."""
        return self.nominal

    @property
    def kernel(self) -> Kernel:
        """`step` of this file."""
        return step

    def params(self) -> Vector:
        """None."""
        return np.empty(0)

    def init(self) -> Vector:
        """None."""
        return np.empty(0)
