"""Made-up markets as a gateway: seeded, so that the same settings give the same events for ever.

Time is made in frames of FRAME_NS, each from its own generator (seed, frame) and from the prices and regimes that the
frame before left, which travel in the position: so a resumed gateway goes on exactly, and cuts change no row.
Per symbol: log price = Gaussian steps of the regime's volatility (a two-state Markov chain, calm and wild), jumps by
chance, drift none; the second symbol of each pair follows the first by an Ornstein-Uhlenbeck spread
(dx = -x dt / relaxation + s dW; Uhlenbeck and Ornstein 1930), so that the two are cointegrated. Trades arrive as a
Poisson process, or evenly with jitter (``arrivals="regular"``: benchmarks get the same count in every block). Sizes are
log-normal lots, sides fair coins, and each trade has a quote just before it, whose bid or ask it takes.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from flows.connectors.gateway import SECOND, CutSettings
from flows.connectors.input_errors import InputError
from flows.connectors.recorded import session_number
from flows.connectors.recorded.cutter import Position, SessionGateway
from flows.connectors.recorded.source import Batch, Run, make_run
from flows.connectors.synthetic_faults import inject
from flows.connectors.synthetic_settings import SyntheticSettings
from schemas.blocks import QUOTES, TRADES
from schemas.market import Doubles, Longs

FRAME_NS = SECOND
VENUE = "SYNTHETIC"
_GRID = 64


class _State(msgspec.Struct, frozen=True):
    """What a frame leaves to the next, [symbols] each: log price, pair spread, regime, last trade and quote id."""

    frame: int
    logs: Doubles
    spreads: Doubles
    wild: Longs
    ids: Longs
    updates: Longs


class SyntheticSource:
    """All symbols of one made-up market."""

    heartbeat_ns = 0

    def __init__(self, settings: SyntheticSettings) -> None:
        """InputError for settings that contradict each other."""
        if 2 * settings.pairs > settings.symbols:
            raise InputError(
                f"pairs = {settings.pairs} need {2 * settings.pairs} symbols, and there are {settings.symbols}"
            )
        self.name = f"synthetic market {settings.seed}"
        self.identity = hashlib.sha256(b"synthetic" + msgspec.json.encode(settings)).digest()
        self.settings = settings
        self.venues = dict.fromkeys(settings.names(), VENUE)
        self._names = settings.names()
        self._frames = int(np.ceil(settings.duration_s * SECOND / FRAME_NS))

    def _first(self) -> _State:
        s = self.settings
        rng = np.random.default_rng((s.seed, 0, 0))
        logs = np.log(s.price) + rng.normal(0.0, 0.3, s.symbols)
        logs[1 : 2 * s.pairs : 2] = logs[0 : 2 * s.pairs : 2]
        zeros = np.zeros(s.symbols, np.int64)
        return _State(0, logs, np.zeros(s.symbols), zeros, zeros, zeros)

    def read(self, resume: Any = None) -> Iterator[Batch]:
        """One batch a frame; ``resume`` is the state that an earlier one left."""
        state = resume or self._first()
        while state.frame < self._frames:
            batch = self._frame(state)
            state = batch.resume
            yield batch

    def _frame(self, state: _State) -> Batch:
        s = self.settings
        rng = np.random.default_rng((s.seed, 1, state.frame))
        start = s.start_ns + state.frame * FRAME_NS
        end = min(start + FRAME_NS, s.start_ns + round(s.duration_s * SECOND))
        wild = self._regimes(rng, state.wild)
        who, ts = self._arrivals(rng, start, end)
        logs, spreads, last_logs, last_spreads = self._prices(
            rng, state, wild, who, (ts - start) / (end - start)
        )
        counts = np.bincount(who, minlength=s.symbols)
        edges = np.concatenate(([0], np.cumsum(counts)))
        trades, quotes = self._columns(rng, state, who, ts, logs + spreads)
        runs: list[Run] = []
        for i in np.flatnonzero(counts).tolist():
            cut = slice(edges[i], edges[i + 1])
            runs.append(Run(self._names[i], TRADES, ts[cut], tuple(c[cut] for c in trades)))
            if s.quotes:
                runs.append(Run(self._names[i], QUOTES, quotes[0][cut], tuple(c[cut] for c in quotes)))
        if s.faults.any:
            runs = inject(s.faults, rng, runs, s.tick_size)
        runs = [make_run(run.symbol, run.kind, run.slots, run.columns) for run in runs]
        after = _State(
            state.frame + 1, last_logs, last_spreads, wild, state.ids + counts, state.updates + counts
        )
        return Batch(runs, [], end - s.delay_ns, after)

    def _regimes(self, rng: np.random.Generator, wild: Longs) -> Longs:
        draw = rng.random(len(wild))
        seconds = FRAME_NS / SECOND
        leave = np.where(wild > 0, self.settings.to_calm_per_s, self.settings.to_wild_per_s) * seconds
        return np.where(draw < leave, 1 - wild, wild)

    def _arrivals(self, rng: np.random.Generator, start: int, end: int) -> tuple[Longs, Longs]:
        """Return (symbol, time) of every trade of the frame, by symbol and then in time order."""
        s = self.settings
        span = end - start
        if s.arrivals == "regular":
            step = SECOND / s.rate_per_s
            first, last = (int(np.ceil((edge - s.start_ns) / step)) for edge in (start, end))
            at = s.start_ns + (np.arange(first, last) * step).astype(np.int64)
            ts = np.tile(at, s.symbols) + rng.integers(0, max(1, int(step) // 2), s.symbols * len(at))
            return np.repeat(np.arange(s.symbols), len(at)), np.minimum(ts, end - 1)
        counts = rng.poisson(s.rate_per_s * span / SECOND, s.symbols)
        who = np.repeat(np.arange(s.symbols), counts)
        ts = start + rng.integers(0, span, len(who))
        return who, ts[np.lexsort((ts, who))]

    def _prices(
        self, rng: np.random.Generator, state: _State, wild: Longs, who: Longs, along: Doubles
    ) -> tuple[Doubles, Doubles, Doubles, Doubles]:
        """Return log price and pair spread at every trade, and both [symbols] at the end of the frame.

        ``along`` is the part of the frame that has passed at each trade. A pair shares the steps of its first symbol.
        """
        s = self.settings
        seconds = FRAME_NS / SECOND
        dt = seconds / _GRID
        scale = s.volatility * np.where(wild > 0, s.wild_factor, 1.0)
        steps = rng.normal(0.0, 1.0, (s.symbols, _GRID)) * (scale * np.sqrt(dt))[:, None]
        jumps = rng.random((s.symbols, _GRID)) < s.jumps_per_s * dt
        steps += jumps * rng.normal(0.0, s.jump_volatility, (s.symbols, _GRID))
        steps[1 : 2 * s.pairs : 2] = steps[0 : 2 * s.pairs : 2]
        paths = state.logs[:, None] + np.cumsum(steps, axis=1)
        keep = np.exp(-seconds / s.spread_relaxation_s)
        shock = s.spread_volatility * np.sqrt(s.spread_relaxation_s / 2.0 * (1.0 - keep * keep))
        spreads = np.zeros(s.symbols)
        second = slice(1, 2 * s.pairs, 2)
        spreads[second] = keep * state.spreads[second] + shock * rng.normal(0.0, 1.0, s.pairs)
        at_trade = state.spreads[who] + (spreads - state.spreads)[who] * along
        return paths[who, (along * _GRID).astype(np.int64)], at_trade, paths[:, -1], spreads

    def _columns(
        self, rng: np.random.Generator, state: _State, who: Longs, ts: Longs, logs: Doubles
    ) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Return the trades' and quotes' columns, in the order of FIELDS."""
        s = self.settings
        n = len(who)
        mid = np.rint(np.exp(logs) / s.tick_size)
        side = np.where(rng.random(n) < 0.5, 1, -1)
        size = np.ceil(rng.lognormal(np.log(s.size_lots), 1.0, n))
        delay = rng.integers(s.delay_ns // 2, s.delay_ns + 1, n)
        within = np.arange(n) - np.concatenate(([0], np.cumsum(np.bincount(who, minlength=s.symbols))))[who]
        half = s.half_spread_ticks
        price = np.maximum(mid + side * half, 1.0) * s.tick_size
        trades = (ts, delay, state.ids[who] + within + 1, side, price, size)
        before = np.maximum(ts - s.delay_ns // 4, s.start_ns)
        depth = np.ceil(rng.lognormal(np.log(4 * s.size_lots), 0.5, (2, n)))
        bid = np.maximum(mid - half, 1.0) * s.tick_size
        ask = np.maximum(mid + half, 2.0) * s.tick_size
        quotes = (before, delay, state.updates[who] + within + 1, bid, depth[0], ask, depth[1])
        return trades, quotes


_USUAL = SyntheticSettings()
_USUAL_CUT = CutSettings()


def open_synthetic(
    settings: SyntheticSettings = _USUAL,
    cut: CutSettings = _USUAL_CUT,
    *,
    resume: Position | None = None,
) -> SessionGateway:
    """Open a made-up market, from its start or from a position of an earlier gateway of the same settings."""
    source = SyntheticSource(settings)
    return SessionGateway([source], cut, session_number([source.identity]), resume)


def benchmark_settings(
    symbols: int, ticks_per_block: int, cut: CutSettings, **more: Any
) -> SyntheticSettings:
    """Return settings that give every symbol exactly ``ticks_per_block`` trades in every full slice.

    Raises ValueError where they do not divide evenly: ``cut_ns`` must be a multiple of ``ticks_per_block`` ns.
    """
    if cut.cut_ns % ticks_per_block:
        raise ValueError(f"cut_ns = {cut.cut_ns} is not a multiple of ticks_per_block = {ticks_per_block}")
    rate = ticks_per_block * SECOND / cut.cut_ns
    given = {"pairs": 0, "quotes": False, **more}
    return SyntheticSettings(symbols=symbols, rate_per_s=rate, arrivals="regular", **given)
