"""Are two runs equal? One digest a topic, over its events and not over how they were cut into records.

Rows of block topics are hashed symbol by symbol, in order: all integers, and all floats by their bits. Events of single
records are hashed with every field (as MessagePack, a fifth of the cost of Avro): signals symbol by symbol, those of an
account in its order. Alerts and dead letters come from several writers, between which there is no order: their hashes
are added up. Block heads (``complete_to``, counts of signals) depend on polls and are left out; so is the journal: it
says how inputs were cut. What is no part of a run (``flows.lanes.concerns``) is not hashed.
"""

from hashlib import blake2b
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from flows import stop
from flows.connectors.held import held
from flows.connectors.log import Log
from flows.lanes import DERIVED, UNORDERED, concerns
from schemas.codec import BLOCK_TOPICS, DecodeError, Event, decode, decode_rows, topic_of
from schemas.orders import Signal

_SIZE = 16
_PLAIN = msgspec.msgpack.Encoder()
_MODULUS = 1 << (8 * _SIZE)


class TopicDigest(msgspec.Struct, frozen=True):
    """Events (rows count one by one) and the digest over them, 32 hexadecimal digits."""

    events: int
    digest: str


class Digests:
    """Running digests of every topic; feed it in log order, from one run or from one log."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = dict.fromkeys(DERIVED, 0)
        self._hashes: dict[tuple[str, str], tuple[Any, Any]] = {}
        self._sums: dict[str, int] = dict.fromkeys(UNORDERED, 0)

    def rows(self, topic: str, symbol: str, longs: NDArray[np.int64], doubles: NDArray[np.float64]) -> None:
        """Add rows of one symbol of a block topic: longs [n, k] and doubles [n, m], in the schema's order."""
        self._counts[topic] += len(longs)
        integers, floats = self._group(topic, symbol)
        integers.update(np.ascontiguousarray(longs).data)
        floats.update(np.ascontiguousarray(doubles).data)

    def event(self, event: Event) -> None:
        """Add one event of a single-record topic."""
        group = event.symbol if isinstance(event, Signal) else ""
        self.bits(topic_of(event), group, _PLAIN.encode(event))

    def bits(self, topic: str, group: str, value: bytes) -> None:
        """Add what stands for one event; those of a group have an order."""
        self._counts[topic] += 1
        if topic in UNORDERED:
            hashed = int.from_bytes(blake2b(value, digest_size=_SIZE).digest(), "big")
            self._sums[topic] = (self._sums[topic] + hashed) % _MODULUS
        else:
            self._group(topic, group)[0].update(value)

    def record(self, topic: str, value: bytes) -> bool:
        """Add a record of a log; False where it cannot be decoded (it is not added)."""
        try:
            if topic in BLOCK_TOPICS:
                rows = decode_rows(topic, value)
                self.rows(topic, rows.head["symbol"], rows.longs, rows.doubles)
            else:
                self.event(decode(topic, value))
        except DecodeError:
            return False
        return True

    def results(self) -> dict[str, TopicDigest]:
        """Return the digest of every topic up to now."""
        return {topic: TopicDigest(self._counts[topic], self._digest(topic)) for topic in DERIVED}

    def _group(self, topic: str, symbol: str) -> tuple[Any, Any]:
        group = self._hashes.get((topic, symbol))
        if group is None:
            group = (blake2b(digest_size=_SIZE), blake2b(digest_size=_SIZE))
            self._hashes[topic, symbol] = group
        return group

    def _digest(self, topic: str) -> str:
        if topic in UNORDERED:
            return self._sums[topic].to_bytes(_SIZE, "big").hex()
        whole = blake2b(digest_size=_SIZE)
        for name, symbol in sorted(self._hashes):
            if name == topic:
                whole.update(symbol.encode() + b"\0")
                for part in self._hashes[name, symbol]:
                    whole.update(part.digest())
        return whole.hexdigest()


def digests_of(log: Log, account: str) -> dict[str, TopicDigest]:
    """Return the digest of every topic as ``log`` holds it now, without what is no part of the account's run.

    Where someone asks to stop, they are of what was read so far.

    Raises:
        LogError: the log cannot be read.
    """
    found = Digests()
    for topic in DERIVED:
        for record in held(log, topic):
            value = record.value or b""
            if stop.asked():
                return found.results()
            if concerns(topic, record.key, value, account, record.headers):
                found.record(topic, value)
    return found.results()
