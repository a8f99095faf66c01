"""What can be set about made-up markets? Apart from making them, so that reading a configuration loads nothing else."""

from typing import Annotated, Literal

import msgspec

_SECOND = 1_000_000_000
_Count = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
_Positive = Annotated[float, msgspec.Meta(gt=0)]
_Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]


class FaultRates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Fraction of rows with each fault; of gaps, the fraction of (symbol, second) that lose all their trades.

    ``disorder_ns``: how much later than its turn an out-of-order row is told; it keeps its time.
    """

    gaps: _Fraction = 0.0
    duplicates: _Fraction = 0.0
    out_of_order: _Fraction = 0.0
    bad_prints: _Fraction = 0.0
    crossed_quotes: _Fraction = 0.0
    disorder_ns: Annotated[int, msgspec.Meta(ge=0)] = 500_000_000

    @property
    def any(self) -> bool:
        """Whether there is any fault to put in."""
        return max(self.gaps, self.duplicates, self.out_of_order, self.bad_prints, self.crossed_quotes) > 0


class SyntheticSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is made up. Volatilities are per square root of a second; times in seconds or ns as named.

    ``pairs`` of symbols are cointegrated: SYN000 with SYN001, SYN002 with SYN003, ...
    """

    seed: Annotated[int, msgspec.Meta(ge=0)] = 1
    symbols: _Count = 4
    pairs: Annotated[int, msgspec.Meta(ge=0)] = 1
    rate_per_s: _Positive = 10.0
    arrivals: Literal["poisson", "regular"] = "poisson"
    duration_s: _Positive = 3600.0
    start_ns: int = 1_700_000_000 * _SECOND
    price: _Positive = 100.0
    tick_size: _Positive = 0.01
    volatility: _Positive = 1e-4
    wild_factor: _Positive = 4.0
    to_wild_per_s: _Fraction = 0.002
    to_calm_per_s: _Fraction = 0.01
    jumps_per_s: _Fraction = 0.0005
    jump_volatility: _Positive = 0.004
    spread_volatility: _Positive = 5e-5
    spread_relaxation_s: _Positive = 120.0
    quotes: bool = True
    half_spread_ticks: Annotated[int, msgspec.Meta(ge=1)] = 1
    size_lots: _Positive = 5.0
    delay_ns: Annotated[int, msgspec.Meta(ge=0)] = 2_000_000
    faults: FaultRates = FaultRates()

    def names(self) -> list[str]:
        """SYN000, SYN001, ..."""
        width = max(3, len(str(self.symbols - 1)))
        return [f"SYN{i:0{width}d}" for i in range(self.symbols)]
