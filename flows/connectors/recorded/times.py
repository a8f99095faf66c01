"""When was it? Epoch numbers of any unit and local wall times, as ns since 1970 UTC.

Units of epoch numbers follow from their size: seconds, milliseconds, microseconds and nanoseconds do not overlap
between 1973 and 2100. A wall time that the clocks of its zone skipped, or showed twice, is an error, never a guess.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfoNotFoundError

import numpy as np

from flows.connectors.input_errors import InputError
from flows.time_zones import zone_offsets
from schemas.market import Longs

LATEST_NS = 4_102_444_800_000_000_000
"""2100-01-01: later times are taken for damage, as one of them would end the session for all that follow."""
_QUARTER = 900_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)


def scale_of(number: int) -> int:
    """Return the ns in one unit of an epoch number of this size.

    >>> scale_of(1378072800), scale_of(1378072800083), scale_of(1378072800083000), scale_of(1378072800083000000)
    (1000000000, 1000000, 1000, 1)
    """
    size = abs(number)
    return 1_000_000_000 if size < 10**11 else 1_000_000 if size < 10**14 else 1_000 if size < 10**17 else 1


def is_usable(ts_ns: int) -> bool:
    """Say whether the time lies between 1970 and 2100."""
    return 0 < ts_ns < LATEST_NS


def show(ts_ns: int) -> str:
    """Return the time in UTC for a message.

    >>> show(1378072800083000000)
    '2013-09-01T22:00:00.083000Z'
    """
    return (_NAIVE_EPOCH + timedelta(microseconds=ts_ns // 1000)).isoformat() + "Z"


def read_time(text: str) -> tuple[int, bool]:
    """Return (ns, whether it is a wall time without a zone) of an ISO time, a date or an epoch number.

    Raises ValueError for anything else.

    >>> read_time("2020-12-15 09:30:00"), read_time("2020-12-15T09:30:00-05:00"), read_time("1608042600000")
    ((1608024600000000000, True), (1608042600000000000, False), (1608042600000000000, False))
    """
    text = text.strip()
    if text.isdigit() and len(text) != 8:
        return int(text) * scale_of(int(text)), False
    moment = datetime.fromisoformat(text)
    is_wall = moment.tzinfo is None
    since = moment - (_NAIVE_EPOCH if is_wall else _EPOCH)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000, is_wall


def wall_to_utc(wall_ns: Longs, zone_name: str, path: str, rows: Longs) -> Longs:
    """Return UTC ns of wall times [n] (ns since 1970 on the local clock), which stand in ``rows`` [n] of the file.

    Raises InputError, which names the row, for a time that the zone skipped or showed twice.
    """
    if zone_name == "UTC":
        return wall_ns
    try:
        offsets = zone_offsets(zone_name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError(
            f"no time zone {zone_name!r}: write a name such as America/New_York or UTC"
        ) from error
    if not len(wall_ns):
        return wall_ns
    offsets = offsets.between(int(wall_ns.min()), int(wall_ns.max()))
    unclear = np.flatnonzero(offsets.unclear(wall_ns)) if len(offsets.late_ns) else ()
    if len(unclear):
        at = int(unclear[np.argmin(wall_ns[unclear] // _QUARTER)])
        word = "was skipped by the clocks" if offsets.skips(int(wall_ns[at])) else "happened twice"
        raise InputError(
            f"{path}: row {int(rows[at])}: {show(int(wall_ns[at]))[:-1]} in {zone_name} {word} (daylight saving): "
            "the times are of another zone, or name it (UTC, or an offset such as -05:00) in the file"
        )
    return offsets.first_utc(wall_ns)
