"""Ticks, lots and the instrument table."""

import pytest

from operators.instruments import (
    DEFAULT_TABLE,
    INSTRUMENTS,
    NANOS,
    Instrument,
    InstrumentError,
    InstrumentTable,
    OffGrid,
    UnknownInstrument,
)


def test_exact_row_wins_over_pattern_and_patterns_are_renamed() -> None:
    table = InstrumentTable(
        {"SYN*": INSTRUMENTS["SYN*"], "SYN1": Instrument("SYN1", "X", "USD", NANOS, NANOS, 7)}
    )
    assert table.lookup("SYN1").multiplier == 7
    assert table.lookup("SYN2").symbol == "SYN2"


def test_unknown_symbol_says_what_to_do() -> None:
    with pytest.raises(UnknownInstrument, match="'DOGE'.*add a row"):
        DEFAULT_TABLE.lookup("DOGE")
    assert DEFAULT_TABLE.find("DOGE") is None


def test_every_builtin_row_is_exact_and_keeps_its_name() -> None:
    for symbol, row in INSTRUMENTS.items():
        assert row.symbol == symbol
        ticks, lots = 123_457, 791
        price, quantity = ticks * row.tick_size_nanos, lots * row.lot_size_nanos
        assert (row.ticks(price), row.lots(quantity)) == (ticks, lots)
        assert row.value_nanos(quantity, price) == lots * ticks * row.tick_value_nanos
        assert row.nearest_ticks(price / NANOS) == ticks


def test_es_contract() -> None:
    row = DEFAULT_TABLE.lookup("ES")
    assert row.nearest_ticks(1640.25) == 6561
    assert row.tick_value_nanos == 12_500_000_000  # 12.50 USD a tick
    assert (row.session_timezone, row.session_start) == ("America/Chicago", "17:00")


@pytest.mark.parametrize("price", [float("nan"), float("inf"), -float("inf"), 4.2e13])
def test_prices_out_of_range_are_refused(price) -> None:
    with pytest.raises(OffGrid, match="not a finite number"):
        DEFAULT_TABLE.lookup("BTCUSD").nearest_ticks(price)


def test_off_grid_numbers_are_refused() -> None:
    row = DEFAULT_TABLE.lookup("ES")
    with pytest.raises(OffGrid, match="1640.1 is not a multiple of the tick 0.25"):
        row.ticks(1_640_100_000_000)
    with pytest.raises(OffGrid, match="0.5 is not a multiple of the lot"):
        row.lots(NANOS // 2)


def test_instruments_that_cannot_be_exact_are_refused() -> None:
    with pytest.raises(InstrumentError, match="coarser tick or lot"):
        Instrument("X", "V", "USD", 1, 1)
    with pytest.raises(InstrumentError, match="must all be positive"):
        Instrument("X", "V", "USD", 0, 1)
