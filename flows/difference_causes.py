"""What does an event follow from, where two runs differ? Market data, signals, decisions and reports, found in the log.

A bar names the record that closed it, a signal likewise; a decision names its signal, an order its decision and signal,
a portfolio update its fill or command. What the account leg says anew knows the very input that it was said from.
"""

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from flows.connectors.held import between
from flows.connectors.log import Log, Record
from flows.connectors.partitioner import partition_of
from flows.differences import Cause, Difference, MadeFrom
from flows.place import Place
from operators.mark_run import MarkRun
from schemas.codec import DecodeError, topic_of
from schemas.event_ids import event_id
from schemas.flatten import flatten

_MARKET_DATA = "market_data"
_NEAR = 5_000
"""Records after an event's own time that are looked through before its topic is read from its beginning."""


def causes_of(log: Log, found: Difference) -> list[Cause]:
    """Return what the differing event follows from, nearest first."""
    made = found.made_from
    given = list(_input(log, found, made)) if made is not None and made.event is not None else []
    today, recorded = (
        [cause for cause in _named(log, found, side) if cause not in given] if side is not None else []
        for side in (found.today, found.recorded)
    )
    both = bool(today and recorded)
    causes = [_of(cause, "today") if both and cause not in recorded else cause for cause in today]
    causes += [_of(cause, "recorded") if both else cause for cause in recorded if cause not in today]
    if made is not None and not (given or causes):
        causes.append(_range(made))
    return [*given, *causes]


def _of(cause: Cause, side: Literal["today", "recorded"]) -> Cause:
    return msgspec.structs.replace(cause, of=side)


def _input(log: Log, found: Difference, made: MadeFrom) -> Iterator[Cause]:
    """Yield the input that the account leg had just taken, and the cut with which it took it."""
    event: Any = made.event
    if isinstance(event, MarkRun):
        yield _mark(found, event)
    else:
        yield _found(log, topic_of(event), event_id(event), made.key, event.ts_event_ns)
    entry = Place(made.topic, made.partition, made.first_offset)
    yield Cause("account_journal", entry, None, f"taken with entry {made.order} of the journal")


def _mark(found: Difference, run: MarkRun) -> Cause:
    """Return the mark of a run that an event follows from: the first of its symbol that reaches its time."""
    symbol = (found.today or {}).get("symbol")
    marks = [mark for mark in run.marks() if symbol in (None, mark.symbol)] or run.marks()
    mark = next((mark for mark in marks if mark.ts_event_ns >= found.ts_event_ns), marks[-1])
    name = f"{mark.symbol}:{mark.ts_event_ns}"
    return Cause("marks", None, {"id": name, **msgspec.structs.asdict(mark)})


def _named(log: Log, found: Difference, side: dict[str, Any]) -> Iterator[Cause]:
    """Yield what an event itself names as its cause."""
    account, ts_ns = str(side.get("account", found.key)), int(side.get("ts_event_ns", 0))
    if "cause_offset" in side:
        partition = int(side.get("cause_partition", _partition(log, _MARKET_DATA, str(side["symbol"]))))
        yield _market_data(log, partition, int(side["cause_offset"]))
    if "decision_id" in side:
        yield _found(log, "risk_decisions", str(side["decision_id"]), account, ts_ns)
    if "signal_id" in side:
        yield _found(
            log, "trade_signals", str(side["signal_id"]), account, _time_in(str(side["signal_id"]), ts_ns)
        )
    if found.topic == "execution_reports":
        name = f"submit:{side['client_order_id']}"
        yield _found(log, "execution_requests", name, account, 0)
    kind, _, name = str(side.get("cause", "")).partition(":")
    if kind == "fill":
        yield _found(log, "execution_reports", name, account, ts_ns)
    elif kind == "command":
        yield _found(log, "risk_commands", name, account, 0)
    elif name:
        yield Cause(kind, None, None, f"{kind} {name}")


def _range(made: MadeFrom) -> Cause:
    text = f"said from {made.topic}/{made.partition}@{made.first_offset} to {made.last_offset} of {made.key}"
    return Cause(made.topic, Place(made.topic, made.partition, made.first_offset), None, text)


def _market_data(log: Log, partition: int, offset: int) -> Cause:
    """Return the block in short: its head, its first and its last row."""
    at = Place(_MARKET_DATA, partition, offset)
    record = next(_records(log, _MARKET_DATA, partition, offset, offset + 1), None)
    if record is None:
        return Cause(_MARKET_DATA, at, None, "the log does not hold it")
    try:
        rows = flatten(_MARKET_DATA, record.value or b"")
    except DecodeError as error:
        return Cause(_MARKET_DATA, at, None, str(error))
    if not rows:
        return Cause(_MARKET_DATA, at, None, "a block without rows")
    if len(rows) == 1:
        return Cause(_MARKET_DATA, at, rows[0])
    block = {**rows[-1], "rows": len(rows)}
    if "ts_event_ns" in rows[0]:
        block["first_ts_event_ns"] = rows[0]["ts_event_ns"]
    return Cause(_MARKET_DATA, at, block, f"{len(rows)} rows, the last of them shown")


def _found(log: Log, topic: str, name: str, key: str, ts_ns: int) -> Cause:
    """Return the record of an event by its id; looked for at its time, then everywhere."""
    if topic not in log.topics():
        return Cause(topic, None, None, f"{name}: the log has no topic {topic}")
    partition = _partition(log, topic, key)
    first, end = log.span(topic, partition)
    near = log.offsets_at(topic, max(1, ts_ns // 1_000_000))[partition] if ts_ns > 0 else first
    for start, stop in ((near, min(near + _NEAR, end)), (first, end)):
        for record in _records(log, topic, partition, start, stop):
            try:
                event = flatten(topic, record.value or b"")[0]
            except DecodeError:
                continue
            if event["id"] == name:
                return Cause(topic, Place(topic, partition, record.offset), event)
    return Cause(topic, None, None, f"{name} is not in the log")


def _records(log: Log, topic: str, partition: int, start: int, stop: int) -> Iterator[Record]:
    first, end = log.span(topic, partition)
    start, stop = max(first, start), min(end, stop)
    if start >= stop:
        return
    yield from between(log, {(topic, partition): start}, {(topic, partition): stop})


def _partition(log: Log, topic: str, key: str) -> int:
    return partition_of(key.encode(), log.topics().get(topic, 1))


def _time_in(signal_id: str, otherwise_ns: int) -> int:
    """Return the time that a signal's id ends with."""
    last = signal_id.rpartition(":")[2]
    return int(last) if last.isdigit() else otherwise_ns
