"""Does `titan explain` find, by position, what reading all of the log finds? For every order of real runs."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from flows.connectors.log import LogSettings, open_log
from flows.explain import Asked, Explanation, explain
from flows.explain.chain import Link, Ticks
from schemas.flatten import flatten
from schemas.topics import TOPICS
from tests.integration.log_contents import records
from tests.integration.runs import ES, MADE_UP, Market, Place

Told = tuple[str, int, int, int]
Everything = dict[str, list[tuple[Told, dict[str, Any]]]]
LIMITS = "[risk.order_rate]\nmax_per_minute = 1\n[strategies.sma_crossover]\nparams = {fast = 5, slow = 12}\n"
"""A limit that some orders are denied by."""
RESTING = """
[account.orders]
order_type = "LIMIT"
limit_offset_ticks = -2
[strategies.rsi_reversion]
params = {window = 3}
"""
"""Orders that rest, fill in parts, and are cancelled when the next signal comes."""


def everything(url: str) -> Everything:
    """Read the whole log: topic -> (place, event), in the order of the log."""
    found: Everything = {}
    with open_log(url, LogSettings(create=False)) as log:
        for topic in TOPICS:
            found[topic] = [
                ((topic, record.partition, record.offset, ordinal), event)
                for record in records(log, topic)
                for ordinal, event in enumerate(flatten(topic, record.value or b""))
            ]
    return found


def spot(link: Any) -> Told:
    assert isinstance(link, Link), link
    return msgspec.structs.astuple(link.place)  # type: ignore[return-value]


def check(told: Explanation, known: Everything) -> None:
    """Compare every link with what reading everything finds."""
    assert told.sound, [fit for fit in told.fits if not fit.holds] or told
    assert isinstance(told.decision, Link) and isinstance(told.signal, Link)
    signal = told.signal.event
    assert spot(told.decision) == _one(known, "risk_decisions", id=told.decision.event.id)
    assert spot(told.signal) == _one(known, "trade_signals", id=signal.id)
    row = {"symbol": signal.symbol, "timeframe_ns": signal.timeframe_ns, "ts_event_ns": signal.ts_event_ns}
    for link, topic in ((told.bar, "bars"), (told.features, "features"), (told.regime, "regimes")):
        assert spot(link) == _one(known, topic, **row)
    marks = [
        (event["ts_event_ns"], place)
        for place, event in known["marks"]
        if event["symbol"] == signal.symbol and event["ts_event_ns"] <= told.decision.event.ts_event_ns
    ]
    assert spot(told.mark) == max(marks)[1]
    _check_ticks(told, known)
    _check_outcome(told, known)


def _one(known: Everything, topic: str, **fields: Any) -> Told:
    places = [place for place, event in known[topic] if fields.items() <= event.items()]
    assert len(places) == 1, (topic, fields, places)
    return places[0]


def _check_ticks(told: Explanation, known: Everything) -> None:
    assert isinstance(told.ticks, Ticks) and isinstance(told.bar, Link)
    bar, ticks = told.bar.event, told.ticks
    refused = {
        tuple(event[name] for name in ("topic", "partition", "offset", "ordinal"))
        for _, event in known["dead_letters"]
    }
    inside: dict[int, tuple[Told, dict[str, Any]]] = {}
    for place, event in known["market_data"]:
        mine = event["symbol"] == bar.symbol and event["type"] == "trade" and place not in refused
        if mine and bar.ts_event_ns - bar.timeframe_ns <= event["ts_event_ns"] < bar.ts_event_ns:
            inside.setdefault(event["seq"], (place, event))
    assert ticks.rows == len(inside) == bar.trades
    assert spot(ticks.first) == inside[min(inside)][0]
    assert spot(ticks.last) == inside[max(inside)][0]
    assert ticks.high.event.price == max(event["price"] for _, event in inside.values())
    assert ticks.low.event.price == min(event["price"] for _, event in inside.values())
    assert [spot(link) for link in ticks.around_close] == [inside[seq][0] for seq in sorted(inside)[-3:]]


def _check_outcome(told: Explanation, known: Everything) -> None:
    if told.order is None:
        assert told.outcome is None
        return
    assert isinstance(told.order, Link) and told.outcome is not None
    name = told.order.event.client_order_id
    assert spot(told.order) == _one(known, "execution_requests", client_order_id=name, type="SubmitOrder")
    reports = [
        (place, event) for place, event in known["execution_reports"] if event["client_order_id"] == name
    ]
    assert [spot(link) for link in told.outcome.reports] == [place for place, _ in reports]
    cancels = [
        place
        for place, event in known["execution_requests"]
        if event["type"] == "CancelOrder" and event["client_order_id"] == name
    ]
    assert [spot(link) for link in told.outcome.cancels] == cancels
    fills = [event for _, event in reports if event["last_quantity_nanos"]]
    for fill, event in zip(told.outcome.fills, fills, strict=True):
        assert spot(fill.book.update) == _one(known, "portfolio_updates", cause=f"fill:{event['id']}")  # type: ignore[union-attr]
    if told.outcome.fills:
        _check_profit(told, known)


def _check_profit(told: Explanation, known: Everything) -> None:
    """Realised profit of the order: what the books of all updates say, folded from the first one on."""
    assert told.outcome is not None
    mine = {f"fill:{fill.report.event.id}" for fill in told.outcome.fills}
    realized = before = 0
    for _, update in known["portfolio_updates"]:
        for book in update["books"]:
            if (book["strategy"], book["symbol"]) == (told.strategy, told.symbol):
                realized += (book["realized_nanos"] - before) * (update["cause"] in mine)
                before = book["realized_nanos"]
    assert told.outcome.realized_nanos == realized


@pytest.mark.parametrize(("market", "more"), [(ES, ""), (MADE_UP, RESTING)], ids=["es", "made_up"])
def test_every_order_and_decision_of_a_run(tmp_path: Path, market: Market, more: str) -> None:
    place = Place(tmp_path / "run", market, LIMITS + more)
    place.done("demo", "--dir", "here", "--log", place.sqlite, "--speed", "max")
    known = everything(place.sqlite)
    verdicts = {event["verdict"] for _, event in known["risk_decisions"]}
    assert {"APPROVED", "DENIED"} <= verdicts
    with open_log(place.sqlite, LogSettings(create=False)) as log:
        orders = [event for _, event in known["execution_requests"] if event["type"] == "SubmitOrder"]
        assert len(orders) > 10
        for order in orders[:: max(1, len(orders) // 12)]:
            check(explain(log, Asked(order["client_order_id"], ticks=3)), known)
        for _, decision in known["risk_decisions"][:: max(1, len(known["risk_decisions"]) // 24)]:
            told = explain(log, Asked(decision["id"], ticks=3))
            assert (told.order is not None) == (decision["verdict"] == "APPROVED")
            check(told, known)


def test_a_run_on_kafka(empty_kafka: str, tmp_path: Path) -> None:
    url = f"kafka://{empty_kafka}"
    place = Place(tmp_path / "run", MADE_UP, LIMITS)
    place.done("demo", "--dir", "here", "--log", url, "--speed", "max")
    known = everything(url)
    orders = [event for _, event in known["execution_requests"] if event["type"] == "SubmitOrder"]
    with open_log(url) as log:
        for order in (orders[0], orders[len(orders) // 2], orders[-1]):
            check(explain(log, Asked(order["client_order_id"], ticks=3)), known)
        denied = [event for _, event in known["risk_decisions"] if event["verdict"] == "DENIED"]
        told = explain(log, Asked(denied=True, ticks=3))
        assert isinstance(told.decision, Link) and told.decision.event.id == denied[-1]["id"]
        check(told, known)
