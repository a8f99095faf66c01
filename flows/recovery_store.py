"""Where does a dataflow keep its snapshots, and do they fit the settings and each other?

A store is a folder: Bytewax's SQLite file, the settings that its state was made with, and a lock. It holds nothing that
the log does not: deleted, the next run rebuilds itself from the log.

StoreError
└── every message names the folder, what is wrong with it, and what to do
"""

import fcntl
import hashlib
import pickle
import sqlite3
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
from bytewax.recovery import (
    InconsistentPartitionsError,
    MissingPartitionsError,
    NoPartitionsError,
    init_db_dir,
)

from flows.config import ConfigError

_MARK = "settings.json"
_LOCK = "lock"
BROKEN = (NoPartitionsError, MissingPartitionsError, InconsistentPartitionsError)
"""What Bytewax raises where files of a store are missing or do not belong together."""
_RESUMES_AT = """
SELECT max(epoch) FROM (
    SELECT resume_epoch AS epoch FROM exs WHERE ex_num = (SELECT max(ex_num) FROM exs)
    UNION ALL
    SELECT worker_frontier FROM fronts WHERE ex_num = (SELECT max(ex_num) FROM exs)
)
"""
_SNAPSHOTS = """
SELECT step_id, state_key, ser_change, strftime('%s', created_at), max(snap_epoch) FROM snaps WHERE snap_epoch < ?
GROUP BY step_id, state_key
"""


class StoreError(Exception):
    """A recovery store that cannot be used."""


class Saved(msgspec.Struct, frozen=True):
    """The last snapshot of one part of a dataflow; ``saved_ns`` is when it was taken, to the second."""

    step: str
    key: str
    state: bytes
    saved_ns: int


@contextmanager
def opened(folder: Path, settings: dict[str, object]) -> Iterator[Path]:
    """Hold the store of a run with these settings, made if it is missing; one process at a time.

    Raises:
        ConfigError: the store belongs to a run with other settings.
        StoreError: another process holds it, or it cannot be read or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"recovery store {folder}: {error.strerror} ({error.filename}). {_advice('denied')}"
        ) from error
    try:
        with (folder / _LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StoreError(
                    f"{folder} is in use: another process runs this flow on this log. Stop that one first, or give "
                    "this one a log, an account or a run.recovery_dir of its own"
                ) from None
            _prepare(folder, settings)
            yield folder
    except OSError as error:
        if error.filename is None or not Path(error.filename).is_relative_to(folder):
            raise
        raise StoreError(f"recovery store {folder}: {error.strerror}. {_advice(str(error))}") from error


def forget_unfinished(folder: Path) -> None:
    """Delete the snapshots of epochs that were not finished when the last run was killed.

    Bytewax 0.21.1 reads, for each part of the flow, the last snapshot before the epoch that it resumes at, whichever
    run wrote it. A killed run leaves some of its last epoch's behind; a part that has nothing to save in that epoch of
    the next run does not overwrite its own, and the run after that would take it for the state of that epoch.

    Raises:
        StoreError: it is damaged.
    """
    for file in sorted(folder.glob("part-*.sqlite3")):
        try:
            with closing(sqlite3.connect(file, timeout=5.0)) as db, db:
                (epoch,) = db.execute(_RESUMES_AT).fetchone()
                if epoch is not None:
                    db.execute("DELETE FROM snaps WHERE snap_epoch >= ?", (epoch,))
        except sqlite3.Error as error:
            raise StoreError(f"recovery store {file}: {error}. {_advice(str(error))}") from error


def saved(folder: Path, steps: Sequence[str]) -> list[Saved]:
    """Return what the store holds of the named steps, as the next run would resume; a run may be using it.

    Raises:
        StoreError: it is damaged, or of another version of Bytewax.
    """
    found: list[Saved] = []
    for file in sorted(folder.glob("part-*.sqlite3")):
        try:
            with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=5.0)) as db:
                (epoch,) = db.execute(_RESUMES_AT).fetchone()
                for step_id, key, change, at_s, _ in db.execute(_SNAPSHOTS, (epoch or 0,)):
                    step = step_id.rpartition(".")[2]
                    if step in steps and change is not None:
                        found.append(Saved(step, key, pickle.loads(change), int(at_s) * 1_000_000_000))
        except sqlite3.Error as error:
            raise StoreError(f"recovery store {file}: {error}. {_advice(str(error))}") from error
    return found


def folder_of_bytewax(arguments: Sequence[str], environ: Mapping[str, str]) -> Path | None:
    """Return the folder that ``python -m bytewax.run`` was given (-r); None without one."""
    parser = ArgumentParser(add_help=False, exit_on_error=False)
    parser.add_argument("-r", "--recovery-directory", default=environ.get("BYTEWAX_RECOVERY_DIRECTORY"))
    given = parser.parse_known_args(list(arguments))[0].recovery_directory
    return Path(given) if given else None


def store_error(error: Exception, folder: Path) -> StoreError | None:
    """Return what an error of Bytewax's says about the store; None where it is about something else."""
    said = str(error)
    if isinstance(error, BROKEN):
        return StoreError(f"recovery store {folder}: {said}. {_advice(said)}")
    if isinstance(error, RuntimeError) and "SqliteFailure" in said:
        reason = said.rpartition('Some("')[2].partition('"')[0]
        return StoreError(f"recovery store {folder}: {reason}. {_advice(said)}")
    return None


def _advice(reason: str) -> str:
    low = reason.lower()
    if "full" in low or "no space" in low:
        return "Free some space and run again: it goes on from the last snapshot"
    if "readonly" in low or "read-only" in low or "denied" in low or "unable to open" in low:
        return "Give permission to write there, or set run.recovery_dir to another folder"
    return "Delete the folder and run again: the state is rebuilt from the log"


def _prepare(folder: Path, settings: dict[str, object]) -> None:
    """Check the settings and mend what a kill has left; or lay out a new store."""
    mark = folder / _MARK
    if mark.exists():
        _check(settings, folder)
        forget_unfinished(folder)
        return
    for left in folder.glob("part-*"):
        left.unlink()
    init_db_dir(folder, 1)
    new = folder / f"{_MARK}.new"
    new.write_bytes(msgspec.json.format(msgspec.json.encode(settings)))
    new.rename(mark)


def _check(now: dict[str, object], folder: Path) -> None:
    mark = folder / _MARK
    try:
        then = msgspec.json.decode(mark.read_bytes(), type=dict[str, object])
    except msgspec.DecodeError as error:
        raise StoreError(f"recovery store {mark}: {error}. {_advice(str(error))}") from error
    if _digest(now) == _digest(then):
        return
    other = [section for section in now if now[section] != then.get(section)]
    if other == ["account_state"]:
        raise StoreError(
            f"{folder} holds the state as another version of Titan kept it. {_advice('another version')}"
        )
    raise ConfigError(
        f"{folder} holds the state of a run with other settings in: {', '.join(other)}. What is in a log follows "
        f"from one set of settings: go back to them (they stand in {mark}), or, if the log is of these settings, "
        "delete the folder: the state is rebuilt from the log"
    )


def _digest(said: dict[str, object]) -> str:
    return hashlib.sha256(msgspec.json.encode(said, order="deterministic")).hexdigest()
