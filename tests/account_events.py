"""Events for tests of the account leg: short makers with sensible defaults."""

from typing import Any

from operators.account_leg import AccountLeg
from operators.account_state import Output
from operators.instruments import DEFAULT_TABLE, NANOS
from operators.mark_run import MarkRun
from operators.simulated_venue import SimulatedVenue
from schemas.account import RiskCommand
from schemas.market import Mark
from schemas.orders import ExecutionReport, Signal, SubmitOrder

SECOND = NANOS
DAY = 86_400 * SECOND
START = 1_700_000_000 * SECOND - 1_700_000_000 * SECOND % DAY  # a UTC midnight
NAN = float("nan")


def mark(
    second, price, symbol="SPY", *, open_=None, high=None, low=None, volume=1e9, last_s=None, **quote
) -> Mark:
    """Mark of the second that ends at START + second; its last trade ``last_s`` into it (default: at its end)."""
    open_ = price if open_ is None else open_
    end = START + int(second * SECOND)
    last = end if last_s is None else end - SECOND + int(last_s * SECOND)
    high = max(price, open_) if high is None else high
    low = min(price, open_) if low is None else low
    return Mark(
        symbol, end, last, end - SECOND, open_, high, low, price, volume,
        quote.get("bid", 0.0), quote.get("ask", 0.0), quote.get("volatility", 0.0),
    )  # fmt: skip


def signal(
    second, target, symbol="SPY", strategy="sma", *, strength=1.0, price=100.0, stop=0.0, seq=0, **more
) -> Signal:
    """Signal at START + second."""
    ts = START + int(second * SECOND)
    return Signal(
        f"{strategy}:{symbol}:{SECOND}:{ts}", more.get("account", "paper"), strategy, symbol, SECOND, ts, seq,
        target,
        strength, 1.0, more.get("horizon_ns", 0), price, stop, "test", {}, 1, "p1", "", 0, 0,
    )  # fmt: skip


def command(name, id_="c1", second=0) -> RiskCommand:
    """Operator's command."""
    return RiskCommand(id_, "paper", name, START + int(second * SECOND), "tester", "because")


def order(second=0, side="BUY", quantity=10, *, limit=0.0, tif="GTC", symbol="SPY", id_="T1") -> SubmitOrder:
    """Order decided at START + second; quantity in units."""
    return SubmitOrder(
        id_, "paper", "sma", symbol, "SIM", side, "LIMIT" if limit else "MARKET", tif, round(quantity * NANOS),
        round(limit * NANOS), False, START + int(second * SECOND), "s", "d",
    )  # fmt: skip


def report(
    request, status, execution="", *, quantity=0, price=0.0, cumulative=0, fee=0, second=0
) -> ExecutionReport:
    """What a real venue says about a request."""
    leaves = request.quantity_nanos - cumulative * NANOS if status in ("ACCEPTED", "PARTIALLY_FILLED") else 0
    return ExecutionReport(
        f"X:{execution or status}", "paper", request.client_order_id, "V1", execution or status, request.strategy,
        request.symbol, "X", request.side, status, quantity * NANOS, round(price * NANOS), cumulative * NANOS,
        leaves,
        fee, "TAKER" if quantity else "NONE", 0, START + int(second * SECOND), "",
    )  # fmt: skip


def simulated_leg(**parameters) -> AccountLeg:
    """Leg with a simulated venue of no latency, all volume, no fees."""
    venue = parameters.pop("venue", None) or SimulatedVenue(
        DEFAULT_TABLE, latency_ns=0, participation=1.0, taker_bps=0.0
    )
    return AccountLeg(account="paper", venue=venue, **parameters)


def play(leg, state, events) -> list[Output]:
    """All outputs of a run of events."""
    return [output for event in events for output in leg.step(state, event)]


def one_by_one(taken) -> list[Any]:
    """What a sequencer gave, each run of marks as its marks."""
    return [one for event in taken for one in (event.marks() if isinstance(event, MarkRun) else [event])]


def of(outputs, kind) -> list[Any]:
    """Outputs of one kind."""
    return [output for output in outputs if type(output) is kind]
