"""How are the legs run over what a log holds? To its end, one leg after the other; or tailing it, both in one dataflow.

To the end the symbol leg goes first and the account leg after it, so that the account leg knows every symbol that it
must wait for: its order of events is then the same however fast either was.
"""

import time
from collections.abc import Iterable, Sequence

import msgspec
from bytewax.dataflow import Dataflow

from flows import stop
from flows.account_leg import add_account_leg
from flows.config import Settings, ns
from flows.connectors.account_source import AccountSourceSettings
from flows.connectors.history import symbols_in
from flows.connectors.latest import latest_books, latest_portfolio
from flows.connectors.log import Log, Position
from flows.metrics import exported
from flows.progress import Progress
from flows.runtime import execute, open_configured_log
from flows.shares import store_of
from flows.symbol_leg import add_symbol_leg
from schemas.account import BookPosition

_PROFIT = ("pnl_nanos", "realized_nanos", "unrealized_nanos", "fees_nanos")


class RunSummary(msgspec.Struct):
    """What a run did; ``stopped`` when it was asked to end before its time."""

    log: str
    to_end: bool
    stopped: bool
    seconds: float
    bars: int
    marks: int
    signals: int
    decisions: int
    orders: int
    fills: int
    alerts: int
    dead_letters: int
    equity_nanos: int | None
    cash_nanos: int | None
    realized_nanos: int | None
    unrealized_nanos: int | None
    fees_nanos: int | None
    strategies: dict[str, dict[str, int]]


def run(settings: Settings, to_end: bool, legs: Sequence[str] = ("symbol", "account")) -> RunSummary:
    """Run the chosen legs over the configured log.

    Raises:
        ConfigError, LogError: the settings or the log do not allow it.
    """
    start = time.monotonic()
    progress = Progress()
    stop.install()
    with open_configured_log(settings) as log, exported(settings, progress):
        if to_end:
            _to_end(settings, log, legs, progress)
        else:
            _tail(settings, log, legs, progress)
        note_portfolio(progress, log, settings.account.id)
    return summary(settings, progress, to_end, time.monotonic() - start)


def account_source(settings: Settings, **how: bool | tuple[str, ...]) -> AccountSourceSettings:
    """Return how the account leg reads its inputs."""
    return AccountSourceSettings(
        account=settings.account.id,
        patience_s=ns(settings.account.patience) / 1e9,
        poll_records=settings.run.poll_records,
        **how,  # type: ignore[arg-type]
    )


def _to_end(settings: Settings, log: Log, legs: Sequence[str], progress: Progress) -> None:
    if "symbol" in legs:
        stops = {("market_data", p): end for p, (_, end) in enumerate(log.spans("market_data"))}

        def ended(positions: dict[Position, int]) -> bool:
            return all(positions[source] >= stops[source] for source in positions)

        flow = Dataflow("symbol")
        add_symbol_leg(flow, settings, log, progress, ended)
        execute(flow, settings, store_of(settings, "symbol"))
    if "account" in legs and not stop.asked():
        flow = Dataflow("account")
        how = account_source(settings, to_end=True, expected=symbols_in(log, "marks"))
        add_account_leg(flow, settings, log, progress, how)
        execute(flow, settings, "account")


def _tail(settings: Settings, log: Log, legs: Sequence[str], progress: Progress) -> None:
    flow = Dataflow("legs")
    if "symbol" in legs:
        add_symbol_leg(flow, settings, log, progress, None)
    if "account" in legs:
        add_account_leg(flow, settings, log, progress, account_source(settings))
    execute(flow, settings, store_of(settings, "-".join(legs)))


def note_portfolio(progress: Progress, log: Log, account: str) -> None:
    """Note what the log says last about the account."""
    progress.portfolio = latest_portfolio(log, account)
    progress.books = latest_books(log, account)


def summary(settings: Settings, progress: Progress, to_end: bool, seconds: float) -> RunSummary:
    """Put what a run did into words."""
    last = progress.portfolio
    return RunSummary(
        log=settings.log.url,
        to_end=to_end,
        stopped=stop.asked(),
        seconds=seconds,
        **progress.counts(),
        equity_nanos=last.equity_nanos if last else None,
        cash_nanos=last.cash_nanos if last else None,
        realized_nanos=last.realized_nanos if last else None,
        unrealized_nanos=last.unrealized_nanos if last else None,
        fees_nanos=last.fees_nanos if last else None,
        strategies=by_strategy(progress.books),
    )


def by_strategy(books: Iterable[BookPosition]) -> dict[str, dict[str, int]]:
    """Return every strategy's net, realised and unrealised profit and its fees, in currency units of 1e-9."""
    totals: dict[str, dict[str, int]] = {}
    for book in books:
        row = totals.setdefault(book.strategy, dict.fromkeys(_PROFIT, 0))
        row["realized_nanos"] += book.realized_nanos
        row["unrealized_nanos"] += book.unrealized_nanos
        row["fees_nanos"] += book.fees_nanos
        row["pnl_nanos"] += book.realized_nanos + book.unrealized_nanos - book.fees_nanos
    return totals


def summary_line(progress: Progress) -> str:
    """Return what a run did in one line."""
    equity = f", equity {progress.portfolio.equity_nanos / 1e9:,.2f}" if progress.portfolio else ""
    return (
        f"titan: {progress.ticks:,} ticks, {progress.bars:,} bars, {progress.signals:,} signals, "
        f"{progress.orders:,} orders, {progress.fills:,} fills, {progress.dead_letters:,} dead letters{equity}"
    )
