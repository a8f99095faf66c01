"""What is said about market data that was refused: a dead letter with the reason, the value, and what to do."""

import hashlib

import numpy as np

from operators import symbol_layout as at
from schemas.account import Alert, DeadLetter
from schemas.blocks import QUOTES, TRADES, encode_block
from schemas.codec import DecodeError, decode_rows
from schemas.market import BarBlock, MarketBlock, QuoteBlock, TradeBlock

_TOPIC = "market_data"
_ADVICE = {
    at.LATE: "older than what the source had promised to be complete; raise the source's disorder bound",
    at.BAD_TIME: "not a time after 1970; check the source's time column and its unit",
    at.NOT_FINITE: "a number is NaN or infinite; check the source",
    at.NOT_POSITIVE: "a price or size is not positive; check the source",
    at.BELOW_LOT: "rounds to zero lots or ticks; check lot and tick size in the instrument table",
    at.DUPLICATE: "the venue's id was seen before; the first one was used",
    at.BAD_PRINT: "too far from the last price; believed from the third print in a row at one level",
    at.CROSSED: "bid above ask; check the source",
    at.BAD_BAR: "high, low, open, close or interval contradict each other; check the source",
    at.NO_TIMEFRAME: "no configured timeframe is a multiple of the bar's interval; add it to symbol_leg.timeframes",
}


def refused_message(symbol: str, partition: int, offset: int, reason: str, detail: str, original: bytes) -> DeadLetter:
    """Return the dead letter of a whole message."""
    return DeadLetter(
        id=f"{_TOPIC}:{partition}:{offset}:-1",
        topic=_TOPIC,
        partition=partition,
        offset=offset,
        ordinal=-1,
        symbol=symbol,
        ts_event_ns=0,
        reason=reason,
        detail=detail,
        original=original,
    )


def dead_letter(symbol: str, partition: int, row: list[int], values: list[float], message: bytes) -> DeadLetter:
    """Return the dead letter of a refused row (or of a whole message, where its ordinal is -1).

    ``row`` and ``values`` are laid out as rows of ``operators.symbol_layout``; a refused row's ``original`` is a valid
    block of that row alone, so that it can be sent again.
    """
    reason = at.REASONS[row[at.REASON]]
    if row[at.ORDINAL] < 0:
        return refused_message(symbol, partition, row[at.OFFSET], reason, _why(symbol, message), message)
    block = _one_row(symbol, row, values)
    numbers = {name: getattr(block, name)[0].item() for name in block.__struct_fields__[6:]}
    return DeadLetter(
        id=f"{_TOPIC}:{partition}:{row[at.OFFSET]}:{row[at.ORDINAL]}",
        topic=_TOPIC,
        partition=partition,
        offset=row[at.OFFSET],
        ordinal=row[at.ORDINAL],
        symbol=symbol,
        ts_event_ns=row[at.TS],
        reason=reason,
        detail=f"{symbol} {numbers}: {_ADVICE[row[at.REASON]]}",
        original=encode_block(block),
    )


def _why(symbol: str, message: bytes) -> str:
    """Return what a reader of the whole message finds wrong with it."""
    try:
        found = decode_rows(_TOPIC, message).head["symbol"]
    except DecodeError as error:
        return f"{error}; the writer of this record is at fault"
    if found != symbol:
        return f"the block says symbol {found!r}, its record key says {symbol!r}; the writer must use one of them for both"
    return "a count or name in the block is out of range; the writer of this record is at fault"


def _one_row(symbol: str, row: list[int], values: list[float]) -> MarketBlock:
    longs = {name: np.array([row[column]], np.int64) for name, column in (("ts_event_ns", at.TS), ("recv_delay_ns", at.DELAY))}
    head = {"symbol": symbol, "venue": "", "session": 0, "seq": row[at.SEQ], "complete_to_ns": 0}

    def number(index: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.array([values[index]])

    if row[at.KIND] == TRADES:
        ids = {"trade_id": np.array([row[at.ID]]), "side": np.array([row[at.SIDE]])}
        return TradeBlock(**head, **longs, **ids, price=number(0), size=number(1))
    if row[at.KIND] == QUOTES:
        quote = {name: number(i) for i, name in enumerate(("bid_price", "bid_size", "ask_price", "ask_size"))}
        return QuoteBlock(**head, **longs, update_id=np.array([row[at.ID]]), **quote)
    bar = {name: number(i) for i, name in enumerate(("open", "high", "low", "close", "volume"))}
    return BarBlock(**head, **longs, interval_ns=np.array([row[at.SIDE]]), **bar)


def missing_rows_alert(symbol: str, partition: int, offset: int) -> Alert:
    """Return the alert of source rows that the log does not hold."""
    detail = f"{symbol}: rows of its source are missing before {_TOPIC}/{partition}@{offset}"
    digest = hashlib.sha256(detail.encode()).hexdigest()[:8]
    return Alert(
        id=f"symbol_leg:missing_rows:{offset}:{digest}",
        source="symbol_leg",
        severity="WARNING",
        code="missing_rows",
        message=f"{detail}; the bars they belong to are marked partial; ingest the missing rows again",
        ts_event_ns=0,
    )
