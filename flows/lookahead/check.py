"""The whole check: every recording, every check, and for what failed the input and the line that did it."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np

from flows.config import Settings
from flows.connectors.input_errors import InputError
from flows.lookahead import feature_checks, leg_checks, strategy_checks
from flows.lookahead.findings import Finding, Line, Material, Report
from flows.lookahead.naming import Suspects
from flows.lookahead.recording import Recording, Source, leg_with, recordings
from flows.lookahead.subject import Subject
from operators.features import FEATURES
from operators.symbol_leg import StrategyInstance

_LEG_SHARE = 8
"""One of so many tries is made through the whole leg, where each costs a poll."""

Progress = Callable[[int, int | None], None]


class Plan(msgspec.Struct, frozen=True):
    """How much is tried: ``times`` bars of each symbol, chosen by ``seed``, of its first ``bars`` bars."""

    times: int = 200
    bars: int = 20_000
    seed: int = 1
    timeframe: str = ""


def check_lookahead(
    subject: Subject, sources: Sequence[Source], settings: Settings, plan: Plan, progress: Progress
) -> Report:
    """Check a strategy over recorded data; ``progress`` is told how many recordings are done, and of how many.

    Raises:
        InputError: a file cannot be read, or holds no bars of the timeframe.
    """
    began = time.monotonic()
    check = _Check(subject, settings, plan)
    found = list(recordings(sources, settings, plan.timeframe or subject.timeframe, plan.bars))
    for done, recording in enumerate(found):
        progress(done, len(found))
        if len(recording.tape) > 1:
            check.over(recording)
    progress(len(found), len(found))
    if not check.recordings:
        raise InputError(
            f"the data holds no two bars of {plan.timeframe or 'this timeframe'}: name a --timeframe that fits it"
        )
    return check.report(time.monotonic() - began)


class _Check:
    """The table and the findings as they grow."""

    def __init__(self, subject: Subject, settings: Settings, plan: Plan) -> None:
        self._subject, self._settings, self._plan = subject, settings, plan
        named = strategy_checks.CHECKS | feature_checks.CHECKS | leg_checks.CHECKS
        self._lines = {name: Line(name, what) for name, what in named.items()}
        self._suspects = Suspects(subject, plan.seed)
        self._materials = list[Material]()
        self._findings = list[Finding]()
        self.recordings = list[Recording]()

    def over(self, recording: Recording) -> None:
        """Run every check over one recording."""
        self.recordings.append(recording)
        heard = strategy_checks.listen(self._subject.strategy, recording.tape)
        self._note_material(recording, len(heard.whole.intents))
        honest = self._check_strategy(recording, heard)
        self._check_features(recording)
        self._check_leg(recording, with_strategy=honest)

    def report(self, seconds: float) -> Report:
        """Name what failed, and return everything."""
        findings = [*self._suspects.findings(), *self._findings]
        passed = not any(line.failed for line in self._lines.values())
        return Report(
            strategy=self._subject.name,
            file=self._subject.file,
            parameters=self._subject.parameters,
            seed=self._plan.seed,
            passed=passed and any(material.signals for material in self._materials),
            materials=self._materials,
            checks=list(self._lines.values()),
            findings=findings,
            seconds=seconds,
        )

    def _note_material(self, recording: Recording, signals: int) -> None:
        tape = recording.tape
        first, last = int(tape.ts_event_ns[0]), int(tape.ts_event_ns[-1])
        length_ns = recording.timeframe_ns
        self._materials.append(
            Material(recording.name, recording.symbol, length_ns, len(tape), signals, first, last)
        )

    def _check_strategy(self, recording: Recording, heard: strategy_checks.Heard) -> bool:
        """Return whether nothing was found."""
        plan, failures = self._plan, list[strategy_checks.Failure]()
        outcomes = strategy_checks.check_strategy(
            self._subject.strategy, recording.tape, heard, plan.times, plan.seed
        )
        for outcome in outcomes:
            self._lines[outcome.check].note(outcome.compared, len(outcome.failures))
            failures += outcome.failures
        self._suspects.add(recording, failures)
        return not failures

    def _check_features(self, recording: Recording) -> None:
        (check,) = feature_checks.CHECKS
        compared, failures = feature_checks.check_features(recording.tape, FEATURES)
        self._lines[check].note(compared, len(failures))
        for failure in failures:
            words = f"the feature {failure.feature} (column {failure.column}) sees more than the bars up to its own"
            ts_ns = int(recording.tape.ts_event_ns[failure.row])
            self._findings.append(_finding(check, recording, ts_ns, words, failure))

    def _check_leg(self, recording: Recording, with_strategy: bool) -> None:
        """Check the leg; without the strategy where that was found out already: here it could not be named as well."""
        instance = StrategyInstance("checked", recording.timeframe_ns, self._subject.strategy)
        leg = leg_with(self._settings, recording.timeframe_ns, (instance,) if with_strategy else ())
        times = -(-self._plan.times // _LEG_SHARE)
        for check, compared, failures in leg_checks.check_leg(leg, recording, times, self._plan.seed):
            self._lines[check].note(compared, len(failures))
            for failure in failures[:1]:
                words = f"the symbol leg says another {failure.column}"
                self._findings.append(_finding(check, recording, failure.ts_ns, words, failure))


def _finding(check: str, recording: Recording, ts_ns: int, words: str, failure: Any) -> Finding:
    row = int(np.searchsorted(recording.tape.ts_event_ns, ts_ns))
    return Finding(
        check, recording.name, recording.symbol, recording.timeframe_ns, ts_ns, row, words,
        failure.said, failure.otherwise, failure.column, None, failure.culprit,
    )  # fmt: skip
