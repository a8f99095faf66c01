"""How did an account do in a stretch of its run? As one that begins there, with the positions that it then has.

What the account says is told anew, less what had been earned and paid up to the beginning: equity is the same, profit
begins at 0. So one performance module judges stretches and whole runs.
"""

import copy

import msgspec

from operators.performance import Performance, PerformanceResult
from operators.performance.state import BookSums, PerformanceState
from schemas.account import BookPosition, PortfolioUpdate
from schemas.orders import ExecutionReport, SubmitOrder


class StretchPerformance:
    """Folds an account's events from ``begin`` on; ``performed`` is the fold of all before, and is left as it is."""

    def __init__(self, performance: Performance, performed: PerformanceState, begin: PortfolioUpdate) -> None:
        self._performance = performance
        self._begin = begin
        self._books = {(book.strategy, book.symbol): book for book in begin.books}
        self._peak_nanos = begin.equity_nanos
        self._state = performance.init()
        self._state.books = {
            key: BookSums(lots=copy.deepcopy(sums.lots)) for key, sums in performed.books.items()
        }
        self.step(msgspec.structs.replace(begin, seq=begin.seq - 1))

    def step(self, event: ExecutionReport | PortfolioUpdate | SubmitOrder) -> None:
        """Take one event of the account."""
        told = self._since(event) if isinstance(event, PortfolioUpdate) else event
        self._performance.step(self._state, told)

    def finish(self, last: PortfolioUpdate) -> PerformanceResult:
        """Return how the account did up to ``last``."""
        return self._performance.finish(self._state, self._since(last))

    def _since(self, update: PortfolioUpdate) -> PortfolioUpdate:
        """Return an update as that of an account that began at the beginning."""
        begin = self._begin
        self._peak_nanos = max(self._peak_nanos, update.equity_nanos)
        return msgspec.structs.replace(
            update,
            seq=update.seq - begin.seq + 1,
            realized_nanos=update.realized_nanos - begin.realized_nanos,
            unrealized_nanos=update.unrealized_nanos - begin.unrealized_nanos,
            fees_nanos=update.fees_nanos - begin.fees_nanos,
            peak_equity_nanos=self._peak_nanos,
            books=tuple(map(self._book_since, update.books)),
        )

    def _book_since(self, book: BookPosition) -> BookPosition:
        before = self._books.get((book.strategy, book.symbol))
        if before is None:
            return book
        return msgspec.structs.replace(
            book,
            realized_nanos=book.realized_nanos - before.realized_nanos,
            unrealized_nanos=book.unrealized_nanos - before.unrealized_nanos,
            fees_nanos=book.fees_nanos - before.fees_nanos,
        )
