"""Are the report's numbers those that a hand computes, and the ledger's, to the last 1e-9?"""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.instruments import NANOS
from tests.unit.report.runs import START, TinyRun, again, decision
from ui.report.compute import compute
from ui.report.fills import booked_fills
from ui.report.report import Known, Report
from ui.report.trades import last_books, match, open_trades, reconcile

BOOK = ("sma", "ES")


def at(second: int) -> int:
    return START + second * NANOS


@pytest.fixture
def by_hand() -> TinyRun:
    """ES, 50 a point: buy 2 at 1600, sell 3 at 1608 (through zero), buy 1 at 1612; marked at 1610 and 1620."""
    run = TinyRun()
    run.mark(60, "ES", 1600.0)
    run.order(89, "o1", *BOOK, "crossed above")
    run.fill(90, "o1", BOOK, 2, 1600.0, 16.0)
    run.mark(120, "ES", 1610.0)
    run.order(149, "o2", *BOOK, "crossed below")
    run.fill(150, "o2", BOOK, -3, 1608.0, 24.0)
    run.mark(180, "ES", 1620.0)
    run.order(209, "o3", *BOOK, "back to flat")
    run.fill(210, "o3", BOOK, 1, 1612.0, 8.0)
    return run


def report_of(run: TinyRun) -> Report:
    return compute(run.records(), "t", Known())


def test_account_of_a_run_by_hand(by_hand: TinyRun) -> None:
    account = report_of(by_hand).portfolio
    assert account is not None
    assert (account.initial_nanos, account.equity_nanos) == (100_000 * NANOS, 100_552 * NANOS)
    assert (account.net_nanos, account.realized_nanos) == (552 * NANOS, 600 * NANOS)
    assert (account.unrealized_nanos, account.fees_nanos) == (0, 48 * NANOS)
    assert account.return_ == 0.00552
    assert account.turnover_nanos == (160_000 + 241_200 + 80_600) * NANOS
    assert account.time_in_market == 120 / 150
    assert account.highest_leverage == 160_000 / 99_984


def test_equity_and_drawdown_by_hand(by_hand: TinyRun) -> None:
    report = report_of(by_hand)
    assert [nanos // NANOS for nanos in report.curve.equity_nanos] == [
        100_000, 99_984, 100_984, 100_760, 100_160, 100_552,
    ]  # fmt: skip
    assert report.curve.ts_ns == [at(second) for second in (60, 90, 120, 150, 180, 210)]
    assert report.portfolio is not None
    fall = report.portfolio.drawdown
    assert fall is not None
    assert (fall.amount_nanos, fall.peak_ns, fall.trough_ns) == (824 * NANOS, at(120), at(180))
    assert (fall.ratio, fall.recovered_ns) == (824 / 100_984, None)
    assert report.curve.drawdown[4] == pytest.approx(-824 / 100_984)
    assert [row.change_nanos for row in report.periods] == [552 * NANOS]


def test_trades_by_hand_share_the_fee_of_the_order_that_turned(by_hand: TinyRun) -> None:
    report = report_of(by_hand)
    first, second = report.trades
    assert (first.side, first.quantity_nanos, first.entry_ns, first.exit_ns) == (
        "LONG",
        2 * NANOS,
        at(90),
        at(150),
    )
    assert (first.entry_price_nanos, first.exit_price_nanos) == (1600 * NANOS, 1608 * NANOS)
    assert (first.gross_nanos, first.fees_nanos, first.net_nanos) == (800 * NANOS, 32 * NANOS, 768 * NANOS)
    assert (first.entry_reason, first.exit_reason) == ("crossed above", "crossed below")
    assert first.return_ == 768 / 160_000
    assert (second.side, second.gross_nanos, second.net_nanos) == ("SHORT", -200 * NANOS, -216 * NANOS)
    totals = report.totals
    assert (totals.closed, totals.open, totals.orders, totals.fills) == (2, 0, 3, 3)
    assert (totals.win_rate, totals.profit_factor, totals.average_nanos) == (0.5, 768 / 216, 276 * NANOS)
    assert report.reconciliation.holds


def test_a_drawdown_that_ends_says_when() -> None:
    run = TinyRun()
    run.fill(10, "o1", BOOK, 1, 1600.0)
    for second, price in ((60, 1590.0), (120, 1599.0), (180, 1601.0)):
        run.mark(second, "ES", price)
    account = report_of(run).portfolio
    assert account is not None and account.drawdown is not None
    assert (account.drawdown.trough_ns, account.drawdown.recovered_ns) == (at(60), at(180))


def test_partial_fills_of_an_order_are_one_trade_and_open_ones_are_valued() -> None:
    run = TinyRun()
    run.fill(1, "o1", BOOK, 1, 1600.0)
    run.fill(2, "o1", BOOK, 2, 1601.5)
    run.fill(3, "o2", BOOK, -1, 1604.0)
    run.fill(4, "o2", BOOK, -1, 1605.0)
    run.mark(60, "ES", 1610.0)
    report = report_of(run)
    (trade,), (left,) = report.trades, report.open_trades
    assert trade.quantity_nanos == 2 * NANOS
    assert trade.entry_price_nanos == 1600_750_000_000
    assert trade.exit_price_nanos == 1604_500_000_000
    assert trade.gross_nanos == 50 * 7_500_000_000
    assert (left.quantity_nanos, left.entry_price_nanos) == (NANOS, 1601_500_000_000)
    assert left.unrealized_nanos == 50 * 8_500_000_000
    assert [row.unrealized_nanos + row.realized_nanos for row in report.strategies] == [50 * 16 * NANOS]
    (marker, other) = report.charts[0].executions
    assert (marker.fills, marker.effect, other.effect) == (2, "opens", "reduces")


FILLS = st.lists(
    st.tuples(
        st.sampled_from(["sma", "rsi"]),
        st.sampled_from(["ES", "BTCUSDT"]),
        st.integers(-7, 7).filter(bool),
        st.integers(4000, 4400),
        st.integers(0, 10**7),
        st.booleans(),
    ),
    max_size=40,
)


@given(FILLS)
def test_trades_reconcile_with_the_ledger_whatever_is_traded(
    fills: list[tuple[str, str, int, int, int, bool]],
) -> None:
    run = TinyRun()
    for i, (strategy, symbol, lots, ticks, fee, same_order) in enumerate(fills):
        order = f"o-{strategy}-{symbol}-{i // 3 if same_order else f'{i}x'}"
        run.fill(i, order, (strategy, symbol), lots, ticks * 0.25, fee / 1e9)
    run.mark(len(fills), "ES", 1050.25)
    run.mark(len(fills) + 1, "BTCUSDT", 1040.5)
    records = run.records()
    booked = booked_fills(records.updates, records.reports)
    matched, held = match(booked, {}), last_books(records.updates)
    found = reconcile(records.updates, matched, held)
    assert found.checked and found.holds, found.differences
    last = records.updates[-1]
    closed = sum(trade.net_nanos for trade in matched.trades)
    still = sum(trade.unrealized_nanos - trade.fees_nanos for trade in open_trades(matched, held, {}))
    assert closed + still == last.equity_nanos - 100_000 * NANOS
    assert sum(abs(fill.quantity_nanos) for fill in booked) == sum(
        r.last_quantity_nanos for r in records.reports
    )


@given(FILLS)
def test_the_figures_are_those_of_the_trades_listed(
    fills: list[tuple[str, str, int, int, int, bool]],
) -> None:
    run = TinyRun()
    for i, (strategy, symbol, lots, ticks, fee, same_order) in enumerate(fills):
        order = f"o-{strategy}-{symbol}-{i // 3 if same_order else f'{i}x'}"
        run.fill(i, order, (strategy, symbol), lots, ticks * 0.25, fee / 1e9)
    run.mark(len(fills), "ES", 1050.25)
    report = report_of(run)
    nets = [trade.net_nanos for trade in report.trades]
    assert report.performance is not None
    said = report.performance.metrics
    assert (said.trades, said.trades_won) == (len(nets), sum(net > 0 for net in nets))
    assert (said.best_trade_nanos, said.worst_trade_nanos) == (
        max(nets, default=None),
        min(nets, default=None),
    )
    assert said.average_trade_nanos == (sum(nets) // len(nets) if nets else None)
    held = sum(trade.exit_ns - trade.entry_ns for trade in report.trades)
    assert said.average_held_ns == (held // len(nets) if nets else None)
    lost = -sum(net for net in nets if net < 0)
    assert said.profit_factor == (sum(net for net in nets if net > 0) / lost if lost else None)
    by_side = {row.side: row.trades for row in report.performance.sides}
    assert by_side == {side: sum(trade.side == side for trade in report.trades) for side in ("LONG", "SHORT")}
    assert sum(row.net_nanos for row in report.performance.books) == said.net_nanos


def test_a_ledger_that_says_otherwise_is_found(by_hand: TinyRun) -> None:
    records = by_hand.records()
    last = records.updates[-1]
    (book,) = last.books
    records.updates[-1] = again(last, books=(again(book, realized_nanos=book.realized_nanos + 1),))
    found = compute(records, "t", Known()).reconciliation
    assert found.checked and not found.holds
    assert any("book sma ES: realised" in words for words in found.differences)


def test_a_log_without_the_beginning_is_reported_and_not_reconciled(by_hand: TinyRun) -> None:
    records = by_hand.records()
    del records.updates[:3]
    report = compute(records, "t", Known())
    assert not report.reconciliation.checked
    assert report.portfolio is not None and report.portfolio.net_nanos == 552 * NANOS


def test_strategies_stand_apart_and_sum_up(by_hand: TinyRun) -> None:
    by_hand.order(220, "o4", "rsi", "ES")
    by_hand.events.append(decision("o5", "rsi", "ES", at(221), denied=True))
    by_hand.fill(222, "o4", ("rsi", "ES"), 1, 1612.0, 8.0)
    by_hand.mark(240, "ES", 1615.0)
    report = report_of(by_hand)
    rsi, sma = report.strategies
    assert (rsi.strategy, rsi.realized_nanos, rsi.unrealized_nanos, rsi.net_nanos) == (
        "rsi",
        0,
        150 * NANOS,
        142 * NANOS,
    )
    assert (rsi.signals, rsi.approved, rsi.denied, rsi.trades, rsi.win_rate) == (1, 1, 1, 0, None)
    assert (sma.net_nanos, sma.trades, sma.won, sma.win_rate) == (552 * NANOS, 2, 1, 0.5)
    assert report.curve.strategy_net_nanos == {
        "sma": [n * NANOS for n in (0, -16, 984, 760, 160, 552, 552, 552)],
        "rsi": [n * NANOS for n in (0, 0, 0, 0, 0, 0, -8, 142)],
    }
    (denial,) = report.denials
    assert denial.checks[0] == ("position_limit", 2.5, 2.0, False)
    assert report.denied_by_rule == {"position_limit": 1}
    assert report.charts[0].position_nanos[""][-1] == NANOS


def test_the_report_is_json(by_hand: TinyRun) -> None:
    report = report_of(by_hand)
    assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report
