"""What led to an order? Upward: its decision, the signal, the cut that took it, its parameters."""

from typing import Any

import msgspec

from flows.connectors.held import event_of
from flows.explain.chain import Link, Missing, Parameters
from flows.explain.find import DECISIONS, REQUESTS, SIGNALS, Found, linked
from flows.explain.ranges import Ranges
from flows.place import Place
from operators.strategies import STRATEGIES
from operators.symbol_parameters import StrategyInstance
from schemas.account import JournalEntry, PortfolioUpdate, RunSettings
from schemas.orders import RiskDecision, Signal, SubmitOrder

JOURNAL, SETTINGS, UPDATES = "account_journal", "run_settings", "portfolio_updates"
_UPDATES_BEFORE = 100
_CUTS = 20_000
"""Journal entries after the signal's time that are looked through."""


class Cause(msgspec.Struct, frozen=True):
    """Order, decision and signal that belong together, as far as the log has them."""

    order: Link[SubmitOrder] | Missing | None
    decision: Link[RiskDecision] | Missing
    signal: Link[Signal] | Missing


def cause_of(ranges: Ranges, found: Found) -> Cause:
    """Return order, decision and signal, whichever of them was found."""
    order: Link[SubmitOrder] | Missing | None = found.order
    decision: Link[RiskDecision] | Missing | None = found.decision
    signal: Link[Signal] | Missing | None = found.signal
    whose = next(link.event.account for link in (order, decision, signal) if isinstance(link, Link))
    if decision is None:
        decision_id = (
            found.order.event.decision_id if found.order else f"decision:{_some(found.signal).event.id}"
        )
        asked_at_ns = (found.order or _some(found.signal)).event.ts_event_ns
        decision = _by_id(ranges, DECISIONS, (whose, decision_id), asked_at_ns, found.signal is None)
    if signal is None:
        event = (found.order or _some(decision)).event
        wanted = (whose, event.signal_id)
        signal = _by_id(ranges, SIGNALS, wanted, _time_in(event.signal_id, event.ts_event_ns), True)
    if order is None and isinstance(decision, Link) and decision.event.verdict == "APPROVED":
        order = _order_after(ranges, decision)
    return Cause(order, decision, signal)


def cut_of(ranges: Ranges, signal: Link[Signal]) -> Link[JournalEntry] | Missing:
    """Return the journal entry with which the account leg took the signal."""
    place, event = signal.place, signal.event
    if JOURNAL not in ranges.topics:
        return Missing(JOURNAL, ranges.gone(JOURNAL))
    partition = ranges.partition(JOURNAL, event.account)
    start = ranges.at(JOURNAL, partition, event.ts_event_ns)
    for record in ranges.read(JOURNAL, partition, start, start + _CUTS):
        entry = event_of(record) if record.key == event.account.encode() else None
        if not isinstance(entry, JournalEntry) or entry.taken_to_ns < event.ts_event_ns:
            continue
        positions = {(at.topic, at.partition): at.next_offset for at in entry.positions}
        if positions.get((place.topic, place.partition), 0) > place.offset:
            return linked(record, entry)
    return Missing(JOURNAL, ranges.gone(JOURNAL, partition) or "no cut has taken the signal yet")


def parameters_of(ranges: Ranges, signal: Signal) -> Parameters:
    """Return what the signal's parameter version stands for, by the settings that the log itself keeps."""
    version = signal.parameter_version
    record = _settings(ranges, signal.account)
    if record is None:
        return Parameters(
            version, "", None, None, f"the log keeps no settings ({SETTINGS}) of account {signal.account}"
        )
    link = linked(*record)
    try:
        sections: dict[str, Any] = msgspec.json.decode(link.event.settings)
        said = sections["strategies"][signal.strategy]
        kind, values = str(said["kind"] or signal.strategy), dict(said["params"])
        mine = StrategyInstance(signal.strategy, signal.timeframe_ns, STRATEGIES[kind](**values)).version
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as error:
        return Parameters(
            version, "", None, link.place, f"the log's settings do not name {signal.strategy}: {error!r}"
        )
    if mine != version:
        note = f"the log's settings give version {mine}: another version of the strategy gave the signal"
        return Parameters(version, kind, values, link.place, note)
    return Parameters(version, kind, values, link.place, "")


def sizing_of(ranges: Ranges, account: str) -> Parameters | None:
    """Return how orders of the account are sized, by the settings that the log itself keeps; None where it has none."""
    record = _settings(ranges, account)
    if record is None:
        return None
    link = linked(*record)
    try:
        said: dict[str, Any] = msgspec.json.decode(link.event.settings)["sizing"]
        kind = str(said["kind"])
        return Parameters(link.event.digest, kind, dict(said[kind]), link.place, "")
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as error:
        return Parameters(
            link.event.digest, "", None, link.place, f"the log's settings do not say it: {error!r}"
        )


def account_before(ranges: Ranges, decision: RiskDecision) -> Link[PortfolioUpdate] | Missing:
    """Return the account's last update that is older than the decision."""
    if UPDATES not in ranges.topics:
        return Missing(UPDATES, ranges.gone(UPDATES))
    partition = ranges.partition(UPDATES, decision.account)
    stop = ranges.at(UPDATES, partition, decision.ts_event_ns)
    for record in reversed(list(ranges.read(UPDATES, partition, stop - _UPDATES_BEFORE, stop))):
        event = event_of(record) if record.key == decision.account.encode() else None
        if isinstance(event, PortfolioUpdate):
            return linked(record, event)
    return Missing(UPDATES, ranges.gone(UPDATES, partition) or "nothing was told of the account before")


def _some(link: Any) -> Link[Any]:
    assert isinstance(link, Link)
    return link


def _by_id(
    ranges: Ranges, topic: str, whose: tuple[str, str], from_ns: int, needed: bool
) -> Link[Any] | Missing:
    """Return the event of this account and id; ``needed`` where a sound log would have it.

    Two accounts that run the same strategy have signals and decisions of the same ids.
    """
    account, wanted = whose

    def is_it(record: Any) -> bool:
        event = event_of(record)
        return event is not None and (event.account, event.id) == whose

    record = ranges.search(topic, wanted.encode(), from_ns, is_it)
    if record is not None:
        return linked(record, event_of(record))
    gone = ranges.gone(topic)
    broken = _unreadable(ranges, topic, wanted, from_ns, account)
    if broken is not None:
        return Missing(topic, f"the record at {broken} cannot be decoded", True)
    if not needed:
        return Missing(topic, "nothing has been decided about it yet")
    return Missing(topic, f"{wanted} is not in the log{f': {gone}' if gone else ''}", not gone)


def _unreadable(ranges: Ranges, topic: str, wanted: str, from_ns: int, account: str) -> Place | None:
    """Return the place of a record that speaks of it and cannot be decoded."""
    key = account.encode()
    record = ranges.search(
        topic, wanted.encode(), from_ns, lambda one: one.key == key and event_of(one) is None
    )
    return Place(topic, record.partition, record.offset) if record else None


def _order_after(ranges: Ranges, decision: Link[RiskDecision]) -> Link[SubmitOrder] | Missing:
    whose = (decision.event.account, decision.event.id)

    def is_it(record: Any) -> bool:
        event = event_of(record)
        return isinstance(event, SubmitOrder) and (event.account, event.decision_id) == whose

    event = decision.event
    record = ranges.search(REQUESTS, event.id.encode(), event.ts_event_ns, is_it)
    if record is not None:
        return linked(record, event_of(record))
    gone = ranges.gone(REQUESTS)
    return Missing(
        REQUESTS, f"approved, and its order is not in the log{f': {gone}' if gone else ''}", not gone
    )


def _time_in(signal_id: str, otherwise_ns: int) -> int:
    """Return the time that a signal's id ends with."""
    last = signal_id.rpartition(":")[2]
    return min(int(last), otherwise_ns) if last.isdecimal() else otherwise_ns


def _settings(ranges: Ranges, account: str) -> tuple[Any, RunSettings] | None:
    for partition in range(ranges.topics.get(SETTINGS, 0)):
        for record in ranges.read(SETTINGS, partition, 0):
            event = event_of(record) if record.key == account.encode() else None
            if isinstance(event, RunSettings):
                return record, event
    return None
