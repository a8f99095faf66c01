"""How are messages read that another version of the schema wrote? Rewritten as today's, before compiled code sees them.

Compiled code reads one layout. It stops at the first message of another one; from there on the rest of the symbol's
poll is rewritten. What no version known here wrote becomes a bare header, which compiled code refuses like any garbage.
"""

from operators.symbol_poll import END, OFFSET, START, Poll
from schemas.blocks import as_today
from schemas.codec import DecodeError, frame

_NOTHING = frame("market_data")[:-1]


def in_todays_version(poll: Poll, first: int, end: int) -> Poll:
    """Return the messages [first, end) of a poll as a poll of its own, all with today's header."""
    places = poll.places[first:end].tolist()
    values = [_rewritten(poll.memory[place[START] : place[END]].tobytes()) for place in places]
    return Poll.of([place[OFFSET] for place in places], values)


def _rewritten(value: bytes) -> bytes:
    if value.startswith(_NOTHING):
        return value
    try:
        return as_today(value)
    except DecodeError:
        return _NOTHING
