"""What do we own and what did it cost? Exact books per (strategy, symbol), average-cost method, one cash account.

One treatment for futures and cash products alike: a fill moves cash by its full notional (multiplier
included), and

    equity = cash + sum over symbols of  lots * mark_ticks * tick_value

so a future bought for 82,000 takes 82,000 of cash and holds a position of 82,000; profit and equity are those
of daily settlement, only the split between cash and position differs. Cash may therefore be negative with
leverage.

All amounts are Python ints: lots, ticks, and 1e-9 units of the currency. The one rounding: when a position is
partly closed, the share of its cost that leaves is ``cost * closed // held`` (towards minus infinity), once.
It only moves less than 1e-9 between realised and unrealised profit, because these hold exactly whatever it
gives:

    cash   = initial + sum over books of (realised - fees - cost)
    equity = initial + sum over books of (realised - fees + unrealised),  unrealised = lots * mark * tick_value - cost
"""

import msgspec

from operators.instruments import NANOS, Instrument
from operators.mark_table import TICKS, MarkTable

BookKey = tuple[str, str]


class Book(msgspec.Struct):
    """One strategy's position in one symbol. ``cost_nanos`` is signed like ``lots``; all zero when flat."""

    lots: int = 0
    cost_nanos: int = 0
    realized_nanos: int = 0
    fees_nanos: int = 0


class SymbolPosition(msgspec.Struct):
    """The account's position in one symbol: the sum of its books, and what works at the venue.

    ``row`` is where its mark stands in the ledger's ``marks``. ``ticks_per_unit`` converts a price to ticks.
    ``worst_lots``: absolute lots if the working orders fill on the worse side.
    """

    row: int
    tick_value_nanos: int
    ticks_per_unit: float
    lots: int = 0
    working_buy_lots: int = 0
    working_sell_lots: int = 0
    worst_lots: int = 0


class Ledger(msgspec.Struct):
    """All books of one account with running sums, so that equity and exposure cost O(1) to read.

    ``net_nanos`` is the sum of signed position values, ``gross_nanos`` of absolute ones, ``worst_nanos`` of
    absolute values if the working orders fill on the worse side. Exposure is per symbol, net over strategies.
    """

    initial_nanos: int
    cash_nanos: int
    net_nanos: int = 0
    gross_nanos: int = 0
    worst_nanos: int = 0
    realized_nanos: int = 0
    fees_nanos: int = 0
    books: dict[BookKey, Book] = msgspec.field(default_factory=dict)
    symbols: dict[str, SymbolPosition] = msgspec.field(default_factory=dict)
    marks: MarkTable = msgspec.field(default_factory=MarkTable)

    @property
    def equity_nanos(self) -> int:
        """Cash plus positions at their marks."""
        return self.cash_nanos + self.net_nanos

    @property
    def unrealized_nanos(self) -> int:
        """Profit of open positions at their marks."""
        return self.cash_nanos + self.net_nanos - self.initial_nanos - self.realized_nanos + self.fees_nanos


def open_ledger(initial_nanos: int) -> Ledger:
    """Ledger with cash and nothing else."""
    return Ledger(initial_nanos, initial_nanos)


def position_of(ledger: Ledger, instrument: Instrument) -> SymbolPosition:
    """The account's position in a symbol, made flat and unmarked at first sight."""
    position = ledger.symbols.get(instrument.symbol)
    if position is None:
        ticks_per_unit = NANOS / instrument.tick_size_nanos
        row = ledger.marks.add(instrument.symbol, ticks_per_unit)
        position = SymbolPosition(row, instrument.tick_value_nanos, ticks_per_unit)
        ledger.symbols[instrument.symbol] = position
    return position


def book_lots(ledger: Ledger, key: BookKey) -> int:
    """Signed lots in a strategy's book; 0 if it has none."""
    book = ledger.books.get(key)
    return 0 if book is None else book.lots


def mark(ledger: Ledger, position: SymbolPosition, ticks: int) -> None:
    """Value a symbol at a new price."""
    table = ledger.marks
    change = (ticks - table.ints.item(position.row, TICKS)) * position.tick_value_nanos
    if change:
        table.ints[position.row, TICKS] = ticks
        ledger.net_nanos += position.lots * change
        ledger.gross_nanos += abs(position.lots) * change
        ledger.worst_nanos += position.worst_lots * change


class Fill(msgspec.Struct, frozen=True, gc=False):
    """``signed_lots`` (+ bought, - sold) worth ``value_nanos`` >= 0; ``released_lots`` of its side work no longer."""

    signed_lots: int
    value_nanos: int
    fee_nanos: int
    released_lots: int = 0


def fill(ledger: Ledger, key: BookKey, position: SymbolPosition, done: Fill) -> Book:
    """Book a fill; returns the book that changed.

    A fill through zero closes the whole position at its share of the value and opens the rest with what
    remains.
    """
    book = ledger.books.get(key)
    if book is None:
        book = ledger.books[key] = Book()
    signed_lots, fee_nanos = done.signed_lots, done.fee_nanos
    flow = done.value_nanos if signed_lots > 0 else -done.value_nanos
    realized = _apply(book, signed_lots, flow)
    book.realized_nanos += realized
    book.fees_nanos += fee_nanos
    ledger.realized_nanos += realized
    ledger.fees_nanos += fee_nanos
    ledger.cash_nanos -= flow + fee_nanos
    held, unit = position.lots, ledger.marks.ticks(position.row) * position.tick_value_nanos
    lots = position.lots = held + signed_lots
    ledger.net_nanos += signed_lots * unit
    ledger.gross_nanos += (abs(lots) - abs(held)) * unit
    work(ledger, position, signed_lots, -done.released_lots)
    return book


def work(ledger: Ledger, position: SymbolPosition, sign: int, lots: int) -> None:
    """Add ``lots`` (negative: release) to what works at the venue on the side of ``sign``."""
    if sign > 0:
        position.working_buy_lots += lots
    else:
        position.working_sell_lots += lots
    _weigh(ledger, position)


def worst_lots(position: SymbolPosition, sign: int, lots: int) -> int:
    """Largest absolute position possible if working orders and a further order of ``lots`` fill on the worse side."""
    long = position.lots + position.working_buy_lots
    short = position.working_sell_lots - position.lots
    if sign > 0:
        long += lots
    else:
        short += lots
    return long if long > short else short  # the larger is not negative: they sum to what works


def violations(ledger: Ledger) -> list[str]:
    """Statements of conservation that fail, recomputed from the books: none, ever. For tests and ``doctor``."""
    books, found = ledger.books.values(), []
    by_symbol: dict[str, int] = dict.fromkeys(ledger.symbols, 0)
    for (_, symbol), book in ledger.books.items():
        by_symbol[symbol] += book.lots
    found += [
        f"{symbol}: books sum to {lots} lots, the account holds {ledger.symbols[symbol].lots}"
        for symbol, lots in by_symbol.items()
        if lots != ledger.symbols[symbol].lots
    ]
    positions, ticks = ledger.symbols.values(), ledger.marks.ticks
    marked = [p.lots * ticks(p.row) * p.tick_value_nanos for p in positions]
    expected = {
        "cash_nanos": ledger.initial_nanos
        + sum(b.realized_nanos - b.fees_nanos - b.cost_nanos for b in books),
        "net_nanos": sum(marked),
        "gross_nanos": sum(abs(value) for value in marked),
        "worst_nanos": sum(p.worst_lots * ticks(p.row) * p.tick_value_nanos for p in positions),
        "realized_nanos": sum(b.realized_nanos for b in books),
        "fees_nanos": sum(b.fees_nanos for b in books),
        "unrealized_nanos": sum(marked) - sum(b.cost_nanos for b in books),
    }
    for name, value in expected.items():
        if getattr(ledger, name) != value:
            found.append(f"{name} is {getattr(ledger, name)}, the books say {value}")
    found += [
        f"{key}: flat with cost {book.cost_nanos}"
        for key, book in ledger.books.items()
        if not book.lots and book.cost_nanos
    ]
    return found


def _apply(book: Book, signed_lots: int, flow: int) -> int:
    """Move a book by a fill; returns the realised profit."""
    held = book.lots
    book.lots = held + signed_lots
    if held == 0 or (held > 0) == (signed_lots > 0):
        book.cost_nanos += flow
        return 0
    if abs(signed_lots) <= abs(held):
        cost_out = book.cost_nanos * signed_lots // -held
        book.cost_nanos -= cost_out
        return -flow - cost_out
    flow_closing = flow * held // -signed_lots
    realized = -flow_closing - book.cost_nanos
    book.cost_nanos = flow - flow_closing
    return realized


def _weigh(ledger: Ledger, position: SymbolPosition) -> None:
    """Keep the worst case, and the table of marks, after lots were added to what is held or works."""
    table, row, tick_value, lots = ledger.marks, position.row, position.tick_value_nanos, position.lots
    long, short = lots + position.working_buy_lots, position.working_sell_lots - lots
    worst = long if long > short else short
    ledger.worst_nanos += (worst - position.worst_lots) * tick_value * table.ints.item(row, TICKS)
    position.worst_lots = worst
    table.hold(row, lots * tick_value, worst * tick_value)
