"""How are records appended to the embedded log?

Buffered in columns per partition, written in one transaction per flush: `BEGIN IMMEDIATE` takes the one write
lock of the file, so several processes may write the same partition and offsets stay dense.

A fenced writer raises the epoch of its name when it opens, and looks inside each batch's transaction whether the epoch
is still its own: whoever raised it since has the word.
"""

import os
import socket
import sqlite3
import time

import msgspec

from flows.connectors.log import Headers, LogSettings, Position, Writer
from flows.connectors.log_errors import UnknownTopic, check_record, fenced
from flows.connectors.partitioner import partition_of
from flows.connectors.sqlite_file import MARK_EVERY, translated

_HELD_RECORDS = 4096
_HELD_BYTES = 8 * 1024 * 1024
_encode = msgspec.msgpack.Encoder().encode
_TAKE_OVER = """INSERT INTO owners VALUES (?, 1, ?, ?) ON CONFLICT (name) DO UPDATE
SET epoch = epoch + 1, holder = excluded.holder, since_ms = excluded.since_ms RETURNING epoch"""


class _Batch(msgspec.Struct):
    """What waits for one partition, in columns."""

    part: int
    timestamps: list[int]
    keys: list[bytes]
    values: list[bytes | None]
    headers: list[bytes | None]


class SqliteWriter(Writer):
    """Owns one connection. After LogFull or LogUnreachable flush can be tried again: the buffer is kept."""

    def __init__(
        self, db: sqlite3.Connection, url: str, settings: LogSettings, fence: str | None = None
    ) -> None:
        self._db = db
        self._url = url
        self._timeout_s = settings.flush_timeout_s
        self._fence = fence
        self._epoch = 0 if fence is None else self._take_over(fence)
        self._partitions: dict[str, int] = {}
        self._batches: dict[Position, _Batch] = {}
        self._records = 0
        self._bytes = 0
        self._ends: dict[Position, int] = {}

    def append(
        self,
        topic: str,
        key: bytes,
        value: bytes | None,
        timestamp_ms: int,
        headers: Headers = (),
        partition: int | None = None,
    ) -> None:
        check_record(topic, key, value, timestamp_ms)
        count = self._partitions.get(topic) or self._look_up(topic)
        if partition is None:
            partition = partition_of(key, count)
        batch = self._batches.get((topic, partition)) or self._begin(topic, partition)
        batch.timestamps.append(timestamp_ms)
        batch.keys.append(key)
        batch.values.append(value)
        batch.headers.append(_encode(headers) if headers else None)
        self._records += 1
        self._bytes += len(value) if value else 0
        if self._fence is None and (self._records >= _HELD_RECORDS or self._bytes >= _HELD_BYTES):
            self.flush()

    def flush(self, timeout_s: float | None = None) -> None:
        if not self._records:
            return
        db, limit_s = self._db, self._timeout_s if timeout_s is None else timeout_s
        try:
            db.execute(f"PRAGMA busy_timeout = {int(limit_s * 1000)}")
            db.execute("BEGIN IMMEDIATE")
            self._check_fence()
            ends = {place: self._write(batch) for place, batch in self._batches.items() if batch.keys}
            db.execute("COMMIT")
        except sqlite3.Error as error:
            topics = ", ".join(sorted({topic for topic, _ in self._batches}))
            raise translated(error, self._url, f"append {self._records} records to {topics}") from error
        finally:
            if db.in_transaction:
                db.execute("ROLLBACK")
        self._ends |= ends
        self._records = self._bytes = 0
        for batch in self._batches.values():
            for column in (batch.timestamps, batch.keys, batch.values, batch.headers):
                column.clear()

    def ends(self) -> dict[Position, int]:
        return dict(self._ends)

    def close(self) -> None:
        try:
            self.flush()
        finally:
            self._db.close()

    def abandon(self) -> None:
        self._db.close()

    def _take_over(self, fence: str) -> int:
        """Raise the epoch of the name; its transaction waits for one that an earlier writer is in."""
        holder = f"process {os.getpid()} on {socket.gethostname()}"
        try:
            ((epoch,),) = self._db.execute(
                _TAKE_OVER, (fence, holder, time.time_ns() // 1_000_000)
            ).fetchall()
        except sqlite3.Error as error:
            self._db.close()
            raise translated(error, self._url, f"take over {fence.replace(':', ' ')}") from error
        return int(epoch)

    def check_fence(self, topic: str) -> None:
        self._check_fence()

    def _check_fence(self) -> None:
        """Raise WriterFenced."""
        if self._fence is None:
            return
        (epoch,) = self._db.execute("SELECT epoch FROM owners WHERE name = ?", (self._fence,)).fetchone()
        if epoch != self._epoch:
            raise fenced(self._url, self._fence)

    def _write(self, batch: _Batch) -> int:
        """Insert one partition's columns inside the open transaction; the new end."""
        start, highest, marked = self._db.execute(
            "SELECT end, max_ts, marked FROM parts WHERE id = ?", (batch.part,)
        ).fetchone()
        end = start + len(batch.keys)
        self._db.executemany(
            f"INSERT INTO records_{batch.part} VALUES (?, ?, ?, ?, ?)",
            zip(range(start, end), batch.timestamps, batch.keys, batch.values, batch.headers, strict=True),
        )
        marks, highest = time_marks(start, batch.timestamps, highest, marked)
        if marks:
            self._db.executemany(f"INSERT INTO marks VALUES ({batch.part}, ?, ?)", marks)
            marked = marks[-1][1]
        self._db.execute(
            "UPDATE parts SET end = ?, max_ts = ?, marked = ? WHERE id = ?",
            (end, highest, marked, batch.part),
        )
        return int(end)

    def _look_up(self, topic: str) -> int:
        """Partition count of `topic`; UnknownTopic."""
        try:
            row = self._db.execute("SELECT partitions FROM topics WHERE name = ?", (topic,)).fetchone()
        except sqlite3.Error as error:
            raise translated(error, self._url, f"look up topic {topic!r}") from error
        if row is None:
            raise UnknownTopic(
                f"{self._url}: no topic {topic!r}. Create it with: titan topics apply --log {self._url}"
            )
        self._partitions[topic] = row[0]
        return int(row[0])

    def _begin(self, topic: str, partition: int) -> _Batch:
        """A new buffer for one partition; UnknownTopic."""
        row = self._db.execute(
            "SELECT id FROM parts WHERE topic = ? AND partition = ?", (topic, partition)
        ).fetchone()
        if row is None:
            raise UnknownTopic(
                f"{self._url}: topic {topic!r} has {self._partitions[topic]} partitions, no {partition}"
            )
        self._batches[topic, partition] = batch = _Batch(row[0], [], [], [], [])
        return batch


def time_marks(
    start: int, timestamps: list[int], highest: int, marked: int
) -> tuple[list[tuple[int, int]], int]:
    """Marks (highest timestamp before the offset, offset) every MARK_EVERY offsets, and the new highest.

    `start` is the offset of the first of `timestamps`, `highest` the greatest timestamp before it, `marked`
    the offset of the last mark. The running maximum never falls, so the last mark with max_ts < t lies before
    the first record that is not older than t, however disordered the timestamps are (Kafka's own time index
    works so).
    """
    marks: list[tuple[int, int]] = []
    done = 0
    for offset in range(marked + MARK_EVERY, start + len(timestamps), MARK_EVERY):
        highest = max([highest, *timestamps[done : offset - start]])
        done = offset - start
        marks.append((highest, offset))
    return marks, max([highest, *timestamps[done:]])
