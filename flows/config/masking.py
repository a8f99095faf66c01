"""What must not be shown? Values of keys that look like secrets, and passwords inside URLs."""

import re
from collections.abc import Iterable

MASK = "********"

_SECRET = re.compile(r"passw|secret|key|token|credential|(^|\.)sasl\.", re.IGNORECASE)
_USER = re.compile(r"(?<=://)[^/@\s]+(?=@)")


def is_secret(path: Iterable[str]) -> bool:
    """Whether the key's last name says that its value is a secret.

    >>> is_secret(("log", "kafka", "sasl.password")), is_secret(("log", "url"))
    (True, False)
    """
    *_, last = path
    return _SECRET.search(last) is not None


def masked(path: Iterable[str], shown: str) -> str:
    """Return the value as it may be shown.

    >>> masked(("log", "url"), "kafka://me:hunter2@host:9092")
    'kafka://********@host:9092'
    """
    return MASK if shown and is_secret(path) else _USER.sub(MASK, shown)
