"""Where do compiled kernels live? In a folder named by a hash of the sources, compiled once at set-up.

numba's own cache looks at the file of a kernel, not at the files of the kernels that it calls; a folder for each state
of the sources can't be stale. ``python -m flows.kernel_cache`` compiles everything that a run needs.
"""

import hashlib
import os
import shutil
import sys
import time
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_SOURCES = ("schemas", "operators", "flows/connectors/recorded")
_KEPT = 3


def folder() -> Path:
    """Return the folder of the present sources' kernels: under the running environment, else the user's cache."""
    digest = hashlib.sha256(sys.version.encode())
    for package in _SOURCES:
        for path in sorted((_ROOT / package).rglob("*.py")):
            digest.update(path.read_bytes())
    base = Path(sys.prefix) / "share" / "titan" / "kernels"
    try:
        base.mkdir(parents=True, exist_ok=True)
    except OSError:
        base = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "titan" / "kernels"
    return base / digest.hexdigest()[:16]


def use() -> Path:
    """Point numba at the folder, unless the user has chosen one; must run before numba is imported."""
    chosen = os.environ.setdefault("NUMBA_CACHE_DIR", str(folder()))
    return Path(chosen)


def warm() -> float:
    """Compile every kernel that a run needs; return the seconds that it took."""
    start = time.monotonic()
    from flows.warm_up import run_every_kernel

    run_every_kernel()
    return time.monotonic() - start


def _forget_old(present: Path) -> None:
    others = [path for path in present.parent.iterdir() if path.is_dir() and path != present]
    for path in sorted(others, key=lambda p: p.stat().st_mtime)[: -_KEPT or None]:
        shutil.rmtree(path, ignore_errors=True)


if __name__ == "__main__":
    where = use()
    seconds = warm()
    if where == folder():  # beside a folder that a user chose lies what is not ours
        _forget_old(where)
    print(f"kernels compiled in {seconds:.1f} s: {where}")
