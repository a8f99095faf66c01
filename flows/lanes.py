"""Which events of a topic keep an order among each other, and what is each of them, bit for bit?

A log orders the records of a partition, and how events were cut into records is nobody's promise. What two runs that
say the same have in common is the order inside a *lane*:

    bars features regimes marks trade_signals      symbol
    risk_decisions, execution_ and portfolio_      account
    alerts, dead_letters                           none: several writers say them, between which there is no order

What other accounts of the log said is no part of a run, and neither are the rows that a gateway could not read: they
came in with the market data, and no leg says them again.
"""

from collections.abc import Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from flows.connectors.log import Headers
from flows.connectors.refused_inputs import is_said_by
from schemas.account import Alert, DeadLetter
from schemas.block_codec import Rows
from schemas.codec import BLOCK_TOPICS, DecodeError, decode, decode_rows
from schemas.event_ids import event_id
from schemas.orders import Signal

Lane = tuple[str, str]
"""The topic, and the symbol or account whose order it keeps."""

BY_SYMBOL = ("bars", "features", "regimes", "marks", "trade_signals")
BY_ACCOUNT = ("risk_decisions", "execution_requests", "execution_reports", "portfolio_updates")
UNORDERED = ("alerts", "dead_letters")
DERIVED = (*BY_SYMBOL, *BY_ACCOUNT, *UNORDERED)
"""Topics that are a function of market data, commands and settings."""
_ANY_ACCOUNT = "account:"
"""What an alert's source begins with where an account's leg said it."""
_IDENTITY = ("ts_event_ns", "timeframe_ns", "revision")
_NO_LONGS = np.empty((1, 0), np.int64)


def concerns(topic: str, key: bytes, value: bytes, account: str, headers: Headers = ()) -> bool:
    """Whether a record of a derived topic is of the run of ``account``; one that cannot be read is."""
    if topic in BY_ACCOUNT or topic == "trade_signals":
        return key == account.encode()
    if topic not in UNORDERED:
        return True
    try:
        event = decode(topic, value)
    except DecodeError:
        return True
    if isinstance(event, Alert):
        return not event.source.startswith(_ANY_ACCOUNT) or event.source == f"{_ANY_ACCOUNT}{account}"
    return not isinstance(event, DeadLetter) or (event.partition >= 0 and is_said_by(headers, account))


class Stretch(msgspec.Struct, gc=False):
    """Events ``at`` to ``count`` of one record, in order; all of one lane.

    Those of a block stand in ``longs`` [count, k] and ``bits`` [count, m], the doubles as they lie in memory; a single
    record is its ``value``. ``origin`` says where they come from: their place in a log, or what made them.
    """

    lane: Lane
    value: bytes
    origin: object
    count: int
    shape: bytes = b""
    longs: NDArray[np.int64] = _NO_LONGS
    bits: NDArray[np.int64] = _NO_LONGS
    names: tuple[int, ...] = ()
    at: int = 0

    @property
    def is_block(self) -> bool:
        """Whether its events are rows."""
        return bool(self.shape)

    @property
    def left(self) -> int:
        """How many events it still holds."""
        return self.count - self.at

    def equal(self, other: "Stretch") -> int:
        """Return how many of its next events are the next events of ``other``, bit for bit."""
        if not self.is_block or not other.is_block:
            return int(self.value == other.value)
        if self.shape != other.shape:
            return 0
        most = min(self.left, other.left)
        mine, others = slice(self.at, self.at + most), slice(other.at, other.at + most)
        same = (self.longs[mine] == other.longs[others]).all(axis=1)
        same &= (self.bits[mine] == other.bits[others]).all(axis=1)
        return most if same.all() else int(same.argmin())

    def one(self) -> "Stretch":
        """Return the next event alone."""
        return msgspec.structs.replace(self, count=self.at + 1)

    def events(self) -> Iterator["Stretch"]:
        """Yield the events that are left, one by one."""
        for at in range(self.at, self.count):
            yield msgspec.structs.replace(self, at=at, count=at + 1)

    def name(self) -> object:
        """Return what tells the next event from the others of its lane."""
        if self.is_block:
            return tuple(self.longs[self.at, self.names].tolist())
        try:
            return event_id(decode(self.lane[0], self.value))
        except (DecodeError, KeyError):
            return self.value

    @property
    def is_readable(self) -> bool:
        """Whether it is a record of its topic."""
        return self.is_block or not isinstance(self.name(), bytes)


def stretches(topic: str, key: bytes, value: bytes, origin: object) -> Iterator[Stretch]:
    """Yield the events of one record; nothing for a block without rows.

    Raises:
        DecodeError: the bytes are not a record of ``topic``.
    """
    if topic in BLOCK_TOPICS:
        yield from rows_of(topic, value, origin, decode_rows(topic, value))
        return
    within = key.decode("utf-8", "replace")
    if topic in UNORDERED:
        within = ""
    elif topic == "trade_signals":
        event = decode(topic, value)
        assert isinstance(event, Signal)
        within = event.symbol
    yield Stretch((topic, within), value, origin, 1)


def unreadable(topic: str, key: bytes, value: bytes, origin: object) -> Stretch:
    """Return the one event that a record stands for that cannot be read."""
    return Stretch((topic, "" if topic in UNORDERED else key.decode("utf-8", "replace")), value, origin, 1)


def rows_of(topic: str, value: bytes, origin: object, block: Rows) -> Iterator[Stretch]:
    """Yield the rows of a decoded block as one stretch; nothing where it has none."""
    if not len(block.longs):
        return
    said_once = str(block.head.get("feature_set", ""))
    shape = " ".join((block.record, said_once, *block.long_names, *block.double_names)).encode()
    names = tuple(block.long_names.index(name) for name in _IDENTITY if name in block.long_names)
    doubles = np.ascontiguousarray(block.doubles)
    yield Stretch(
        lane=(topic, block.head["symbol"]),
        value=value,
        origin=origin,
        count=len(block.longs),
        shape=shape,
        longs=block.longs,
        bits=doubles.view(np.int64),
        names=names,
    )
