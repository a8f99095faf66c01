"""Real trades for the laws: the E-mini S&P 500 futures of 1 to 3 September 2013 that travel with the demo."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from schemas.blocks import encode_block
from schemas.market import Heartbeat, TradeBlock

FILE = Path(__file__).parents[2] / "infra/demo/es_trades.parquet"
MINUTE = 60 * 1_000_000_000


class Trades(NamedTuple):
    """Columns of n trades."""

    ts_ns: NDArray[np.int64]
    price: NDArray[np.float64]
    size: NDArray[np.float64]


@cache
def es_trades() -> Trades:
    """All trades, in order."""
    table = pq.read_table(FILE)
    ts_ns = table["ts_event_ns"].to_numpy()
    return Trades(
        ts_ns.astype(np.int64), table["price"].to_numpy(), table["size"].to_numpy().astype(np.float64)
    )


def messages(trades: Trades, edges: list[int], session: int = 1, final_ns: int = 0) -> list[bytes]:
    """Blocks that begin at ``edges``; each promises all that stands before the next; the last ends a minute later."""
    ts_ns, price, size = trades
    ends = [*edges[1:], len(ts_ns)]
    zeros = np.zeros(len(ts_ns), np.int64)
    last = final_ns or int(ts_ns[-1]) + MINUTE
    blocks = [
        TradeBlock(
            symbol="ES",
            venue="CME",
            session=session,
            seq=start,
            complete_to_ns=int(ts_ns[stop]) if stop < len(ts_ns) else int(ts_ns[-1]),
            ts_event_ns=ts_ns[start:stop],
            recv_delay_ns=zeros[start:stop],
            trade_id=zeros[start:stop],
            side=zeros[start:stop],
            price=price[start:stop],
            size=size[start:stop],
        )
        for start, stop in zip(edges, ends, strict=True)
    ]
    end = Heartbeat(
        symbol="ES", venue="CME", session=session, seq=len(ts_ns), complete_to_ns=last, final=True
    )
    return [*map(encode_block, blocks), encode_block(end)]
