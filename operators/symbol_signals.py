"""What do the strategies say about the bars that one poll closed?"""

from typing import Any

import numpy as np

from operators import symbol_layout as at
from operators.bar_columns import BAR_WIDTH, CLOSE
from operators.features import FEATURE_SET
from operators.strategies import BarRows, Intent, Strategy, StrategyError
from operators.symbol_parameters import StrategyInstance, SymbolParameters
from operators.symbol_state import SymbolOutput, SymbolState
from schemas.orders import Signal

_REGIME = BAR_WIDTH + FEATURE_SET.width


class Voices:
    """The strategies that speak about each symbol, with the hash of their parameters."""

    def __init__(self, parameters: SymbolParameters) -> None:
        self._account = parameters.account
        self._all = [(instance, instance.version) for instance in parameters.strategies]
        self._by_symbol: dict[str, list[tuple[StrategyInstance, str]]] = {}

    def of(self, symbol: str) -> list[tuple[StrategyInstance, str]]:
        """Return the strategies that trade a symbol, in table order."""
        mine = self._by_symbol.get(symbol)
        if mine is None:
            mine = self._by_symbol[symbol] = [voice for voice in self._all if voice[0].wants(symbol)]
        return mine

    def signals(self, state: SymbolState, output: SymbolOutput) -> list[Signal]:
        """Let every strategy see the bars of its timeframe; return signals in (bar, strategy table) order, counted."""
        found: list[tuple[int, int, Intent]] = []
        mine = self.of(state.symbol)
        frames = output.bar_ints[:, at.OUT_TIMEFRAME].tolist()
        for order, ((instance, _), memory) in enumerate(zip(mine, state.strategies, strict=True)):
            count = frames.count(instance.timeframe_ns)
            if not count:
                continue
            every = count == len(frames)
            chosen = [row for row, frame in enumerate(frames) if every or frame == instance.timeframe_ns]
            for intent in _intents(instance, memory, _rows(output, None if every else chosen)):
                found.append((chosen[intent.row], order, intent))
        if not found:
            return []
        found.sort(key=lambda entry: entry[:2])
        first = int(state.ints[at.SIGNALS])
        state.ints[at.SIGNALS] += len(found)
        return [
            _signal(self._account, mine[order], output, row, intent, seq)
            for seq, (row, order, intent) in enumerate(found, first)
        ]


def _intents(instance: StrategyInstance, memory: Any, rows: BarRows) -> list[Intent]:
    strategy: Strategy = instance.strategy
    try:
        return strategy.step(memory, rows)
    except Exception as error:
        raise StrategyError(
            f"strategy {instance.name} raised {type(error).__name__}: {error}, on the {len(rows.bars)} bars of "
            f"{rows.symbols[0]} from {int(rows.ts_event_ns[0])} to {int(rows.ts_event_ns[-1])} ns: mend it, or set "
            f"strategies.{instance.name}.enabled=false"
        ) from error


def _rows(output: SymbolOutput, chosen: list[int] | None) -> BarRows:
    """Return a strategy's own copy of the chosen bars, or of all."""
    bars = output.bars.copy() if chosen is None else output.bars[chosen]
    ints = output.bar_ints.copy() if chosen is None else output.bar_ints[chosen]
    return BarRows(
        symbols=(output.symbol,),
        symbol=np.zeros(len(bars), np.int64),
        ts_event_ns=ints[:, at.OUT_TS],
        bars=bars[:, :BAR_WIDTH],
        features=bars[:, BAR_WIDTH:_REGIME],
        columns=FEATURE_SET.columns,
        seen=ints[:, at.OUT_SEEN],
        regime=bars[:, _REGIME].astype(np.int64),
    )


def _signal(
    account: str,
    voice: tuple[StrategyInstance, str],
    output: SymbolOutput,
    row: int,
    intent: Intent,
    seq: int,
) -> Signal:
    instance, version = voice
    ts_ns = output.bar_ints.item(row, at.OUT_TS)
    return Signal(
        id=f"{instance.name}:{output.symbol}:{instance.timeframe_ns}:{ts_ns}",
        account=account,
        strategy=instance.name,
        symbol=output.symbol,
        timeframe_ns=instance.timeframe_ns,
        ts_event_ns=ts_ns,
        seq=seq,
        target=intent.target,
        strength=intent.strength,
        confidence=intent.confidence,
        horizon_ns=instance.timeframe_ns,
        price=output.bars.item(row, CLOSE),
        stop_distance=intent.stop_distance,
        reason=intent.reason,
        explanation=intent.explanation,
        regime=int(output.bars.item(row, _REGIME)),
        parameter_version=version,
        model_version="",
        cause_partition=output.partition,
        cause_offset=output.bar_ints.item(row, at.OUT_CAUSE),
    )
