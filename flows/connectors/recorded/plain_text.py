"""What number or time do some bytes say? Compiled readers of the usual forms, exact or not at all.

What is taken means what ``float``, ``datetime.fromisoformat`` and ``times.read_time`` make of it; the rest is theirs.

Numbers: with at most 2^53 as digits and at most 22 decimal places one division is correctly rounded (Clinger 1990, "How
to read floating point numbers accurately"); ``LONG`` ones are plain, and need more care.
"""

from calendar import isleap

import numpy as np
from numba import njit

from flows.connectors.recorded.times import LATEST_NS
from schemas.columns import Bytes

EXACT, LONG, NOT_PLAIN = range(3)
LONGEST_NUMBER = 48
SPACE, RETURN, NEWLINE, QUOTE, PLUS = 32, 13, 10, 34, 43

_TENS = np.array([float(10**i) for i in range(23)])
_MOST_DIGITS = 1 << 53
_MINUS, _POINT, _ZERO, _NINE, _COLON = 45, 46, 48, 57, 58
_T, _Z, _FIVE = 84, 90, 53
_E, _SMALL_E = 69, 101
_NANOS = 1_000_000_000
_DAY_NS = 86_400 * _NANOS
_YEARS = np.cumsum([0, *(365 + isleap(year) for year in range(1970, 2099))])
"""Days before each year from 1970 to 2099."""
_LENGTHS = np.array([[0, 31, 28 + leap, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] for leap in (0, 1)])
_MONTHS = np.cumsum(np.concatenate((np.zeros((2, 1), np.int64), _LENGTHS), axis=1), axis=1)
"""Days before each month, in common and in leap years."""


@njit(cache=True)
def _digits(buffer: Bytes, start: int, stop: int) -> int:
    """Return the number that the bytes are, below 5 * 10^18; -1 for anything else."""
    number = -1 if start >= stop else 0
    for i in range(start, stop):
        byte = buffer[i]
        if byte < _ZERO or byte > _NINE:
            return -1
        number = number * 10 + np.int64(byte - _ZERO)
    return number


@njit(cache=True)
def day_of(buffer: Bytes, start: int, stop: int) -> int:
    """Return the days since 1970 of YYYY-MM-DD or YYYYMMDD from 1970 to 2099, or -1."""
    dash = 1 if stop - start == 10 else 0
    if stop - start != 8 + 2 * dash:
        return -1
    if dash and (buffer[start + 4] != _MINUS or buffer[start + 7] != _MINUS):
        return -1
    year = _digits(buffer, start, start + 4)
    month = _digits(buffer, start + 4 + dash, start + 6 + dash)
    day = _digits(buffer, stop - 2, stop)
    if year < 1970 or year > 2099 or month < 1 or month > 12 or day < 1:
        return -1
    leap = 1 if year & 3 == 0 else 0
    if day > _LENGTHS[leap, month]:
        return -1
    return _YEARS[year - 1970] + _MONTHS[leap, month] + day - 1


@njit(cache=True)
def _zone(buffer: Bytes, start: int, stop: int) -> int:
    """Return the ns east of UTC of Z, +HH:MM or +HHMM; 1 for anything else."""
    length = stop - start
    if length == 1:
        return 0 if buffer[start] == _Z else 1
    colon = 1 if length == 6 else 0
    if length != 5 + colon or (colon and buffer[start + 3] != _COLON):
        return 1
    hours = _digits(buffer, start + 1, start + 3)
    minutes = _digits(buffer, stop - 2, stop)
    if hours < 0 or hours > 23 or minutes < 0 or minutes > 59:
        return 1
    seconds = (hours * 60 + minutes) * 60
    return (-seconds if buffer[start] == _MINUS else seconds) * _NANOS


@njit(cache=True)
def _of_day(buffer: Bytes, start: int, stop: int) -> int:
    """Return the ns of HH:MM, HH:MM:SS, HHMM or HHMMSS, seconds with 3 or 6 decimals; -1 for anything else."""
    colon = 1 if stop - start > 2 and buffer[start + 2] == _COLON else 0
    whole = start + 6 + 2 * colon
    fraction = 0
    if stop > whole:
        fraction = _digits(buffer, whole + 1, stop)
        places = stop - whole - 1
        if buffer[whole] != _POINT or fraction < 0 or (places != 3 and places != 6):
            return -1
        fraction *= 1_000_000 if places == 3 else 1000
        stop = whole
    second = 0
    if stop == whole:
        second = _digits(buffer, whole - 2, whole)
        if colon and buffer[whole - 3] != _COLON:
            return -1
    elif stop != whole - 2 - colon:
        return -1
    hour = _digits(buffer, start, start + 2)
    minute = _digits(buffer, start + 2 + colon, start + 4 + colon)
    if hour < 0 or hour > 23 or minute < 0 or minute > 59 or second < 0 or second > 59:
        return -1
    return ((hour * 60 + minute) * 60 + second) * _NANOS + fraction


@njit(cache=True)
def moment_of(buffer: Bytes, day: int, start: int, stop: int) -> tuple[int, int]:
    """Return (ns, whether without a zone) of a day and a time of it with or without a zone; (0, 0) where it is none."""
    zone_at = stop
    for i in range(start, stop):
        if buffer[i] == PLUS or buffer[i] == _MINUS or buffer[i] == _Z:
            zone_at = i
            break
    ns = _of_day(buffer, start, zone_at)
    east = _zone(buffer, zone_at, stop) if zone_at < stop else 0
    if day < 0 or ns < 0 or east == 1:
        return 0, 0
    return day * _DAY_NS + ns - east, 1 if zone_at == stop else 0


@njit(cache=True)
def time_of(buffer: Bytes, start: int, stop: int) -> tuple[int, int]:
    """Return (ns, whether without a zone) of an epoch number, date, or date and time; (0, 0) where it is none."""
    length = stop - start
    if length == 8 or length == 10:
        day = day_of(buffer, start, stop)
        if day >= 0:
            return day * _DAY_NS, 1
    if length < 19 or buffer[start] < _FIVE:
        number = _digits(buffer, start, stop) if length <= 19 and length != 8 else -1
        if number >= 0:
            scale = 1
            for most in (10**17, 10**14, 10**11):
                scale = scale * 1000 if number < most else scale
            return (number * scale, 0) if number < LATEST_NS // scale else (0, 0)
    at = start + (10 if length > 10 and buffer[start + 4] == _MINUS else 8)
    if at + 1 >= stop or (buffer[at] != SPACE and buffer[at] != _T):
        return 0, 0
    return moment_of(buffer, day_of(buffer, start, at), at + 1, stop)


@njit(cache=True)
def number_of(buffer: Bytes, start: int, stop: int) -> tuple[float, int]:
    """Return (the number, EXACT), or (0, LONG) for one that takes more care, or (0, NOT_PLAIN)."""
    if stop - start > LONGEST_NUMBER or start >= stop:
        return 0.0, NOT_PLAIN
    sign = buffer[start]
    start += 1 if sign in (_MINUS, PLUS) else 0
    digits, seen, power, point, i = np.int64(0), 0, 0, 0, start
    while i < stop:
        byte = buffer[i]
        if _ZERO <= byte <= _NINE:
            seen += 1
            if digits < 10**17:
                digits = digits * 10 + np.int64(byte - _ZERO)
                power -= point
            else:
                digits = 10**18
        elif byte == _POINT and not point:
            point = 1
        else:
            break
        i += 1
    if not seen:
        return 0.0, NOT_PLAIN
    if i < stop:
        if buffer[i] != _SMALL_E and buffer[i] != _E:
            return 0.0, NOT_PLAIN
        i += 1
        below = i < stop and buffer[i] == _MINUS
        i += 1 if i < stop and (below or buffer[i] == PLUS) else 0
        exponent = _digits(buffer, i, stop) if stop - i <= 2 else -1
        if exponent < 0:
            return 0.0, NOT_PLAIN
        power += -exponent if below else exponent
    if digits > _MOST_DIGITS or power > 22 or power < -22:
        return 0.0, LONG
    value = digits / _TENS[-power] if power < 0 else digits * _TENS[power]
    return (-value if sign == _MINUS else value), EXACT
