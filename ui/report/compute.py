"""How does a report follow from a run's records? A pure function: the same records give the same report."""

from schemas.account import PortfolioUpdate
from ui.report.charts import symbol_charts
from ui.report.equity import curve, deepest, exposure, periods
from ui.report.faults import alert_tallies, bar_quality, dead_letter_tallies, denials, denied_by_rule
from ui.report.fills import BookedFill, booked_fills, initial_nanos, reasons
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
    portfolio = _portfolio(run.updates, fills, known) if run.updates else None
    return Report(
        title=title,
        source=_source(run, known),
        portfolio=portfolio,
        totals=trade_totals(trades, still_open, fills),
        strategies=strategy_rows(held, fills, trades, run.signals, run.decisions),
        trades=trades,
        open_trades=still_open,
        periods=periods(run.updates, trades, portfolio.initial_nanos if portfolio else 0),
        denials=denied,
        denied_by_rule=denied_by_rule(denied),
        dead_letters=dead_letter_tallies(run.dead_letters),
        alerts=alert_tallies(run.alerts),
        bar_quality=bar_quality(run.bars.values()),
        reconciliation=reconcile(run.updates, matched, held),
        curve=curve(run.updates),
        charts=charts,
        symbols_left_out=left_out,
    )


def _portfolio(updates: list[PortfolioUpdate], fills: list[BookedFill], known: Known) -> Portfolio:
    last, at_stake = updates[-1], exposure(updates)
    initial = initial_nanos(updates[0])
    net = last.equity_nanos - initial
    return Portfolio(
        known.currency,
        last.trading_state,
        last.ts_event_ns,
        initial,
        last.equity_nanos,
        last.cash_nanos,
        last.realized_nanos,
        last.unrealized_nanos,
        last.fees_nanos,
        net,
        net / initial if initial else 0.0,
        deepest(updates),
        sum(abs(fill.flow_nanos) for fill in fills),
        sum(fill.slippage_nanos for fill in fills),
        at_stake.time_in_market,
        at_stake.average,
        at_stake.highest,
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
