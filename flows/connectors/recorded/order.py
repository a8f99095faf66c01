"""Do a file's rows stand in order of time?"""

import numpy as np

from flows.connectors.input_errors import InputError
from flows.connectors.recorded.times import LATEST_NS, show
from schemas.market import Longs

MOST_STRAGGLERS = 0.5


def check_order(path: str, ts_ns: Longs, disorder_ns: int, what: str = "") -> None:
    """Raise InputError if most rows are older, by more than the bound, than what came before them.

    ``ts_ns`` [rows] in file order. Fewer stragglers go on as they are: the symbol leg refuses each as late.
    """
    rows = np.flatnonzero((ts_ns > 0) & (ts_ns < LATEST_NS))
    usable = ts_ns[rows]
    reached = np.maximum.accumulate(usable)
    late = np.flatnonzero(usable < reached - disorder_ns)
    if len(late) <= MOST_STRAGGLERS * len(usable):
        return
    first = int(late[0])
    raise InputError(
        f"{path}: row {int(rows[first]) + 1}{what}: time goes back from {show(int(reached[first]))} to "
        f"{show(int(usable[first]))}, and {len(late):,} of {len(usable):,} rows are older than what stands before "
        "them: sort the file by time, or give a file for each symbol"
    )
