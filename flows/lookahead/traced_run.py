"""The other process that finds a line: it runs the strategy uncompiled, twice, under a trace.

Kernels are compiled when they are imported, so plain Python needs an interpreter of its own with NUMBA_DISABLE_JIT=1.
Reads a pickled list of ``Job`` from stdin and writes a JSON list of ``Culprit`` or null to stdout.
"""

import pickle
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from flows.lookahead.findings import Culprit
from flows.lookahead.line_trace import Allowed, Event, Recorder, first_parting, is_own
from flows.lookahead.subject import load
from flows.lookahead.tape import Tape


class Job(msgspec.Struct, frozen=True, eq=False):
    """A strategy, and two tapes that agree up to ``row`` and make it say two things; or, with ``writes``, one that it
    writes to.
    """

    spec: str
    parameters: dict[str, Any]
    row: int
    one: Tape
    other: Tape
    writes: bool = False


def culprit_of(job: Job) -> Culprit | None:
    """Return the line at which the two runs part, or which writes."""
    cls: Any = load(job.spec)
    strategy: Any = msgspec.convert(job.parameters, cls) if issubclass(cls, msgspec.Struct) else cls()
    if job.writes:
        last = _record(strategy, job.one, Allowed(job.row, len(job.one)), writeable=False)[-1]
        return with_source(last.code.co_filename, last.line) if last.kind == "error" else None
    for later in (False, True):
        records = [
            _record(strategy, tape, Allowed(job.row, len(tape), later=later)) for tape in (job.one, job.other)
        ]
        found = first_parting(*records)
        if found is not None:
            return with_source(found.file, found.line, found.variable)
    return None


def with_source(file: str, line: int, variable: str = "") -> Culprit:
    """Return the place with the text of its line."""
    lines = Path(file).read_text(encoding="utf-8").splitlines() if Path(file).is_file() else []
    return Culprit(file, line, lines[line - 1].strip() if 0 < line <= len(lines) else "", variable)


def _record(strategy: Any, tape: Tape, allowed: Allowed, writeable: bool = True) -> list[Event]:
    rows = tape.rows()
    inputs = [value for value in msgspec.structs.asdict(rows).values() if isinstance(value, np.ndarray)]
    for array in inputs:
        array.flags.writeable = writeable
    recorder = Recorder(msgspec.structs.replace(allowed, inputs=inputs), is_own)
    recorder.run(lambda: strategy.step(strategy.init(), rows))
    return recorder.events


def _begin_with_zeros() -> None:
    """Make unwritten memory the same in both runs, so that it is not taken for a difference."""
    np.empty = np.zeros
    np.empty_like = np.zeros_like


def main() -> None:
    """Answer the jobs on stdin."""
    jobs: list[Job] = pickle.load(sys.stdin.buffer)
    answers, out = [], sys.stdout
    sys.stdout = sys.stderr  # a strategy may print
    _begin_with_zeros()
    with np.errstate(all="ignore"):
        answers = [culprit_of(job) for job in jobs]
    out.write(msgspec.json.encode(answers).decode())


if __name__ == "__main__":
    main()
