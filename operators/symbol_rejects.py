"""What is said about market data that was refused: a dead letter with the reason, the value, and what to do."""

import hashlib
import re
from typing import Any

import numpy as np

from operators import symbol_layout as at
from schemas.account import Alert, DeadLetter
from schemas.blocks import BARS, QUOTES, TRADES, encode_block
from schemas.codec import DecodeError, NewerVersion, decode_rows
from schemas.market import BarBlock, Gap, MarketBlock, QuoteBlock, TradeBlock

_TOPIC = "market_data"
_HEAD_FIELDS = 6
_MISSING_FROM = re.compile(rf" missing before {_TOPIC}/(\d+)@")
_ADVICE = {
    at.LATE: "older than what the source had promised to be complete; raise the source's disorder bound",
    at.BAD_TIME: "not a time between 1970 and 2200; check the source's time column and its unit",
    at.NOT_FINITE: "a number is NaN or infinite; check the source",
    at.NOT_POSITIVE: "a price or size is not positive; check the source",
    at.BELOW_LOT: "rounds to zero lots or ticks; check lot and tick size in the instrument table",
    at.DUPLICATE: "the venue's id was seen before; the first one was used",
    at.BAD_PRINT: "too far from the last price; believed from the third print in a row at one level",
    at.CROSSED: "bid above ask; check the source",
    at.BAD_BAR: "high, low, open, close or interval contradict each other; check the source",
    at.NO_TIMEFRAME: "no configured timeframe is a multiple of the bar's interval; add it to symbol_leg.timeframes",
    at.MISALIGNED: "the bar lies across the borders (multiples since 1970, UTC) of every timeframe that could hold it; "
    "check the source's time zone, or add the bar's own interval to symbol_leg.timeframes",
    at.OVERLAPPING: "the bar begins before the end of the last trade or bar used; each event may be told once",
    at.MIXED: "the session's bars are built from its trades or from a vendor's bars, whichever came first, not from "
    "both; ingest the other under a symbol of its own",
    at.BAD_GAP: "a gap must begin after 1970 and end after its begin; check the source",
}


def refused_message(
    symbol: str, partition: int, offset: int, reason: str, detail: str, original: bytes
) -> DeadLetter:
    """Return the dead letter of a whole message; ``detail`` says what is wrong with it and what to do."""
    return DeadLetter(
        id=f"{_TOPIC}:{partition}:{offset}:-1",
        topic=_TOPIC,
        partition=partition,
        offset=offset,
        ordinal=-1,
        symbol=symbol,
        ts_event_ns=0,
        reason=reason,
        detail=f"{_TOPIC}/{partition}@{offset}: {detail}",
        original=original,
    )


def dead_letter(
    symbol: str, partition: int, row: list[int], values: list[float], message: bytes
) -> DeadLetter:
    """Return the dead letter of a refused row (or of a whole message, where its ordinal is -1).

    ``row`` and ``values`` are laid out as rows of ``operators.symbol_layout``; a refused row's ``original`` is a valid
    block of that row alone, so that it can be sent again.
    """
    reason = at.REASONS[row[at.REASON]]
    offset = row[at.OFFSET]
    if row[at.ORDINAL] < 0:
        return refused_message(symbol, partition, offset, *why_unreadable(symbol, message), message)
    block = _one_row(symbol, row, values)
    columns = block.__struct_fields__[_HEAD_FIELDS:]
    numbers = {name: getattr(block, name)[0].item() for name in columns if name != "reason"}
    return DeadLetter(
        id=f"{_TOPIC}:{partition}:{offset}:{row[at.ORDINAL]}",
        topic=_TOPIC,
        partition=partition,
        offset=offset,
        ordinal=row[at.ORDINAL],
        symbol=symbol,
        ts_event_ns=row[at.TS],
        reason=reason,
        detail=f"{_TOPIC}/{partition}@{offset}, row {row[at.ORDINAL]}: {symbol} {numbers}: {_ADVICE[row[at.REASON]]}",
        original=encode_block(block),
    )


def why_unreadable(symbol: str, message: bytes) -> tuple[str, str]:
    """Return (reason, detail) of what a reader of the whole message finds wrong with it."""
    malformed = at.REASONS[at.MALFORMED]
    try:
        found = decode_rows(_TOPIC, message).head["symbol"]
    except NewerVersion as error:
        return at.REASONS[at.OTHER_VERSION], str(error)
    except DecodeError as error:
        return malformed, f"{error}; the writer of this record is at fault"
    if found != symbol:
        detail = f"the block says symbol {found!r}, its key says {symbol!r}; the writer must use one of them for both"
        return at.REASONS[at.WRONG_SYMBOL], detail
    return (
        malformed,
        "a count, name or time in the block is out of range; the writer of this record is at fault",
    )


def _one_row(symbol: str, row: list[int], values: list[float]) -> MarketBlock:
    """Return a block of one refused row; its head says nothing about session and promise."""
    head: dict[str, Any] = {
        "symbol": symbol,
        "venue": "",
        "session": 0,
        "seq": row[at.SEQ],
        "complete_to_ns": 0,
    }
    longs = [np.array([row[column]], np.int64) for column in (at.TS, at.DELAY, at.ID, at.SIDE)]
    doubles = [np.array([value], np.float64) for value in values]
    ts, delay, identity, side = longs
    if row[at.KIND] == TRADES:
        return TradeBlock(
            **head,
            ts_event_ns=ts,
            recv_delay_ns=delay,
            trade_id=identity,
            side=side,
            price=doubles[0],
            size=doubles[1],
        )
    if row[at.KIND] == QUOTES:
        names = ("bid_price", "bid_size", "ask_price", "ask_size")
        quote: dict[str, Any] = dict(zip(names, doubles, strict=False))
        return QuoteBlock(**head, ts_event_ns=ts, recv_delay_ns=delay, update_id=identity, **quote)
    if row[at.KIND] == BARS:
        prices = ("open", "high", "low", "close", "volume")
        bar: dict[str, Any] = dict(zip(prices, doubles, strict=True))
        return BarBlock(**head, ts_event_ns=ts, recv_delay_ns=delay, interval_ns=side, **bar)
    return Gap(**head, from_ns=ts, to_ns=delay, first_missing_id=identity, last_missing_id=side, reason="")


def missing_from(alert: Alert) -> int | None:
    """Return the partition of market data of which an alert of missing rows speaks; None where it is none."""
    found = _MISSING_FROM.search(alert.message)
    return int(found[1]) if found else None


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
