"""What came out of the symbol leg, in a form in which two runs can be compared bit for bit."""

import pickle
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
import numpy as np

from flows.sessions import sessions_of
from operators import symbol_layout as at
from operators.instruments import DEFAULT_TABLE
from operators.strategies import STRATEGIES
from operators.symbol_leg import StrategyInstance, SymbolLeg, SymbolOutput, SymbolParameters, SymbolState
from schemas.account import DeadLetter
from schemas.blocks import GAP
from schemas.orders import Signal
from tests.laws.market_streams import BAR, SYMBOL

QUICK: dict[str, dict[str, Any]] = {
    "sma_crossover": {"fast": 2, "slow": 3},
    "rsi_reversion": {"window": 2, "low": 45.0, "high": 55.0},
}
"""Parameters with which a registered strategy speaks in a short stream; its own ones where it isn't named."""


def parameters(*timeframes_ns: int, **more: Any) -> SymbolParameters:
    """Parameters with every registered strategy on every timeframe."""
    strategies = tuple(
        StrategyInstance(f"{name}_{timeframe}", timeframe, kind(**QUICK.get(name, {})))
        for name, kind in STRATEGIES.items()
        for timeframe in timeframes_ns
    )
    return SymbolParameters(timeframes_ns=timeframes_ns, strategies=strategies, **more)


SESSIONS = sessions_of(DEFAULT_TABLE)
LEG = SymbolLeg(parameters(BAR, 3 * BAR), DEFAULT_TABLE, SESSIONS)


class Said(NamedTuple):
    """All that followed, without what names a message: offsets, ordinals."""

    bar_ints: bytes
    bars: bytes
    mark_ints: bytes
    marks: bytes
    signals: list[Signal]
    dead: list[tuple[str, str, int, bytes]]
    alerts: int
    state: bytes


def run(
    messages: list[bytes],
    polls: Iterable[int] = (),
    leg: SymbolLeg = LEG,
    symbol: str = SYMBOL,
    resume: bool = False,
) -> tuple[list[SymbolOutput], SymbolState]:
    """Fold the messages, polled in groups that begin at ``polls``; with ``resume`` the state is pickled between."""
    state = leg.init(symbol)
    edges = sorted({0, len(messages), *(place for place in polls if place < len(messages))})
    outputs = []
    for start, stop in zip(edges[:-1], edges[1:], strict=True):
        outputs.append(leg.step(state, 0, list(range(start, stop)), messages[start:stop]))
        if resume:
            state = pickle.loads(pickle.dumps(state))
    return outputs, state


def said(outputs: list[SymbolOutput], state: SymbolState) -> Said:
    """What a run said, to be compared."""
    columns = [column for column in range(at.OUT_INTS) if column != at.OUT_CAUSE]
    return Said(
        bar_ints=b"".join(output.bar_ints[:, columns].tobytes() for output in outputs),
        bars=b"".join(output.bars.tobytes() for output in outputs),
        mark_ints=b"".join(output.mark_ints.tobytes() for output in outputs),
        marks=b"".join(output.marks.tobytes() for output in outputs),
        signals=[msgspec.structs.replace(s, cause_offset=0) for output in outputs for s in output.signals],
        dead=sorted(_dead(letter) for output in outputs for letter in output.dead_letters),
        alerts=sum(len(output.alerts) for output in outputs),
        state=_without_offsets(state),
    )


def _dead(letter: DeadLetter) -> tuple[str, str, int, bytes]:
    return letter.reason, letter.symbol, letter.ts_event_ns, letter.original


def _without_offsets(state: SymbolState) -> bytes:
    ints, held = state.ints.copy(), state.held_ints.copy()
    ints[[at.SESSION_OFFSET, at.GAP_OFFSET]] = 0
    held[:, [at.OFFSET, at.ORDINAL]] = 0
    again = np.zeros(len(held), bool)  # a gap that was sent twice waits twice
    again[1:] = (held[1:] == held[:-1]).all(axis=1) & (held[1:, at.KIND] == GAP)
    held, numbers_held = held[~again], state.held[~again]
    memories = b"".join(np.asarray(memory).tobytes() for memory in state.strategies)
    used = np.zeros_like(numbers_held)
    for row, (kind, numbers) in enumerate(zip(held[:, at.KIND], numbers_held, strict=True)):
        width = (2, 4, 5, 0, 0)[kind]
        used[row, :width] = numbers[:width]
    return b"".join(part.tobytes() for part in (ints, state.floats, held, used)) + memories
