"""How is a file written so that nobody ever reads half of it? Beside its place, then moved there."""

import os
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write a file wholly or not at all.

    Raises:
        OSError: it cannot be written; the error names it, and nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    try:
        unfinished.write_text(text, encoding="utf-8")
        os.replace(unfinished, path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error
