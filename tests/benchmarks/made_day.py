"""A made-up day of trades, and the market going on after it: what the benchmarks of whole runs read.

Every symbol trades evenly, one tick each `tick_ns` of event time, on a random walk of cents from 100. Ticks stand in
blocks of `per_block`; prices are the same for every way of cutting.
"""

from collections.abc import Iterator

import msgspec
import numpy as np

from schemas.blocks import encode_block
from schemas.market import TradeBlock

SECOND = 1_000_000_000
START_NS = 1_790_000_000 * SECOND

Message = tuple[bytes, bytes, int]
"""Key, value, event time (ns) up to which the symbol has been heard."""


class Market(msgspec.Struct, frozen=True):
    """`symbols` that trade once each `tick_ns`; `ticks` is how many of a symbol there are prices for."""

    symbols: int
    tick_ns: int
    ticks: int

    def names(self) -> list[str]:
        """SYN000, SYN001, ..."""
        return [f"SYN{i:03d}" for i in range(self.symbols)]

    def prices(self) -> np.ndarray:
        """[symbols, ticks]; whole cents, never below one."""
        steps = np.random.default_rng(1).normal(0.0, 2e-4, (self.symbols, self.ticks))
        return np.maximum(np.round(100.0 * np.exp(np.cumsum(steps, 1)), 2), 0.01)

    def messages(self, prices: np.ndarray, first: int, end: int, per_block: int) -> Iterator[Message]:
        """Ticks [first, end) of every symbol, block after block, all symbols of a block in turn."""
        names = self.names()
        for at in range(first, end, per_block):
            ids = np.arange(at, min(at + per_block, end))
            zeros = np.zeros(len(ids), np.int64)
            times = START_NS + ids * self.tick_ns
            heard = int(times[-1]) + self.tick_ns
            side = np.where(ids % 2, 1, -1)
            for row, name in enumerate(names):
                block = TradeBlock(
                    symbol=name, venue="BENCH", session=1, seq=at, complete_to_ns=heard, ts_event_ns=times,
                    recv_delay_ns=zeros, trade_id=ids, side=side, price=prices[row, ids], size=zeros + 1.0,
                )  # fmt: skip
                yield name.encode(), encode_block(block), heard
