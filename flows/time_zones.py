"""When do the clocks of a time zone change, and what do they show until then?

``zoneinfo`` answers for one moment at a time; a table of its few changes answers for a million in one search.
"""

from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from numpy.typing import NDArray

_NAIVE_EPOCH = datetime(1970, 1, 1)
_FIRST_DAY, _LAST_DAY = -365, 130 * 366
_STEP_DAYS = 5
"""No zone of the IANA list has changed its clocks twice within six days since 1970 (Brazil in 2000: 6.96)."""
_NANOS = 1_000_000_000


class ZoneOffsets(msgspec.Struct, frozen=True):
    """A zone from 1969 to 2100: ``offsets_ns`` [n + 1] east of UTC, and the n moments between them on its own clock.

    Between ``early_ns`` [n] and ``late_ns`` [n] of a change the clock was skipped, or showed every time twice.
    """

    early_ns: NDArray[np.int64]
    late_ns: NDArray[np.int64]
    offsets_ns: NDArray[np.int64]

    def first_utc(self, wall_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return UTC ns of times on the zone's clock; the first of two, and a skipped one as if before the change."""
        return wall_ns - self.offsets_ns[np.searchsorted(self.late_ns, wall_ns, "right")]

    def unclear(self, wall_ns: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which times the clock skipped or showed twice."""
        changes = np.searchsorted(self.early_ns, wall_ns, "right")
        return changes != np.searchsorted(self.late_ns, wall_ns, "right")

    def skips(self, wall_ns: int) -> bool:
        """Say whether the change around an unclear time skipped it, and did not show it twice."""
        change = int(np.searchsorted(self.late_ns, wall_ns, "right"))
        return bool(self.offsets_ns[change + 1] > self.offsets_ns[change])

    def between(self, first_ns: int, last_ns: int) -> "ZoneOffsets":
        """Return what matters for times on the zone's clock from ``first_ns`` to ``last_ns``."""
        start = int(np.searchsorted(self.late_ns, first_ns, "right"))
        stop = int(np.searchsorted(self.early_ns, last_ns, "right"))
        return ZoneOffsets(
            self.early_ns[start:stop], self.late_ns[start:stop], self.offsets_ns[start : stop + 1]
        )


@cache
def zone_offsets(name: str) -> ZoneOffsets:
    """Return the table of a time zone; ZoneInfoNotFoundError, ValueError or OSError where there is none of the name."""
    zone = ZoneInfo(name)
    days = _days()
    seen = [_seconds(shown) for shown in map(zone.utcoffset, days)]
    early, late, offsets = [], [], seen[:1]
    for i in np.flatnonzero(np.diff(seen)).tolist():
        before, after = seen[i : i + 2]
        change = _change(zone, days[i], after)
        early.append(change - abs(after - before))
        late.append(change)
        offsets.append(after)
    return ZoneOffsets(*(np.array(column, np.int64) * _NANOS for column in (early, late, offsets)))


@cache
def _days() -> list[datetime]:
    return [_NAIVE_EPOCH + timedelta(days=day) for day in range(_FIRST_DAY, _LAST_DAY, _STEP_DAYS)]


def _change(zone: ZoneInfo, since: datetime, after: int) -> int:
    """Return the first second, on its own clock, at which the zone has the offset ``after``: mostly a full hour."""
    low, high, step = 0, _STEP_DAYS * 86_400, 3600
    while high - low > 1:
        middle = high - 1 if high - low == 3600 == step else (low + high) // 2 // step * step
        step = 1 if high - low == 3600 else step
        if _seconds(zone.utcoffset(since + timedelta(seconds=middle))) == after:
            high = middle
        else:
            low = middle
    return int((since - _NAIVE_EPOCH).total_seconds()) + high


def _seconds(offset: timedelta | None) -> int:
    return 0 if offset is None else offset.days * 86_400 + offset.seconds
