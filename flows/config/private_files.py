"""May nobody but its owner read this file? What holds a secret must be so."""

import os
import stat
from pathlib import Path

from flows.config.errors import ConfigUnreadable

_LARGEST = 64 * 1024


def check_private(path: str, status: os.stat_result, why: str) -> None:
    """Raise ConfigUnreadable where others than the owner may read the file."""
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        raise ConfigUnreadable(
            f"{path} may be read by others than its owner (mode {mode:04o}), and {why}: chmod 600 {path} "
            "(a Kubernetes secret: defaultMode: 0400)"
        )


def private_text(path: str, why: str) -> str:
    """Return the text that a private file holds, without its line's end.

    Raises:
        ConfigUnreadable: missing, empty, too large, not text, or others may read it.
    """
    try:
        with Path(path).open("rb") as file:
            check_private(path, os.fstat(file.fileno()), why)
            content = file.read(_LARGEST + 1)
        text = content.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except OSError as error:
        raise ConfigUnreadable(f"cannot read {path}: {error.strerror} ({why})") from error
    except UnicodeDecodeError:
        raise ConfigUnreadable(f"{path} is not UTF-8 text ({why})") from None
    if not text or len(content) > _LARGEST:
        what = f"is larger than {_LARGEST} bytes" if text else "is empty"
        raise ConfigUnreadable(f"{path} {what}: it should hold the value and nothing else ({why})")
    return text
