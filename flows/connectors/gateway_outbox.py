"""How do slices of market data become records, once each?"""

from collections.abc import Iterator

from flows.connectors.gateway import Reject, Slice
from flows.connectors.log import Record
from flows.connectors.log_sink import Outgoing
from flows.progress import Progress
from schemas.account import DeadLetter
from schemas.blocks import decode_block, encode_block
from schemas.codec import DecodeError, decode, encode
from schemas.market import BarBlock, Gap, Heartbeat, MarketBlock, QuoteBlock, TradeBlock

_Stream = tuple[int, str, str]  # session, symbol, kind of block


def _rows(block: MarketBlock) -> int:
    if isinstance(block, TradeBlock | QuoteBlock | BarBlock):
        return len(block.ts_event_ns)
    return 0


class GatewayOutbox:
    """Writes slices; knows how much of every session the log was found to hold.

    A session is a deterministic sequence, so what was written is its beginning: rows by their number, heartbeats by the
    time that they promise, gaps by where they start.
    """

    topics = ("market_data", "dead_letters")

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._next_seq: dict[_Stream, int] = {}
        self._promised: dict[tuple[int, str], tuple[int, bool]] = {}
        self._gaps: set[tuple[int, str, int]] = set()
        self._dead: set[str] = set()
        self.skipped_rows = 0

    def recall(self, record: Record) -> None:
        """Note what a record holds."""
        try:
            if record.topic == "dead_letters":
                letter = decode(record.topic, record.value or b"")
                assert isinstance(letter, DeadLetter)
                self._dead.add(letter.id)
            else:
                self._note(decode_block(record.value or b""))
        except DecodeError:
            return

    def records(self, slice_: Slice) -> Iterator[Outgoing]:
        """Return a record a block that is not in the log yet, then one a line that could not be read."""
        promised = 0
        for block in slice_.blocks:
            promised = max(promised, block.complete_to_ns)
            if self._is_known(block):
                self.skipped_rows += _rows(block)
                continue
            self._progress.ticks += _rows(block)
            self._progress.blocks += 1
            yield Outgoing(
                "market_data",
                block.symbol.encode(),
                encode_block(block),
                max(1, _time_ns(block) // 1_000_000),
            )
        for reject in slice_.rejects:
            if reject.id not in self._dead:
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

    def _is_known(self, block: MarketBlock) -> bool:
        if not self._promised:
            return False
        key = (block.session, block.symbol)
        if isinstance(block, Heartbeat):
            return self._promised.get(key, (-1, False)) >= (block.complete_to_ns, block.final)
        if isinstance(block, Gap):
            return all((*key, from_ns) in self._gaps for from_ns in block.from_ns.tolist())
        return self._next_seq.get((*key, type(block).__name__), 0) >= block.seq + _rows(block)


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
