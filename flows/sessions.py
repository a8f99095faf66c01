"""When do the trading sessions of an instrument begin? Civil times of day become instants, daylight saving included."""

from functools import cache
from zoneinfo import ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from flows.time_zones import zone_offsets
from operators.instruments import InstrumentError, InstrumentTable

_DAY_NS = 86_400_000_000_000
_DAYS = 100 * 365


@cache
def session_starts(timezone: str, start: str) -> NDArray[np.int64]:
    """Return the instants (UTC ns) of the time of day ``start`` ("HH:MM") in ``timezone``, from 2 January 1970 to 2069.

    Raises:
        InstrumentError: no such time zone.
    """
    try:
        offsets = zone_offsets(timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InstrumentError(
            f"there is no time zone {timezone!r}; use a name of the IANA list such as America/New_York"
        ) from error
    hour, minute = (int(part) for part in start.split(":"))
    first_ns = _DAY_NS + (hour * 60 + minute) * 60_000_000_000
    return offsets.first_utc(first_ns + np.arange(_DAYS, dtype=np.int64) * _DAY_NS)


def sessions_of(instruments: InstrumentTable) -> dict[str, NDArray[np.int64]]:
    """Return the session starts of every row of the table, by "timezone start"."""
    pairs = {(row.session_timezone, row.session_start) for row in instruments.rows.values()}
    return {f"{timezone} {start}": session_starts(timezone, start) for timezone, start in sorted(pairs)}
