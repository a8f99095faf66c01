"""Do the kernels give the same bits as plain Python?"""

import os
import subprocess
import sys
from pathlib import Path

from tests.unit.features.kernel_digest import digest

ROOT = Path(__file__).parents[3]


def test_plain_python_gives_the_same_bits() -> None:
    """A second interpreter with NUMBA_DISABLE_JIT=1, warnings being errors."""
    plain = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.unit.features.kernel_digest"],
        cwd=ROOT,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert plain.stderr == ""
    assert plain.stdout.strip() == digest()
