"""What are the failures, in words, with the input and the line that did it?"""

import re

from flows.lookahead.answers import Raised, only_rounding
from flows.lookahead.findings import Culprit, Finding
from flows.lookahead.inputs import Dependence, what_follows, what_precedes
from flows.lookahead.lines import culprits
from flows.lookahead.recording import Recording
from flows.lookahead.strategy_checks import FUTURES, LIVE, READS, Failure
from flows.lookahead.subject import Subject
from flows.lookahead.traced_run import Job, with_source

_NAMED = 3
"""Failures of one recording whose input and line are looked for."""
_RECORDINGS = 3
"""Recordings over which that is done: a strategy does the same thing everywhere."""
_SETTLED = 100
"""Rows from here on are preferred: in the first ones a loop over a window looks like a loop over rows."""
_TRACED = 300
"""Bars over which two runs of the same bars are traced at least."""


class Suspects:
    """Failures of a strategy as they are found, each narrowed down to one input; named by ``findings`` at the end."""

    def __init__(self, subject: Subject, seed: int) -> None:
        """``seed`` chooses the other futures."""
        self._subject, self._seed = subject, seed
        self._found: list[tuple[Recording, Failure, Dependence | None, Culprit | None]] = []
        self._recordings = 0

    def __len__(self) -> int:
        """Number of suspects."""
        return len(self._found)

    def add(self, recording: Recording, failures: list[Failure]) -> None:
        """Narrow down what failed over one recording."""
        if not failures or self._recordings == _RECORDINGS:
            return
        self._recordings += 1
        before = len(self._found)
        strategy, tape = self._subject.strategy, recording.tape
        for failure in failures:
            if failure.check not in (*FUTURES, LIVE):
                self._found.append((recording, failure, None, _where(failure.raised)))
        ahead = _spread([failure for failure in failures if failure.check in FUTURES])
        for failure in ahead:
            found = what_follows(strategy, tape, failure, self._seed)
            self._found.append((recording, failure, found, None))
        live = [failure for failure in failures if failure.check == LIVE]
        for failure in _spread(live)[: 0 if len(self._found) > before else 1]:
            found = None
            if not failure.raised:
                found = what_follows(strategy, tape, failure, self._seed)
                found = found or what_precedes(strategy, tape, failure.row)
            self._found.append((recording, failure, found, _where(failure.raised)))

    def findings(self) -> list[Finding]:
        """Return what was found, each input and line once."""
        jobs = {
            i: job for i, suspect in enumerate(self._found) if (job := self._job(*suspect[:3])) is not None
        }
        lines = dict(zip(jobs, culprits(list(jobs.values())), strict=True))
        seen, told = set(), list[Finding]()
        for i, (recording, failure, dependence, known) in enumerate(self._found):
            culprit = lines.get(i) or known or Culprit(self._subject.file, 0, "")
            finding = _finding(recording, failure, dependence, culprit)
            kind = failure.check if failure.check not in FUTURES else ""
            input_ = () if failure.check == LIVE else (finding.column, finding.bars_ahead)
            key = (kind, culprit.place, *(() if culprit.line else input_))
            if key not in seen:
                seen.add(key)
                told.append(finding)
        return sorted(told, key=lambda finding: not finding.column)

    def _job(self, recording: Recording, failure: Failure, dependence: Dependence | None) -> Job | None:
        spec, parameters, tape = self._subject.spec, self._subject.parameters, recording.tape
        if failure.check == "same answer twice":
            some = tape.part(0, max(failure.row + 1, min(len(tape), _TRACED)))
            return Job(spec, parameters, len(some) - 1, some, some, "again")
        if failure.check == "leaves its bars alone":
            return Job(spec, parameters, len(tape) - 1, tape, tape, "writes")
        if dependence is not None and dependence.ahead > 0:
            return Job(spec, parameters, dependence.row, dependence.true, dependence.other)
        return None


def _where(raised: Raised | None) -> Culprit | None:
    return with_source(raised.file, raised.line) if raised and raised.line else None


def _spread(failures: list[Failure]) -> list[Failure]:
    """Return a few failures of different rows: the first, and some further on."""
    by_row = {failure.row: failure for failure in reversed(failures)}
    rows = sorted(row for row in by_row if row >= _SETTLED) or sorted(by_row)
    step = max(1, len(rows) // _NAMED)
    return [by_row[row] for row in rows[::step][:_NAMED]]


def _finding(
    recording: Recording, failure: Failure, dependence: Dependence | None, culprit: Culprit
) -> Finding:
    row = dependence.row if dependence else failure.row
    said, otherwise = _unlike(
        dependence.said if dependence else failure.said,
        dependence.otherwise if dependence else failure.otherwise,
    )
    return Finding(
        check=failure.check,
        recording=recording.name,
        symbol=recording.symbol,
        timeframe_ns=recording.timeframe_ns,
        ts_ns=int(recording.tape.ts_event_ns[row]),
        row=row,
        words=_words(failure, dependence),
        said=said,
        otherwise=otherwise,
        column=dependence.column if dependence else "",
        bars_ahead=dependence.ahead if dependence else None,
        culprit=culprit,
    )


def _words(failure: Failure, dependence: Dependence | None) -> str:
    if failure.check == "runs to the end":
        return f"it raises {failure.detail}"
    if failure.check == "same answer twice":
        return (
            "asked again about the same bars, with a new state, it says something else: it uses chance, a clock, or a "
            "memory outside its state"
        )
    if failure.check == READS:
        return f"it {failure.detail}: what it says must follow from its bars alone"
    if failure.check == "leaves its bars alone":
        return f"it writes to `{failure.detail}` of the bars that it is handed, which others read, too"
    if failure.raised:
        return f"where its bars come in other blocks than all at once, it raises {failure.detail}"
    which = dependence or failure
    said, otherwise = which.said, which.otherwise
    if only_rounding(said, otherwise):
        return (
            "the last digits of its numbers depend on how many bars stand in one block: sum them in an order that does "
            "not (bar by bar; sums of whole columns and `@` group as they like)"
        )
    if dependence is None:
        how = "what follows" if failure.check in FUTURES else "how the bars are cut into blocks"
        return f"what it says depends on {how}"
    if dependence.ahead < 0:
        return (
            f"what it says depends on the {_bars(-dependence.ahead)} before standing in the same block: its state does "
            "not hold what it needs, and live every bar is a block of its own"
        )
    if not dependence.column:
        verb = "follows" if dependence.ahead == 1 else "follow"
        return f"what it says depends on whether {dependence.ahead} more {verb}"
    ahead = "next bar" if dependence.ahead == 1 else f"bar {dependence.ahead} ahead"
    return f"what it says depends on `{dependence.column}` of the {ahead}"


def _unlike(said: str, otherwise: str) -> tuple[str, str]:
    """Return of two answers with one target the fields that differ; else both whole.

    >>> _unlike("LONG (strength 1.0, confidence 0.5; up)", "LONG (strength 0.9, confidence 0.5; up)")
    ('LONG (strength 1.0)', 'LONG (strength 0.9)')
    """
    (target, _, fields), (other, _, others) = said.partition(" ("), otherwise.partition(" (")
    one, two = re.split(r"[,;] ", fields.removesuffix(")")), re.split(r"[,;] ", others.removesuffix(")"))
    if target != other or len(one) != len(two) or said == otherwise:
        return said, otherwise
    pairs = [(a, b) for a, b in zip(one, two, strict=True) if a != b]
    return f"{target} ({', '.join(a for a, _ in pairs)})", f"{target} ({', '.join(b for _, b in pairs)})"


def _bars(count: int) -> str:
    return "1 bar" if count == 1 else f"{count} bars"
