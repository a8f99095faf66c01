"""What is said about markets: blocks of market data in columns, and marks.

A block is a run of rows of one symbol. Every block starts with the same header; its columns are numpy arrays of one
length. Field meanings and units are documented in ``schemas/avro/market_data.avsc`` and ``marks.avsc``.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

Longs = NDArray[np.int64]
Doubles = NDArray[np.float64]


class BlockHeader(msgspec.Struct, frozen=True, kw_only=True):
    """Whose rows they are, which they are, and how far the source has been heard."""

    symbol: str
    venue: str
    session: int
    seq: int
    complete_to_ns: int
    final: bool = False


class TradeBlock(BlockHeader, frozen=True, kw_only=True):
    """A run of trades."""

    ts_event_ns: Longs
    recv_delay_ns: Longs
    trade_id: Longs
    side: Longs
    price: Doubles
    size: Doubles


class QuoteBlock(BlockHeader, frozen=True, kw_only=True):
    """A run of best bid and ask updates."""

    ts_event_ns: Longs
    recv_delay_ns: Longs
    update_id: Longs
    bid_price: Doubles
    bid_size: Doubles
    ask_price: Doubles
    ask_size: Doubles


class BarBlock(BlockHeader, frozen=True, kw_only=True):
    """A run of bars as a venue or vendor reports them; ``ts_event_ns`` is the close time."""

    ts_event_ns: Longs
    recv_delay_ns: Longs
    interval_ns: Longs
    open: Doubles
    high: Doubles
    low: Doubles
    close: Doubles
    volume: Doubles


class Heartbeat(BlockHeader, frozen=True, kw_only=True):
    """Time passed and nothing happened."""


class Gap(BlockHeader, frozen=True, kw_only=True):
    """The source knows that events are missing."""

    from_ns: Longs
    to_ns: Longs
    first_missing_id: Longs
    last_missing_id: Longs
    reason: str


MarketBlock = TradeBlock | QuoteBlock | BarBlock | Heartbeat | Gap


class Mark(msgspec.Struct, frozen=True, gc=False):
    """One symbol's prices over one interval of event time, as the account leg reads them."""

    symbol: str
    ts_event_ns: int
    ts_last_ns: int
    ts_open_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    bid: float
    ask: float
    volatility: float
