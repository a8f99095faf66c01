"""Which calls make numba compile everything that a run needs? A few rows of every kind through both legs."""

import numpy as np

from flows.connectors.recorded import plain_rows
from operators.account_leg import AccountLeg
from operators.instruments import DEFAULT_TABLE, NANOS
from operators.mark_run import run_of
from operators.simulated_venue import SimulatedVenue
from operators.strategies import STRATEGIES
from operators.symbol_leg import StrategyInstance, SymbolLeg, SymbolParameters
from schemas.blocks import encode_block
from schemas.codec import decode_rows
from schemas.market import BarBlock, Mark, MarketBlock, QuoteBlock, TradeBlock

_MINUTE = 60 * NANOS


def _blocks() -> list[MarketBlock]:
    """Return trades and quotes of three minutes out of order, then three minute bars."""
    times = np.array([1, 0, 70, 130, 190], np.int64) * NANOS + 1_000_000 * _MINUTE
    zeros = np.zeros(5, np.int64)
    prices = np.array([1.0, 2.0, 3.0, 2.0, 1.0])
    head = {"symbol": "SYN0", "venue": "SIM", "session": 1, "seq": 0}
    end = int(times[-1])
    ids = np.arange(1, 6)
    side = np.array([1, -1, 0, 1, -1])
    trades = TradeBlock(
        **head,
        complete_to_ns=0,
        ts_event_ns=times,
        recv_delay_ns=zeros,
        trade_id=ids,
        side=side,
        price=prices,
        size=prices,
    )
    quotes = QuoteBlock(
        **head, complete_to_ns=end + 1, ts_event_ns=np.sort(times), recv_delay_ns=zeros, update_id=ids,
        bid_price=prices, bid_size=prices, ask_price=prices, ask_size=prices,
    )  # fmt: skip
    closes = np.arange(5, 10) * _MINUTE + 1_000_000 * _MINUTE
    bars = BarBlock(
        **head, complete_to_ns=int(closes[-1]), ts_event_ns=closes, recv_delay_ns=zeros, interval_ns=zeros + _MINUTE,
        open=prices, high=prices, low=prices, close=prices, volume=prices,
    )  # fmt: skip
    return [trades, quotes, bars]


def run_every_kernel() -> None:
    """Fold the rows, with every strategy, and read back what was encoded."""
    strategies = tuple(StrategyInstance(name, _MINUTE, cls()) for name, cls in STRATEGIES.items())
    leg = SymbolLeg(SymbolParameters(timeframes_ns=(_MINUTE,), strategies=strategies), DEFAULT_TABLE)
    values = [encode_block(block) for block in _blocks()]
    leg.step(leg.init("SYN0"), 0, [0, 1, 2], values)
    for value in values:
        decode_rows("market_data", value)
    _read_bars()


def _read_bars() -> None:
    line = np.frombuffer(b"1700000000,1,1,1,1,1", np.uint8)
    roles = np.array([plain_rows.TIME, *range(plain_rows.FIRST_PRICE, plain_rows.ROLES)])
    plain_rows.read_plain(line, 0, ord(","), roles, 0, plain_rows.Names().table, plain_rows.make_scratch())
    _value_marks()


def _value_marks() -> None:
    """Pass quiet marks to an account."""
    account = AccountLeg(account="paper", venue=SimulatedVenue(DEFAULT_TABLE))
    times = ((number * NANOS,) * 3 for number in (1, 2))
    account.step(account.init(), run_of([Mark("SYN0", *row, *(1.0,) * 8) for row in times]))
