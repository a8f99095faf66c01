"""Which trading day is it, and how many are in a year?

A trading day is the stretch ``(start, end]`` of 24 hours that begins ``offset`` after midnight UTC; it is named by
the date in its middle, so that a day from 22:00 to 22:00 is that of its morning. Days without an update do not
exist.

A calendar without a single Saturday is one of weekdays: 252 days a year, and an evening session on Sunday belongs
to Monday. Any other has 365.
"""

from datetime import date

import numpy as np
from numpy.typing import NDArray

DAY_NS = 86_400_000_000_000
WEEKDAYS, ALL_DAYS = 252, 365
_EPOCH = date(1970, 1, 1).toordinal()
SATURDAY, SUNDAY = 5, 6


def day_number(ts_ns: int, offset_ns: int) -> int:
    """Return the number of the time's trading day, 0 being 1970-01-01.

    >>> HOUR = 3_600_000_000_000
    >>> day_number(24 * HOUR, 0), day_number(24 * HOUR + 1, 0), day_number(23 * HOUR, 22 * HOUR)
    (0, 1, 1)
    """
    return (ts_ns - 1 - offset_ns) // DAY_NS + (offset_ns + DAY_NS // 2) // DAY_NS


def day_end_ns(number: int, offset_ns: int) -> int:
    """Return the last nanosecond of a trading day."""
    return (number + 1 - (offset_ns + DAY_NS // 2) // DAY_NS) * DAY_NS + offset_ns


def date_of(number: int) -> str:
    """Return a day as ``2013-09-02``."""
    return date.fromordinal(_EPOCH + number).isoformat()


def month_of(number: int) -> int:
    """Return the number of a day's month, 12 a year from the year 0."""
    day = date.fromordinal(_EPOCH + number)
    return day.year * 12 + day.month - 1


def last_day_of_month(number: int) -> int:
    """Return the number of the last day of a day's month.

    >>> last_day_of_month(0), last_day_of_month(30), last_day_of_month(31)
    (30, 30, 58)
    """
    month = month_of(number) + 1
    return date(month // 12, month % 12 + 1, 1).toordinal() - _EPOCH - 1


def weekday(number: int) -> int:
    """Return a day's weekday, 0 being Monday.

    >>> weekday(0)
    3
    """
    return (number + 3) % 7


def month_name(month: int) -> str:
    """Return a month as ``2013-09``.

    >>> month_name(month_of(0))
    '1970-01'
    """
    return f"{month // 12:04d}-{month % 12 + 1:02d}"


def trading_days(numbers: NDArray[np.int64]) -> tuple[NDArray[np.bool_], int]:
    """Return which of the days' ends count, and the days of a year.

    >>> friday, saturday, sunday, monday = 1, 2, 3, 4
    >>> trading_days(np.array([friday, sunday, monday]))
    (array([ True, False,  True]), 252)
    >>> trading_days(np.array([friday, saturday, sunday]))
    (array([ True,  True,  True]), 365)
    """
    weekdays = (numbers + 3) % 7
    if (weekdays == SATURDAY).any():
        return np.ones(len(numbers), np.bool_), ALL_DAYS
    counts = weekdays != SUNDAY
    counts[-1:] = True
    return counts, WEEKDAYS
