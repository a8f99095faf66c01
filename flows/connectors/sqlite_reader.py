"""How is the embedded log read, and how does a reader notice news?

Range reads by offset, each its own short read transaction, so that a slow consumer never holds back the WAL's
checkpoint. Idle polls look at `PRAGMA data_version` (2 µs), which moves when any other connection commits.
"""

import sqlite3
import time
from collections.abc import Collection
from typing import Any

import msgspec

from flows.connectors.log import LogSettings, Position, Positions, Reader, Record
from flows.connectors.log_errors import LogCorrupt, UnknownTopic, check_span
from flows.connectors.sqlite_file import translated

_decode = msgspec.msgpack.Decoder(tuple[tuple[str, bytes], ...]).decode


class _Part(msgspec.Struct):
    """One partition being read."""

    id: int
    topic: str
    partition: int
    offset: int
    dense: bool
    """Not compacted: every offset of the span must be there."""


class SqliteReader(Reader):
    """Owns one connection. Partitions take turns at the head of a poll, so that none starves."""

    def __init__(self, db: sqlite3.Connection, url: str, settings: LogSettings, positions: Positions) -> None:
        self._db = db
        self._url = url
        self._interval_s = settings.poll_interval_s
        self._seen = -1
        self._held: set[Position] = set()
        self._parts: list[_Part] = []
        for (topic, partition), offset in positions.items():
            row = db.execute(
                "SELECT id, first, end, compacted FROM parts JOIN topics ON name = topic "
                "WHERE topic = ? AND partition = ?",
                (topic, partition),
            ).fetchone()
            if row is None:
                raise UnknownTopic(f"{url}: no topic {topic!r} with a partition {partition}")
            check_span(url, (topic, partition), offset, row[1:3])
            self._parts.append(_Part(row[0], topic, partition, offset, not row[3]))
        self._one_topic = len({part.topic for part in self._parts}) == 1
        ids = ", ".join(str(part.id) for part in self._parts)
        self._spans_sql = f"SELECT id, first, end FROM parts WHERE id IN ({ids})"

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        records: list[Record] = []
        for part, rows in self._wait("ts, key, value, headers", max_records, timeout_s):
            topic, partition = part.topic, part.partition
            records += [
                Record(topic, partition, offset, ts, key, value, _decode(headers) if headers else ())
                for offset, ts, key, value, headers in rows
            ]
        return records

    def poll_by_key(
        self, max_records: int, timeout_s: float
    ) -> dict[tuple[int, bytes], tuple[list[int], list[bytes]]]:
        if not self._one_topic:
            raise ValueError("poll_by_key serves readers of one topic: use poll, or one reader per topic")
        grouped: dict[tuple[int, bytes], tuple[list[int], list[bytes]]] = {}
        for part, rows in self._wait("key, value", max_records, timeout_s):
            partition = part.partition
            for offset, key, value in rows:
                run = grouped.get((partition, key))
                if run is None:
                    grouped[partition, key] = ([offset], [value or b""])
                else:
                    run[0].append(offset)
                    run[1].append(value or b"")
        return grouped

    def hold(self, places: Collection[Position]) -> None:
        if self._held != set(places):
            self._held, self._seen = set(places), -1

    def positions(self) -> dict[Position, int]:
        return {(part.topic, part.partition): part.offset for part in self._parts}

    def ends(self) -> dict[Position, int]:
        try:
            ends = {part: end for part, _, end in self._db.execute(self._spans_sql).fetchall()}
        except sqlite3.Error as error:
            raise translated(error, self._url, "read its ends") from error
        return {(part.topic, part.partition): ends[part.id] for part in self._parts}

    def close(self) -> None:
        self._db.close()

    def _wait(self, columns: str, max_records: int, timeout_s: float) -> list[tuple[_Part, list[Any]]]:
        """Rows (offset, *columns) per partition as soon as there are any; [] after timeout_s."""
        until = time.monotonic() + timeout_s
        while True:
            try:
                runs = self._take(columns, max_records)
            except sqlite3.Error as error:
                raise translated(error, self._url, "read it") from error
            left = until - time.monotonic()
            if runs or left <= 0:
                return runs
            time.sleep(min(self._interval_s, left))

    def _take(self, columns: str, max_records: int) -> list[tuple[_Part, list[Any]]]:
        """What is there now, up to max_records, and move past it."""
        version = self._db.execute("PRAGMA data_version").fetchone()[0]
        if version == self._seen or not self._parts:
            return []
        spans = {part: (first, end) for part, first, end in self._db.execute(self._spans_sql).fetchall()}
        runs: list[tuple[_Part, list[Any]]] = []
        room = max_records
        for part in self._parts:
            first, end = spans[part.id]
            if part.offset == end or (part.topic, part.partition) in self._held:
                continue
            check_span(self._url, (part.topic, part.partition), part.offset, (first, end))
            if room == 0:
                break
            rows = self._db.execute(
                f"SELECT offset, {columns} FROM records_{part.id} "
                "WHERE offset >= ? AND offset < ? ORDER BY offset LIMIT ?",
                (part.offset, end, room),
            ).fetchall()
            after = rows[-1][0] + 1 if len(rows) == room else end
            if part.dense and after - part.offset != len(rows):
                self._report_a_hole(part, after)
            part.offset = after
            room -= len(rows)
            if rows:
                runs.append((part, rows))
        else:
            if room > 0:
                self._seen = version
        self._parts = [
            *self._parts[1:],
            *self._parts[:1],
        ]  # at once, for another thread that asks for positions
        return runs

    def _report_a_hole(self, part: _Part, after: int) -> None:
        """Raise: records of the span are missing. Damage can hide rows without any error from SQLite."""
        spans = {part: (first, end) for part, first, end in self._db.execute(self._spans_sql).fetchall()}
        check_span(self._url, (part.topic, part.partition), part.offset, spans[part.id])
        raise LogCorrupt(
            f"{self._url}: records are missing between offsets {part.offset} and {after} "
            f"of {part.topic}/{part.partition}. Restore the file from a copy, or ingest again into a new log"
        )
