"""How does the embedded log lie in its file?

One SQLite database in WAL mode: any number of processes read while one writes.

    meta            layout version, log id
    topics          name, partitions, compacted, retention_ms
    parts           a row per partition: its span [first, end), its highest timestamp, the last mark's offset
    records_<id>    a table per partition, so that an append is always at a table's right edge
    owners          a row per fence: the epoch that may write under it, and who raised it to that
    marks           sparse time index: all records of the partition before `offset` have ts <= max_ts

`synchronous=FULL`: a commit returns after its fsync, so `flush` means what it says even when the power fails.
It costs one fsync per flush (0.17 ms on a virtual disk: 6 k flushes of one record a second against 70 k with
NORMAL) and nothing visible once a flush carries a thousand records.
"""

import os
import sqlite3
import time
import uuid
from contextlib import closing
from pathlib import Path

from flows.connectors.log import LogSettings
from flows.connectors.log_errors import LogCorrupt, LogError, LogFull, LogUnreachable, LogVersionError

LAYOUT = 2
PAGE_BYTES = 8192
MARK_EVERY = 256
"""Offsets between two marks of the time index, and so the longest scan of a seek by time."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS topics (
    name TEXT PRIMARY KEY, partitions INTEGER NOT NULL, compacted INTEGER NOT NULL, retention_ms INTEGER NOT
    NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS parts (
    id INTEGER PRIMARY KEY, topic TEXT NOT NULL, partition INTEGER NOT NULL,
    first INTEGER NOT NULL DEFAULT 0, end INTEGER NOT NULL DEFAULT 0,
    max_ts INTEGER NOT NULL DEFAULT 0, marked INTEGER NOT NULL DEFAULT 0, UNIQUE (topic, partition)
);
CREATE TABLE IF NOT EXISTS marks (
    part INTEGER NOT NULL, max_ts INTEGER NOT NULL, offset INTEGER NOT NULL, PRIMARY KEY (part, max_ts,
    offset)
) WITHOUT ROWID;
"""
_OWNERS = """CREATE TABLE IF NOT EXISTS owners (
    name TEXT PRIMARY KEY, epoch INTEGER NOT NULL, holder TEXT NOT NULL, since_ms INTEGER NOT NULL
) WITHOUT ROWID"""
RECORDS = """CREATE TABLE records_{} (
    offset INTEGER PRIMARY KEY, ts INTEGER NOT NULL, key BLOB NOT NULL, value BLOB, headers BLOB
)"""


def connect(path: str, url: str, settings: LogSettings) -> sqlite3.Connection:
    """A connection to an existing file (autocommit; BEGIN is ours); any LogError where it cannot serve."""
    try:
        db = sqlite3.connect(
            f"{Path(path).resolve().as_uri()}?{_mode(path)}", uri=True, timeout=settings.flush_timeout_s,
            isolation_level=None, check_same_thread=False,
        )  # fmt: skip
        db.execute(f"PRAGMA synchronous = {settings.synchronous}")
        db.execute("PRAGMA wal_autocheckpoint = 1000")
        db.execute("PRAGMA journal_size_limit = 67108864")
        if settings.max_bytes:
            db.execute(f"PRAGMA max_page_count = {max(1, settings.max_bytes // PAGE_BYTES)}")
    except sqlite3.Error as error:
        raise translated(error, url, "open it") from error
    return db


def create_if_missing(path: str, url: str, settings: LogSettings) -> None:
    """Lay out a new file; safe when several processes start at once. LogUnreachable if it may not be made."""
    file = Path(path)
    try:
        if file.exists() and file.stat().st_size > 0 and not (settings.create and _is_blank(path)):
            return
        if not settings.create:
            raise LogUnreachable(f"{url}: no log at {path}. Create one with: titan topics apply --log {url}")
        file.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(path, isolation_level=None, timeout=settings.flush_timeout_s)
    except (OSError, sqlite3.Error) as error:
        raise LogUnreachable(
            f"{url}: cannot open or create {path}: {error}. Check it and its rights"
        ) from error
    try:
        db.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        _to_wal(db, settings.flush_timeout_s)
        db.execute("BEGIN IMMEDIATE")
        for statement in [*_SCHEMA.split(";")[:-1], _OWNERS]:
            db.execute(statement)
        db.execute("INSERT OR IGNORE INTO meta VALUES ('layout', ?)", (str(LAYOUT),))
        db.execute("INSERT OR IGNORE INTO meta VALUES ('log_id', ?)", (uuid.uuid4().hex,))
        db.execute("COMMIT")
    except sqlite3.Error as error:
        raise translated(error, url, "create it") from error
    finally:
        db.close()


def log_id(db: sqlite3.Connection, url: str) -> str:
    """The id that the file got when it was made; LogCorrupt or LogVersionError where it is no log of ours."""
    try:
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not {"meta", "topics", "parts", "marks"} <= tables:
            raise LogCorrupt(f"{url}: a SQLite database, but not a Titan log. Point --log at another file")
        meta = dict(db.execute("SELECT name, value FROM meta").fetchall())
        if meta.get("layout") == "1":
            meta["layout"] = _from_layout_1(db)
    except sqlite3.Error as error:
        raise translated(error, url, "read it") from error
    if meta.get("layout") != str(LAYOUT):
        raise LogVersionError(
            f"{url}: layout {meta.get('layout')} was written by another version of Titan; "
            f"this one reads {LAYOUT}. Open it with the Titan that wrote it, or ingest again into a new log"
        )
    return str(meta["log_id"])


def _from_layout_1(db: sqlite3.Connection) -> str:
    """Add what layout 1 lacked; a file that may only be read is read as it is. Several processes may try at once."""
    try:
        db.execute("BEGIN IMMEDIATE")
        db.execute(_OWNERS)
        db.execute("UPDATE meta SET value = ? WHERE name = 'layout' AND value = '1'", (str(LAYOUT),))
        db.execute("COMMIT")
    except sqlite3.Error as error:
        if db.in_transaction:
            db.execute("ROLLBACK")
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_READONLY:
            raise
    return str(LAYOUT)


def translated(error: sqlite3.Error, url: str, doing: str) -> LogError:
    """The LogError that says what a SQLite error means for the log; a ProgrammingError is raised as it is."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        raise error
    what = f"{url}: cannot {doing}: {error}"
    match code & 0xFF:
        case sqlite3.SQLITE_FULL:
            return LogFull(
                f"{what}. Nothing of this batch was written: free some space, or raise log.max_bytes"
            )
        case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT:
            return LogCorrupt(f"{what}. Point --log at a Titan log, or restore the file from a copy")
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return LogUnreachable(
                f"{what}: another process held it for too long. Look who has it open: fuser FILE"
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return LogUnreachable(
                f"{what}. This user needs to write the file and its folder (WAL keeps two files beside it)"
            )
        case sqlite3.SQLITE_IOERR:
            return LogUnreachable(f"{what}. The disk failed or ran out: see the system's log")
        case _:
            return LogCorrupt(f"{what}. The file does not have the layout of a Titan log")


def _mode(path: str) -> str:
    """How to open the file: for writing, but on a read-only file system, where nobody has it open, as it lies there."""
    unchanging = os.statvfs(Path(path).parent).f_flag & os.ST_RDONLY and not Path(f"{path}-wal").exists()
    return "mode=ro&immutable=1" if unchanging else "mode=rw"


def _is_blank(path: str) -> bool:
    """Say whether the file is a database without tables: another process is laying it out at this moment."""
    try:
        with closing(sqlite3.connect(f"{Path(path).resolve().as_uri()}?mode=ro", uri=True)) as db:
            return db.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    except sqlite3.Error:
        return False  # whatever it is, opening it will say


def _to_wal(db: sqlite3.Connection, timeout_s: float) -> None:
    """Switch to WAL; SQLite does not wait by itself when two processes switch at once."""
    until = time.monotonic() + timeout_s
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.02)
