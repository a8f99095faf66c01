"""Which rows of bars, features, regimes and marks belong to a moment? Found by the symbol's partition and the time.

A block's timestamp is that of its last row (of marks: its clock), and the records of one key are in order, so that the
row of time t lies in the symbol's first record that is not older than t.
"""

from collections.abc import Iterator
from typing import Any, TypeVar

import numpy as np

from flows.connectors.log import Record
from flows.explain.chain import BarRow, FeatureRow, Link, Missing, RegimeRow
from flows.explain.ranges import FAR, Ranges
from flows.place import Place
from schemas.block_codec import Rows
from schemas.codec import DecodeError, decode_rows
from schemas.market import Mark
from schemas.plain_columns import read_columns

R = TypeVar("R", BarRow, FeatureRow, RegimeRow)
ROW_TOPICS: dict[type, str] = {BarRow: "bars", FeatureRow: "features", RegimeRow: "regimes"}
MOST_RECORDS = 20_000
"""Records of a partition, other symbols' among them, that are read to find neighbours of a row."""


def row_at(
    ranges: Ranges, kind: type[R], symbol: str, timeframe_ns: int, ts_ns: int, cause_offset: int | None
) -> Link[R] | Missing:
    """Return the row of one bar; of several revisions the one that ``cause_offset`` names, else the first."""
    topic, found = ROW_TOPICS[kind], list[Link[R]]()
    if topic not in ranges.topics:
        return Missing(topic, ranges.gone(topic))
    partition = ranges.partition(topic, symbol)
    start = ranges.at(topic, partition, ts_ns)
    for record in ranges.read(topic, partition, start, start + FAR):
        if record.key != symbol.encode():
            continue
        rows = _rows(record)
        if rows is None:
            return Missing(
                topic, f"the record at {Place(topic, partition, record.offset)} cannot be decoded", True
            )
        found += [
            link for link in _links(record, rows, kind, timeframe_ns) if link.event.ts_event_ns == ts_ns
        ]
        if any(cause_offset in (None, link.event.cause_offset) for link in found):
            break
        times = rows.column("ts_event_ns")
        if len(times) and times.min() > ts_ns:
            break
    exact = [link for link in found if link.event.cause_offset == cause_offset]
    if found:
        return (exact or found)[0]
    gone = ranges.gone(topic, partition)
    return Missing(
        topic, gone or f"no row of {symbol} {timeframe_ns} ns at {ts_ns} from offset {start} on", not gone
    )


def rows_between(
    ranges: Ranges, kind: type[R], symbol: str, timeframe_ns: int, times: tuple[int, int], near: int
) -> list[Link[R]]:
    """Return the rows with from <= ts_event_ns <= to, by time, the first revision of each.

    Read are at most MOST_RECORDS records before and after offset ``near``; records that cannot be decoded are left out.
    """
    topic = ROW_TOPICS[kind]
    partition = ranges.partition(topic, symbol)
    start = max(ranges.at(topic, partition, times[0]), near - MOST_RECORDS)
    found: dict[int, Link[R]] = {}
    for record in ranges.read(topic, partition, start, near + MOST_RECORDS):
        rows = _rows(record) if record.key == symbol.encode() else None
        if rows is None:
            continue
        for link in _links(record, rows, kind, timeframe_ns):
            if times[0] <= link.event.ts_event_ns <= times[1]:
                found.setdefault(link.event.ts_event_ns, link)
        last = rows.column("ts_event_ns")
        if len(last) and last.min() > times[1]:
            break
    return [found[ts_ns] for ts_ns in sorted(found)]


def shorter_bars(ranges: Ranges, bar: Link[BarRow]) -> list[Link[BarRow]]:
    """Return the bars of the shortest timeframe below the bar's own that the log has within it, by time."""
    row, place = bar.event, bar.place
    start = max(
        ranges.at("bars", place.partition, row.ts_event_ns - row.timeframe_ns), place.offset - MOST_RECORDS
    )
    found: dict[int, dict[int, Link[BarRow]]] = {}
    for record in ranges.read("bars", place.partition, start, place.offset + 1):
        rows = _rows(record) if record.key == row.symbol.encode() else None
        for timeframe_ns in set(rows.column("timeframe_ns").tolist()) if rows is not None else ():
            if timeframe_ns < row.timeframe_ns:
                own = found.setdefault(timeframe_ns, {})
                for link in _links(record, rows, BarRow, timeframe_ns):
                    if row.ts_event_ns - row.timeframe_ns < link.event.ts_event_ns <= row.ts_event_ns:
                        own.setdefault(link.event.ts_event_ns, link)
    shortest = found[min(found)] if found else {}
    return [shortest[ts_ns] for ts_ns in sorted(shortest)]


def mark_at(ranges: Ranges, symbol: str, ts_ns: int, read_to: int | None) -> Link[Mark] | Missing:
    """Return the last mark at or before ``ts_ns`` among the records before offset ``read_to``."""
    topic = "marks"
    if topic not in ranges.topics:
        return Missing(topic, ranges.gone(topic))
    partition = ranges.partition(topic, symbol)
    start = ranges.at(topic, partition, ts_ns)
    best: Link[Mark] | None = None
    for record in ranges.read(topic, partition, start, _least(read_to, start + FAR)):
        if record.key == symbol.encode():
            best = _last_mark(record, ts_ns) or best
            break
    for records in ranges.backward(topic, partition, _least(read_to, start)) if best is None else ():
        mine = (record for record in reversed(records) if record.key == symbol.encode())
        best = next((link for record in mine if (link := _last_mark(record, ts_ns))), None)
        if best or start - records[0].offset > FAR:
            break
    if best is not None:
        return best
    gone = ranges.gone(topic, partition)
    return Missing(topic, gone or f"no mark of {symbol} at or before the decision", not gone)


def _least(one: int | None, other: int) -> int:
    return other if one is None else min(one, other)


def _rows(record: Record) -> Rows | None:
    try:
        return decode_rows(record.topic, record.value or b"", read_columns)
    except DecodeError:
        return None


def _links(record: Record, rows: Rows, kind: type[R], timeframe_ns: int) -> Iterator[Link[R]]:
    for ordinal in np.flatnonzero(rows.column("timeframe_ns") == timeframe_ns).tolist():
        yield Link(Place(record.topic, record.partition, record.offset, ordinal), _row(rows, kind, ordinal))


def _row(rows: Rows, kind: type[R], ordinal: int) -> R:
    fields: dict[str, Any] = dict(zip(rows.long_names, rows.longs[ordinal].tolist(), strict=True))
    doubles = dict(zip(rows.double_names, rows.doubles[ordinal].tolist(), strict=True))
    if kind is FeatureRow:
        fields |= {"feature_set": rows.head["feature_set"], "values": doubles}
    else:
        fields |= doubles
    fields["symbol"] = symbol = rows.head["symbol"]
    fields["id"] = f"{symbol}:{fields['timeframe_ns']}:{fields['ts_event_ns']}:{fields['revision']}"
    return kind(**fields)


def _last_mark(record: Record, ts_ns: int) -> Link[Mark] | None:
    rows = _rows(record)
    if rows is None:
        return None
    fitting = np.flatnonzero(rows.column("ts_event_ns") <= ts_ns)
    if not len(fitting):
        return None
    ordinal = int(fitting[-1])
    names = ("ts_event_ns", "ts_last_ns", "ts_open_ns")
    longs = dict(zip(rows.long_names, rows.longs[ordinal].tolist(), strict=True))
    doubles = dict(zip(rows.double_names, rows.doubles[ordinal].tolist(), strict=True))
    mark = Mark(symbol=rows.head["symbol"], **{name: longs[name] for name in names}, **doubles)
    return Link(Place(record.topic, record.partition, record.offset, ordinal), mark)
