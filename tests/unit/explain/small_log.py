"""A log with one signal, decided and filled, and all that it stands on; written as the legs write it."""

from typing import Any

import msgspec
import numpy as np

from flows.connectors.log import Log, TopicSpec, open_log
from operators.features import FEATURE_SET
from schemas.account import BookPosition, InputPosition, JournalEntry, PortfolioUpdate
from schemas.blocks import encode_block
from schemas.codec import BLOCKS, encode, frame, topic_of
from schemas.market import TradeBlock
from schemas.orders import ExecutionReport, RiskDecision, RuleCheck, Signal, SubmitOrder
from schemas.topics import TOPICS

NANOS = 1_000_000_000
MINUTE = 60 * NANOS
START = 1_700_000_040 * NANOS
END = START + MINUTE
"""The close of the bar that is decided on."""
ORDER = "T" + "ab" * 12
SIGNAL = f"sma:ES:{MINUTE}:{END}"
PRICES = (100.0, 103.0, 99.0, 101.0)

signal = Signal(
    SIGNAL, "paper", "sma", "ES", MINUTE, END, 0, "LONG", 1.0, 0.5, MINUTE, 101.0, 2.0, "crossed",
    {"sma_20": 100.5}, 1, "v1", "", 0, 2,
)  # fmt: skip
decision = RiskDecision(
    f"decision:{SIGNAL}", "paper", SIGNAL, "sma", "ES", END, "APPROVED", "BUY", NANOS, 101 * NANOS, "ACTIVE",
    (RuleCheck("position_limit", 0.5, 2.0, True),), "",
)  # fmt: skip
order = SubmitOrder(
    ORDER,
    "paper",
    "sma",
    "ES",
    "SIM",
    "BUY",
    "MARKET",
    "GTC",
    NANOS,
    0,
    False,
    END,
    SIGNAL,
    f"decision:{SIGNAL}",
)


def report(
    number: int, status: Any, quantity: int = 0, order_id: str = ORDER, ts: int = END + NANOS
) -> ExecutionReport:
    return ExecutionReport(
        f"SIM:X{number}", "paper", order_id, "V1", f"X{number}", "sma", "ES", "SIM", "BUY", status, quantity,
        102 * NANOS if quantity else 0, quantity, 0, NANOS if quantity else 0, "TAKER" if quantity else "NONE",
        101 * NANOS if quantity else 0, ts, "",
    )  # fmt: skip


def update(seq: int, cause: str, quantity: int, realized: int = 0, ts: int = END + NANOS) -> PortfolioUpdate:
    book = BookPosition("sma", "ES", quantity, 0, 0, realized, 0, 0)
    return PortfolioUpdate(
        f"paper:{seq}",
        "paper",
        seq,
        ts,
        cause,
        "ACTIVE",
        0,
        10**14,
        realized,
        0,
        0,
        0,
        0,
        10**14,
        10**14,
        0.0,
        (book,),
    )


def journal() -> JournalEntry:
    """The cut that took the signal, when all marks had been read."""
    read = (InputPosition("marks", partition("marks"), 1), InputPosition("trade_signals", 0, 1))
    return JournalEntry("paper:0", "paper", 0, END + 1, False, read)


def events() -> list[Any]:
    """Signal to book, in the order of the log."""
    return [
        signal, journal(), decision, order, report(1, "ACCEPTED"), report(2, "FILLED", NANOS),
        update(0, "fill:SIM:X2", NANOS),
    ]  # fmt: skip


def partition(topic: str) -> int:
    from flows.connectors.partitioner import partition_of

    return partition_of(b"ES", TOPICS[topic].partitions)


def make(path: str, told: list[Any] | None = None, close: float = 101.0) -> Log:
    """Return an open log with ticks, rows and the events ``told``; ``close`` is what the bar says."""
    log = open_log(f"sqlite:///{path}")
    log.apply([TopicSpec(topic.name, topic.partitions) for topic in TOPICS.values()])
    with log.writer() as writer:
        for i, (seq, count) in enumerate(((0, 2), (2, 2), (4, 1))):
            writer.append(
                "market_data", b"ES", ticks(seq, count), (END + (i > 1) * NANOS) // 1_000_000 - 1 + (i > 1)
            )
        for topic, value in rows(close).items():
            writer.append(topic, b"ES", value, END // 1_000_000)
        for event in events() if told is None else told:
            writer.append(topic_of(event), b"paper", encode(event), event_ms(event))
    return log


def event_ms(event: Any) -> int:
    ns = event.taken_to_ns if isinstance(event, JournalEntry) else event.ts_event_ns
    return int(ns) // 1_000_000


def ticks(seq: int, count: int) -> bytes:
    """A block of trades; those of the fifth second on lie behind the bar."""
    number = seq + np.arange(count)
    times = np.where(number < 4, START + number * NANOS, END + number)
    zeros = np.zeros(count, np.int64)
    price = np.array([*PRICES, 200.0])[number]
    return encode_block(
        TradeBlock(
            symbol="ES", venue="CME", session=7, seq=seq, complete_to_ns=int(times[-1]), ts_event_ns=times,
            recv_delay_ns=zeros, trade_id=zeros, side=np.where(number % 2, 1, -1), price=price, size=number + 1.0,
        )
    )  # fmt: skip


def rows(close: float) -> dict[str, bytes]:
    """The bar's row in bars, features and regimes, and the mark."""
    bar = [100.0, 103.0, 99.0, close, 10.0, 0.0, 6.0, 4.0, 4.0, 2.0, 1.0]
    features = [100.5 if name == "sma_20" else float("nan") for name in FEATURE_SET.columns]
    longs = {
        "bars": [END, MINUTE, 0, 0, 2, 0, 3], "features": [END, MINUTE, 0, 2, 30],
        "regimes": [END, MINUTE, 0, 2, 1], "marks": [END, END - 1, END - NANOS],
    }  # fmt: skip
    doubles = {
        "bars": bar, "features": features, "regimes": [0.5, 0.0, 1.0, 0.0], "marks": [101.0] * 4 + [1.0, 0.0, 0.0, 0.0]
    }  # fmt: skip
    heads = {"bars": ("ES",), "features": ("ES", "hash"), "regimes": ("ES",), "marks": ("ES", END, False, 1)}
    return {
        topic: frame(topic)
        + BLOCKS[topic][0].encode(
            heads[topic], np.array([longs[topic]], np.int64), np.array([doubles[topic]]),
            BLOCKS[topic][0].labels(FEATURE_SET.columns),
        )
        for topic in longs
    }  # fmt: skip


def again(event: Any, **changed: Any) -> Any:
    """An event with other values."""
    return msgspec.structs.replace(event, **changed)


def bar_row(
    end: int,
    timeframe: int,
    seq: int,
    close: float,
    high: float = 0.0,
    low: float = 0.0,
    last: int | None = None,
) -> bytes:
    """A row of bars of one trade, or of those from ``seq`` to ``last``."""
    cause = 2 if last is not None else seq // 2
    ints = [end, timeframe, 0, 0, cause, seq, seq if last is None else last]
    prices = [close, high or close, low or close, close, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]
    codec = BLOCKS["bars"][0]
    return frame("bars") + codec.encode(
        ("ES",), np.array([ints], np.int64), np.array([prices]), codec.labels()
    )
