"""Which order, decision or signal does a person mean? By whatever name or place of it they have at hand.

T65ab...                        an order's client id, whole or as much of it as is unambiguous
sma:ES:60000000000:1378...      a signal's id; with decision: before it, a decision's
SIM:SIM-paper-X1, SIM-paper-1   a report's id, a venue's execution or order id
execution_requests/0@12         a place in the log, of any topic that tells of orders
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from flows.connectors.held import event_of
from flows.connectors.log import Record
from flows.explain.chain import Link
from flows.explain.ranges import Ranges
from flows.place import Place
from schemas.account import PortfolioUpdate
from schemas.orders import CancelOrder, ExecutionReport, RiskDecision, Signal, SubmitOrder

REQUESTS, DECISIONS, SIGNALS, REPORTS = (
    "execution_requests", "risk_decisions", "trade_signals", "execution_reports"
)  # fmt: skip
_WHOLE_ID = 25
_ORDER_ID = re.compile(r"[Tt][0-9A-Fa-f]{1,24}")
_PLACE = re.compile(r"([a-z_]+)/(\d+)@(\d+)(?:\.\d+)?")
_SIGNAL_ID = re.compile(r".+:.+:\d+:(\d{1,19})")
_NEAR = 3


class NotInLog(LookupError):
    """What was asked for is not in the log, or names several things; the message says what is near."""


class Found(msgspec.Struct, frozen=True):
    """What was asked for: an order, a decision or a signal; the first that is not None."""

    order: Link[SubmitOrder] | None = None
    decision: Link[RiskDecision] | None = None
    signal: Link[Signal] | None = None


def find(ranges: Ranges, asked: str, account: str | None) -> Found:
    """Return what ``asked`` names.

    Raises:
        NotInLog: nothing or several things are named so.
        LogError: the log cannot be read.
    """
    name = asked.strip().removeprefix("submit:").removeprefix("fill:")
    name = name.removeprefix("cancel:").partition(":")[0] if name.startswith("cancel:") else name
    if not name:
        raise NotInLog("nothing was asked for: name an order, a decision or a signal, or ask for --last")
    if _ORDER_ID.fullmatch(name):
        name = "T" + name[1:].lower()
    placed, signal = _PLACE.fullmatch(name), _SIGNAL_ID.fullmatch(name)
    if placed:
        return _at(ranges, placed[1], int(placed[2]), int(placed[3]))
    if signal:
        return _by_signal(ranges, name, int(signal[1]), account)
    order = _by_order_id(ranges, name, account) or _by_report(ranges, name, account)
    if order is None:
        raise NotInLog(_nothing_like(ranges, name, account))
    return Found(order=order)


def newest(ranges: Ranges, account: str | None, denied: bool = False) -> Found:
    """Return the newest order, or the newest decision against one; NotInLog where there is none."""
    topic, kind = (DECISIONS, RiskDecision) if denied else (REQUESTS, SubmitOrder)
    for record in _all_backward(ranges, topic, account):
        event = event_of(record)
        if isinstance(event, RiskDecision) and event.verdict == "DENIED":
            return Found(decision=linked(record, event))
        if isinstance(event, SubmitOrder):
            return Found(order=linked(record, event))
    what = "denied decision" if kind is RiskDecision else "order"
    whose = f" of account {account}" if account else ""
    raise NotInLog(f"{ranges.log.url}: no {what}{whose} in the log{_because(ranges, topic)}")


def order_of(ranges: Ranges, client_order_id: str, from_ns: int | None = None) -> Link[SubmitOrder] | None:
    """Return the order of this id."""
    needle = client_order_id.encode()
    is_it = _is(SubmitOrder, lambda event: event.client_order_id == client_order_id)
    record = ranges.search(REQUESTS, needle, from_ns, is_it)
    return linked(record, event_of(record)) if record else None


def linked(record: Record, event: Any) -> Link[Any]:
    """Return an event of a single-record topic with its place."""
    return Link(Place(record.topic, record.partition, record.offset), event)


def _is(kind: type[Any], test: Callable[[Any], bool], account: str | None = None) -> Callable[[Record], bool]:
    def is_it(record: Record) -> bool:
        event = event_of(record)
        return isinstance(event, kind) and test(event) and account in (None, event.account)

    return is_it


def _all_backward(ranges: Ranges, topic: str, account: str | None) -> Iterator[Record]:
    key = account.encode() if account else None
    for partition in range(ranges.topics.get(topic, 0)):
        for records in ranges.backward(topic, partition):
            yield from (record for record in reversed(records) if key in (None, record.key))


def _by_order_id(ranges: Ranges, name: str, account: str | None) -> Link[SubmitOrder] | None:
    """Return the order whose id begins so; a whole id ends the search where it is found."""
    needle = name.encode()
    found: dict[str, Link[SubmitOrder]] = {}
    for record in _all_backward(ranges, REQUESTS, account):
        if needle not in (record.value or b""):
            continue
        event = event_of(record)
        if isinstance(event, SubmitOrder) and event.client_order_id.startswith(name):
            found[event.client_order_id] = linked(record, event)
            if event.client_order_id == name and len(name) >= _WHOLE_ID:
                break
    if name in found:
        return found[name]
    if len(found) > 1:
        some = ", ".join(sorted(found)[:_NEAR])
        raise NotInLog(
            f"{len(found):,} orders have an id that begins with {name}: {some} ...; write more of it"
        )
    return next(iter(found.values()), None)


def _by_report(ranges: Ranges, name: str, account: str | None) -> Link[SubmitOrder] | None:
    def names_it(event: ExecutionReport) -> bool:
        return name in (event.id, event.venue_order_id, event.venue_execution_id)

    record = ranges.search(REPORTS, name.encode(), None, _is(ExecutionReport, names_it, account))
    return order_of(ranges, event_of(record).client_order_id) if record else None


def _by_signal(ranges: Ranges, name: str, ts_ns: int, account: str | None) -> Found:
    """Return the decision about a signal if that was asked for, else the signal itself, or what there is of both."""
    signal_id = name.removeprefix("decision:")
    topics = ((DECISIONS, RiskDecision), (SIGNALS, Signal))
    for topic, kind in topics if name != signal_id else topics[::-1]:
        wanted = f"decision:{signal_id}" if kind is RiskDecision else signal_id
        is_it = _is(kind, lambda event, wanted=wanted: event.id == wanted, account)
        record = ranges.search(topic, wanted.encode(), ts_ns, is_it)
        if record is not None:
            link = linked(record, event_of(record))
            return Found(decision=link) if kind is RiskDecision else Found(signal=link)
    raise NotInLog(_no_signal(ranges, signal_id, ts_ns))


def _at(ranges: Ranges, topic: str, partition: int, offset: int) -> Found:
    """Return what is told of at a place."""
    first, end = ranges.span(topic, partition)
    if not first <= offset < end:
        held = f"it holds offsets {first} to {end - 1}" if end > first else "it holds none"
        raise NotInLog(f"{ranges.log.url}: no record at {topic}/{partition}@{offset}: {held}")
    record = next(iter(ranges.read(topic, partition, offset, offset + 1)), None)
    event = (
        event_of(record)
        if record and topic in (REQUESTS, DECISIONS, SIGNALS, REPORTS, "portfolio_updates")
        else None
    )
    if record is not None and isinstance(event, SubmitOrder | RiskDecision | Signal):
        name = {SubmitOrder: "order", RiskDecision: "decision", Signal: "signal"}[type(event)]
        return Found(**{name: linked(record, event)})
    order = None
    if isinstance(event, CancelOrder | ExecutionReport):
        order = order_of(ranges, event.client_order_id)
    elif isinstance(event, PortfolioUpdate) and event.cause.startswith("fill:"):
        order = _by_report(ranges, event.cause.removeprefix("fill:"), event.account)
    if order is None:
        raise NotInLog(
            f"{topic}/{partition}@{offset} tells of no order, decision or signal; name a place in "
            f"{REQUESTS}, {DECISIONS}, {SIGNALS} or {REPORTS}"
        )
    return Found(order=order)


def _nothing_like(ranges: Ranges, name: str, account: str | None) -> str:
    """Say that there is no such order, what there is, and the ids that begin most alike."""
    orders = [
        event
        for r in _all_backward(ranges, REQUESTS, account)
        if isinstance(event := event_of(r), SubmitOrder)
    ]
    said = f"{ranges.log.url}: no order, execution or signal {name!r} in the log"
    if not orders:
        return f"{said}; it holds no orders{_because(ranges, REQUESTS)}"
    ids = [order.client_order_id for order in orders]
    shared = max(_shared(name, one) for one in ids)
    near = [one for one in ids if _shared(name, one) == shared][:_NEAR] if shared > 1 else []
    hint = f"; did you mean {' or '.join(near)}?" if near else "; titan explain --last takes the newest"
    return f"{said}; it holds {len(ids):,} orders, from {ids[-1]} to {ids[0]}{hint}"


def _no_signal(ranges: Ranges, signal_id: str, ts_ns: int) -> str:
    near: list[str] = []
    for partition in range(ranges.topics.get(SIGNALS, 0)):
        start = ranges.at(SIGNALS, partition, ts_ns)
        near += [
            event.id
            for record in ranges.read(SIGNALS, partition, start - _NEAR, start + _NEAR)
            if isinstance(event := event_of(record), Signal)
        ]
    hint = f"; at that time there are {', '.join(near)}" if near else _because(ranges, SIGNALS)
    return f"{ranges.log.url}: no signal or decision {signal_id!r} in the log{hint}"


def _because(ranges: Ranges, topic: str) -> str:
    gone = ranges.gone(topic)
    return f" ({gone})" if gone else ""


def _shared(one: str, other: str) -> int:
    return next((i for i, (a, b) in enumerate(zip(one, other)) if a != b), min(len(one), len(other)))
