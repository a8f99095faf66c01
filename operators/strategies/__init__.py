"""Which strategies there are: the literal registry. One more = one file and one line here."""

from operators.strategies.rsi_reversion import RsiReversion
from operators.strategies.sma_crossover import SmaCrossover
from operators.strategies.strategy import BarRows, Intent, Strategy, StrategyError

__all__ = ["STRATEGIES", "BarRows", "Intent", "Strategy", "StrategyError"]

STRATEGIES: dict[str, type[Strategy]] = {
    "sma_crossover": SmaCrossover,
    "rsi_reversion": RsiReversion,
}
