"""How much is in a log, in events? Counted from its records, so the same however often a run was interrupted."""

from collections.abc import Iterator

import msgspec

from flows.connectors.held import held
from flows.connectors.log import Log
from schemas.blocks import count_rows
from schemas.codec import DecodeError, decode, decode_rows
from schemas.orders import ExecutionReport, RiskDecision, SubmitOrder


class Totals(msgspec.Struct):
    """Events of every kind that a log holds."""

    ticks: int = 0
    bars: int = 0
    marks: int = 0
    signals: int = 0
    decisions: int = 0
    orders: int = 0
    fills: int = 0
    alerts: int = 0
    dead_letters: int = 0


def totals(log: Log) -> Totals:
    """Count what ``log`` holds now; records that cannot be decoded count as nothing."""
    found = Totals()
    for topic, field in (("market_data", "ticks"), ("bars", "bars"), ("marks", "marks")):
        setattr(found, field, sum(_rows(topic, value) for value in _values(log, topic)))
    for topic, field in (
        ("trade_signals", "signals"),
        ("alerts", "alerts"),
        ("dead_letters", "dead_letters"),
    ):
        setattr(found, field, sum(1 for _ in held(log, topic)))
    for topic in ("risk_decisions", "execution_requests", "execution_reports"):
        for value in _values(log, topic):
            _count(found, topic, value)
    return found


def _count(found: Totals, topic: str, value: bytes) -> None:
    try:
        event = decode(topic, value)
    except DecodeError:
        return
    found.decisions += isinstance(event, RiskDecision)
    found.orders += isinstance(event, SubmitOrder)
    found.fills += isinstance(event, ExecutionReport) and event.last_quantity_nanos > 0


def _rows(topic: str, value: bytes) -> int:
    try:
        return count_rows(value) if topic == "market_data" else len(decode_rows(topic, value).longs)
    except ValueError:
        return 0


def _values(log: Log, topic: str) -> Iterator[bytes]:
    return (record.value or b"" for record in held(log, topic))
