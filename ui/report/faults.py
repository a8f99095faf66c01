"""What went wrong or was refused? Denied decisions by rule, dead letters and alerts counted, partial bars."""

from collections import Counter
from collections.abc import Iterable

from schemas.account import Alert, DeadLetter
from schemas.orders import RiskDecision
from ui.report.records import Bars
from ui.report.report import Denial, Tally

_QUALITY = {0: "complete", 1: "partial", 2: "repaired"}


def denials(decisions: list[RiskDecision]) -> list[Denial]:
    """Return the denied decisions, with every rule's reading."""
    return [
        Denial(
            d.ts_event_ns,
            d.strategy,
            d.symbol,
            d.side if d.quantity_nanos else "",
            d.quantity_nanos,
            d.price_nanos,
            d.trading_state,
            d.reason,
            tuple((check.rule, check.value, check.limit, check.passed) for check in d.checks),
        )
        for d in decisions
        if d.verdict == "DENIED"
    ]


def denied_by_rule(denied: list[Denial]) -> dict[str, int]:
    """Return how often each rule denied; a decision without readings counts by the first word of its reason."""
    counts: Counter[str] = Counter()
    for denial in denied:
        failed = [rule for rule, _, _, passed in denial.checks if not passed]
        counts.update(failed or [denial.reason.partition(":")[0] or "unknown"])
    return dict(counts.most_common())


def dead_letter_tallies(letters: list[DeadLetter]) -> list[Tally]:
    """Return dead letters by reason and symbol, the most frequent first."""
    return _tallies((x.reason, x.symbol or x.topic, x.ts_event_ns, x.detail) for x in letters)


def alert_tallies(alerts: list[Alert]) -> list[Tally]:
    """Return alerts by severity, code and source, the most frequent first."""
    return _tallies((f"{x.severity} {x.code}", x.source, x.ts_event_ns, x.message) for x in alerts)


def bar_quality(bars: Iterable[Bars]) -> dict[str, int]:
    """Return how many bars are complete, partial and repaired."""
    counts = dict.fromkeys(_QUALITY.values(), 0)
    for rows in bars:
        for code, name in _QUALITY.items():
            counts[name] += int((rows.quality == code).sum())
    return counts


def _tallies(rows: Iterable[tuple[str, str, int, str]]) -> list[Tally]:
    found: dict[tuple[str, str], Tally] = {}
    for kind, subject, ts_ns, words in rows:
        before = found.get((kind, subject))
        found[kind, subject] = Tally(
            kind,
            subject,
            before.count + 1 if before else 1,
            min(before.first_ns, ts_ns) if before else ts_ns,
            max(before.last_ns, ts_ns) if before else ts_ns,
            words,
        )
    return sorted(found.values(), key=lambda tally: -tally.count)
