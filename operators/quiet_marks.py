"""Which marks of a run change nothing but prices? A compiled scan applies those and stops at the first other one.

A mark is quiet when all that follows from it is arithmetic on whole numbers: the clock, the symbol's price and last
mark, the value of what is held, the peak of equity. It is not where

- a period or trading day ends before it, or it is the account's first;
- the symbol is new, or the venue awaits its marks (``Venue.awaits_mark``);
- its prices are of no use;
- equity would fall below the floor of a rule that watches;
- an amount does not fit 64 bits with room to spare.

Such a mark is left as it is, for ``AccountLeg`` to take one by one. Both ways give the same state, bit for bit.
"""

from numba import njit

from operators import mark_table as at
from operators.account_state import AccountState
from operators.features.borrow import borrow
from operators.instruments import MAX_PRICE
from operators.mark_run import Doubles, Longs, MarkRun

_LOWEST, _HIGHEST = -(1 << 63), (1 << 63) - 1


def pass_quiet(state: AccountState, run: MarkRun, row: int) -> int:
    """Apply the quiet marks from ``row`` on; returns the row of the first that is not, or the number of rows."""
    ledger, table = state.ledger, state.ledger.marks
    places = table.places_of(run.symbols)
    place = places.item(run.symbol.item(row))
    if place >= 0 and table.ints.item(place, at.BUSY):
        return row
    equity, peak, floor = (
        ledger.cash_nanos + ledger.net_nanos,
        state.peak_equity_nanos,
        state.watch_floor_nanos,
    )
    if floor is None:
        floor = _LOWEST
    elif not -at.LIMIT < floor < at.LIMIT:
        return row
    if not (-at.LIMIT < equity < at.LIMIT and -at.LIMIT < peak < at.LIMIT):
        return row
    end_ns = min(state.next_report_ns, state.next_day_ns, _HIGHEST) if state.next_report_ns else _LOWEST
    account = (state.clock_ns, end_ns, equity, peak, floor)
    row, state.clock_ns, net, gross, worst, state.peak_equity_nanos = _scan(
        row, run.symbol, run.longs, run.doubles, places, table.ints, table.floats, account
    )
    ledger.net_nanos += net
    ledger.gross_nanos += gross
    ledger.worst_nanos += worst
    return row


@njit(cache=True, error_model="numpy")
def _scan(
    row: int,
    symbol: Longs,
    longs: Longs,
    doubles: Doubles,
    places: Longs,
    ints: Longs,
    floats: Doubles,
    account: tuple[int, int, int, int, int],
) -> tuple[int, int, int, int, int, int]:
    """``pass_quiet`` in 64 bits; returns (row, clock, changes of the net, gross and worst value, peak)."""
    symbol, places, longs, doubles = borrow(symbol), borrow(places), borrow(longs), borrow(doubles)
    ints, floats = borrow(ints), borrow(floats)
    clock_ns, end_ns, equity, peak, floor = account
    net, gross, worst = 0, 0, 0
    while row < symbol.shape[0]:
        ts_ns = longs[row, 0]
        if ts_ns > max(clock_ns, end_ns):
            break
        clock_ns = max(clock_ns, ts_ns)
        place = places[symbol[row]]
        if place == at.NOT_TRADED or (place >= 0 and ts_ns <= ints[place, at.TS_EVENT]):
            row += 1
            continue
        if place < 0 or ints[place, at.BUSY] or not _usable(doubles, row):
            break
        held, at_worst = ints[place, at.HELD], ints[place, at.WORST]
        change = _ticks(doubles, floats, row, place) - ints[place, at.TICKS]
        if abs(float(change)) * float(at_worst) > at.LIMIT:
            break
        new_net, new_gross = net + held * change, gross + abs(held) * change
        new_worst = worst + at_worst * change
        if max(abs(new_net), abs(new_gross), abs(new_worst)) > at.LIMIT or equity + new_net < floor:
            break
        net, gross, worst = new_net, new_gross, new_worst
        peak = max(peak, equity + net)
        _keep(longs, doubles, ints, floats, row, place)
        row += 1
    return row, clock_ns, net, gross, worst, peak


@njit(cache=True, forceinline=True)
def _usable(doubles: Doubles, row: int) -> bool:
    open_, high, low, close = doubles[row, 0], doubles[row, 1], doubles[row, 2], doubles[row, 3]
    return bool(0.0 < close < MAX_PRICE and 0.0 < open_ < MAX_PRICE and 0.0 < low <= high < MAX_PRICE)


@njit(cache=True, forceinline=True)
def _ticks(doubles: Doubles, floats: Doubles, row: int, place: int) -> int:
    return max(1, int(doubles[row, 3] * floats[place, at.TICKS_PER_UNIT] + 0.5))


@njit(cache=True, forceinline=True)
def _keep(longs: Longs, doubles: Doubles, ints: Longs, floats: Doubles, row: int, place: int) -> None:
    """Make a mark its symbol's last."""
    ints[place, at.TICKS] = _ticks(doubles, floats, row, place)
    for column in range(longs.shape[1]):
        ints[place, column] = longs[row, column]
    for column in range(doubles.shape[1]):
        floats[place, column] = doubles[row, column]
