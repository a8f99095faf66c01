"""How long is "5m"? Durations as people write them: one number, one unit."""

import re
from typing import Annotated

import msgspec

UNITS_NS: dict[str, int] = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
}

_WORDS = "a duration: a number and one of ns, us, ms, s, m, h, d, such as '250ms', '1m' or '1d'"
_UNIT = "(ns|us|ms|s|m|h|d)"
_LENGTH = "[0-9]{1,18}([.][0-9]{1,9})?" + _UNIT
_POSITIVE = "[0-9]{0,9}[1-9][0-9]{0,9}" + _UNIT

Duration = Annotated[str, msgspec.Meta(pattern=f"^{_LENGTH}$", description=_WORDS)]
"""Zero or longer, fractions allowed: a wait, a delay."""
Timeframe = Annotated[
    str, msgspec.Meta(pattern=f"^{_POSITIVE}$", description=_WORDS + ", whole and above zero")
]
"""A whole number of units above zero: the length of a bar."""
MaybeDuration = Annotated[str, msgspec.Meta(pattern=f"^({_LENGTH})?$", description=_WORDS + ", or empty")]
MaybeTimeframe = Annotated[str, msgspec.Meta(pattern=f"^({_POSITIVE})?$", description=_WORDS + ", or empty")]

_PARTS = re.compile(r"([0-9]{1,18})(?:\.([0-9]{1,9}))?(ns|us|ms|s|m|h|d)")


def ns(duration: str) -> int:
    """Return the duration in nanoseconds, exactly; fractions below one nanosecond are cut off.

    Raises:
        ValueError: not a duration.

    >>> ns("250ms"), ns("1m"), ns("0.5s")
    (250000000, 60000000000, 500000000)
    """
    parts = _PARTS.fullmatch(duration)
    if parts is None:
        raise ValueError(f"{duration!r} is not {_WORDS}")
    whole, fraction, unit = parts.groups(default="")
    length: int = int(whole + fraction) * UNITS_NS[unit] // 10 ** len(fraction)
    return length


def text(length_ns: int) -> str:
    """Return a length in ns as a duration in the largest unit that keeps it whole.

    >>> text(60_000_000_000), text(1_500_000_000), text(0)
    ('1m', '1500ms', '0s')
    """
    if length_ns == 0:
        return "0s"
    for unit, size in reversed(UNITS_NS.items()):
        if length_ns % size == 0:
            return f"{length_ns // size}{unit}"
    raise AssertionError("every whole number of ns divides by one")
