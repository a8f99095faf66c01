"""How did an account do? Returns, ratios, drawdowns, trades, costs and exposure, folded from the log in bounded memory.

`Performance` is the fold, `PerformanceResult` what it says; `ratios` holds the formulas of daily returns, `trades`
the pairing of fills first in, first out. `titan report`, `titan report compare` and `titan backtest` take their
numbers from here.
"""

from operators.performance.equity import Drawdown
from operators.performance.performance import Performance
from operators.performance.result import Metrics, PerformanceResult, Share
from operators.performance.state import PerformanceState

__all__ = ["Drawdown", "Metrics", "Performance", "PerformanceResult", "PerformanceState", "Share"]
