"""Are the kernels compiled? Asked by `doctor`, and said before a run that must compile them first."""

from pathlib import Path

from flows import kernel_cache
from ui.cli.output import note

_LARGEST = "symbol_kernel.advance-*.nbc"
"""The kernel that calls nearly all others, so that it is compiled last."""


def compiled() -> tuple[Path, bool]:
    """Return the folder of the present sources' kernels, and whether the largest of them is there."""
    folder = kernel_cache.use()
    return folder, folder.is_dir() and any(folder.rglob(_LARGEST))


def note_compiling() -> None:
    """Say that the kernels will be compiled first, where they are not: it takes a while and happens once."""
    if not compiled()[1]:
        note("compiling the kernels: about a minute, once")
