"""Which time does a person mean? ISO 8601; UTC where it names no zone."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def time_ns(text: str) -> int | None:
    """Return a time in ns since 1970; None where the text is none, or lies before 1970.

    >>> time_ns("1970-01-01T00:00:01Z"), time_ns("1970-01-02"), time_ns("soon")
    (1000000000, 86400000000000, None)
    """
    try:
        found = datetime.fromisoformat(text)
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found
        microseconds = (found - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, OverflowError):
        return None
    return microseconds * 1000 if microseconds >= 0 else None
