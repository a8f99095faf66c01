"""What would other settings have changed in a recorded run? Both simulated over its market data, side by side.

The run's own settings are simulated as well, so that what differs between the two sides is the settings' doing alone;
whether that simulation says what is recorded is told (it does, by law 5, where the venue was simulated and no feed was
late). Commands of the run act at their place in event time on both sides. Reports of a real venue do not: fills are
simulated. A stretch of the run is simulated from the beginning of the run, so that it starts from the state that the
settings lead to; told is what differs within it.
"""

import time
from collections.abc import Callable, Iterator, Sequence

import msgspec

from flows import stop
from flows.backtest import Backtest
from flows.backtest_results import PERFORMING, BacktestResults
from flows.config import Settings
from flows.connectors.history import LogHistory
from flows.connectors.log import Log
from flows.digests import TopicDigest, digests_of
from flows.lanes import DERIVED
from flows.moves import Moves, Said, moves
from flows.recorded_commands import TimedCommand, recorded_commands
from flows.replay_settings import Change, ReplaySettings, changes
from flows.stretch_performance import StretchPerformance
from operators.performance import Metrics, PerformanceResult, Share
from operators.sequencer import InputRecord
from operators.symbol_leg import SymbolOutput
from schemas.account import PortfolioUpdate
from schemas.codec import Event
from schemas.orders import ExecutionReport, SubmitOrder

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


class Stretch(msgspec.Struct, frozen=True):
    """The event times, in ns, of which is told: ``from_ns`` is the first, ``to_ns`` the last."""

    from_ns: int = 0
    to_ns: int = 2**63 - 1

    @property
    def is_whole(self) -> bool:
        """Whether it is the whole run."""
        return self == WHOLE


WHOLE = Stretch()


class WhatIf(msgspec.Struct, kw_only=True):
    """What came out. ``differs_from_record`` names topics in which the run's own settings, simulated, say otherwise."""

    log: str
    account: str
    settings: str
    changed: list[Change]
    notes: list[str]
    from_ns: int | None
    to_ns: int | None
    """The stretch of which is told; None without an end of its own."""
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
    """Results that remember signals, orders and fills of a stretch as well, and how the account did in it."""

    def __init__(self, settings: Settings, log: Log | None, stretch: Stretch) -> None:
        super().__init__(settings, log)
        self.said = Said()
        self._stretch = stretch
        self._in_stretch: StretchPerformance | None = None
        self._result: PerformanceResult | None = None

    def symbol(self, output: SymbolOutput) -> list[InputRecord]:
        for signal in output.signals:
            if self._stretch.from_ns <= signal.ts_event_ns <= self._stretch.to_ns:
                self.said.signal(signal)
        return super().symbol(output)

    def account(self, events: Sequence[Event]) -> None:
        for event in events:
            if self._stretch.is_whole:
                self.said.event(event)
            elif isinstance(event, PERFORMING):
                self._performing(event)
        super().account(events)

    def _performing(self, event: ExecutionReport | PortfolioUpdate | SubmitOrder) -> None:
        if self._stretch.from_ns <= event.ts_event_ns <= self._stretch.to_ns:
            self.said.event(event)
        if self._in_stretch is not None and self._result is None:
            self._in_stretch.step(event)

    def look(self, now: PortfolioUpdate) -> None:
        if self._in_stretch is None:
            self._in_stretch = StretchPerformance(self.performing, self.performed, now)
        else:
            self._result = self._in_stretch.finish(now)

    def performance(self, last: PortfolioUpdate) -> PerformanceResult:
        if self._stretch.is_whole:
            return super().performance(last)
        if self._in_stretch is None:
            self.look(last)
        if self._result is None:
            self.look(last)
        assert self._result is not None
        return self._result


def what_if(
    log: Log, settings: ReplaySettings, keep: Log | None, told: Told, stretch: Stretch = WHOLE
) -> WhatIf:
    """Simulate the run's market data with its own settings and with those asked for.

    Args:
        log: the recorded run.
        settings: what it was run with, and what is asked.
        keep: a new and empty log for the run as it would have been.
        told: is called with the number of bars closed so far.
        stretch: of which is told.

    Raises:
        LogError: the log cannot be read.
    """
    began = time.monotonic()
    history, commands = LogHistory(log), recorded_commands(log, settings.run.account.id)
    before, after = _Collected(settings.run, None, stretch), _Collected(settings.asked, keep, stretch)
    run = _Simulation(history, commands.taken, stretch)
    was, fault = run.of(settings.run, before, told)
    would, other_fault = run.of(settings.asked, after, lambda bars: told(before.progress.bars + bars))
    topics, recorded = before.digests.results(), digests_of(log, settings.run.account.id)
    holds_run = any(digest.events for digest in recorded.values())
    compared = holds_run and not stop.asked()
    said = [f"as it was: {fault}" if fault else "", f"what if: {other_fault}" if other_fault else ""]
    notes = [*settings.notes, *filter(None, said), *_notes(commands.left_out, holds_run)]
    return WhatIf(
        log=log.url,
        account=settings.run.account.id,
        settings=settings.source,
        changed=changes(settings.run, settings.asked),
        notes=notes,
        from_ns=stretch.from_ns or None,
        to_ns=stretch.to_ns if stretch.to_ns < WHOLE.to_ns else None,
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


def _notes(left_out: int, holds_run: bool) -> Iterator[str]:
    """Yield what a reader must know of what the two sides were made from."""
    if left_out:
        yield f"{left_out} commands that the run had not taken are left out"
    if stop.asked():
        yield "stopped before the end: the two sides are not of the same stretch"
    elif not holds_run:
        yield "the log holds market data and no run to compare with"


class _Simulation(msgspec.Struct, frozen=True):
    """What both sides have in common."""

    history: LogHistory
    commands: Sequence[TimedCommand]
    stretch: Stretch

    def of(self, settings: Settings, results: _Collected, told: Told) -> tuple[PerformanceResult, str]:
        """Simulate the run with some settings; return how the account did, and what a strategy raised."""
        looks = () if self.stretch.is_whole else (self.stretch.from_ns - 1, self.stretch.to_ns)
        run = Backtest(settings, self.history, results, self.commands, looks)
        run.run(lambda bars, _: told(bars))
        results.close()
        return results.performance(run.final_update()), run.fault


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
