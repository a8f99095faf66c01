"""The peers' trades as files that tests compare with, made again by: python -m tests.benchmarks.peers.golden [PYTHON]

PYTHON is an interpreter that has the ``bench`` extra; by default this one. Hashes for the README are printed.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.benchmarks.peers.datasets import CASES, DATASETS, Case, digest
from tests.benchmarks.peers.job import Job, save

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "tests" / "golden" / "trades"
PEERS = ("backtrader", "nautilus_trader")


def ask(peer: str, job: Job, folder: Path, python: str = sys.executable, *options: str) -> dict[str, Any]:
    """Return what a peer says of a job, from a process of its own."""
    path = folder / "job.json"
    path.write_text(json.dumps(asdict(job)), encoding="utf-8")
    command = [python, "-m", f"tests.benchmarks.peers.with_{peer}", str(path), *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


def outcome(peer: str, case: Case, folder: Path, python: str = sys.executable) -> dict[str, Any]:
    """Return what a peer says of a case."""
    save(DATASETS[case.dataset](), folder / "bars.npz")
    job = Job(str(folder / "bars.npz"), case.strategy, case.params, cash=case.cash)
    return ask(peer, job, folder, python)


def main() -> None:
    python = sys.argv[1] if len(sys.argv) > 1 else sys.executable
    FOLDER.mkdir(parents=True, exist_ok=True)
    for peer in PEERS:
        runs = {}
        with tempfile.TemporaryDirectory() as folder:
            for case in CASES:
                said = outcome(peer, case, Path(folder), python)
                bars = digest(DATASETS[case.dataset]())
                runs[case.name] = {"bars": bars, "equity": said["equity"], "trades": said["trades"]}
        about = {"peer": peer, "version": said["version"], "python": said["python"], "runs": runs}
        text = json.dumps(about).replace("], [", "],\n[").replace("}, ", "},\n") + "\n"
        (FOLDER / f"{peer}.json").write_text(text, encoding="utf-8")
        print(f"{peer}.json {said['version']} {hashlib.sha256(text.encode()).hexdigest()}")


if __name__ == "__main__":
    main()
