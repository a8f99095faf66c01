"""What are the failures, in words, with the input and the line that did it?"""

from flows.lookahead.answers import Raised
from flows.lookahead.findings import Culprit, Finding
from flows.lookahead.inputs import Dependence, what_follows, what_precedes
from flows.lookahead.lines import culprits
from flows.lookahead.recording import Recording
from flows.lookahead.strategy_checks import FUTURES, LIVE, Failure
from flows.lookahead.subject import Subject
from flows.lookahead.traced_run import Job, with_source

_NAMED = 3
"""Failures of one recording whose input and line are looked for."""
_RECORDINGS = 3
"""Recordings over which that is done: a strategy does the same thing everywhere."""
_TRACED = 3000
"""Bars over which two runs of the same bars are traced."""


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
            found = None if failure.raised else what_precedes(strategy, tape, failure.row)
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
        return told

    def _job(self, recording: Recording, failure: Failure, dependence: Dependence | None) -> Job | None:
        spec, parameters, tape = self._subject.spec, self._subject.parameters, recording.tape
        if failure.check == "same answer twice":
            some = tape.part(0, max(failure.row + 1, min(len(tape), _TRACED)))
            return Job(spec, parameters, len(some) - 1, some, some)
        if failure.check == "leaves its bars alone":
            return Job(spec, parameters, len(tape) - 1, tape, tape, writes=True)
        if dependence is not None and dependence.ahead > 0:
            return Job(spec, parameters, dependence.row, dependence.true, dependence.other)
        return None


def _where(raised: Raised | None) -> Culprit | None:
    return with_source(raised.file, raised.line) if raised else None


def _spread(failures: list[Failure]) -> list[Failure]:
    """Return a few failures of different rows: the first, and some further on."""
    by_row = {failure.row: failure for failure in reversed(failures)}
    rows = sorted(by_row)
    step = max(1, len(rows) // _NAMED)
    return [by_row[row] for row in rows[::step][:_NAMED]]


def _finding(
    recording: Recording, failure: Failure, dependence: Dependence | None, culprit: Culprit
) -> Finding:
    row = dependence.row if dependence else failure.row
    said = dependence.said if dependence else failure.said
    otherwise = dependence.otherwise if dependence else failure.otherwise
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
    if failure.check == "leaves its bars alone":
        return f"it writes to `{failure.detail}` of the bars that it is handed, which others read, too"
    if failure.raised:
        return f"where its bars come in other blocks than all at once, it raises {failure.detail}"
    if dependence is None:
        how = "what follows" if failure.check in FUTURES else "how the bars are cut into blocks"
        return f"what it says depends on {how}"
    if dependence.ahead < 0:
        return (
            f"what it says depends on the {_bars(-dependence.ahead)} before standing in the same block: its state does "
            "not hold what it needs, and live every bar is a block of its own"
        )
    if not dependence.column:
        return f"what it says depends on whether {_bars(dependence.ahead)} more follow"
    ahead = "next bar" if dependence.ahead == 1 else f"bar {dependence.ahead} ahead"
    return f"what it says depends on `{dependence.column}` of the {ahead}"


def _bars(count: int) -> str:
    return "1 bar" if count == 1 else f"{count} bars"
