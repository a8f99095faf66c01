"""How do slices of market data become records, once each?"""

from collections.abc import Iterator

import msgspec
import numpy as np

from flows.connectors.gateway import Reject, Slice
from flows.connectors.log import Record
from flows.connectors.log_sink import Outgoing
from flows.progress import Progress
from schemas.account import DeadLetter
from schemas.blocks import decode_block, encode_block
from schemas.codec import DecodeError, decode, encode
from schemas.market import BarBlock, Gap, Heartbeat, MarketBlock, QuoteBlock, TradeBlock

_Stream = tuple[int, str, str]  # session, symbol, kind of block
_Waiting = tuple[
    dict[_Stream, int], dict[tuple[int, str], tuple[int, bool]], set[tuple[int, str, int]], set[str]
]


def _rows(block: MarketBlock) -> int:
    if isinstance(block, TradeBlock | QuoteBlock | BarBlock):
        return len(block.ts_event_ns)
    return 0


class GatewayOutbox:
    """Writes slices; knows how much of every session the log was found to hold.

    A session is a deterministic sequence, so what was written is its beginning: rows by their number, heartbeats by the
    time that they promise, gaps by where they start. What was met again is forgotten.
    """

    topics = ("market_data", "dead_letters")

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._next_seq: dict[_Stream, int] = {}
        self._promised: dict[tuple[int, str], tuple[int, bool]] = {}
        self._gaps: set[tuple[int, str, int]] = set()
        self._dead: set[str] = set()
        self._session: int | None = None
        self.skipped_rows = 0

    def recall(self, record: Record) -> None:
        """Note what a record holds."""
        try:
            if record.topic == "dead_letters":
                letter = decode(record.topic, record.value or b"")
                assert isinstance(letter, DeadLetter)
                if letter.partition < 0:
                    self._dead.add(letter.id)
            else:
                self._note(decode_block(record.value or b""))
        except DecodeError:
            return

    def waiting(self) -> _Waiting:
        """Return what waits: rows, promises, gaps, and lines that could not be read."""
        return self._next_seq, self._promised, self._gaps, self._dead

    def wait_for(self, waiting: _Waiting) -> None:
        """Wait for these."""
        self._next_seq, self._promised, self._gaps, self._dead = waiting

    def records(self, slice_: Slice) -> Iterator[Outgoing]:
        """Return a record a block that is not in the log yet, then one a line that could not be read."""
        promised = 0
        for whole in slice_.blocks:
            promised = max(promised, whole.complete_to_ns)
            block = self._new_part(whole)
            if block is None:
                self.skipped_rows += _rows(whole)
                continue
            self.skipped_rows += _rows(whole) - _rows(block)
            self._progress.ticks += _rows(block)
            self._progress.blocks += 1
            yield Outgoing(
                "market_data",
                block.symbol.encode(),
                encode_block(block),
                max(1, _time_ns(block) // 1_000_000),
            )
        for reject in slice_.rejects:
            if reject.id in self._dead:
                self._dead.discard(reject.id)
            else:
                self._progress.dead_letters += 1
                letter = _dead_letter(reject)
                yield Outgoing("dead_letters", letter.topic.encode(), encode(letter), 1)
        self._progress.market_data_sent(promised)
        self._progress.slices_written += 1

    def _note(self, block: MarketBlock) -> None:
        stream = (block.session, block.symbol, type(block).__name__)
        self._next_seq[stream] = max(self._next_seq.get(stream, 0), block.seq + _rows(block))
        promise = (block.complete_to_ns, block.final)
        key = (block.session, block.symbol)
        self._promised[key] = max(self._promised.get(key, promise), promise)
        if isinstance(block, Gap):
            self._gaps |= {(*key, from_ns) for from_ns in block.from_ns.tolist()}

    def _new_part(self, block: MarketBlock) -> MarketBlock | None:
        """Return the block without what the log holds of it; None where it holds all."""
        if self._session != block.session:
            self._forget_other_sessions(block.session)
        key = (block.session, block.symbol)
        if isinstance(block, Heartbeat):
            promise = self._promised.get(key, (-1, False))
            if promise < (block.complete_to_ns, block.final):
                self._promised.pop(key, None)
                return block
            return None
        if isinstance(block, Gap):
            gaps = {(*key, from_ns) for from_ns in block.from_ns.tolist()}
            known = gaps <= self._gaps
            self._gaps -= gaps
            return None if known else block
        return self._new_rows((*key, type(block).__name__), block)

    def _new_rows(self, stream: _Stream, block: MarketBlock) -> MarketBlock | None:
        next_seq = self._next_seq.get(stream, 0)
        end = block.seq + _rows(block)
        if end >= next_seq:
            self._next_seq.pop(stream, None)
        if next_seq <= block.seq:
            return block
        return None if next_seq >= end else _from_row(block, next_seq - block.seq)

    def _forget_other_sessions(self, session: int) -> None:
        """Drop what was recalled of sessions that this gateway will not speak of."""
        self._session = session
        self._next_seq = {stream: seq for stream, seq in self._next_seq.items() if stream[0] == session}
        self._promised = {key: promise for key, promise in self._promised.items() if key[0] == session}
        self._gaps = {gap for gap in self._gaps if gap[0] == session}


def _from_row(block: MarketBlock, first: int) -> MarketBlock:
    """Return the block from its row ``first`` on."""
    columns = {name: getattr(block, name) for name in block.__struct_fields__}
    rest = {name: column[first:] for name, column in columns.items() if isinstance(column, np.ndarray)}
    return msgspec.structs.replace(block, seq=block.seq + first, **rest)


def _time_ns(block: MarketBlock) -> int:
    if isinstance(block, TradeBlock | QuoteBlock | BarBlock):
        return int(block.ts_event_ns[-1])
    return block.complete_to_ns


def _dead_letter(reject: Reject) -> DeadLetter:
    return DeadLetter(
        id=reject.id,
        topic="market_data",
        partition=-1,
        offset=-1,
        ordinal=reject.line,
        symbol=reject.symbol,
        ts_event_ns=0,
        reason=reject.reason,
        detail=f"{reject.source}, line {reject.line}: {reject.detail}",
        original=reject.original,
    )
