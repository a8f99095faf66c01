"""Does today's code say what a recorded run said? Both legs again from the log, compared as they speak.

The account leg is given the *recorded* signals and marks: where the symbol leg differs, decisions and orders still
verify by themselves. Outputs are looked at up to where they ended before the inputs were, so that a run that is still
going on verifies too.
"""

import time
from collections.abc import Callable, Iterable, Iterator

import msgspec

from flows import stop
from flows.comparison import Comparison
from flows.connectors.account_inputs import REPORTS
from flows.connectors.log import Log, Writer
from flows.difference_causes import causes_of
from flows.differences import TopicVerdict
from flows.journal import Journal, JournalBroken
from flows.lanes import BY_ACCOUNT, BY_SYMBOL, DERIVED, UNORDERED
from flows.recorded_topics import RecordedTopics
from flows.replay import Said, account_leg_again, symbol_leg_again
from flows.replay_settings import ReplaySettings, changes
from operators.strategies import StrategyError

JOURNAL = "account_journal"
Told = Callable[[int], None]
_EVERY = 1000


class Verdict(msgspec.Struct, kw_only=True):
    """What a verification came to; ``differing`` names the topics that are not the same."""

    log: str
    account: str
    settings: str
    equal: bool
    stopped: bool
    fault: str
    """What kept the symbol leg from being said to its end: a strategy that raised."""
    differing: list[str]
    notes: list[str]
    market_data: int
    records: int
    topics: list[TopicVerdict]
    seconds: float


def verify(log: Log, settings: ReplaySettings, keep: Log | None, told: Told) -> Verdict:
    """Run both legs again over what ``log`` recorded, and compare.

    Args:
        log: the recorded run.
        settings: what it was run with.
        keep: a log with its topics, for what is said anew.
        told: is called with the number of records said so far.

    Raises:
        LogError: the log cannot be read.
    """
    began = time.monotonic()
    asked = settings.asked
    with RecordedTopics(log, DERIVED) as topics:
        journal = Journal(log, asked.account.id)
        spans = log.spans("market_data")
        comparison = Comparison(topics, asked.account.id)
        run = _Run(comparison, keep, told)
        fault = run.take_market(symbol_leg_again(log, asked, spans))
        broken = run.take_cuts(account_leg_again(log, asked, journal))
        run.close()
        verdicts = comparison.finish(_unverified(fault, broken, journal), to_end=not stop.asked())
        records = dict(topics.records)
    if journal.holds_reports():
        _as_input(verdicts)
    verdicts.append(_of_journal(journal, broken))
    for verdict in verdicts:
        if verdict.first is not None and verdict.first.kind != "broken":
            verdict.first.causes = causes_of(log, verdict.first)
            verdict.first.made_from = None
    differing = [verdict.topic for verdict in verdicts if verdict.verdict == "different"]
    return Verdict(
        log=log.url,
        account=asked.account.id,
        settings=settings.source,
        equal=not (differing or fault or stop.asked()),
        stopped=stop.asked(),
        fault=fault,
        differing=differing,
        notes=[*settings.notes, *_notes(settings, spans)],
        market_data=sum(end - first for first, end in spans),
        records=sum(records.values()),
        topics=verdicts,
        seconds=time.monotonic() - began,
    )


class _Run:
    """Hands what is said anew to the comparison, and to a log where it is kept."""

    def __init__(self, comparison: Comparison, keep: Log | None, told: Told) -> None:
        self._comparison = comparison
        self._writer: Writer | None = keep.writer() if keep is not None else None
        self._told = told
        self._count = 0

    def take(self, said: Iterable[Said]) -> None:
        """Compare until nothing more is said, or someone asks to stop."""
        writer = self._writer
        for record, made in said:
            self._comparison.offer(record.topic, record.key, record.value, made)
            if writer is not None:
                writer.append(record.topic, record.key, record.value, record.timestamp_ms, record.headers)
            self._count += 1
            if stop.asked():
                return
            if self._count % _EVERY == 0:
                if writer is not None:
                    writer.flush()
                self._told(self._count)

    def take_market(self, said: Iterable[Said]) -> str:
        """Compare what the symbol leg says; return what a strategy of today's raised, empty if none did."""
        try:
            self.take(said)
        except StrategyError as error:
            return str(error)
        return ""

    def take_cuts(self, said: Iterable[Said]) -> JournalBroken | None:
        """Compare what the account leg says; return where its journal broke off."""
        try:
            self.take(said)
        except JournalBroken as broken:
            return broken
        return None

    def close(self) -> None:
        """Write what is left to be kept."""
        if self._writer is not None:
            self._writer.close()


def _notes(settings: ReplaySettings, spans: list[tuple[int, int]]) -> Iterator[str]:
    """Yield what a reader of the verdict must know."""
    for change in changes(settings.run, settings.asked):
        yield f"said again with {change.key} = {change.after}; it was {change.before} in the run"
    for partition, (first, _) in enumerate(spans):
        if first:
            yield (
                f"market_data/{partition} begins at offset {first}: what came before is gone from the log, and what "
                "followed from it cannot be said again"
            )


def _unverified(fault: str, broken: JournalBroken | None, journal: Journal) -> dict[str, str]:
    """Return, by topic, why it could not be said to its end."""
    if stop.asked():
        return dict.fromkeys(DERIVED, "stopped before the end")
    found: dict[str, str] = {}
    if fault:
        found |= dict.fromkeys((*BY_SYMBOL, *UNORDERED), fault)
    if broken is not None:
        why = f"said up to entry {journal.count} of the journal, where it breaks off"
        found |= dict.fromkeys((*BY_ACCOUNT, *UNORDERED), why)
    return found


def _as_input(verdicts: list[TopicVerdict]) -> None:
    """Mark the reports as what the run was given, where the venue was not simulated."""
    for verdict in verdicts:
        if verdict.topic == REPORTS:
            verdict.verdict, verdict.differing, verdict.first, verdict.keys = "input", 0, None, []


def _of_journal(journal: Journal, broken: JournalBroken | None) -> TopicVerdict:
    verdict = TopicVerdict(topic=JOURNAL, verdict="equal", recorded=journal.count, today=journal.count)
    if broken is not None:
        verdict.verdict, verdict.differing, verdict.first = "different", 1, broken.difference
        verdict.keys = [broken.difference.key]
    return verdict
