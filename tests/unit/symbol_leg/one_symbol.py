"""One symbol's blocks, said in a line, and what the leg says to them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from flows.sessions import sessions_of
from operators import symbol_layout as at
from operators.instruments import DEFAULT_TABLE
from operators.symbol_leg import SymbolLeg, SymbolOutput, SymbolParameters, SymbolState
from schemas.blocks import encode_block
from schemas.market import BarBlock, Gap, Heartbeat, QuoteBlock, TradeBlock

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
START = 1_700_000_000 * SECOND // (60 * MINUTE) * 60 * MINUTE
"""A full hour; times below are seconds after it."""
QUALITY = {at.COMPLETE: "complete", at.PARTIAL: "partial", at.REPAIRED: "repaired"}


def ns(seconds: float) -> int:
    """Instant of a time in seconds after START."""
    return START + round(seconds * SECOND)


class Source:
    """Writes blocks of one symbol in one session, numbering the rows; times in seconds after START."""

    def __init__(self, symbol: str = "ES", session: int = 1) -> None:
        self._head: dict[str, Any] = {"symbol": symbol, "venue": "TEST", "session": session}
        self._next = {"trade": 0, "quote": 0, "bar": 0}

    def trades(
        self, *rows: tuple[float, ...], to: float, ids: Sequence[int] = (), sides: Sequence[int] = ()
    ) -> bytes:
        """Rows of (time, price, size)."""
        times, prices, sizes = zip(*rows, strict=True)
        return encode_block(
            TradeBlock(
                **self._block("trade", times, to),
                trade_id=np.array(ids or [0] * len(rows)),
                side=np.array(sides or [0] * len(rows)),
                price=np.array(prices, np.float64),
                size=np.array(sizes, np.float64),
            )
        )

    def quotes(self, *rows: tuple[float, ...], to: float, ids: Sequence[int] = ()) -> bytes:
        """Rows of (time, bid, bid size, ask, ask size)."""
        columns = [np.array(column, np.float64) for column in zip(*rows, strict=True)]
        names = ("bid_price", "bid_size", "ask_price", "ask_size")
        prices: dict[str, Any] = dict(zip(names, columns[1:], strict=True))
        head = self._block("quote", columns[0].tolist(), to)
        return encode_block(QuoteBlock(**head, update_id=np.array(ids or [0] * len(rows)), **prices))

    def bars(self, *rows: tuple[float, ...], to: float, interval: float = 60.0) -> bytes:
        """Rows of (close time, open, high, low, close, volume)."""
        columns = [np.array(column, np.float64) for column in zip(*rows, strict=True)]
        names = ("open", "high", "low", "close", "volume")
        prices: dict[str, Any] = dict(zip(names, columns[1:], strict=True))
        head = self._block("bar", columns[0].tolist(), to)
        intervals = np.full(len(rows), round(interval * SECOND))
        return encode_block(BarBlock(**head, interval_ns=intervals, **prices))

    def heartbeat(self, to: float, final: bool = False) -> bytes:
        """Nothing happened."""
        return encode_block(Heartbeat(**self._head, seq=0, complete_to_ns=ns(to), final=final))

    def gap(self, begin: float, end: float, to: float) -> bytes:
        """Something is missing."""
        edges = {"from_ns": np.array([ns(begin)]), "to_ns": np.array([ns(end)])}
        ids = {"first_missing_id": np.array([7]), "last_missing_id": np.array([9])}
        return encode_block(
            Gap(**self._head, seq=0, complete_to_ns=ns(to), **edges, **ids, reason="trade_id")
        )

    def lose(self, kind: str, rows: int) -> None:
        """Rows that never reach the log."""
        self._next[kind] += rows

    def _block(self, kind: str, times: Sequence[float], to: float) -> dict[str, Any]:
        seq = self._next[kind]
        self._next[kind] += len(times)
        ts = np.array([ns(time) for time in times])
        return {
            **self._head,
            "seq": seq,
            "complete_to_ns": ns(to),
            "ts_event_ns": ts,
            "recv_delay_ns": np.zeros(len(ts), np.int64),
        }


def leg_of(*timeframes_s: float, **more: Any) -> SymbolLeg:
    """A leg with these timeframes, in seconds."""
    timeframes = tuple(round(timeframe * SECOND) for timeframe in timeframes_s)
    return SymbolLeg(
        SymbolParameters(timeframes_ns=timeframes, **more), DEFAULT_TABLE, sessions_of(DEFAULT_TABLE)
    )


LEG = leg_of(60.0, 300.0)


def fold(
    *messages: bytes, leg: SymbolLeg = LEG, symbol: str = "ES", state: SymbolState | None = None
) -> SymbolOutput:
    """What the leg says to the messages, as partition 3 from offset 70 on."""
    offsets = list(range(70, 70 + len(messages)))
    return leg.step(state or leg.init(symbol), 3, offsets, list(messages))


def bars_of(output: SymbolOutput) -> list[tuple[Any, ...]]:
    """(close time, timeframe in seconds, quality, open, high, low, close, volume) of every bar."""
    return [
        (
            (ints[at.OUT_TS] - START) / SECOND,
            ints[at.OUT_TIMEFRAME] / SECOND,
            QUALITY[ints[at.OUT_QUALITY]],
            *numbers[:5],
        )
        for ints, numbers in zip(output.bar_ints.tolist(), output.bars.tolist(), strict=True)
    ]


def marks_of(output: SymbolOutput) -> list[tuple[Any, ...]]:
    """(time, last time, open time, open, high, low, close, volume, bid, ask) of every mark, in seconds."""
    return [
        (*((ts - START) / SECOND for ts in ints), *numbers[:7])
        for ints, numbers in zip(output.mark_ints.tolist(), output.marks.tolist(), strict=True)
    ]
