"""What do the strategies say about the bars that one poll closed?"""

from typing import Any

import msgspec
import numpy as np

from operators import symbol_layout as at
from operators.bar_columns import BAR_WIDTH, CLOSE
from operators.features import FEATURE_SET
from operators.normalise import Longs
from operators.strategies import BarRows, Intent, Strategy, StrategyError
from operators.symbol_parameters import StrategyInstance, SymbolParameters
from operators.symbol_state import SymbolOutput, SymbolState
from schemas.orders import Signal

_REGIME = BAR_WIDTH + FEATURE_SET.width


def signals_of(parameters: SymbolParameters, state: SymbolState, output: SymbolOutput) -> list[Signal]:
    """Let every strategy see the bars of its timeframe; return signals in (bar, strategy table) order, counted."""
    found: list[tuple[int, int, Signal]] = []
    mine = [instance for instance in parameters.strategies if instance.wants(state.symbol)]
    for order, (instance, memory) in enumerate(zip(mine, state.strategies, strict=True)):
        chosen = np.flatnonzero(output.bar_ints[:, at.OUT_TIMEFRAME] == instance.timeframe_ns)
        if not len(chosen):
            continue
        for intent in _intents(instance, memory, _rows(output, chosen)):
            row = int(chosen[intent.row])
            found.append((row, order, _signal(parameters.account, instance, output, row, intent)))
    found.sort(key=lambda entry: entry[:2])
    first = int(state.ints[at.SIGNALS])
    state.ints[at.SIGNALS] += len(found)
    return [msgspec.structs.replace(signal, seq=first + i) for i, (_, _, signal) in enumerate(found)]


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


def _rows(output: SymbolOutput, chosen: Longs) -> BarRows:
    bars = output.bars[chosen]
    ints = output.bar_ints[chosen]
    return BarRows(
        symbols=(output.symbol,),
        symbol=np.zeros(len(chosen), np.int64),
        ts_event_ns=ints[:, at.OUT_TS],
        bars=bars[:, :BAR_WIDTH],
        features=bars[:, BAR_WIDTH:_REGIME],
        columns=FEATURE_SET.columns,
        seen=ints[:, at.OUT_SEEN],
        regime=bars[:, _REGIME].astype(np.int64),
    )


def _signal(
    account: str, instance: StrategyInstance, output: SymbolOutput, row: int, intent: Intent
) -> Signal:
    ts_ns = int(output.bar_ints[row, at.OUT_TS])
    return Signal(
        id=f"{instance.name}:{output.symbol}:{instance.timeframe_ns}:{ts_ns}",
        account=account,
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
        regime=int(output.bars[row, _REGIME]),
        parameter_version=instance.version,
        model_version="",
        cause_partition=output.partition,
        cause_offset=int(output.bar_ints[row, at.OUT_CAUSE]),
    )
