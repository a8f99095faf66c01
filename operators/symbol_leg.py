"""What follows from one symbol's market data: bars, features, regime, marks, signals and refused rows.

``SymbolLeg`` holds the parameters; ``SymbolState`` is all that is remembered of one symbol; ``step`` folds the messages
of one poll into it. Everything per tick and per bar is one compiled call; what is per signal is plain Python.
"""

from collections.abc import Sequence

import numpy as np

from operators import symbol_layout as at
from operators.bar_columns import BAR_WIDTH
from operators.features import FEATURE_SET
from operators.instruments import NANOS, InstrumentTable
from operators.normalise import Longs, inverse_of
from operators.symbol_kernel import advance
from operators.symbol_memory import Tables, make_scratch, pack_tables, view_scratch
from operators.symbol_parameters import StrategyInstance, SymbolParameters
from operators.symbol_poll import Poll
from operators.symbol_rejects import dead_letter, missing_rows_alert, refused_message
from operators.symbol_signals import Voices
from operators.symbol_state import SymbolOutput, SymbolState, pack_state
from operators.symbol_versions import in_todays_version

__all__ = ["StrategyInstance", "Poll", "SymbolLeg", "SymbolOutput", "SymbolParameters", "SymbolState"]

REGIME_COLUMNS = 5
BAR_ROW_WIDTH = BAR_WIDTH + FEATURE_SET.width + REGIME_COLUMNS
_SMALLEST_ROW = 4  # bytes that a row of a block takes at least
_MOST_BYTES = 1 << 20  # taken in one compiled call: it bounds the room for results

_NO_BAR_INTS = np.empty((0, at.OUT_INTS), np.int64)
_NO_BARS = np.empty((0, BAR_ROW_WIDTH))
_NO_MARK_INTS = np.empty((0, at.MARK_INTS), np.int64)
_NO_MARKS = np.empty((0, at.MARK_FLOATS))


def _nothing(symbol: str, partition: int) -> SymbolOutput:
    return SymbolOutput(
        symbol, partition, _NO_BAR_INTS, _NO_BARS, _NO_MARK_INTS, _NO_MARKS, [], [], [], 0, False, 0
    )


class SymbolLeg:
    """Folds market data, symbol by symbol; holds no state of any symbol."""

    def __init__(
        self,
        parameters: SymbolParameters,
        instruments: InstrumentTable,
        sessions: dict[str, Longs] | None = None,
    ) -> None:
        """``sessions`` gives, by "timezone start" of an instrument, the UTC ns at which its trading sessions begin."""
        self.parameters = parameters
        self.instruments = instruments
        self._sessions = sessions or {}
        self._voices = Voices(parameters)
        self._tag = parameters.tag
        self._tables: dict[str, tuple[Longs, Longs]] = {}
        self._shared: dict[str, Longs] = {}  # by session: its starts weigh 0.3 MB
        self._reserve(4096, 4096)

    def init(self, symbol: str) -> SymbolState:
        """Return the state of a symbol of which nothing has been heard."""
        slots = len(self.parameters.timeframes_ns)
        regime = self.parameters.regime.init()
        per_slot = np.concatenate([np.zeros(BAR_WIDTH), FEATURE_SET.init(), regime])
        once = np.zeros(at.FLOATS)
        once[[at.LAST_PRICE, at.BID, at.ASK, at.MARK_PREVIOUS]] = np.nan
        return SymbolState(
            symbol=symbol,
            tag=self._tag,
            numbers=pack_state(
                np.zeros(at.INTS + slots * at.BAR_INTS, np.int64), np.concatenate([once, *[per_slot] * slots])
            ),
            held_ints=np.empty((0, at.ROW_INTS), np.int64),
            held=np.empty((0, at.ROW_FLOATS)),
            strategies=[instance.strategy.init() for instance, _ in self._voices.of(symbol)],
        )

    def step(
        self, state: SymbolState, partition: int, offsets: Sequence[int], values: Sequence[bytes]
    ) -> SymbolOutput:
        """Fold a symbol's messages into ``state`` (in place) and return what follows, in order.

        Raises:
            ValueError: the state was made with other parameters.
        """
        return self.fold(state, partition, Poll.of(offsets, values), 0, len(values))

    def fold(self, state: SymbolState, partition: int, poll: Poll, first: int, end: int) -> SymbolOutput:
        """Fold the messages [first, end) of a poll, all of one symbol, as ``step`` does."""
        if state.tag != self._tag:
            raise ValueError(
                f"the state of {state.symbol} has tag {state.tag}, these parameters have {self._tag}: "
                "restore the parameters that it was made with, or begin anew and read the log again"
            )
        tables = self._tables.get(state.symbol) or self._make_tables(state.symbol)
        if tables is None:
            return self._unknown(state, partition, poll, first, end)
        if poll.largest <= _MOST_BYTES:
            return self._fold(state, tables, partition, poll, (first, end))
        spans = poll.parts(first, end, _MOST_BYTES)
        return SymbolOutput.joined([self._fold(state, tables, partition, poll, span) for span in spans])

    def _fold(
        self,
        state: SymbolState,
        tables: tuple[Longs, Longs],
        partition: int,
        poll: Poll,
        span: tuple[int, int],
        originals: tuple[Poll, tuple[int, int]] | None = None,
    ) -> SymbolOutput:
        """Fold the messages in ``span``; ``originals`` are these messages as they lay in the log, where they do not."""
        bars, marks, refused, said_to_ns, taken = self._advance(state, tables, poll, *span)
        scratch = self._scratch
        output = _nothing(state.symbol, partition)
        output.complete_to_ns = said_to_ns if said_to_ns > 0 else 0
        output.final = bool(state.ints[at.FINAL])
        if marks:
            output.mark_ints = scratch.mark_ints[:marks].copy()
            output.marks = scratch.marks[:marks].copy()
        if bars:
            output.bar_ints = scratch.bar_ints[:bars].copy()
            output.bars = scratch.bars[:bars].copy()
            output.signals = self._voices.signals(state, output)
        output.signals_emitted = int(state.ints[at.SIGNALS])
        if refused:
            self._report_refused(output, refused, *(originals or (poll, span)))
        if taken == span[1]:
            return output
        todays = in_todays_version(poll, taken, span[1])
        left = self._fold(state, tables, partition, todays, (0, span[1] - taken), (poll, (taken, span[1])))
        return SymbolOutput.joined([output, left])

    def _advance(
        self, state: SymbolState, tables: tuple[Longs, Longs], poll: Poll, first: int, end: int
    ) -> tuple[int, int, int, int, int]:
        """Return bars closed, marks written, rows refused, how far everything has been said, and messages taken."""
        held = len(state.held)
        self._make_room(held + poll.largest // _SMALLEST_ROW + 2, end - first)
        if held:
            self._scratch.row_ints[:held] = state.held_ints
            self._scratch.rows[:held] = state.held
        self._scratch.counts[at.HELD] = held
        left, bars, marks, refused, said_to_ns, taken = advance(
            state.numbers, *tables, self._room, poll.memory, poll.places, first, end
        )
        if left or held:
            state.held_ints = self._scratch.row_ints[:left].copy()
            state.held = self._scratch.rows[:left].copy()
        return bars, marks, refused, said_to_ns, taken

    def _make_room(self, rows: int, messages: int) -> None:
        slots = len(self.parameters.timeframes_ns)
        if rows + messages > self._room_rows or (rows + messages) * slots > self._room_closed:
            self._reserve(2 * (rows + messages), 2 * (rows + messages) * slots)

    def _reserve(self, rows: int, closed: int) -> None:
        self._room_rows, self._room_closed = rows, closed
        self._room = make_scratch(rows, closed, BAR_ROW_WIDTH)
        self._scratch = view_scratch(self._room)

    def _make_tables(self, symbol: str) -> tuple[Longs, Longs] | None:
        """Return the tables of a symbol, kept from then on; None where it is not in the instrument table."""
        instrument = self.instruments.find(symbol)
        if instrument is None:
            return None
        p = self.parameters
        volatility = FEATURE_SET.column("realised_volatility_20")
        regime_state = p.regime.state_size
        numbers = [
            len(p.timeframes_ns),
            p.mark_interval_ns,
            p.bad_print_reset_ns,
            p.held_rows,
            volatility,
            regime_state,
        ]
        tick, lot = instrument.tick_size_nanos / NANOS, instrument.lot_size_nanos / NANOS
        session = f"{instrument.session_timezone} {instrument.session_start}"
        tables = Tables(
            params=np.array([*numbers, *p.timeframes_ns], np.int64),
            scales=np.array((tick, lot, p.bad_print_fraction, inverse_of(tick), inverse_of(lot))),
            name=np.frombuffer(symbol.encode(), np.uint8),
            sessions=self._sessions.get(session, np.empty(0, np.int64)),
            feature_params=FEATURE_SET.params,
            regime_params=p.regime.params(),
            state_at=FEATURE_SET.state_at,
            params_at=FEATURE_SET.params_at,
            out_at=FEATURE_SET.out_at,
        )
        shared, own = pack_tables(tables)
        return self._tables.setdefault(symbol, (self._shared.setdefault(session, shared), own))

    def _report_refused(self, output: SymbolOutput, refused: int, poll: Poll, span: tuple[int, int]) -> None:
        for row, values in zip(
            self._scratch.reject_ints[:refused].tolist(),
            self._scratch.rejects[:refused].tolist(),
            strict=True,
        ):
            if row[at.REASON] == at.MISSING_ROWS:
                output.alerts.append(missing_rows_alert(output.symbol, output.partition, row[at.OFFSET]))
            else:
                original = poll.message(*span, row[at.OFFSET]) if row[at.ORDINAL] < 0 else b""
                output.dead_letters.append(
                    dead_letter(output.symbol, output.partition, row, values, original)
                )

    def _unknown(self, state: SymbolState, partition: int, poll: Poll, first: int, end: int) -> SymbolOutput:
        detail = (
            f"symbol {state.symbol!r} is not in the instrument table; add [instruments.{state.symbol}] with venue, "
            "currency, tick size and lot size to titan.toml, and derive a new log (titan backtest --log LOG --out "
            "DIR): this one keeps to the settings that it was derived with"
        )
        output = _nothing(state.symbol, partition)
        output.final = True
        output.dead_letters = [
            refused_message(
                state.symbol, partition, offset, "unknown_symbol", detail, poll.memory[start:stop].tobytes()
            )
            for start, stop, offset in poll.places[first:end].tolist()
        ]
        return output
