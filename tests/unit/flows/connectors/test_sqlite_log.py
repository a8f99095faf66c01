"""What only the embedded log meets: damaged files, full disks, other users, versions and processes."""

import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from flows.connectors.log import (
    IdentityChanged,
    Log,
    LogCorrupt,
    LogFull,
    LogSettings,
    LogUnreachable,
    LogVersionError,
    OffsetOutOfRange,
    TopicSpec,
    open_log,
)

DAY = 1_700_000_000_000
ROOT = Path(__file__).parents[4]


def new_log(path: Path, settings: LogSettings | None = None, partitions: int = 1) -> Log:
    log = open_log(f"sqlite:///{path}", settings)
    log.apply([TopicSpec("t", partitions)])
    return log


def append(log: Log, count: int, size: int = 100) -> None:
    with log.writer() as writer:
        for n in range(count):
            writer.append("t", b"k", b"x" * size, DAY + n)


def values(log: Log) -> int:
    with log.reader({("t", 0): log.span("t", 0)[0]}) as reader:
        return len(reader.poll(1_000_000, 0))


def test_missing_folders_are_made(tmp_path: Path) -> None:
    new_log(tmp_path / "a" / "b" / "titan.db").close()
    assert (tmp_path / "a" / "b" / "titan.db").exists()


def test_not_a_database(tmp_path: Path) -> None:
    path = tmp_path / "titan.db"
    path.write_bytes(b"ts,price\n" * 1000)
    with pytest.raises(LogCorrupt, match="file is not a database"):
        open_log(f"sqlite:///{path}")


def test_a_database_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE users (name)")
    with pytest.raises(LogCorrupt, match="not a Titan log"):
        open_log(f"sqlite:///{path}")


@pytest.mark.parametrize("start", [196_608, 200_000, 203_000])
def test_a_damaged_file(tmp_path: Path, start: int) -> None:
    """Where only the cells of a page are damaged, SQLite sees fewer rows and no error: the reader must."""
    path = tmp_path / "titan.db"
    with new_log(path) as log:
        append(log, 5000)
    for seed in range(5):
        with path.open("r+b") as file:
            file.seek(start)
            file.write(random.Random(seed).randbytes(200_000))
        with (
            open_log(f"sqlite:///{path}") as log,
            pytest.raises(LogCorrupt, match="malformed|records are missing"),
        ):
            values(log)


def test_another_version(tmp_path: Path) -> None:
    path = tmp_path / "titan.db"
    new_log(path).close()
    with sqlite3.connect(path) as db:
        db.execute("UPDATE meta SET value = '99' WHERE name = 'layout'")
    with pytest.raises(
        LogVersionError, match="layout 99 was written by another version.*Titan that wrote it"
    ):
        open_log(f"sqlite:///{path}")


def test_a_folder_in_the_place_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(LogUnreachable):
        open_log(f"sqlite:///{tmp_path}")
    (tmp_path / "file").write_text("x")
    with pytest.raises(LogUnreachable, match="cannot open or create"):
        open_log(f"sqlite:///{tmp_path}/file/titan.db")


def test_a_full_log_writes_nothing_of_the_batch_and_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "titan.db"
    small = LogSettings(max_bytes=400_000)
    with new_log(path, small) as log:
        append(log, 100)
        writer = log.writer()
        for _ in range(4000):
            writer.append("t", b"k", b"x" * 200, DAY)
        with pytest.raises(LogFull, match="append 4000 records to t.*full.*free some space"):
            writer.flush()
        assert log.span("t", 0) == (0, 100)
        with pytest.raises(LogFull):
            writer.close()
    with open_log(f"sqlite:///{path}") as log:
        append(log, 10)
        assert values(log) == 110


def test_a_file_of_another_user() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "titan.db"
        new_log(path).close()
        path.chmod(0o444)
        Path(folder).chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", _AS_NOBODY, folder], cwd=ROOT, capture_output=True, text=True
        )
        Path(folder).chmod(0o755)
    assert "LogUnreachable" in done.stdout and "needs to write the file" in done.stdout, (
        done.stdout + done.stderr
    )


_AS_NOBODY = """
import os, sys
import flows.connectors.sqlite_log
from flows.connectors.log import LogError, TopicSpec, open_log
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    open_log(f"sqlite:///{sys.argv[1]}/titan.db").apply([TopicSpec("new", 1)])
except LogError as error:
    print(type(error).__name__, error)
"""


def test_a_lock_held_too_long(tmp_path: Path) -> None:
    path = tmp_path / "titan.db"
    with new_log(path) as log:
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        writer = log.writer()
        writer.append("t", b"k", b"v", DAY)
        with pytest.raises(LogUnreachable, match="another process held it"):
            writer.flush(0.1)
        holder.execute("ROLLBACK")
        writer.flush(0.1)
        assert values(log) == 1
        writer.close()


def test_retention_moves_the_first_offset(tmp_path: Path) -> None:
    with open_log(f"sqlite:///{tmp_path}/titan.db") as log:
        log.apply([TopicSpec("t", 1, retention_ms=1000)])
        append(log, 5000)
        with log.reader({("t", 0): 100}) as reader:
            assert log.clean(now_ms=DAY + 4000) == 3000
            assert log.span("t", 0) == (3000, 5000) and values(log) == 2000
            with pytest.raises(OffsetOutOfRange, match="Rebuild from the first offset"):
                reader.poll(10, 0)
        with pytest.raises(OffsetOutOfRange):
            log.reader({("t", 0): 2999})
        assert log.offsets_at("t", DAY) == [3000]
        assert log.clean(now_ms=DAY + 10_000_000) == 2000
        assert log.span("t", 0) == (5000, 5000)
        append(log, 1)
        assert log.span("t", 0) == (5000, 5001)


def test_a_new_file_at_the_old_path(tmp_path: Path) -> None:
    path = tmp_path / "titan.db"
    with new_log(path) as log:
        identity = log.identity()
    path.unlink()
    with new_log(path) as log, pytest.raises(IdentityChanged, match="delete the recovery folder"):
        log.reader({("t", 0): 0}, identity=identity)


def test_many_processes_open_a_new_file_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _OPEN_AND_APPEND, f"sqlite:///{tmp_path}/titan.db"]
    processes = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    said = {process.communicate()[0] for process in processes}
    assert len(said) == 1 and said.pop().startswith("sqlite:")
    with open_log(f"sqlite:///{tmp_path}/titan.db") as log:
        assert log.spans("t") == [(0, 40)]


_OPEN_AND_APPEND = """
import sys
import tempfile
import time
from flows.connectors.log import TopicSpec, open_log
with open_log(sys.argv[1]) as log:
    log.apply([TopicSpec("t", 1)])
    for n in range(10):
        with log.writer() as writer:
            writer.append("t", b"k", b"v", 1 + n)
    print(log.identity())
"""


def test_a_flush_waits_as_long_as_the_settings_say(tmp_path: Path) -> None:
    with new_log(tmp_path / "t.db", LogSettings(flush_timeout_s=0.2)) as log, log.writer() as writer:
        other = sqlite3.connect(tmp_path / "t.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        writer.append("t", b"k", b"v", DAY)
        began = time.monotonic()
        for hand_on in (writer.send, writer.flush):
            with pytest.raises(LogUnreachable, match="locked"):
                hand_on()
        assert time.monotonic() - began < 20, "it waited for the 30 s of the default"
        other.execute("ROLLBACK")
