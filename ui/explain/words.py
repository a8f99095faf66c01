"""How are numbers, times and places of an explanation written? Plain letters, so that they can be copied."""

import math
from datetime import UTC, datetime

from flows.place import Place

_NANOS = 1_000_000_000
_BLOCKS = ("market_data", "bars", "features", "regimes", "marks")
_LENGTHS = (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))
REGIMES = {-1: "unknown", 0: "low", 1: "normal", 2: "high"}


def at(place: Place) -> str:
    """Return a place as commands take it; the row only where a record holds several.

    >>> at(Place("bars", 1, 20, 3)), at(Place("risk_decisions", 0, 7))
    ('bars/1@20.3', 'risk_decisions/0@7')
    """
    row = f".{place.ordinal}" if place.topic in _BLOCKS else ""
    return f"{place.topic}/{place.partition}@{place.offset}{row}"


def number(value: float) -> str:
    """Return a float as a person reads it: at most ten digits.

    >>> number(1633.4125), number(-0.0054115804), number(float("nan")), number(5126.0)
    ('1,633.4125', '-0.00541158', '-', '5,126')
    """
    if math.isnan(value):
        return "-"
    if value and abs(value) < 0.01:
        return f"{value:.6g}"
    text = f"{value:,.10g}" if abs(value) >= 1e6 else f"{value:,.6f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def moment(ts_ns: int) -> str:
    """Return a time as UTC text, without the digits that are zero.

    >>> moment(1_378_233_420_050_000_000), moment(1_378_233_420_000_000_000)
    ('2013-09-03 18:37:00.050', '2013-09-03 18:37:00')
    """
    seconds, rest = divmod(ts_ns, _NANOS)
    try:
        stem = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return f"{ts_ns} ns"
    digits = f"{rest:09d}"
    while digits.endswith("000"):
        digits = digits[:-3]
    return f"{stem}.{digits}" if digits else stem


def later(ts_ns: int, than_ns: int) -> str:
    """Return a time by how long after another one it is.

    >>> later(1_050_000_000, 1_000_000_000), later(90 * 10**9, 0), later(5, 5)
    ('0.05 s later', '1m 30s later', 'at once')
    """
    if ts_ns == than_ns:
        return "at once"
    said = duration(abs(ts_ns - than_ns))
    return f"{said} {'later' if ts_ns > than_ns else 'before'}"


def duration(ns: int) -> str:
    """Return a length of time in at most two units.

    >>> duration(60 * 10**9), duration(5_400 * 10**9), duration(250_000_000)
    ('1m', '1h 30m', '0.25 s')
    """
    if ns < 60 * _NANOS:
        return f"{ns / _NANOS:.4g} s"
    parts, left = [], ns // _NANOS
    for name, size in _LENGTHS:
        if left >= size:
            parts.append(f"{left // size}{name}")
            left %= size
    return " ".join(parts[:2])
