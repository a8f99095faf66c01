"""How did the account's equity move? Drawdowns, what was at stake, and equity at the end of every trading day.

A drawdown begins with the last update at a peak of equity and ends with the first that is back at it or knows a
higher one. The ledger keeps the peak at every mark, so it may lie between two updates. An update holds until the
next: exposure is weighted by event time, closed hours included.
"""

from array import array

import msgspec

from schemas.account import PortfolioUpdate


class Drawdown(msgspec.Struct, frozen=True):
    """A fall below a peak of equity, at the times at which the account was reported; ``ratio`` is positive."""

    ratio: float
    amount_nanos: int
    peak_ns: int
    trough_ns: int
    recovered_ns: int | None


class Drawdowns(msgspec.Struct):
    """The fall that is going on, and the worst that ended (unordered); ``floor`` is the least ratio worth keeping."""

    peak_nanos: int = 0
    peak_ns: int = 0
    trough_nanos: int = 0
    trough_ns: int = 0
    floor: float = 0.0
    ended: list[Drawdown] = []


class Stakes(msgspec.Struct):
    """What is held since ``ts_ns``, and sums over event time of leverage, equity and time itself."""

    ts_ns: int = 0
    span_ns: int = 0
    held_ns: int = 0
    gross: float = 0.0
    net: float = 0.0
    highest: float = 0.0
    gross_time: float = 0.0
    net_time: float = 0.0
    equity_time: float = 0.0


class Days(msgspec.Struct):
    """Trading days that ended, by number since 1970 at their middle, and the equity at their ends."""

    number: "array[int]" = msgspec.field(default_factory=lambda: array("q"))
    equity_nanos: "array[int]" = msgspec.field(default_factory=lambda: array("q"))


class Hours(msgspec.Struct):
    """Equity at the ends of the first ``HOURS_KEPT`` hours that have an update: all that a short run can be told by."""

    end_ns: int = 0
    equity_nanos: "array[int]" = msgspec.field(default_factory=lambda: array("q"))


HOUR_NS = 3_600_000_000_000
HOURS_KEPT = 96


def end_hour(hours: Hours, ts_ns: int, last_nanos: int) -> None:
    """Note the equity at the end of the hour before, and begin that of ``ts_ns``."""
    if hours.end_ns:
        hours.equity_nanos.append(last_nanos)
    kept = len(hours.equity_nanos) < HOURS_KEPT
    hours.end_ns = -(-ts_ns // HOUR_NS) * HOUR_NS if kept else 2**63


def fall(drawdowns: Drawdowns, update: PortfolioUpdate, kept: int) -> None:
    """Follow the equity of an update; ``kept`` drawdowns are remembered."""
    equity, peak = update.equity_nanos, update.peak_equity_nanos
    if peak != drawdowns.peak_nanos or not drawdowns.peak_ns:
        _end(drawdowns, update.ts_event_ns, kept)
        drawdowns.peak_nanos, drawdowns.peak_ns = peak, update.ts_event_ns
        drawdowns.trough_nanos, drawdowns.trough_ns = peak, 0
    if equity < drawdowns.trough_nanos:
        drawdowns.trough_nanos, drawdowns.trough_ns = equity, update.ts_event_ns
    elif equity >= peak:
        if drawdowns.trough_ns:
            _end(drawdowns, update.ts_event_ns, kept)
            drawdowns.trough_nanos, drawdowns.trough_ns = peak, 0
        drawdowns.peak_ns = update.ts_event_ns


def worst(drawdowns: Drawdowns, kept: int) -> list[Drawdown]:
    """Return the ``kept`` worst drawdowns, deepest first, with the one that is going on."""
    going_on = _drawdown(drawdowns, None)
    found = drawdowns.ended + ([going_on] if going_on else [])
    return sorted(found, key=lambda one: (-one.ratio, one.peak_ns))[:kept]


def stake(stakes: Stakes, update: PortfolioUpdate) -> None:
    """Add the time since the update before at what was held then, and note what is held now."""
    ts_ns, equity = update.ts_event_ns, update.equity_nanos
    length = ts_ns - stakes.ts_ns
    if not stakes.ts_ns:
        stakes.ts_ns = ts_ns
    elif length > 0:
        stakes.ts_ns = ts_ns
        stakes.span_ns += length
        stakes.equity_time += length * equity
        if stakes.gross:
            stakes.held_ns += length
            stakes.gross_time += length * stakes.gross
            stakes.net_time += length * stakes.net
    if update.gross_exposure_nanos and equity > 0:
        stakes.gross = gross = update.gross_exposure_nanos / equity
        stakes.net = update.net_exposure_nanos / equity
        if gross > stakes.highest:
            stakes.highest = gross
    else:
        stakes.gross = stakes.net = 0.0


def _end(drawdowns: Drawdowns, ts_ns: int, kept: int) -> None:
    ended = _drawdown(drawdowns, ts_ns) if drawdowns.trough_ns else None
    if ended is None or ended.ratio <= drawdowns.floor:
        return
    drawdowns.ended.append(ended)
    if len(drawdowns.ended) > kept:
        drawdowns.ended.remove(min(drawdowns.ended, key=lambda one: one.ratio))
    if len(drawdowns.ended) == kept:
        drawdowns.floor = min(one.ratio for one in drawdowns.ended)


def _drawdown(drawdowns: Drawdowns, recovered_ns: int | None) -> Drawdown | None:
    peak, depth = drawdowns.peak_nanos, drawdowns.peak_nanos - drawdowns.trough_nanos
    if not drawdowns.trough_ns or peak <= 0:
        return None
    return Drawdown(depth / peak, depth, drawdowns.peak_ns, drawdowns.trough_ns, recovered_ns)
