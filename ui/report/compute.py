"""How does a report follow from a run's records? A pure function: the same records give the same report."""

from operators.performance import Performance, PerformanceResult
from schemas.account import PortfolioUpdate
from ui.report.charts import symbol_charts
from ui.report.distributions import distributions
from ui.report.equity import curve, periods
from ui.report.faults import alert_tallies, bar_quality, dead_letter_tallies, denials, denied_by_rule
from ui.report.fills import booked_fills, in_order, reasons
from ui.report.records import RunRecords
from ui.report.report import Known, Portfolio, Report, Source
from ui.report.strategies import strategy_rows, trade_totals
from ui.report.trades import last_books, match, open_trades, reconcile

_SIMULATED = "SIM"
"""Name of the simulated venue unless it is configured otherwise."""


def compute(run: RunRecords, title: str, known: Known) -> Report:
    """Return the report of a run."""
    fills = booked_fills(run.updates, run.reports)
    why = reasons(run.orders, run.signals)
    matched, held = match(fills, why), last_books(run.updates)
    trades, still_open = matched.trades, open_trades(matched, held, why)
    denied = denials(run.decisions)
    charts, left_out = symbol_charts(run, fills, trades, why)
    performance = performance_of(run, known)
    portfolio = _portfolio(run.updates, performance, known) if performance else None
    return Report(
        title=title,
        source=_source(run, known),
        portfolio=portfolio,
        performance=performance,
        totals=trade_totals(performance.metrics if performance else None, len(still_open), fills),
        strategies=strategy_rows(performance, run.signals, run.decisions),
        trades=trades,
        open_trades=still_open,
        periods=periods(run.updates, trades, portfolio.initial_nanos if portfolio else 0),
        distributions=distributions(performance, trades),
        denials=denied,
        denied_by_rule=denied_by_rule(denied),
        dead_letters=dead_letter_tallies(run.dead_letters),
        alerts=alert_tallies(run.alerts),
        bar_quality=bar_quality(run.bars.values()),
        reconciliation=reconcile(run.updates, matched, held),
        curve=curve(run.updates, fills),
        charts=charts,
        symbols_left_out=left_out,
    )


def performance_of(run: RunRecords, known: Known) -> PerformanceResult | None:
    """Return how the account did; None where it was never told."""
    performance = Performance(day_offset_ns=known.day_offset_ns)
    state = performance.init()
    for event in (*run.orders, *in_order(run.updates, run.reports)):
        performance.step(state, event)
    return performance.result(state)


def _portfolio(updates: list[PortfolioUpdate], performance: PerformanceResult, known: Known) -> Portfolio:
    last, metrics = updates[-1], performance.metrics
    return Portfolio(
        known.currency,
        last.trading_state,
        last.ts_event_ns,
        metrics.initial_nanos,
        metrics.equity_nanos,
        last.cash_nanos,
        last.realized_nanos,
        last.unrealized_nanos,
        last.fees_nanos,
        metrics.net_nanos,
        metrics.net_nanos / metrics.initial_nanos if metrics.initial_nanos else 0.0,
        performance.drawdowns[0] if performance.drawdowns else None,
        metrics.turnover_nanos,
        metrics.slippage_nanos,
        metrics.time_in_market or 0.0,
        metrics.average_leverage or 0.0,
        metrics.highest_leverage,
    )


def _source(run: RunRecords, known: Known) -> Source:
    venues = sorted({order.venue for order in run.orders} | {report.venue for report in run.reports})
    times = [int(ns) for rows in run.bars.values() for ns in (rows.close_ns[0], rows.close_ns[-1])]
    times += [update.ts_event_ns for update in (*run.updates[:1], *run.updates[-1:])]
    simulated = known.simulated if known.simulated is not None else set(venues) <= {_SIMULATED}
    return Source(
        run.log,
        run.identity,
        run.account,
        tuple(sorted({symbol for symbol, _ in run.bars} | {order.symbol for order in run.orders})),
        tuple(venues),
        min(times, default=None),
        max(times, default=None),
        known.written_ns,
        known.settings_digest,
        run.feature_set,
        {signal.strategy: signal.parameter_version for signal in run.signals},
        run.counts,
        run.unreadable,
        simulated,
        known.commands,
    )
