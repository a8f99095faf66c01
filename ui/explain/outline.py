"""What does an explanation say, line by line? A tree of words, each with its place in the log."""

from collections.abc import Iterable

import msgspec

from flows.explain.chain import Explanation, Link, Missing
from schemas.orders import RiskDecision, RuleCheck, Signal, SubmitOrder
from ui.amounts import money, quantity
from ui.explain import market_lines, outcome_lines
from ui.explain.node import Node, missing
from ui.explain.words import at, duration, moment, number

_DIFFERS = "does not fit"


def headline(told: Explanation) -> str:
    """Say in one sentence what happened, and why."""
    if isinstance(told.order, Link):
        order = told.order.event
        said = f"{_wish(order)} for {told.strategy} of account {told.account}"
        if told.outcome:
            said += f": {told.outcome.status.lower().replace('_', ' ')}"
            if told.outcome.filled_nanos:
                said += f" at {number(told.outcome.average_price_nanos / 1e9)}"
    elif isinstance(told.decision, Link):
        decision = told.decision.event
        verdict = {"DENIED": "no order, denied", "NOTHING_TO_DO": "no order, nothing to do"}
        became = verdict.get(decision.verdict, "approved, no order in the log")
        said = f"{told.strategy} in {told.symbol}, account {told.account}: {became}"
        said += f" ({decision.reason})" if decision.reason else ""
    else:
        said = f"{told.strategy} in {told.symbol}: a signal, nothing decided yet"
    if isinstance(told.signal, Link):
        said += f", because {told.signal.event.reason}"
    return said


def outline(told: Explanation, everything: bool = False, more: str = "--all") -> Node:
    """Return the tree: the order, what became of it, and, inside each other, what it follows from.

    ``everything`` lists all features and all comparisons, else those that a person asks for first; ``more`` says
    where the others are.
    """
    signal = _signal(told, market_lines.seen(told, everything, more))
    decision = _decision(told, signal)
    if told.order is None:
        return _flagged(told, decision)
    order = _order(told.order)
    became = outcome_lines.became(told)
    node = msgspec.structs.replace(order, children=(*order.children, *became, decision))
    return _flagged(told, node)


def _wish(order: SubmitOrder) -> str:
    price = f"limit {quantity(order.limit_price_nanos)}" if order.order_type == "LIMIT" else "market"
    return f"{order.side} {quantity(order.quantity_nanos)} {order.symbol} at {price}"


def _order(link: Link[SubmitOrder] | Missing) -> Node:
    if isinstance(link, Missing):
        return missing("order", link)
    order = link.event
    terms = f"{_wish(order)}, {order.time_in_force}{', reduce only' if order.reduce_only else ''}, to {order.venue}"
    return Node(
        "order",
        f"{order.client_order_id}  {terms}, {moment(order.ts_event_ns)}",
        at(link.place),
        link="order",
    )


def _decision(told: Explanation, signal: Node) -> Node:
    link = told.decision
    if isinstance(link, Missing):
        return msgspec.structs.replace(missing("decision", link), children=(signal,))
    decision = link.event
    tone = {"APPROVED": "good", "DENIED": "bad"}.get(decision.verdict, "")
    said = f"{decision.verdict}{f': {decision.reason}' if decision.reason else ''}, {moment(decision.ts_event_ns)}"
    said += f", account {decision.trading_state}" if decision.trading_state != "ACTIVE" else ""
    rules = tuple(_rule(check) for check in decision.checks)
    judged = (_judged(told, decision),) if decision.price_nanos else ()
    stood = tuple(_stood(told))
    return Node("decision", said, at(link.place), tone, (*rules, *judged, *stood, signal), "decision")


def _stood(told: Explanation) -> Iterable[Node]:
    """Yield how the account stood before, and how it sizes orders."""
    if isinstance(told.before, Link):
        update = told.before.event
        said = f"equity {money(update.equity_nanos)}, drawdown {100 * update.drawdown:.2f} %, {update.trading_state}"
        yield Node("account", f"{said}, as told at {moment(update.ts_event_ns)}", at(told.before.place))
    sizing = told.sizing
    if sizing is not None and sizing.place is not None:
        values = ", ".join(f"{name} {_short(value)}" for name, value in (sizing.values or {}).items())
        yield Node("sized by", f"{sizing.kind}{sizing.note}, {values}", at(sizing.place))


def _rule(check: RuleCheck) -> Node:
    verdict = "passed" if check.passed else "DENIES"
    verdict += ", as it does not bind exits" if check.passed and check.value > check.limit else ""
    said = f"{number(check.value)} against a limit of {number(check.limit)}: {verdict}"
    return Node(check.rule, said, "", "good" if check.passed else "bad")


def _judged(told: Explanation, decision: RiskDecision) -> Node:
    said = f"{decision.side} {quantity(decision.quantity_nanos)} at {quantity(decision.price_nanos)}"
    if isinstance(told.mark, Missing):
        return Node("judged", f"{said}; mark: {told.mark.why}", "", "soft")
    mark = told.mark.event
    return Node("judged", f"{said}, the mark of {moment(mark.ts_event_ns)}", at(told.mark.place))


def _signal(told: Explanation, seen: tuple[Node, ...]) -> Node:
    link = told.signal
    if isinstance(link, Missing):
        return missing("signal", link)
    signal = link.event
    said = (
        f"{signal.target} {signal.symbol}, {signal.reason}, strength {number(signal.strength)}, confidence "
        f"{number(signal.confidence)}, at {number(signal.price)}, {moment(signal.ts_event_ns)}"
    )
    return Node("signal", said, at(link.place), "", (*_why(told, signal), *seen), "signal")


def _why(told: Explanation, signal: Signal) -> Iterable[Node]:
    """Yield what the strategy named, its parameters, and when the account leg took the signal."""
    named = ", ".join(f"{name} {number(value)}" for name, value in signal.explanation.items())
    yield Node("decided on", named or "nothing that it names")
    if signal.stop_distance:
        yield Node("stop", f"{number(signal.stop_distance)} away, for sizing")
    parameters = told.parameters
    if parameters is not None:
        values = ", ".join(f"{name} {_short(value)}" for name, value in (parameters.values or {}).items())
        note = f"; {parameters.note}" if parameters.note else ""
        place = at(parameters.place) if parameters.place else ""
        yield Node("parameters", f"{values or 'version'} ({parameters.version}){note}", place)
    if isinstance(told.cut, Link):
        cut = told.cut.event
        forced = ", forced: patience ran out" if cut.forced else ""
        yield Node(
            "taken",
            f"by cut {cut.seq:,} of the journal, up to {moment(cut.taken_to_ns)}{forced}",
            at(told.cut.place),
        )
    else:
        yield missing("taken", told.cut)
    yield Node("meant for", duration(signal.horizon_ns) if signal.horizon_ns else "no stated time")


def _short(value: object) -> str:
    return number(value) if isinstance(value, float) else str(value)


def _flagged(told: Explanation, node: Node) -> Node:
    """Return the tree with every comparison that fails beside the link that it is said of."""
    wrong = [fit for fit in told.fits if not fit.holds]

    def flag(one: Node) -> Node:
        mine = tuple(
            Node(_DIFFERS, f"{fit.what}: {fit.detail}" if fit.detail else fit.what, "", "bad")
            for fit in wrong
            if fit.link == one.link
        )
        return msgspec.structs.replace(one, children=(*mine, *(flag(child) for child in one.children)))

    return flag(node)
