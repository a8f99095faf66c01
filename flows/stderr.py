"""Who speaks to the user when a dataflow fails? We do, in a sentence; not Rust, in a page.

Bytewax prints every exception that crosses it as a panic with a stack, straight to file descriptor 2, before it hands
the exception over. So while a dataflow runs, what is written to the descriptor goes to memory (a disk may be what is
full); Python's own ``sys.stderr`` goes where it always did. TITAN_DEBUG=1 leaves everything as it is.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

_FD = 2


class Withheld:
    """What was written to descriptor 2 meanwhile; ``told`` says that the user has been told otherwise."""

    def __init__(self) -> None:
        self.told = False


@contextmanager
def withheld() -> Iterator[Withheld]:
    """Keep what is written to descriptor 2 meanwhile; then show it, unless it was ``told`` better."""
    said = Withheld()
    if os.environ.get("TITAN_DEBUG", "") not in ("", "0"):
        yield said
        return
    before = sys.stderr
    before.flush()
    real = os.dup(_FD)
    direct = _speaks_to(before, _FD)
    if direct:
        sys.stderr = os.fdopen(real, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)
    with _memory() as kept:
        os.dup2(kept.fileno(), _FD)
        try:
            yield said
        finally:
            os.dup2(real, _FD)
            if direct:
                sys.stderr.flush()
                sys.stderr = before
            os.close(real)
            kept.seek(0)
            if not said.told:
                os.write(_FD, kept.read())


def _memory() -> IO[bytes]:
    """Return a file that needs no disk, where the system has such."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("stderr"), "w+b")
    return tempfile.TemporaryFile()


def _speaks_to(stream: object, descriptor: int) -> bool:
    """Say whether a stream writes to the descriptor; a test's or an embedder's own may not."""
    try:
        return stream.fileno() == descriptor  # type: ignore[attr-defined, no-any-return]
    except (AttributeError, OSError, ValueError):
        return False
