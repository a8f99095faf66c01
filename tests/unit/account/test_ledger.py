"""Average-cost books in exact integers."""

from hypothesis import given
from hypothesis import strategies as st

from operators.instruments import DEFAULT_TABLE, NANOS
from operators.ledger import Fill, fill, mark, open_ledger, position_of, violations, work, worst_lots

ES = DEFAULT_TABLE.lookup("ES")


def trade(ledger, lots, price, fee=0, strategy="sma") -> object:
    position = position_of(ledger, ES)
    ticks = ES.nearest_ticks(price)
    return fill(ledger, (strategy, "ES"), position, Fill(lots, abs(lots) * ticks * ES.tick_value_nanos, fee))


def test_buy_add_reduce_close() -> None:
    ledger = open_ledger(10**15)
    trade(ledger, 2, 1640.00)
    book = trade(ledger, 2, 1641.00)
    assert (book.lots, book.cost_nanos) == (4, (2 * 82_000 + 2 * 82_050) * NANOS)
    trade(ledger, -1, 1642.50)
    assert book.realized_nanos == 100 * NANOS  # (1642.50 - 1640.50) * 50
    trade(ledger, -3, 1640.50)
    assert (book.lots, book.cost_nanos, book.realized_nanos) == (0, 0, 100 * NANOS)
    assert ledger.cash_nanos == 10**15 + 100 * NANOS


def test_flip_through_zero_realises_the_closed_part_only() -> None:
    ledger = open_ledger(0)
    trade(ledger, 3, 1640.00)
    book = trade(ledger, -5, 1641.00)
    assert (book.lots, book.realized_nanos) == (-2, 3 * 50 * NANOS)
    assert book.cost_nanos == -2 * 82_050 * NANOS
    trade(ledger, 2, 1639.00)
    assert (book.lots, book.cost_nanos, book.realized_nanos) == (0, 0, (150 + 200) * NANOS)


def test_fees_leave_cash_and_are_not_in_realised_profit() -> None:
    ledger = open_ledger(10**15)
    trade(ledger, 1, 1640.00, fee=2 * NANOS)
    trade(ledger, -1, 1640.00, fee=2 * NANOS)
    assert (ledger.realized_nanos, ledger.fees_nanos) == (0, 4 * NANOS)
    assert ledger.equity_nanos == 10**15 - 4 * NANOS


def test_an_average_that_is_not_a_whole_number_loses_nothing() -> None:
    ledger = open_ledger(0)
    trade(ledger, 1, 1640.00)
    trade(ledger, 2, 1640.25)
    for price in (1641.25, 1639.75, 1650.00):
        trade(ledger, -1, price)
        assert violations(ledger) == []
    assert ledger.realized_nanos == round((1641.25 + 1639.75 + 1650.00 - 1640.00 - 2 * 1640.25) * 50) * NANOS


def test_worst_case_counts_working_orders_on_each_side() -> None:
    ledger = open_ledger(0)
    position = position_of(ledger, ES)
    mark(ledger, position, ES.nearest_ticks(1640.0))
    trade(ledger, 3, 1640.0)
    work(ledger, position, -1, 5)
    work(ledger, position, 1, 1)
    assert worst_lots(position, 1, 0) == 4
    assert worst_lots(position, -1, 4) == 6
    assert ledger.worst_nanos == 4 * 82_000 * NANOS


@given(
    st.lists(
        st.tuples(st.integers(-9, 9).filter(bool), st.integers(1, 9999), st.integers(-5, 5), st.booleans())
    )
)
def test_conservation_after_every_fill(trades) -> None:
    ledger, position_lots, cash = open_ledger(10**12), 0, 10**12
    for lots, ticks, fee, other in trades:
        position = position_of(ledger, ES)
        done = Fill(lots, abs(lots) * ticks * ES.tick_value_nanos, fee)
        fill(ledger, ("b" if other else "a", "ES"), position, done)
        mark(ledger, position, ticks + 1)
        position_lots += lots
        cash -= lots * ticks * ES.tick_value_nanos + fee
        assert violations(ledger) == []
        assert ledger.cash_nanos == cash
        assert position.lots == position_lots
        assert ledger.equity_nanos == cash + position_lots * (ticks + 1) * ES.tick_value_nanos
