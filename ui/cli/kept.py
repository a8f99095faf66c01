"""Where is a run kept? In a folder of its own, as a log that every command reads like a live one."""

from pathlib import Path
from typing import TYPE_CHECKING

from ui.cli.exits import UsageError

if TYPE_CHECKING:
    from flows.config import Settings
    from flows.connectors.log import Log

_FILES = ("titan.db", "titan.db-wal", "titan.db-shm")


def new_run(settings: "Settings", folder: Path, option: str, read: str = "", fresh: bool = False) -> "Log":
    """Return a new log in a folder; ``fresh`` replaces the run that it holds.

    Args:
        settings: how a log is made.
        folder: made where it is missing.
        option: what named the folder, for messages.
        read: the URL of the log that the run is made from, which is never replaced.
        fresh: whether a run that is there may go.

    Raises:
        UsageError: a run is there already, or it is the one that is read.
    """
    import msgspec

    from flows.runtime import open_configured_log

    file = folder / _FILES[0]
    if _is_same(read, file):
        raise UsageError(f"{option} {folder}: this is the run that is read; name another folder")
    if file.exists() and not fresh:
        or_replaced = ", or replace it by --fresh" if option == "--out" else ""
        raise UsageError(f"{option} {folder}: a run is there already; name another folder{or_replaced}")
    for name in _FILES:
        (folder / name).unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    section = msgspec.structs.replace(
        settings.log, url=f"sqlite:///{file}", synchronous="normal", create=True
    )
    return open_configured_log(msgspec.structs.replace(settings, log=section))


def _is_same(url: str, file: Path) -> bool:
    """Whether a log URL names this file, by whatever path."""
    from flows.connectors.log import sqlite_path

    if not url.startswith("sqlite:"):
        return False
    read = Path(sqlite_path(url))
    return read.exists() and file.exists() and read.samefile(file)
