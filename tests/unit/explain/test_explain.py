"""What does an explanation say of a log that is whole, cut short, damaged, or at odds with itself?"""

from pathlib import Path
from typing import Any

import pytest

from flows.connectors.log import Log
from flows.explain import Asked, Explanation, NotInLog, explain
from flows.explain.chain import BookChange, Link, Missing, Ticks
from flows.explain.ranges import Ranges
from schemas.account import DeadLetter
from schemas.codec import encode, topic_of
from schemas.orders import CancelOrder
from tests.unit.explain.small_log import (
    END,
    MINUTE,
    NANOS,
    ORDER,
    SIGNAL,
    START,
    again,
    decision,
    event_ms,
    events,
    make,
    order,
    partition,
    report,
    signal,
    update,
)  # fmt: skip


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return make(f"{tmp_path}/t.db")


def told(log: Log, name: str = ORDER, **more: Any) -> Explanation:
    return explain(log, Asked(name, **more))


def wrong(explanation: Explanation) -> list[tuple[str, str]]:
    return [(fit.link, fit.what) for fit in explanation.fits if not fit.holds]


def test_a_whole_chain(log: Log) -> None:
    chain = told(log, ticks=2)
    assert chain.sound and len(chain.fits) > 15
    for link, topic in (
        (chain.order, "execution_requests"), (chain.decision, "risk_decisions"), (chain.signal, "trade_signals"),
        (chain.cut, "account_journal"), (chain.mark, "marks"), (chain.bar, "bars"), (chain.features, "features"),
        (chain.regime, "regimes"),
    ):  # fmt: skip
        assert isinstance(link, Link) and str(link.place) == f"{topic}/{link.place.partition}@0.0"
    ticks = chain.ticks
    assert isinstance(ticks, Ticks)
    assert (ticks.rows, ticks.messages, ticks.volume, ticks.buy_volume, ticks.sell_volume) == (
        4,
        2,
        10.0,
        6.0,
        4.0,
    )
    spots = [
        (link.place.offset, link.place.ordinal, link.event.price)
        for link in (ticks.first, ticks.high, ticks.low)
    ]
    assert spots == [(0, 0, 100.0), (0, 1, 103.0), (1, 0, 99.0)]
    assert [link.event.seq for link in ticks.around_close] == [2, 3]
    assert chain.outcome is not None and chain.outcome.status == "FILLED"
    fill = chain.outcome.fills[0]
    assert (fill.slippage_nanos, chain.outcome.fees_nanos, chain.outcome.realized_nanos) == (NANOS, NANOS, 0)
    assert isinstance(fill.book, BookChange) and chain.outcome.effect == "opens"


@pytest.mark.parametrize(
    "name",
    [
        ORDER, ORDER[:4], f"submit:{ORDER}", f" {ORDER} ", ORDER.swapcase(),
        f"cancel:{ORDER}:17", SIGNAL, f"decision:{SIGNAL}", "SIM:X2",
        "X1", "V1", "fill:SIM:X2", "execution_requests/0@0", "execution_requests/0@0.0", "risk_decisions/0@0",
        "trade_signals/0@0", "execution_reports/0@1", "portfolio_updates/0@0",
    ],
)  # fmt: skip
def test_whatever_a_person_has_at_hand(log: Log, name: str) -> None:
    chain = told(log, name)
    assert chain.sound and isinstance(chain.order, Link) and chain.order.event.client_order_id == ORDER


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "--last"),
        ("Tzz", f"it holds 1 orders, from {ORDER} to {ORDER}; titan explain --last"),
        (ORDER[:-1] + "x", f"did you mean {ORDER}"),
        (f"sma:ES:1:{END}", f"at that time there are {SIGNAL}"),
        ("execution_requests/0@7", "it holds offsets 0 to 0"),
        ("execution_requests/9@0", "it holds none"),
        ("bars/0@0", "no record at bars/0@0" if partition("bars") else "tells of no order"),
        ("account_journal/0@0", "tells of no order, decision or signal"),
        ("nonsense/0@0", "it holds none"),
    ],
)
def test_what_is_not_there_is_said_with_what_is_near(log: Log, name: str, said: str) -> None:
    with pytest.raises(NotInLog, match=said.replace("(", r"\(")):
        told(log, name)


def test_several_orders_that_begin_alike(tmp_path: Path) -> None:
    other = again(order, client_order_id=ORDER[:-1] + "c", signal_id="s", decision_id="d")
    log = make(f"{tmp_path}/t.db", [*events(), other])
    with pytest.raises(NotInLog, match="2 orders have an id that begins with Tab"):
        told(log, "Tab")
    assert told(log).sound
    assert explain(log, Asked(last=True)).order.event == other  # type: ignore[union-attr]


def test_another_accounts_order_is_passed_over(log: Log) -> None:
    assert told(log, account="paper").sound
    with pytest.raises(NotInLog):
        told(log, account="live")
    with pytest.raises(NotInLog, match="no order of account live"):
        explain(log, Asked(last=True, account="live"))


def test_a_denied_decision_is_explained_and_has_no_order(tmp_path: Path) -> None:
    check = again(decision.checks[0], value=3.0, passed=False)
    denied = again(decision, verdict="DENIED", checks=(check,), reason="position_limit")
    log = make(f"{tmp_path}/t.db", [signal, events()[1], denied])
    for asked in (Asked(denied=True), Asked(denied.id), Asked(SIGNAL)):
        chain = explain(log, asked)
        assert chain.sound and chain.order is None and chain.outcome is None
        assert isinstance(chain.ticks, Ticks)
    with pytest.raises(NotInLog, match="no order in the log"):
        explain(log, Asked(last=True))


def test_a_signal_that_nothing_was_decided_about(tmp_path: Path) -> None:
    chain = told(make(f"{tmp_path}/t.db", [signal]), SIGNAL)
    assert chain.sound
    assert chain.decision == Missing("risk_decisions", "nothing has been decided about it yet")
    assert isinstance(chain.cut, Missing) and isinstance(chain.ticks, Ticks)


def test_an_order_without_its_decision_and_signal(tmp_path: Path) -> None:
    chain = told(make(f"{tmp_path}/t.db", [order]))
    assert not chain.sound
    assert isinstance(chain.decision, Missing) and chain.decision.faulty
    assert isinstance(chain.signal, Missing) and "is not in the log" in chain.signal.why
    assert chain.outcome is not None and chain.outcome.note == "no report of the venue yet"


def test_an_approved_decision_without_its_order(tmp_path: Path) -> None:
    chain = told(make(f"{tmp_path}/t.db", [signal, decision]), SIGNAL)
    assert isinstance(chain.order, Missing) and chain.order.faulty and not chain.sound


@pytest.mark.parametrize(
    ("index", "changed", "fit"),
    [
        (3, {"signal_id": "other"}, ("order", "signal_id is the decision's")),
        (3, {"quantity_nanos": 5}, ("order", "side and quantity are those judged")),
        (2, {"price_nanos": 55 * NANOS}, ("decision", "priced at the symbol's last mark")),
        (2, {"verdict": "DENIED"}, ("order", "the decision approved it")),
        (0, {"price": 7.0}, ("signal", "price is the bar's close")),
        (0, {"regime": 2}, ("signal", "regime is that of the bar")),
        (0, {"cause_offset": 1}, ("signal", "cause_offset is the bar's")),
        (0, {"explanation": {"sma_20": 7.0}}, ("signal", "sma_20 is the feature's value")),
    ],
)
def test_what_does_not_fit_is_named(
    tmp_path: Path, index: int, changed: dict[str, Any], fit: tuple[str, str]
) -> None:
    altered = events()
    altered[index] = again(altered[index], **changed)
    chain = told(make(f"{tmp_path}/t.db", altered))
    assert fit in wrong(chain)
    assert not chain.sound


def test_a_bar_that_its_ticks_do_not_make(tmp_path: Path) -> None:
    chain = told(make(f"{tmp_path}/t.db", close=102.0))
    assert ("ticks", "last price is the bar's close") in wrong(chain)
    assert ("signal", "price is the bar's close") in wrong(chain)


def test_a_refused_tick_is_shown_and_not_counted(tmp_path: Path) -> None:
    letter = DeadLetter(
        "market_data:p:0:1",
        "market_data",
        partition("market_data"),
        0,
        1,
        "ES",
        START + NANOS,
        "bad_print",
        "why",
        b"",
    )
    log = make(f"{tmp_path}/t.db")
    with log.writer() as writer:
        writer.append("dead_letters", b"market_data", encode(letter), (START + NANOS) // 1_000_000)
    ticks = told(log).ticks
    assert isinstance(ticks, Ticks)
    assert (ticks.rows, ticks.high.event.price, [link.event.reason for link in ticks.refused]) == (
        3,
        101.0,
        ["bad_print"],
    )


def test_an_unreadable_record_is_said_in_place(tmp_path: Path) -> None:
    log = make(f"{tmp_path}/t.db", [order])
    with log.writer() as writer:
        writer.append(
            "risk_decisions",
            b"paper",
            b"\x00\x00\x00\x00\x09junk decision:" + SIGNAL.encode(),
            END // 1_000_000,
        )
    decided = told(log).decision
    assert isinstance(decided, Missing) and decided.faulty
    assert decided.why == "the record at risk_decisions/0@0.0 cannot be decoded"


def test_what_retention_removed_is_no_fault(tmp_path: Path) -> None:
    log = make(f"{tmp_path}/t.db")
    expire(log, "market_data", partition("market_data"), 3)
    expire(log, "trade_signals", 0, 1)
    chain = told(log)
    assert chain.sound
    assert isinstance(chain.signal, Missing) and "begins at offset 1" in chain.signal.why
    log = make(f"{tmp_path}/u.db")
    expire(log, "market_data", partition("market_data"), 3)
    ticks = told(log).ticks
    assert isinstance(ticks, Missing) and "has been removed" in ticks.why and not ticks.faulty


def test_a_log_without_the_topics(tmp_path: Path) -> None:
    from flows.connectors.log import TopicSpec, open_log

    with open_log(f"sqlite:///{tmp_path}/t.db") as log:
        with pytest.raises(NotInLog, match="it holds no orders"):
            told(log)
        log.apply([TopicSpec("execution_requests", 1)])
        with log.writer() as writer:
            writer.append("execution_requests", b"paper", encode(order), END // 1_000_000)
        chain = told(log)
        assert isinstance(chain.decision, Missing) and chain.outcome is not None


def test_the_orders_that_opened_and_closed(tmp_path: Path) -> None:
    closing = again(report(4, "FILLED", NANOS, "Tclose", END + 5 * NANOS), side="SELL")
    later = [
        closing,
        update(1, "period:1", NANOS, ts=END + 2 * NANOS),
        update(2, "fill:SIM:X4", 0, 7 * NANOS, ts=END + 5 * NANOS),
        again(order, client_order_id="Tclose", side="SELL", ts_event_ns=END + 4 * NANOS),
        again(update(3, "fill:SIM:X9", -NANOS, 7 * NANOS, ts=END + 9 * NANOS)),
    ]
    log = make(f"{tmp_path}/t.db", [*events(), *later])
    outcome = told(log).outcome
    assert outcome is not None
    assert [(one.role, one.client_order_id, one.realized_nanos) for one in outcome.related] == [
        ("closed by", "Tclose", 7 * NANOS)
    ]
    outcome = told(log, "Tclose").outcome
    assert outcome is not None and outcome.effect == "closes" and outcome.realized_nanos == 7 * NANOS
    assert [(one.role, one.client_order_id) for one in outcome.related] == [("opened by", ORDER)]


def test_a_cancel_and_a_repeated_report(tmp_path: Path) -> None:
    cancel = CancelOrder(ORDER, "paper", "ES", "SIM", END + NANOS, "replaced")
    told_twice = [
        signal,
        decision,
        order,
        cancel,
        report(1, "ACCEPTED"),
        report(1, "ACCEPTED"),
        report(2, "CANCELLED"),
    ]
    outcome = told(make(f"{tmp_path}/t.db", told_twice)).outcome
    assert outcome is not None
    assert (outcome.status, len(outcome.reports), len(outcome.cancels), outcome.fills) == (
        "CANCELLED",
        2,
        1,
        (),
    )


def expire(log: Log, topic: str, at: int, first: int) -> None:
    """Remove the records before an offset, as retention does."""
    db = log._db  # type: ignore[attr-defined]
    (part,) = db.execute("SELECT id FROM parts WHERE topic = ? AND partition = ?", (topic, at)).fetchone()
    log._expire(part, first)  # type: ignore[attr-defined]


def test_a_long_bar_is_read_at_its_ends_and_where_shorter_bars_have_its_extremes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.explain import ticks as explained
    from tests.unit.explain.small_log import bar_row

    log = make(f"{tmp_path}/t.db")
    with log.writer() as writer:
        for second, price in enumerate((100.0, 103.0, 99.0, 101.0)):
            end = START + (second + 1) * NANOS
            writer.append("bars", b"ES", bar_row(end, NANOS, second, price), END // 1_000_000)
        writer.append("bars", b"ES", bar_row(END, 2 * MINUTE, 0, 101.0, 103.0, 99.0, 3), END // 1_000_000)
    long_bar = again(told(log).bar.event, timeframe_ns=2 * MINUTE)  # type: ignore[union-attr]
    monkeypatch.setattr(explained, "MOST_MESSAGES", 2)
    monkeypatch.setattr(explained, "_END_MESSAGES", 1)
    place = again(told(log).bar.place, offset=9)  # type: ignore[union-attr]
    found = explained.ticks_of(Ranges(log), Link(place, long_bar), 0)
    assert isinstance(found, Ticks) and not found.whole
    assert (found.first.event.price, found.last.event.price) == (100.0, 101.0)
    assert found.high is not None and found.low is not None
    assert (found.high.event.price, found.low.event.price) == (103.0, 99.0)


def test_the_settings_in_the_log_say_parameters_and_sizing(tmp_path: Path) -> None:
    from flows.config import load_settings
    from flows.config.parameters import strategy_instances
    from flows.run_settings import note_settings

    sets = (
        "strategies.sma.kind=sma_crossover",
        "strategies.sma.params.fast=7",
        "sizing.fixed_fractional.risk_fraction=0.02",
    )
    settings, _ = load_settings(None, {}, sets)
    version = {one.name: one.version for one in strategy_instances(settings)}["sma"]
    earlier = update(0, "period:1", 0, ts=END - NANOS)
    log = make(f"{tmp_path}/t.db", [earlier, again(signal, parameter_version=version), *events()[1:-1]])
    note_settings(log, settings)
    chain = told(log)
    assert chain.sound and chain.parameters is not None and chain.sizing is not None
    assert (chain.parameters.kind, chain.parameters.values["fast"], chain.parameters.note) == (
        "sma_crossover",
        7,
        "",
    )  # type: ignore[index]
    assert (chain.sizing.kind, chain.sizing.values["risk_fraction"]) == ("fixed_fractional", 0.02)  # type: ignore[index]
    assert isinstance(chain.before, Link) and chain.before.event == earlier
    other = told(make(f"{tmp_path}/u.db"))
    assert other.parameters is not None and other.parameters.values is None and other.sizing is None
    log = make(f"{tmp_path}/v.db")
    note_settings(log, settings)
    assert ("signal", "parameters are those of the run") in wrong(told(log))


def test_where_time_misleads_the_search_goes_on_backward(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another account of a later year, with the same strategy and so the same ids, lies before ours."""
    from flows.explain import ranges

    log = make(f"{tmp_path}/t.db", [])
    with log.writer() as writer:
        for ts in (END + 10**17, END + 10**17 + 1):
            for event in (signal, decision, again(order, client_order_id="Tother")):
                other = again(event, account="other", ts_event_ns=ts)
                writer.append(topic_of(other), b"other", encode(other), ts // 1_000_000)
        for event in events():
            writer.append(topic_of(event), b"paper", encode(event), event_ms(event))
    monkeypatch.setattr(ranges, "FAR", 1)
    for asked in (Asked(ORDER), Asked(SIGNAL, account="paper"), Asked(f"decision:{SIGNAL}", account="paper")):
        chain = explain(log, asked)
        assert not wrong(chain) and chain.account == "paper"
        assert isinstance(chain.order, Link) and chain.order.event.client_order_id == ORDER
        assert isinstance(chain.signal, Link) and isinstance(chain.decision, Link)
