"""What follows from one symbol's market data: bars, features, regime, marks, signals and refused rows.

``SymbolLeg`` holds the parameters; ``SymbolState`` is all that is remembered of one symbol; ``step`` folds the messages
of one poll into it. Everything per tick and per bar is one compiled call; what is per signal is plain Python.
"""

import hashlib
from itertools import accumulate
from typing import Any

import msgspec
import numpy as np

from operators import symbol_layout as at
from operators.bar_columns import BAR_WIDTH, CLOSE
from operators.features import FEATURE_SET
from operators.instruments import NANOS, Instrument, InstrumentTable
from operators.normalise import Doubles, Longs
from operators.regime import VolatilityBuckets
from operators.strategies import BarRows, Intent, Strategy
from operators.symbol_kernel import advance
from operators.symbol_memory import Tables, make_scratch, pack_tables, view_scratch
from operators.symbol_rejects import dead_letter, missing_rows_alert, refused_message
from schemas.columns import Bytes
from schemas.account import Alert, DeadLetter
from schemas.orders import Signal

VERSION = 1
REGIME_COLUMNS = 5
BAR_ROW_WIDTH = BAR_WIDTH + FEATURE_SET.width + REGIME_COLUMNS
_SMALLEST_ROW = 8  # bytes that a row of a block takes at least


class StrategyInstance(msgspec.Struct, frozen=True):
    """A strategy with its parameters, bound to a timeframe and to symbols ("*" means every one)."""

    name: str
    timeframe_ns: int
    strategy: Any  # operators.strategies.Strategy; msgspec cannot check a protocol
    symbols: tuple[str, ...] = ("*",)

    def wants(self, symbol: str) -> bool:
        """Say whether the strategy trades the symbol."""
        return "*" in self.symbols or symbol in self.symbols

    @property
    def version(self) -> str:
        """Hash of kind and parameters."""
        said = [type(self.strategy).__name__, msgspec.to_builtins(self.strategy)]
        return hashlib.sha256(msgspec.json.encode(said)).hexdigest()[:12]


class SymbolParameters(msgspec.Struct, frozen=True):
    """Parameters of the symbol leg; times in ns, ``bad_print_fraction`` of the last price."""

    timeframes_ns: tuple[int, ...]
    mark_interval_ns: int = NANOS
    bad_print_fraction: float = 0.2
    bad_print_reset_ns: int = 3600 * NANOS
    held_rows: int = 10_000
    account: str = "paper"
    strategies: tuple[StrategyInstance, ...] = ()
    regime: VolatilityBuckets = VolatilityBuckets()

    @property
    def tag(self) -> str:
        """Hash of all that gives the state its meaning: a state with another tag must be rebuilt from the log."""
        said = [VERSION, FEATURE_SET.feature_set_hash, self.timeframes_ns, self.mark_interval_ns]
        said += [self.bad_print_fraction, self.bad_print_reset_ns, msgspec.to_builtins(self.regime)]
        said += [[s.name, s.timeframe_ns, s.symbols, s.version] for s in self.strategies]
        return hashlib.sha256(msgspec.json.encode(said)).hexdigest()[:16]


class SymbolState(msgspec.Struct):
    """All that is remembered of one symbol; the layout of the vectors is ``operators.symbol_layout``."""

    symbol: str
    tag: str
    ints: Longs
    floats: Doubles
    held_ints: Longs
    held: Doubles
    strategies: list[Any]

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the vectors as their bytes: a quarter of the size of pickled small arrays."""
        arrays = (self.ints, self.floats, self.held_ints, self.held)
        return _restore, (self.symbol, self.tag, tuple(a.tobytes() for a in arrays), self.strategies)


def _restore(symbol: str, tag: str, vectors: tuple[bytes, ...], strategies: list[Any]) -> SymbolState:
    ints, held_ints = (np.frombuffer(vectors[i], np.int64).copy() for i in (0, 2))
    floats, held = (np.frombuffer(vectors[i], np.float64).copy() for i in (1, 3))
    rows = (held_ints.reshape(-1, at.ROW_INTS), held.reshape(-1, at.ROW_FLOATS))
    return SymbolState(symbol, tag, ints, floats, *rows, strategies)


class SymbolOutput(msgspec.Struct):
    """What follows from one poll of one symbol, in columns; ``bars`` holds bar, features and regime side by side."""

    symbol: str
    partition: int
    bar_ints: Longs
    bars: Doubles
    mark_ints: Longs
    marks: Doubles
    signals: list[Signal]
    dead_letters: list[DeadLetter]
    alerts: list[Alert]
    complete_to_ns: int
    final: bool
    signals_emitted: int


_NO_BAR_INTS = np.empty((0, at.OUT_INTS), np.int64)
_NO_BARS = np.empty((0, BAR_ROW_WIDTH))
_NO_MARK_INTS = np.empty((0, at.MARK_INTS), np.int64)
_NO_MARKS = np.empty((0, at.MARK_FLOATS))


def _nothing(symbol: str, partition: int) -> SymbolOutput:
    return SymbolOutput(symbol, partition, _NO_BAR_INTS, _NO_BARS, _NO_MARK_INTS, _NO_MARKS, [], [], [], 0, False, 0)


class SymbolLeg:
    """Folds market data, symbol by symbol; holds no state of any symbol."""

    def __init__(
        self, parameters: SymbolParameters, instruments: InstrumentTable, sessions: dict[str, Longs] | None = None
    ) -> None:
        """``sessions`` gives, by "timezone start" of an instrument, the UTC ns at which its trading sessions begin."""
        self.parameters = parameters
        self.instruments = instruments
        self._sessions = sessions or {}
        self._tag = parameters.tag
        self._tables: dict[str, tuple[Longs, Doubles, Bytes]] = {}
        self._bounds = np.zeros((64, 3), np.int64)
        self._reserve(4096, 4096)

    def init(self, symbol: str) -> SymbolState:
        """Return the state of a symbol of which nothing has been heard."""
        slots = len(self.parameters.timeframes_ns)
        regime = self.parameters.regime.init()
        per_slot = np.concatenate([np.zeros(BAR_WIDTH), FEATURE_SET.init(), regime])
        once = np.zeros(at.FLOATS)
        once[[at.LAST_PRICE, at.BID, at.ASK, at.MARK_PREVIOUS]] = np.nan
        mine = [s for s in self.parameters.strategies if s.wants(symbol)]
        return SymbolState(
            symbol=symbol,
            tag=self._tag,
            ints=np.zeros(at.INTS + slots * at.BAR_INTS, np.int64),
            floats=np.concatenate([once, *[per_slot] * slots]),
            held_ints=np.empty((0, at.ROW_INTS), np.int64),
            held=np.empty((0, at.ROW_FLOATS)),
            strategies=[s.strategy.init() for s in mine],
        )

    def step(self, state: SymbolState, partition: int, offsets: list[int], values: list[bytes]) -> SymbolOutput:
        """Fold the messages of one poll into ``state`` (in place) and return what follows, in order."""
        instrument = self.instruments.find(state.symbol)
        if instrument is None:
            return self._unknown(state, partition, offsets, values)
        tables = self._tables.get(state.symbol) or self._make_tables(state.symbol, instrument)
        self._advance(state, tables, offsets, values)
        scratch = self._scratch
        _, bars, marks, refused = scratch.counts[:4].tolist()
        output = _nothing(state.symbol, partition)
        output.complete_to_ns = int(state.ints[at.COMPLETE_TO])
        output.final = bool(state.ints[at.FINAL])
        if marks:
            output.mark_ints = scratch.mark_ints[:marks].copy()
            output.marks = scratch.marks[:marks].copy()
        if bars:
            output.bar_ints = scratch.bar_ints[:bars].copy()
            output.bars = scratch.bars[:bars].copy()
            output.signals = self._signals(state, output)
        output.signals_emitted = int(state.ints[at.SIGNALS])
        if refused:
            self._report_refused(output, refused, dict(zip(offsets, values, strict=True)))
        return output

    def _advance(
        self, state: SymbolState, tables: tuple[Longs, Doubles, Bytes], offsets: list[int], values: list[bytes]
    ) -> None:
        count = len(values)
        buffer = values[0] if count == 1 else b"".join(values)
        held = len(state.held)
        self._make_room(held + len(buffer) // _SMALLEST_ROW + 2, count)
        bounds = self._bounds[:count]
        bounds[:, 1] = list(accumulate(map(len, values)))
        bounds[1:, 0] = bounds[:-1, 1]
        bounds[:, 2] = offsets
        scratch = self._scratch
        scratch.counts[: at.REJECTS + 1] = 0
        if held:
            scratch.counts[at.HELD] = held
            scratch.row_ints[:held] = state.held_ints
            scratch.rows[:held] = state.held
        advance((state.ints, state.floats), tables, self._room, np.frombuffer(buffer, np.uint8), bounds)
        left = scratch.counts[at.HELD]
        if left or held:
            state.held_ints = scratch.row_ints[:left].copy()
            state.held = scratch.rows[:left].copy()

    def _make_room(self, rows: int, messages: int) -> None:
        if messages > len(self._bounds):
            self._bounds = np.zeros((2 * messages, 3), np.int64)
        slots = len(self.parameters.timeframes_ns)
        if rows + messages > self._room_rows or (rows + messages) * slots > self._room_closed:
            self._reserve(2 * (rows + messages), 2 * (rows + messages) * slots)

    def _reserve(self, rows: int, closed: int) -> None:
        self._room_rows, self._room_closed = rows, closed
        self._room = make_scratch(rows, closed, BAR_ROW_WIDTH)
        self._scratch = view_scratch(*self._room)

    def _make_tables(self, symbol: str, instrument: Instrument) -> tuple[Longs, Doubles, Bytes]:
        p = self.parameters
        volatility = FEATURE_SET.column("realised_volatility_20")
        regime_state = p.regime.state_size
        numbers = [len(p.timeframes_ns), p.mark_interval_ns, p.bad_print_reset_ns, p.held_rows, volatility, regime_state]
        session = f"{instrument.session_timezone} {instrument.session_start}"
        tables = Tables(
            params=np.array([*numbers, *p.timeframes_ns], np.int64),
            scales=np.array(
                (instrument.tick_size_nanos / NANOS, instrument.lot_size_nanos / NANOS, p.bad_print_fraction)
            ),
            name=np.frombuffer(symbol.encode(), np.uint8),
            sessions=self._sessions.get(session, np.empty(0, np.int64)),
            feature_params=FEATURE_SET.params,
            regime_params=p.regime.params(),
            state_at=FEATURE_SET.state_at,
            params_at=FEATURE_SET.params_at,
            out_at=FEATURE_SET.out_at,
        )
        return self._tables.setdefault(symbol, pack_tables(tables))

    def _signals(self, state: SymbolState, output: SymbolOutput) -> list[Signal]:
        """Let every strategy see the bars of its timeframe; return signals in (time, strategy table) order."""
        found: list[tuple[int, int, Signal]] = []
        mine = [s for s in self.parameters.strategies if s.wants(state.symbol)]
        for order, (instance, memory) in enumerate(zip(mine, state.strategies, strict=True)):
            chosen = np.flatnonzero(output.bar_ints[:, at.OUT_TIMEFRAME] == instance.timeframe_ns)
            if not len(chosen):
                continue
            strategy: Strategy = instance.strategy
            for intent in strategy.step(memory, self._rows(output, chosen)):
                row = int(chosen[intent.row])
                found.append((row, order, self._signal(instance, output, row, intent)))
        found.sort(key=lambda entry: entry[:2])
        first = int(state.ints[at.SIGNALS])
        state.ints[at.SIGNALS] += len(found)
        return [msgspec.structs.replace(signal, seq=first + i) for i, (_, _, signal) in enumerate(found)]

    def _rows(self, output: SymbolOutput, chosen: Longs) -> BarRows:
        bars = output.bars[chosen]
        ints = output.bar_ints[chosen]
        return BarRows(
            symbols=(output.symbol,),
            symbol=np.zeros(len(chosen), np.int64),
            ts_event_ns=ints[:, at.OUT_TS],
            bars=bars[:, :BAR_WIDTH],
            features=bars[:, BAR_WIDTH : BAR_WIDTH + FEATURE_SET.width],
            columns=FEATURE_SET.columns,
            seen=ints[:, at.OUT_SEEN],
            regime=bars[:, BAR_WIDTH + FEATURE_SET.width].astype(np.int64),
        )

    def _signal(self, instance: StrategyInstance, output: SymbolOutput, row: int, intent: Intent) -> Signal:
        ts_ns = int(output.bar_ints[row, at.OUT_TS])
        return Signal(
            id=f"{instance.name}:{output.symbol}:{instance.timeframe_ns}:{ts_ns}",
            account=self.parameters.account,
            strategy=instance.name,
            symbol=output.symbol,
            timeframe_ns=instance.timeframe_ns,
            ts_event_ns=ts_ns,
            seq=0,
            target=intent.target,
            strength=intent.strength,
            confidence=intent.confidence,
            horizon_ns=instance.timeframe_ns,
            price=float(output.bars[row, CLOSE]),
            stop_distance=intent.stop_distance,
            reason=intent.reason,
            explanation=intent.explanation,
            regime=int(output.bars[row, BAR_WIDTH + FEATURE_SET.width]),
            parameter_version=instance.version,
            model_version="",
            cause_partition=output.partition,
            cause_offset=int(output.bar_ints[row, at.OUT_CAUSE]),
        )

    def _report_refused(self, output: SymbolOutput, refused: int, originals: dict[int, bytes]) -> None:
        for row, values in zip(
            self._scratch.reject_ints[:refused].tolist(), self._scratch.rejects[:refused].tolist(), strict=True
        ):
            if row[at.REASON] == at.MISSING_ROWS:
                output.alerts.append(missing_rows_alert(output.symbol, output.partition, row[at.OFFSET]))
            else:
                original = originals.get(row[at.OFFSET], b"")
                output.dead_letters.append(dead_letter(output.symbol, output.partition, row, values, original))

    def _unknown(
        self, state: SymbolState, partition: int, offsets: list[int], values: list[bytes]
    ) -> SymbolOutput:
        detail = (
            f"symbol {state.symbol!r} is not in the instrument table; add [instruments.{state.symbol}] with venue, "
            "currency, tick size and lot size to titan.toml"
        )
        output = _nothing(state.symbol, partition)
        output.final = True
        output.dead_letters = [
            refused_message(state.symbol, partition, offset, "unknown_symbol", detail, value)
            for offset, value in zip(offsets, values, strict=True)
        ]
        return output
