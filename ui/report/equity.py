"""What is drawn of the account's equity? Its curve, thinned, and the same by periods as a table."""

from bisect import bisect_left
from itertools import accumulate

from operators.performance.fills import BookedFill
from schemas.account import PortfolioUpdate
from ui.report.report import Curve, Lines, Period, Trade

POINTS = 3000
"""Points of a curve; more are thinned to the lowest and highest of each stretch."""
PERIODS = 48
_HOUR = 3_600_000_000_000
_LENGTHS = (_HOUR, 4 * _HOUR, 24 * _HOUR, 7 * 24 * _HOUR, 28 * 24 * _HOUR, 364 * 24 * _HOUR)


def curve(updates: list[PortfolioUpdate], fills: list[BookedFill]) -> Curve:
    """Return what is drawn of the account."""
    kept = [updates[i] for i in thinned([update.equity_nanos for update in updates])]
    times, lines = _strategy_lines(updates)
    fees, slippage = (
        list(accumulate(getattr(fill, name) for fill in fills)) for name in ("fee_nanos", "slippage_nanos")
    )
    step = max(1, len(fills) // (POINTS // 2))
    shown = [i for i in range(len(fills)) if i % step == 0 or i == len(fills) - 1]
    return Curve(
        [update.ts_event_ns for update in kept],
        [update.equity_nanos for update in kept],
        [-update.drawdown for update in kept],
        [_over_equity(update.gross_exposure_nanos, update) for update in kept],
        [_over_equity(update.net_exposure_nanos, update) for update in kept],
        times,
        lines,
        [fills[i].ts_ns for i in shown],
        [fees[i] for i in shown],
        [slippage[i] for i in shown],
    )


def thinned(values: list[int], points: int = POINTS) -> list[int]:
    """Return the places of the first and last value, and of the lowest and highest of equal stretches, rising.

    >>> thinned([0, 5, 1, 2, -3, 4, 4, 4], points=4)
    [0, 1, 4, 5, 7]
    """
    if len(values) <= points:
        return list(range(len(values)))
    width = -(-2 * len(values) // points)
    kept = {0, len(values) - 1}
    for start in range(0, len(values), width):
        stretch = range(start, min(start + width, len(values)))
        kept |= {min(stretch, key=values.__getitem__), max(stretch, key=values.__getitem__)}
    return sorted(kept)


def periods(updates: list[PortfolioUpdate], trades: list[Trade], initial_nanos: int) -> list[Period]:
    """Return the account by hours, days or longer: the shortest that gives at most ``PERIODS`` rows."""
    if not updates:
        return []
    span = updates[-1].ts_event_ns - updates[0].ts_event_ns
    length = next((length for length in _LENGTHS if span <= (PERIODS - 1) * length), _LENGTHS[-1])
    last: dict[int, PortfolioUpdate] = {}
    worst: dict[int, float] = {}
    for update in updates:
        end = -(-update.ts_event_ns // length) * length
        last[end] = update
        worst[end] = max(worst.get(end, 0.0), update.drawdown)
    exits, before, fees, rows = [trade.exit_ns for trade in trades], initial_nanos, 0, list[Period]()
    for end in sorted(last):
        update = last[end]
        equity, exposure = update.equity_nanos, _over_equity(update.gross_exposure_nanos, update)
        closed = bisect_left(exits, end) - bisect_left(exits, end - length)
        paid = update.fees_nanos - fees
        rows.append(Period(end - length, end, equity, equity - before, worst[end], closed, exposure, paid))
        before, fees = equity, update.fees_nanos
    return rows


def _strategy_lines(updates: list[PortfolioUpdate]) -> tuple[list[int], Lines]:
    """Return every strategy's profit after fees; between two full updates a book is as it was last told."""
    nets: dict[tuple[str, str], int] = {}
    sums = dict.fromkeys((book.strategy for update in updates for book in update.books), 0)
    lines: Lines = {name: [] for name in sums}
    times: list[int] = []
    step = max(1, len(updates) // (POINTS // 2))
    for i, update in enumerate(updates):
        for book in update.books:
            key, net = (
                (book.strategy, book.symbol),
                book.realized_nanos + book.unrealized_nanos - book.fees_nanos,
            )
            sums[book.strategy] += net - nets.get(key, 0)
            nets[key] = net
        if i % step == 0 or i == len(updates) - 1:
            times.append(update.ts_event_ns)
            for name, total in sums.items():
                lines[name].append(total)
    return times, lines


def _over_equity(nanos: int, update: PortfolioUpdate) -> float:
    return nanos / update.equity_nanos if update.equity_nanos > 0 else 0.0
