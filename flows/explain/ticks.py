"""From which ticks was a bar built? Read from the bar's start to the message that closed it, and no further."""

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from flows.connectors.held import event_of
from flows.connectors.log import Record
from flows.explain.chain import BarRow, Link, Missing, Tick, Ticks
from flows.explain.ranges import Ranges
from flows.explain.rows import shorter_bars
from flows.place import Place
from schemas import plain_columns
from schemas.account import DeadLetter
from schemas.block_codec import Rows
from schemas.codec import DecodeError, decode_rows
from schemas.columns import read_columns

TOPIC = "market_data"
MOST_MESSAGES, MOST_BYTES = 6000, 32 * 1024 * 1024
"""Of one bar that are read; of a longer bar the beginning and the end."""
_END_MESSAGES, _END_RECORDS, _WIDER = 64, 256, 16
_FEW = 600
"""Messages up to which they are decoded sooner without compiled code, which takes time to load."""
_LETTERS = 5000
_KINDS = {"TradeBlock": "trade", "BarBlock": "bar"}
Ordinals = set[tuple[int, int]]


class _Part(msgspec.Struct, frozen=True):
    """The rows of one message that lie in the bar: indexes, and columns of the block by name."""

    offset: int
    rows: Rows
    picked: Any
    price: Any
    high: Any
    low: Any
    size: Any
    side: Any


def ticks_of(ranges: Ranges, bar: Link[BarRow], shown: int) -> Ticks | Missing:
    """Return what a bar was built from, with its last ``shown`` ticks.

    Raises:
        LogError: the log cannot be read.
    """
    row, partition = bar.event, bar.place.partition
    if row.first_seq < 0:
        return Missing(TOPIC, "the bar has no events of its own")
    gone = ranges.gone(TOPIC, partition)
    stop, start_ns = row.cause_offset + 1, row.ts_event_ns - row.timeframe_ns
    if stop <= ranges.span(TOPIC, partition)[0] or TOPIC not in ranges.topics:
        return Missing(TOPIC, gone)
    refused = _refused(ranges, row, partition)
    start = ranges.at(TOPIC, partition, start_ns)
    records, whole = _records(ranges, partition, start, stop, row.symbol)
    skipped = {(link.event.offset, link.event.ordinal) for link in refused}
    parts = list(_parts(records, row, skipped))
    if not parts:
        where = f"no tick of the bar at {TOPIC}/{partition}@{start} to {stop - 1}"
        return Missing(TOPIC, f"{where}: {gone}" if gone else where, not gone)
    summed = _summed(parts, refused, partition, whole, shown)
    return summed if whole else msgspec.structs.replace(summed, **_extremes(ranges, bar))


def _records(ranges: Ranges, partition: int, start: int, stop: int, symbol: str) -> tuple[list[Record], bool]:
    """Return the symbol's messages of [start, stop), or of its beginning and end; and whether these are all."""
    found, size = list[Record](), 0
    for record in ranges.read(TOPIC, partition, start, stop):
        if record.key == symbol.encode():
            found.append(record)
            size += len(record.value or b"")
        if size > MOST_BYTES or len(found) > MOST_MESSAGES:
            first = found[:_END_MESSAGES]
            return [*first, *_last(ranges, partition, first[-1].offset + 1, stop, symbol)], False
    return found, True


def _last(ranges: Ranges, partition: int, start: int, stop: int, symbol: str) -> list[Record]:
    """Return the symbol's last messages of [start, stop), the one that closed the bar among them."""
    key, found = symbol.encode(), list[Record]()
    for step in (_END_RECORDS, _END_RECORDS * _WIDER, _END_RECORDS * _WIDER**2):
        found = [
            one for one in ranges.read(TOPIC, partition, max(start, stop - step), stop) if one.key == key
        ]
        if len(found) > 1 or stop - step <= start:
            break
    return found[-_END_MESSAGES - 1 :]


def _extremes(ranges: Ranges, bar: Link[BarRow]) -> dict[str, Link[Tick] | None]:
    """Return the ticks of the bar's high and low, by the shorter bars that have them."""
    row, found = bar.event, dict[str, Link[Tick] | None]()
    shorter = shorter_bars(ranges, bar)
    for name, wanted in (("high", row.high), ("low", row.low)):
        holder = next((one for one in shorter if getattr(one.event, name) == wanted), None)
        ticks = ticks_of(ranges, holder, 0) if holder else None
        found[name] = getattr(ticks, name) if isinstance(ticks, Ticks) else None
    return found


def _parts(records: list[Record], bar: BarRow, skipped: Ordinals) -> Iterator[_Part]:
    """Yield what lies in the bar's time and numbers, each source row once, without refused rows."""
    next_seq = bar.first_seq
    start_ns = bar.ts_event_ns - bar.timeframe_ns
    read = read_columns if len(records) > _FEW else plain_columns.read_columns
    for record in records:
        try:
            rows = decode_rows(TOPIC, record.value or b"", read)
        except DecodeError:
            continue
        kind = _KINDS.get(rows.record)
        if kind is None or not len(rows.longs):
            continue
        seq = rows.head["seq"] + np.arange(len(rows.longs))
        times = rows.column("ts_event_ns")
        inside = (times >= start_ns) & (times < bar.ts_event_ns)
        if kind == "bar":
            inside = (times > start_ns) & (times <= bar.ts_event_ns)
        picked = np.flatnonzero(inside & (seq >= next_seq) & (seq <= bar.last_seq))
        picked = picked[[(record.offset, i) not in skipped for i in picked.tolist()]] if skipped else picked
        if len(picked):
            next_seq = int(seq[picked[-1]]) + 1
            yield _part(record.offset, rows, picked, kind)


def _part(offset: int, rows: Rows, picked: Any, kind: str) -> _Part:
    def of(name: str) -> Any:
        return rows.column(name)[picked]

    if kind == "trade":
        price = of("price")
        return _Part(offset, rows, picked, price, price, price, of("size"), of("side"))
    return _Part(
        offset,
        rows,
        picked,
        of("close"),
        of("high"),
        of("low"),
        of("volume"),
        np.zeros(len(picked), np.int64),
    )


def _summed(
    parts: list[_Part], refused: tuple[Link[DeadLetter], ...], partition: int, whole: bool, shown: int
) -> Ticks:
    sizes = np.concatenate([part.size for part in parts])
    sides = np.concatenate([part.side for part in parts])
    highest = max(range(len(parts)), key=lambda i: parts[i].high.max())
    lowest = min(range(len(parts)), key=lambda i: parts[i].low.min())
    last = list[Link[Tick]]()
    for part in reversed(parts):
        end = len(part.picked)
        last += [_tick(part, i, partition) for i in range(end - 1, max(-1, end - 1 - shown + len(last)), -1)]
    return Ticks(
        rows=len(sizes),
        messages=len(parts),
        from_offset=parts[0].offset,
        to_offset=parts[-1].offset,
        first=_tick(parts[0], 0, partition),
        high=_tick(parts[highest], int(parts[highest].high.argmax()), partition),
        low=_tick(parts[lowest], int(parts[lowest].low.argmin()), partition),
        last=_tick(parts[-1], len(parts[-1].picked) - 1, partition),
        volume=float(sizes.sum()),
        buy_volume=float(sizes[sides > 0].sum()),
        sell_volume=float(sizes[sides < 0].sum()),
        around_close=tuple(reversed(last)),
        refused=refused,
        whole=whole,
    )


def _tick(part: _Part, i: int, partition: int) -> Link[Tick]:
    rows, ordinal = part.rows, int(part.picked[i])
    head, kind = rows.head, _KINDS[rows.record]
    seq = head["seq"] + ordinal
    tick = Tick(
        id=f"{head['session']}:{head['symbol']}:{kind}:{seq}",
        kind=kind,
        ts_event_ns=int(rows.column("ts_event_ns")[ordinal]),
        seq=seq,
        price=float(part.price[i]),
        high=float(part.high[i]),
        low=float(part.low[i]),
        size=float(part.size[i]),
        side=int(part.side[i]),
    )
    return Link(Place(TOPIC, partition, part.offset, ordinal), tick)


def _refused(ranges: Ranges, bar: BarRow, partition: int) -> tuple[Link[DeadLetter], ...]:
    """Return the rows in the bar's time that were refused, by position."""
    topic, found = "dead_letters", list[Link[DeadLetter]]()
    if ranges.span(topic)[1] == 0:
        return ()
    start_ns, symbol = bar.ts_event_ns - bar.timeframe_ns, bar.symbol.encode()
    at = ranges.partition(topic, TOPIC)
    start = ranges.at(topic, at, start_ns)
    for record in ranges.read(topic, at, start, start + _LETTERS):
        if record.timestamp_ms * 1_000_000 > bar.ts_event_ns or symbol not in (record.value or b""):
            continue
        letter = event_of(record)
        if not isinstance(letter, DeadLetter):
            continue
        inside = start_ns <= letter.ts_event_ns <= bar.ts_event_ns
        if (letter.topic, letter.partition, letter.symbol) == (TOPIC, partition, bar.symbol) and inside:
            found.append(Link(Place(topic, at, record.offset), letter))
    return tuple(found)
