"""When do the trading sessions of an instrument begin? Civil times of day become instants, daylight saving included."""

from datetime import datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from operators.instruments import InstrumentError, InstrumentTable

_FIRST = datetime(1970, 1, 2)
_DAYS = 100 * 365


@cache
def session_starts(timezone: str, start: str) -> NDArray[np.int64]:
    """Return the instants (UTC ns) of the time of day ``start`` ("HH:MM") in ``timezone``, 1970 to 2069.

    Raises:
        InstrumentError: no such time zone.
    """
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InstrumentError(
            f"there is no time zone {timezone!r}; use a name of the IANA list such as America/New_York"
        ) from error
    hour, minute = (int(part) for part in start.split(":"))
    if timezone == "UTC":
        first_ns = int(datetime.combine(_FIRST.date(), time(hour, minute), zone).timestamp()) * 1_000_000_000
        return first_ns + np.arange(_DAYS, dtype=np.int64) * 86_400_000_000_000
    days = (
        datetime.combine((_FIRST + timedelta(days=i)).date(), time(hour, minute), zone) for i in range(_DAYS)
    )
    return np.array([int(day.timestamp()) * 1_000_000_000 for day in days], np.int64)


def sessions_of(instruments: InstrumentTable) -> dict[str, NDArray[np.int64]]:
    """Return the session starts of every row of the table, by "timezone start"."""
    pairs = {(row.session_timezone, row.session_start) for row in instruments.rows.values()}
    return {f"{timezone} {start}": session_starts(timezone, start) for timezone, start in sorted(pairs)}
