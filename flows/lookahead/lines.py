"""Which line reads what it must not? Asked of another process, where the strategy runs uncompiled and under a trace."""

import os
import pickle
import subprocess
import sys

import msgspec

from flows.lookahead.findings import Culprit
from flows.lookahead.traced_run import Job

_LIMIT_S = 120


def culprits(jobs: list[Job]) -> list[Culprit | None]:
    """Return for each job the line at which the strategy's two runs part; None where it could not be found."""
    if not jobs:
        return []
    environment = {
        **os.environ,
        "NUMBA_DISABLE_JIT": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", "flows.lookahead.traced_run"],
            input=pickle.dumps(jobs), capture_output=True, env=environment, timeout=_LIMIT_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return [None] * len(jobs)
    if done.returncode != 0:
        return [None] * len(jobs)
    return msgspec.json.decode(done.stdout, type=list[Culprit | None])
