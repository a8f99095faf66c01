"""nautilus_trader's trades: its own averages, cache, orders, matching, fees and account; needs Python 3.12.

    python -m tests.benchmarks.peers.with_nautilus_trader JOB.json

Conventions, and what was set to follow the job's rules:

- It executes at the last price that it knows: a market order of ``on_bar`` fills at that bar's close. To fill at the
  next open, a latency of 1 ns holds the order back, a quote (bid = ask = open) 1 ns after each open moves the market,
  and the bars' own prices do not (``bar_execution=False``). So it sees two events a bar.
- Money is rounded to its currency's digits. The account is kept in USDT, which has eight (USD has two): a fee then
  differs by at most 5e-9 from the exact one.
- ``NETTING`` and a margin account at leverage 100 let an order turn a position through zero, as ours.
- ``SimpleMovingAverage`` leaves rounding in the last bits, so the difference is rounded to 1e-9: equal averages are
  no crossing.
- ``RelativeStrengthIndex`` is asked for Wilder's averages. It begins them with the first move, ours (as Wilder and
  backtrader) with the mean of the first n; after eight windows the two differ by less than 0.01 points, which moves
  no trade of these.
"""

from decimal import Decimal

import nautilus_trader
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.backtest.models import LatencyModel
from nautilus_trader.config import LoggingConfig, RiskEngineConfig, StrategyConfig
from nautilus_trader.indicators import MovingAverageType, RelativeStrengthIndex, SimpleMovingAverage
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import Bar, BarType, QuoteTick
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.events import OrderFilled
from nautilus_trader.model.identifiers import InstrumentId, Symbol, TraderId, Venue
from nautilus_trader.model.instruments import Equity
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy

from tests.benchmarks.peers.job import RSI_WARM_WINDOWS, Bars, Job, Outcome, Stopwatch, Trade, main

_VENUE = Venue("SIM")
_ID = InstrumentId(Symbol("BARS"), _VENUE)
_AFTER_NS = 1


class _Config(StrategyConfig, frozen=True):
    bar_type: BarType
    fraction: float
    params: dict[str, float]


class _Traded(Strategy):
    """Turns the side that a subclass wants into an order, and notes what was filled."""

    def __init__(self, config: _Config) -> None:
        super().__init__(config)
        self.filled: list[Trade] = []
        self._held = 0

    def on_start(self) -> None:
        self._account = self.portfolio.account(_VENUE)
        self._instrument = self.cache.instrument(_ID)
        self.subscribe_bars(self.config.bar_type)

    def equity(self, close: Price) -> float:
        """Balance, which holds realised profit and fees, and the open position at a price."""
        open_profit = sum(p.unrealized_pnl(close).as_double() for p in self.cache.positions_open())
        return self._account.balance_total(USDT).as_double() + open_profit

    def hold(self, side: int, close: Price) -> None:
        """Order what is missing to the size of a side."""
        units = side * int(self.equity(close) * self.config.fraction / close.as_double()) - self._held
        if units:
            order_side = OrderSide.BUY if units > 0 else OrderSide.SELL
            quantity = Quantity.from_int(abs(units))
            self.submit_order(self.order_factory.market(_ID, order_side, quantity))

    def on_order_filled(self, event: OrderFilled) -> None:
        units = int(event.last_qty.as_double()) * (1 if event.order_side == OrderSide.BUY else -1)
        self._held += units
        price, fee = event.last_px.as_double(), event.commission.as_double()
        self.filled.append((event.ts_event - _AFTER_NS, units, price, fee))

    def on_order_rejected(self, event: object) -> None:
        raise RuntimeError(f"nautilus_trader rejected an order: {event}")

    on_order_denied = on_order_rejected


class _SmaCrossover(_Traded):
    def on_start(self) -> None:
        super().on_start()
        windows = (int(self.config.params[name]) for name in ("fast", "slow"))
        self._fast, self._slow = (SimpleMovingAverage(window) for window in windows)
        self.register_indicator_for_bars(self.config.bar_type, self._fast)
        self.register_indicator_for_bars(self.config.bar_type, self._slow)
        self._above: bool | None = None

    def on_bar(self, bar: Bar) -> None:
        if not self._slow.initialized:
            return
        difference = round(self._fast.value - self._slow.value, 9)
        if not difference:
            return
        above, before = difference > 0, self._above
        self._above = above
        if before is not None and above != before:
            self.hold(1 if above else -1, bar.close)


class _RsiReversion(_Traded):
    def on_start(self) -> None:
        super().on_start()
        window = int(self.config.params["window"])
        self._index = RelativeStrengthIndex(window, ma_type=MovingAverageType.WILDER)
        self.register_indicator_for_bars(self.config.bar_type, self._index)
        self._unwarmed, self._side = RSI_WARM_WINDOWS * window, 0

    def on_bar(self, bar: Bar) -> None:
        self._unwarmed -= 1
        if self._unwarmed > 0:
            return
        bounds, index, side = self.config.params, 100 * self._index.value, self._side
        if side > 0 and index >= bounds["exit"] or side < 0 and index <= bounds["exit"]:
            side = 0
        if index < bounds["low"]:
            side = 1
        elif index > bounds["high"]:
            side = -1
        if side != self._side:
            self._side = side
            self.hold(side, bar.close)


_STRATEGIES = {"sma_crossover": _SmaCrossover, "rsi_reversion": _RsiReversion}


def _instrument(job: Job) -> Equity:
    fee = Decimal(str(job.fee_bps)) / 10_000
    return Equity(
        instrument_id=_ID, raw_symbol=_ID.symbol, currency=USDT, price_precision=job.price_digits,
        price_increment=Price(10**-job.price_digits, job.price_digits), lot_size=Quantity.from_int(1),
        ts_event=0, ts_init=0, maker_fee=fee, taker_fee=fee,
    )  # fmt: skip


def _events(job: Job, bars: Bars, bar_type: BarType) -> list[Bar | QuoteTick]:
    """Quote of the open and bar, in turns."""
    digits, all_of_it = job.price_digits, Quantity.from_int(1_000_000_000)
    events: list[Bar | QuoteTick] = []
    columns = (bars.open_ns, bars.close_ns, bars.open, bars.high, bars.low, bars.close, bars.volume)
    for open_ns, close_ns, *prices, volume in zip(*(column.tolist() for column in columns)):
        first, high, low, close = (Price(price, digits) for price in prices)
        told = open_ns + _AFTER_NS
        events.append(QuoteTick(_ID, first, first, all_of_it, all_of_it, told, told))
        events.append(Bar(bar_type, first, high, low, close, Quantity(volume, 0), close_ns, close_ns))
    return events


def run(job: Job, bars: Bars) -> Outcome:
    watch = Stopwatch()
    quiet = LoggingConfig(log_level="ERROR", bypass_logging=True)
    config = BacktestEngineConfig(
        trader_id=TraderId("BENCH-001"), logging=quiet, run_analysis=False,
        risk_engine=RiskEngineConfig(bypass=True),
    )  # fmt: skip
    engine = BacktestEngine(config)
    engine.add_venue(
        _VENUE, OmsType.NETTING, AccountType.MARGIN, [Money(job.cash, USDT)], default_leverage=Decimal(100),
        latency_model=LatencyModel(_AFTER_NS), bar_execution=False,
    )  # fmt: skip
    engine.add_instrument(_instrument(job))
    minutes = round((bars.close_ns[0] - bars.open_ns[0]) / 60e9)
    step = f"{minutes}-MINUTE" if minutes < 60 else "1-DAY"
    bar_type = BarType.from_str(f"{_ID}-{step}-LAST-EXTERNAL")
    engine.add_data(_events(job, bars, bar_type))
    strategy = _STRATEGIES[job.strategy](_Config(bar_type=bar_type, fraction=job.fraction, params=job.params))
    engine.add_strategy(strategy)
    prepared, _ = watch.read()
    engine.run()
    cpu, wall = watch.read()
    equity = strategy.equity(Price(bars.close[-1], job.price_digits))
    version = nautilus_trader.__version__
    return Outcome("nautilus_trader", version, len(bars), strategy.filled, equity, prepared, cpu, wall)


if __name__ == "__main__":
    main(run)
