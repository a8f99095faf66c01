"""The other process that finds a line: it runs the strategy uncompiled, twice, under a trace.

Kernels are compiled when they are imported, so plain Python needs an interpreter of its own with NUMBA_DISABLE_JIT=1.
Reads a pickled list of ``Job`` from stdin and writes a JSON list of ``Culprit`` or null to stdout.
"""

import inspect
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from flows.lookahead.findings import Culprit
from flows.lookahead.line_trace import Event, Recorder, first_parting, watching
from flows.lookahead.subject import load
from flows.lookahead.tape import Tape
from flows.lookahead.told_values import Allowed

Watched = Callable[[str], bool]


class Job(msgspec.Struct, frozen=True, eq=False):
    """A strategy, and two tapes that agree up to ``row`` and make it say two things.

    ``kind`` "again": one tape, about which it says two things when it is asked twice; "writes": one that it writes to.
    """

    spec: str
    parameters: dict[str, Any]
    row: int
    one: Tape
    other: Tape
    kind: Literal["apart", "again", "writes"] = "apart"


def culprit_of(job: Job) -> Culprit | None:
    """Return the line at which the two runs part, or which writes."""
    cls: Any = load(job.spec)
    strategy: Any = msgspec.convert(job.parameters, cls) if issubclass(cls, msgspec.Struct) else cls()
    watched = watching(inspect.getfile(cls))
    if job.kind == "writes":
        last = _record(strategy, job.one, Allowed(job.row, len(job.one)), watched, writeable=False)[-1]
        return with_source(last.code.co_filename, last.line) if last.kind == "error" else None
    if job.kind == "again":
        found = first_parting(*_asked_again(strategy, job.one, watched))
        return with_source(found.file, found.line, found.variable) if found else None
    for later in (False, True):
        records = [
            _record(strategy, tape, Allowed(job.row, len(tape), later=later), watched)
            for tape in (job.one, job.other)
        ]
        found = first_parting(*records)
        if found is not None:
            return with_source(found.file, found.line, found.variable)
    return None


def _asked_again(strategy: Any, tape: Tape, watched: Watched) -> list[list[Event]]:
    """Return the records of two runs bar by bar; between them it is shown all bars at once."""
    records, everything = [], 1 << 60

    def bar_by_bar() -> None:
        state = strategy.init()
        for row in range(len(tape)):
            strategy.step(state, tape.part(row, row + 1).rows())

    for _ in range(2):
        recorder = Recorder(Allowed(everything, everything + 1), watched)
        recorder.run(bar_by_bar)
        records.append(recorder.events)
        strategy.step(strategy.init(), tape.rows())
    return records


def with_source(file: str, line: int, variable: str = "") -> Culprit:
    """Return the place with the text of its line."""
    lines = Path(file).read_text(encoding="utf-8").splitlines() if Path(file).is_file() else []
    return Culprit(file, line, lines[line - 1].strip() if 0 < line <= len(lines) else "", variable)


def _record(
    strategy: Any, tape: Tape, allowed: Allowed, watched: Watched, writeable: bool = True
) -> list[Event]:
    rows = tape.rows()
    inputs = [value for value in msgspec.structs.asdict(rows).values() if isinstance(value, np.ndarray)]
    for array in inputs:
        array.flags.writeable = writeable
    recorder = Recorder(msgspec.structs.replace(allowed, inputs=inputs), watched)
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
