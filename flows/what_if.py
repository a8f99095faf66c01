"""What would other settings have changed in a recorded run? Both simulated over its market data, side by side.

The run's own settings are simulated as well, so that what differs between the two sides is the settings' doing alone;
whether that simulation says what is recorded is told (it does, by law 5, where the venue was simulated and no feed was
late). Commands of the run act at their place in event time on both sides. Reports of a real venue do not: fills are
simulated.
"""

import time
from collections.abc import Callable, Sequence

import msgspec

from flows import stop
from flows.backtest import Backtest
from flows.backtest_results import BacktestResults
from flows.config import Settings
from flows.connectors.history import LogHistory
from flows.connectors.log import Log
from flows.digests import TopicDigest, digests_of
from flows.lanes import DERIVED
from flows.moves import Moves, Said, moves
from flows.recorded_commands import TimedCommand, recorded_commands
from flows.replay_settings import Change, ReplaySettings, changes
from operators.performance import Metrics, PerformanceResult, Share
from operators.sequencer import InputRecord
from operators.symbol_leg import SymbolOutput
from schemas.codec import Event

Told = Callable[[int], None]


class Both(msgspec.Struct, frozen=True):
    """What one strategy or symbol earned; ``trades`` are closed ones."""

    name: str
    net_nanos_before: int
    net_nanos_after: int
    trades_before: int
    trades_after: int
    fees_nanos_before: int
    fees_nanos_after: int


class WhatIf(msgspec.Struct, kw_only=True):
    """What came out. ``differs_from_record`` names topics in which the run's own settings, simulated, say otherwise."""

    log: str
    account: str
    settings: str
    changed: list[Change]
    notes: list[str]
    stopped: bool
    differs_from_record: list[str]
    commands: int
    signals: Moves
    orders: Moves
    fills: Moves
    before: Metrics
    after: Metrics
    strategies: list[Both]
    symbols: list[Both]
    topics_before: dict[str, TopicDigest]
    topics_after: dict[str, TopicDigest]
    seconds: float


class _Collected(BacktestResults):
    """Results that remember signals, orders and fills as well."""

    def __init__(self, settings: Settings, log: Log | None) -> None:
        super().__init__(settings, log)
        self.said = Said()

    def symbol(self, output: SymbolOutput) -> list[InputRecord]:
        for signal in output.signals:
            self.said.signal(signal)
        return super().symbol(output)

    def account(self, events: Sequence[Event]) -> None:
        for event in events:
            self.said.event(event)
        super().account(events)


def what_if(log: Log, settings: ReplaySettings, keep: Log | None, told: Told) -> WhatIf:
    """Simulate the run's market data with its own settings and with those asked for.

    Args:
        log: the recorded run.
        settings: what it was run with, and what is asked.
        keep: a new and empty log for the run as it would have been.
        told: is called with the number of bars closed so far.

    Raises:
        LogError: the log cannot be read.
    """
    began = time.monotonic()
    history, commands = LogHistory(log), recorded_commands(log, settings.run.account.id)
    before, was, fault = _simulated(history, settings.run, commands.taken, None, told)
    after, would, other_fault = _simulated(
        history, settings.asked, commands.taken, keep, lambda bars: told(before.progress.bars + bars)
    )
    notes = list(settings.notes)
    notes += [f"as it was: {fault}"] if fault else []
    notes += [f"what if: {other_fault}"] if other_fault else []
    if commands.left_out:
        notes.append(f"{commands.left_out} commands that the run had not taken are left out")
    topics, recorded = before.digests.results(), digests_of(log, settings.run.account.id)
    compared = not stop.asked() and any(digest.events for digest in recorded.values())
    if stop.asked():
        notes.append("stopped before the end: the two sides are not of the same stretch")
    elif not compared:
        notes.append("the log holds market data and no run to compare with")
    return WhatIf(
        log=log.url,
        account=settings.run.account.id,
        settings=settings.source,
        changed=changes(settings.run, settings.asked),
        notes=notes,
        stopped=stop.asked(),
        differs_from_record=[t for t in DERIVED if compared and recorded[t] != topics[t]],
        commands=len(commands.taken),
        signals=moves(before.said.signals, after.said.signals),
        orders=moves(before.said.orders, after.said.orders),
        fills=moves(before.said.fills, after.said.fills),
        before=was.metrics,
        after=would.metrics,
        strategies=_both(was.strategies, would.strategies, "strategy"),
        symbols=_both(was.symbols, would.symbols, "symbol"),
        topics_before=topics,
        topics_after=after.digests.results(),
        seconds=time.monotonic() - began,
    )


def _simulated(
    history: LogHistory, settings: Settings, commands: Sequence[TimedCommand], keep: Log | None, told: Told
) -> tuple[_Collected, PerformanceResult, str]:
    results = _Collected(settings, keep)
    run = Backtest(settings, history, results, commands)
    run.run(lambda bars, _: told(bars))
    results.close()
    return results, results.performance(run.final_update()), run.fault


def _both(before: Sequence[Share], after: Sequence[Share], field: str) -> list[Both]:
    was = {getattr(share, field): share for share in before}
    would = {getattr(share, field): share for share in after}
    return [_pair(name, was.get(name), would.get(name)) for name in sorted({*was, *would})]


def _pair(name: str, was: Share | None, would: Share | None) -> Both:
    return Both(
        name=name,
        net_nanos_before=was.net_nanos if was else 0,
        net_nanos_after=would.net_nanos if would else 0,
        trades_before=was.trades if was else 0,
        trades_after=would.trades if would else 0,
        fees_nanos_before=was.fees_nanos if was else 0,
        fees_nanos_after=would.fees_nanos if would else 0,
    )
