"""The log on one machine without a server: a SQLite file (`sqlite_file.py` says how it is laid out)."""

import sqlite3
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from flows.connectors.log import Log, LogSettings, Positions, TopicSpec
from flows.connectors.log_errors import UnknownTopic, check_identity, check_topic
from flows.connectors.sqlite_file import RECORDS, connect, create_if_missing, log_id, translated
from flows.connectors.sqlite_reader import SqliteReader
from flows.connectors.sqlite_writer import SqliteWriter


class SqliteLog(Log):
    """Opens (and if need be creates) the file. Its own connection serves administration only."""

    def __init__(self, url: str, path: str, settings: LogSettings) -> None:
        self.url = url
        self._path = str(Path(path).absolute())
        self._settings = settings
        create_if_missing(self._path, url, settings)
        self._db = connect(self._path, url, settings)
        try:
            self._id = log_id(self._db, url)
        except BaseException:
            self._db.close()
            raise

    def apply(self, specs: Iterable[TopicSpec]) -> list[str]:
        created: list[str] = []
        db = self._db
        try:
            db.execute("BEGIN IMMEDIATE")
            there = dict(db.execute("SELECT name, partitions FROM topics").fetchall())
            for spec in specs:
                check_topic(spec.name, spec.partitions, there.get(spec.name), self.url)
                if spec.name not in there:
                    self._create(spec)
                    there[spec.name] = spec.partitions
                    created.append(spec.name)
            db.execute("COMMIT")
        except sqlite3.Error as error:
            raise translated(error, self.url, "create topics") from error
        finally:
            if db.in_transaction:
                db.execute("ROLLBACK")
        return created

    def topics(self) -> dict[str, int]:
        return dict(self._rows("SELECT name, partitions FROM topics ORDER BY name"))

    def identity(self, topics: Sequence[str] = ()) -> str:
        """The id of the file: a topic of it is never deleted, so topics have none of their own."""
        return f"sqlite:{self._id}"

    def spans(self, topic: str) -> list[tuple[int, int]]:
        return [(first, end) for _, first, end, _ in self._parts(topic)]

    def offsets_at(self, topic: str, timestamp_ms: int) -> list[int]:
        return [self._seek(*part, timestamp_ms) for part in self._parts(topic)]

    def clean(self, topics: Sequence[str] = (), now_ms: int | None = None) -> int:
        """Compaction keeps the newest record of each key and its offset; retention moves `first`."""
        now_ms = time.time_ns() // 1_000_000 if now_ms is None else now_ms
        removed = 0
        for name, compacted, retention_ms in self._rows("SELECT name, compacted, retention_ms FROM topics"):
            if topics and name not in topics:
                continue
            for part in self._parts(name):
                if compacted:
                    removed += self._compact(part[0])
                elif retention_ms >= 0:
                    removed += self._expire(part[0], self._seek(*part, now_ms - retention_ms))
        return removed

    def writer(self, fence: str | None = None) -> SqliteWriter:
        return SqliteWriter(connect(self._path, self.url, self._settings), self.url, self._settings, fence)

    def reader(self, positions: Positions, identity: str | None = None) -> SqliteReader:
        if identity is not None:
            check_identity(identity, self.identity(), self.url)
        db = connect(self._path, self.url, self._settings)
        try:
            check_identity(self.identity(), f"sqlite:{log_id(db, self.url)}", self.url)
            return SqliteReader(db, self.url, self._settings, positions)
        except BaseException:
            db.close()
            raise

    def close(self) -> None:
        self._db.close()

    def _create(self, spec: TopicSpec) -> None:
        """Rows and tables of one topic, inside the open transaction."""
        self._db.execute(
            "INSERT INTO topics VALUES (?, ?, ?, ?)",
            (spec.name, spec.partitions, spec.compacted, spec.retention_ms),
        )
        for partition in range(spec.partitions):
            made = self._db.execute(
                "INSERT INTO parts (topic, partition) VALUES (?, ?)", (spec.name, partition)
            )
            self._db.execute(RECORDS.format(made.lastrowid))

    def _parts(self, topic: str) -> list[tuple[int, int, int, int]]:
        """(id, first, end, highest timestamp) per partition; UnknownTopic."""
        rows = self._rows(
            "SELECT id, first, end, max_ts FROM parts WHERE topic = ? ORDER BY partition", topic
        )
        if not rows:
            raise UnknownTopic(
                f"{self.url}: no topic {topic!r}. Create it with: titan topics apply --log {self.url}"
            )
        return rows

    def _seek(self, part: int, first: int, end: int, highest: int, timestamp_ms: int) -> int:
        """First offset not older than timestamp_ms, from the last mark before it on."""
        if timestamp_ms > highest:
            return end
        mark = self._rows(
            "SELECT offset FROM marks WHERE part = ? AND max_ts < ? "
            "ORDER BY max_ts DESC, offset DESC LIMIT 1",
            part, timestamp_ms,
        )  # fmt: skip
        found = self._rows(
            f"SELECT offset FROM records_{part} WHERE offset >= ? AND ts >= ? ORDER BY offset LIMIT 1",
            max(first, mark[0][0] if mark else 0), timestamp_ms,
        )  # fmt: skip
        return int(found[0][0]) if found else end

    def _compact(self, part: int) -> int:
        table = f"records_{part}"
        return self._change(
            f"DELETE FROM {table} WHERE offset NOT IN (SELECT max(offset) FROM {table} GROUP BY key)"
        )

    def _expire(self, part: int, first: int) -> int:
        self._change("UPDATE parts SET first = ? WHERE id = ?", first, part)
        return self._change(f"DELETE FROM records_{part} WHERE offset < ?", first)

    def _rows(self, sql: str, *values: object) -> list[tuple]:  # type: ignore[type-arg]
        try:
            return self._db.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise translated(error, self.url, "read it") from error

    def _change(self, sql: str, *values: object) -> int:
        try:
            return self._db.execute(sql, values).rowcount
        except sqlite3.Error as error:
            raise translated(error, self.url, "clean it") from error
