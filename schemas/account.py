"""What the account leg is told, keeps and says about itself.

Field meanings, units and ids are documented in the schemas of the same names under ``schemas/avro``.
"""

from typing import Literal

import msgspec

Command = Literal["PAUSE", "RESUME", "REDUCE_ONLY", "HALT"]
TradingState = Literal["ACTIVE", "PAUSED", "REDUCING", "HALTED"]
Severity = Literal["INFO", "WARNING", "CRITICAL"]


class RiskCommand(msgspec.Struct, frozen=True, gc=False):
    """An operator's command to the account leg."""

    id: str
    account: str
    command: Command
    ts_event_ns: int
    issued_by: str
    reason: str


class BookPosition(msgspec.Struct, frozen=True, gc=False):
    """One strategy's book in one symbol."""

    strategy: str
    symbol: str
    quantity_nanos: int
    average_price_nanos: int
    mark_price_nanos: int
    realized_nanos: int
    unrealized_nanos: int
    fees_nanos: int


class PortfolioUpdate(msgspec.Struct, frozen=True, gc=False):
    """The account after a fill, a change of state, or a period of event time."""

    id: str
    account: str
    seq: int
    ts_event_ns: int
    cause: str
    trading_state: TradingState
    cash_nanos: int
    equity_nanos: int
    realized_nanos: int
    unrealized_nanos: int
    fees_nanos: int
    gross_exposure_nanos: int
    net_exposure_nanos: int
    peak_equity_nanos: int
    day_start_equity_nanos: int
    drawdown: float
    books: tuple[BookPosition, ...]


class InputPosition(msgspec.Struct, frozen=True, gc=False):
    """How far one input has been read."""

    topic: str
    partition: int
    next_offset: int


class JournalEntry(msgspec.Struct, frozen=True, gc=False):
    """One cut of the account leg's inputs; the order taken is a pure function of it."""

    id: str
    account: str
    seq: int
    taken_to_ns: int
    forced: bool
    positions: tuple[InputPosition, ...]


class DeadLetter(msgspec.Struct, frozen=True, gc=False):
    """Something that could not be used, kept whole."""

    id: str
    topic: str
    partition: int
    offset: int
    ordinal: int
    symbol: str
    ts_event_ns: int
    reason: str
    detail: str
    original: bytes


class Redrive(msgspec.Struct, frozen=True, gc=False):
    """A dead letter was sent again."""

    id: str
    topic: str
    partition: int
    ts_event_ns: int
    issued_by: str
    corrected: bool
    digest: str


class Alert(msgspec.Struct, frozen=True, gc=False):
    """Something that a human should know."""

    id: str
    source: str
    severity: Severity
    code: str
    message: str
    ts_event_ns: int


class RunSettings(msgspec.Struct, frozen=True, gc=False):
    """The settings that everything derived in a log follows from, for one account."""

    id: str
    account: str
    ts_event_ns: int
    digest: str
    symbol_tag: str
    version: str
    settings: str
