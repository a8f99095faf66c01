"""Are the kernels compiled? Asked by `doctor`, and said before a run that must compile them first."""

import os
from pathlib import Path

from flows import kernel_cache
from ui.cli.output import note

_LARGEST = "symbol_kernel.advance-*.nbc"
"""The kernel that calls nearly all others, so that it is compiled last."""


def compiled() -> tuple[Path, bool]:
    """Return the folder of the present sources' kernels, and whether the largest of them is there."""
    folder = kernel_cache.use()
    return folder, folder.is_dir() and any(folder.rglob(_LARGEST))


def compile_first() -> None:
    """Compile the kernels where they are not, and say so: it takes a while and happens once.

    Before a run begins, so that Ctrl-C ends it, and not in each of its processes.
    """
    if compiled()[1] or os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return
    note("compiling the kernels: about a minute, once")
    kernel_cache.warm()
