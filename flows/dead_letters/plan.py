"""What would become of a dead letter that is sent again? The record that would be written, or why it would do no good.

A log is written forwards only: decisions were made without the letter, and stay made. So what was refused for what it
says is refused again, and rows whose time has passed stay late; both are said before anything is written.
"""

import hashlib
from collections.abc import Iterable

import msgspec

from flows.connectors.account_inputs import COMMANDS, REPORTS, SIGNALS
from flows.connectors.held import held
from flows.connectors.latest import MOST, newest
from flows.connectors.log import Log, Record
from flows.connectors.partitioner import partition_of
from flows.dead_letters.corrected import MARKET_DATA, beside, rows_of
from flows.dead_letters.letters import Letter, original_of
from schemas.account import DeadLetter
from schemas.blocks import decode_block
from schemas.codec import DecodeError, decode, decode_rows
from schemas.market import MarketBlock, TradeBlock

_USED = {
    "duplicate": "the venue's id was seen before, and its first row was used",
    "overlapping_bar": "the time that it covers has been told by a row that was used",
    "late": "its time had passed, and has passed all the more",
}
_SAME = ("malformed", "wrong_symbol", "newer_version")
"""Reasons that are about bytes: today's code may read what an earlier one could not."""


class Plan(msgspec.Struct, frozen=True):
    """What would be written for a letter; ``against`` says why it would do no good, ``never`` that it cannot be."""

    letter: Letter
    topic: str = ""
    key: bytes = b""
    value: bytes = b""
    timestamp_ms: int = 1
    partition: int = -1
    corrected: bool = False
    against: str = ""
    never: bool = False

    @property
    def digest(self) -> str:
        """First 16 hexadecimal digits of the sha256 of the value."""
        return hashlib.sha256(self.value).hexdigest()[:16]


class Promises:
    """Up to when everything has been said of a symbol, by its newest marks, or else by all, read once."""

    def __init__(self, log: Log) -> None:
        self._said: dict[bytes, int] = {}
        self._unread = [lambda: held(log, "marks"), lambda: newest(log, "marks", MOST)]

    def of(self, symbol: str) -> int | None:
        """Return the time in ns; None where the log says nothing of the symbol."""
        while self._unread and symbol.encode() not in self._said:
            self._note(self._unread.pop()())
        return self._said.get(symbol.encode())

    def _note(self, records: Iterable[Record]) -> None:
        for record in records:
            try:
                said_to_ns = int(decode_rows("marks", record.value or b"").head["complete_to_ns"])
            except DecodeError:
                continue
            self._said[record.key] = max(said_to_ns, self._said.get(record.key, 0))


def plan(log: Log, letter: Letter, promises: Promises, corrected: bytes | None = None) -> Plan:
    """Return what sending a letter again would write; ``corrected`` is a record value instead of its original."""
    if letter.redrive is not None:
        sent = f"it was sent again to {letter.redrive.topic}/{letter.redrive.partition} by {letter.redrive.issued_by}"
        return Plan(letter, against=f"{sent}; what fails again has a letter of its own", never=True)
    said = letter.letter
    if said.topic == MARKET_DATA:
        return _market_data(log, letter, promises, corrected)
    if said.topic in (COMMANDS, REPORTS, SIGNALS):
        return _account_input(log, letter, corrected)
    why = f"{said.topic} is derived from other topics, which say it again; nothing reads it from a person"
    return Plan(letter, against=why, never=True)


def _market_data(log: Log, letter: Letter, promises: Promises, corrected: bytes | None) -> Plan:
    said = letter.letter
    value = said.original if corrected is None else corrected
    try:
        block = rows_of(value)
        sent = beside(value, said.id)
    except DecodeError as error:
        why = _holds_nothing(said) if corrected is None else ""
        fix = "give its rows by --with FILE" if corrected is None else "mend the file"
        return Plan(letter, against=why or f"no rows can be read: {error}; {fix}", never=True)
    key = block.symbol.encode()
    times = block.ts_event_ns.tolist()  # type: ignore[union-attr]
    return Plan(
        letter,
        MARKET_DATA,
        key,
        sent,
        max(1, times[-1] // 1_000_000),
        partition_of(key, log.topics()[MARKET_DATA]),
        corrected is not None,
        _refused_again(letter, block, corrected is not None) or _passed(promises, block, min(times)),
    )


def _holds_nothing(said: DeadLetter) -> str:
    """Say why nothing is lost with an original that holds no rows, or never was a record; empty where it is broken."""
    if said.partition < 0:
        return "it is of a file, and never entered: mend that and ingest it again, or give its rows by --with FILE"
    try:
        kind = type(decode_block(said.original)).__name__
    except DecodeError:
        return ""
    return f"it is a {kind} and holds no rows: there is nothing to send again"


def _refused_again(letter: Letter, block: MarketBlock, corrected: bool) -> str:
    said = letter.letter
    if corrected:
        return ""
    if said.reason in _USED:
        return f"{said.reason}: {_USED[said.reason]}"
    if said.reason == "wrong_symbol" and block.symbol != said.symbol:
        return f"wrong_symbol: it says {block.symbol}, its key said {said.symbol}; give the right one by --with FILE"
    if said.reason in _SAME:
        return ""
    if said.reason == "unknown_symbol":
        return (
            "unknown_symbol: a log keeps to the instruments that it was derived with; define "
            f"[instruments.{said.symbol}], and derive a new log from this one: titan backtest --log LOG --out DIR"
        )
    return f"{said.reason}: the same row is refused again by the same rule; give the corrected row by --with FILE"


def _passed(promises: Promises, block: MarketBlock, first_ns: int) -> str:
    """Say that the time of the first row has passed; a trade at the time up to which all was said is still taken."""
    said_to_ns = promises.of(block.symbol)
    if said_to_ns is None:
        return f"nothing was ever used of {block.symbol}: define the instrument, and derive a new log from this one"
    if first_ns > said_to_ns or (first_ns == said_to_ns and isinstance(block, TradeBlock)):
        return ""
    return f"late: everything of {block.symbol} up to {said_to_ns} ns has been taken, and this is of {first_ns} ns"


def _account_input(log: Log, letter: Letter, corrected: bytes | None) -> Plan:
    said = letter.letter
    value = said.original if corrected is None else corrected
    try:
        event = decode(said.topic, value)
    except DecodeError as error:
        fix = "upgrade, or give the record by --with FILE" if corrected is None else "mend the file"
        return Plan(letter, against=f"still unreadable: {error}; {fix}", never=True)
    account: str = event.account  # type: ignore[union-attr]
    original = original_of(log, said)
    against = ""
    if said.topic == SIGNALS:
        against = "an old signal would be traded at today's price; the strategy says again what still holds"
    return Plan(
        letter,
        said.topic,
        account.encode(),
        value,
        original.timestamp_ms if original is not None else 1,
        partition_of(account.encode(), log.topics()[said.topic]),
        corrected is not None,
        against,
    )
