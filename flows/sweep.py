"""Which parameters would have done best? Many sets over one pass of the market data, on all cores.

Bars and features do not depend on the swept parameters, so the symbol leg runs once for 32 sets; each set then has
strategies, a sequencer and an account leg of its own, the very ones of a single backtest. So a sweep says of every set
what its own backtest would say, to the last 1e-9. What changes the bars themselves can't be swept.
"""

import itertools
import math
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from typing import Any

import msgspec

from flows import stop
from flows.amounts import decimal_of
from flows.backtest_settings import full_key
from flows.config import ConfigError, Settings
from flows.config.parameters import account_leg, symbol_parameters
from flows.connectors.history import History
from flows.symbol_states import SymbolStates, symbol_leg
from flows.trial import Trial
from operators.performance import Metrics

SWEPT = ("strategies", "sizing", "risk", "venue", "account")
"""Sections whose keys may be swept: what they change comes after the bars."""
MOST_SETS = 100_000
_AT_ONCE = 32
"""Sets over one pass of the bars: more would save little, and what is stopped would have less to show."""


class SweepRow(msgspec.Struct):
    """One set of parameters and what its backtest says; amounts are exact decimals.

    ``fault`` is empty, or what a strategy raised: its backtest ends there, and what was done before stands.
    """

    parameters: dict[str, str]
    fault: str
    final_equity: str
    final_cash: str
    signals: int
    orders: int
    fills: int
    metrics: Metrics


class SweepSummary(msgspec.Struct):
    """Every allowed set, best first by ``sorted_by``, those with a fault last; ``refused`` are not allowed.

    Where it was ``stopped``, every set that had come to its end.
    """

    symbols: list[str]
    stopped: bool
    sorted_by: str
    refused: int
    bars: int
    wall_s: float
    set_bars_per_s: float
    processes: int
    sets: list[SweepRow]


def values_of(text: str) -> list[str]:
    """Return the values of a range ``FROM..TO``, ``FROM..TO/STEP`` (both ends count) or a list ``a,b,c``.

    >>> values_of("5..8"), values_of("0.5..1/0.25"), values_of("LONG,SHORT")
    (['5', '6', '7', '8'], ['0.50', '0.75', '1.00'], ['LONG', 'SHORT'])

    Raises:
        ConfigError: it is neither.
    """
    first, dots, rest = text.partition("..")
    if not dots:
        return [value.strip() for value in text.split(",") if value.strip()] or _bad(text)
    last, _, step = rest.partition("/")
    try:
        low, high, by = Decimal(first), Decimal(last), Decimal(step or "1")
        if not (low.is_finite() and high.is_finite() and by.is_finite() and by > 0 and low <= high):
            return _bad(text)
        steps = (high - low) / by
    except ArithmeticError:
        return _bad(text)
    if steps >= MOST_SETS:
        raise ConfigError(f"--sweep {text}: more than {MOST_SETS:,} values; take larger steps")
    return [str(low + by * i) for i in range(int(steps) + 1)]


def sweeps_of(given: Sequence[str], kinds: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the values of every ``KEY=RANGE`` by dotted key; ``kinds`` are the strategies that run (name -> kind).

    Raises:
        ConfigError: one is none, its bare key fits no strategy or several, or a key is there twice.
    """
    found: dict[str, list[str]] = {}
    for one in given:
        name, equals, text = one.partition("=")
        if not equals or not name.strip():
            _bad(one)
        key = full_key(f"{name.strip()}=", kinds).removesuffix("=")
        if key in found:
            raise ConfigError(
                f"--sweep {one}: {key} is swept already; give all its values in one, such as a,b,c"
            )
        found[key] = values_of(text.strip())
    return found


def sets_of(sweeps: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    """Return every combination of the values by dotted key.

    Raises:
        ConfigError: a key that changes the bars, or too many sets.
    """
    for key in sweeps:
        if key.partition(".")[0] not in SWEPT:
            raise ConfigError(
                f"--sweep {key}: it changes the bars or nothing; keys of {', '.join(SWEPT)} can be swept. Run one "
                "backtest for each of its values"
            )
    count = 1
    for values in sweeps.values():
        count *= len(values)
    if count > MOST_SETS:
        raise ConfigError(
            f"--sweep: {count:,} sets, and at most {MOST_SETS:,} are run at once; take larger steps"
        )
    return [dict(zip(sweeps, chosen, strict=True)) for chosen in itertools.product(*sweeps.values())]


def sweep(
    history: History,
    sets: Sequence[tuple[dict[str, str], Settings]],
    sort_by: str,
    processes: int,
    progress: Callable[[int], None],
) -> SweepSummary:
    """Run every set; ``progress`` is told the bars folded so far, over all passes of all processes.

    Raises:
        ConfigError: there is no such metric.
    """
    if sort_by not in Metrics.__struct_fields__:
        raise ConfigError(
            f"--sort {sort_by}: no such metric; there are {', '.join(Metrics.__struct_fields__)}"
        )
    began = time.monotonic()
    shares = [list(sets[i::processes]) for i in range(min(processes, len(sets)))]
    found = list(_run_shares(history, shares, progress))
    ranked: list[tuple[float, int, SweepRow]] = []
    for share, part in enumerate(found):
        for i, row in enumerate(part.rows):
            ranked.append((-_rank(row, sort_by), i * processes + share, row))
    rows = [row for *_, row in sorted(ranked, key=lambda one: one[:2])]
    seconds = time.monotonic() - began
    bars = max((part.bars for part in found), default=0)
    return SweepSummary(
        symbols=list(history.symbols()),
        stopped=any(part.stopped for part in found),
        sorted_by=sort_by,
        refused=0,
        bars=bars,
        wall_s=seconds,
        set_bars_per_s=bars * len(rows) / seconds if seconds else 0.0,
        processes=len(shares),
        sets=rows,
    )


class _Part(msgspec.Struct):
    """What one process found: the sets that it ran to their end."""

    rows: list[SweepRow]
    bars: int
    stopped: bool


_inherited: tuple[History, list[list[tuple[dict[str, str], Settings]]], Any] | None = None
"""What a forked process finds: market data that is open already is not read again; bars by process, whether to stop."""


def _run_shares(
    history: History, shares: list[list[tuple[dict[str, str], Settings]]], progress: Callable[[int], None]
) -> Iterator[_Part]:
    global _inherited
    if len(shares) <= 1:
        yield from (_run_share(history, share, progress) for share in shares)
        return
    context = multiprocessing.get_context("fork")
    shared = context.Array("q", len(shares) + 1)
    _inherited = (history, shares, shared)
    try:
        with ProcessPoolExecutor(len(shares), context) as pool:
            waiting = [pool.submit(_run_inherited, i) for i in range(len(shares))]
            while not all(future.done() for future in waiting):
                shared[-1] = stop.asked()
                progress(sum(shared[:-1]))
                time.sleep(0.1)
            yield from (future.result() for future in waiting)
    finally:
        _inherited = None


def _run_inherited(index: int) -> _Part:
    assert _inherited is not None
    history, shares, shared = _inherited

    def count(bars: int) -> None:
        shared[index] = bars
        if shared[-1]:
            stop.ask()

    return _run_share(history, shares[index], count)


def _run_share(
    history: History, share: list[tuple[dict[str, str], Settings]], progress: Callable[[int], None]
) -> _Part:
    """Run some sets, so many over one pass that what is left when someone asks to stop is of whole sets."""
    part, before = _Part([], 0, False), 0
    for first in range(0, len(share), _AT_ONCE):
        sets = share[first : first + _AT_ONCE]
        trials = [Trial(symbol_parameters(one), account_leg(one), history.symbols()) for _, one in sets]
        for part.bars in _pass(history, sets[0][1], trials):
            progress(before + part.bars)
            if stop.asked():
                part.stopped = True
                return part
        part.rows += [_row(parameters, trial) for (parameters, _), trial in zip(sets, trials, strict=True)]
        before += part.bars
    return part


def _pass(history: History, settings: Settings, trials: Sequence[Trial]) -> Iterator[int]:
    """Fold the bars once for all trials; yield how many there were so far, at least after each trial's turn."""
    states = SymbolStates(
        symbol_leg(settings, msgspec.structs.replace(symbol_parameters(settings), strategies=()))
    )
    bars = 0
    for chunk in history.chunks():
        for poll in chunk.polls:
            output = states.step(poll.symbol, poll.partition, poll.offsets, poll.values)
            bars += len(output.bars)
            for trial in trials:
                trial.offer(output)
            yield bars
        for trial in trials:
            trial.take(force=False)
            yield bars
    for trial in trials:
        trial.take(force=True)
        yield bars


def _row(parameters: dict[str, str], trial: Trial) -> SweepRow:
    ledger = trial.account.ledger
    return SweepRow(
        parameters=parameters,
        fault=trial.fault,
        final_equity=decimal_of(ledger.equity_nanos),
        final_cash=decimal_of(ledger.cash_nanos),
        signals=trial.signals,
        orders=trial.orders,
        fills=trial.fills,
        metrics=trial.metrics(),
    )


def _rank(row: SweepRow, sort_by: str) -> float:
    value: float | None = getattr(row.metrics, sort_by)
    return -math.inf if row.fault or value is None or math.isnan(value) else float(value)


def _bad(text: str) -> list[str]:
    raise ConfigError(f"--sweep {text}: write KEY=FROM..TO, KEY=FROM..TO/STEP or KEY=a,b,c")


def cores() -> int:
    """Return how many processes can run at once here."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
