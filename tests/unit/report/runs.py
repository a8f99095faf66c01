"""Small runs for the tests of the report: fills booked by the real ledger, told as the account leg tells them."""

from typing import Any

import msgspec
import numpy as np

from flows.connectors.log import Log
from operators.account_state import AccountState
from operators.instruments import NANOS
from operators.ledger import Fill, fill, mark, position_of
from operators.portfolio import portfolio_update
from schemas.account import Alert, DeadLetter
from schemas.codec import BLOCKS, Event, encode, frame, topic_of
from schemas.orders import ExecutionReport, RiskDecision, RuleCheck, Signal, SubmitOrder
from tests.account_events import simulated_leg
from ui.report.records import RunRecords

START = 1_700_000_000 * NANOS - 1_700_000_000 * NANOS % (86_400 * NANOS)
MINUTE = 60 * NANOS


class TinyRun:
    """An account with 100,000 in cash whose fills and marks the test names, second by second."""

    def __init__(self, cash: int = 100_000) -> None:
        self.leg = simulated_leg(initial_cash_nanos=cash * NANOS)
        self.state: AccountState = self.leg.init()
        self.events: list[Any] = []

    def mark(self, second: float, symbol: str, price: float) -> None:
        """Value the symbol and tell the whole account, as at the end of a report interval."""
        self._mark(symbol, price)
        ts = START + int(second * NANOS)
        self.events.append(portfolio_update(self.leg, self.state, f"period:{ts}", ts))

    def order(self, second: float, order: str, strategy: str, symbol: str, reason: str = "because") -> None:
        """Tell a signal, its approval and the order."""
        ts = START + int(second * NANOS)
        self.events += [
            Signal(
                f"s-{order}", "paper", strategy, symbol, MINUTE, ts, 0, "LONG", 1.0, 0.5, 0, 1.0, 0.0, reason,
                {"sma": 1.5}, 1, "v1", "", 0, 0,
            ),
            decision(order, strategy, symbol, ts),
            SubmitOrder(
                order, "paper", strategy, symbol, "SIM", "BUY", "MARKET", "GTC", NANOS, 0, False, ts,
                f"s-{order}", f"decision:s-{order}",
            ),
        ]  # fmt: skip

    def fill(
        self, second: float, order: str, book: tuple[str, str], lots: int, price: float, fee: float = 0.0
    ) -> None:
        """Book ``lots`` (signed) at ``price``, which is also the mark, and tell the report and the account."""
        strategy, symbol = book
        self._mark(symbol, price)
        ts, number = START + int(second * NANOS), len(self.events)
        instrument = self.leg.instruments.lookup(symbol)
        quantity, price_nanos = abs(lots) * instrument.lot_size_nanos, round(price * NANOS)
        value = instrument.value_nanos(quantity, price_nanos)
        done = Fill(lots, value, round(fee * NANOS))
        fill(self.state.ledger, book, position_of(self.state.ledger, instrument), done)
        self.events += [
            ExecutionReport(
                f"SIM:{number}", "paper", order, "V", f"X{number}", strategy, symbol, "SIM",
                "BUY" if lots > 0 else "SELL", "FILLED", quantity, price_nanos, quantity, 0, round(fee * NANOS),
                "TAKER", price_nanos, ts, "",
            ),
            portfolio_update(self.leg, self.state, f"fill:SIM:{number}", ts, (book,)),
        ]  # fmt: skip

    def records(self) -> RunRecords:
        """Return what `read_run` reads of this run."""
        run = RunRecords("sqlite:///t.db", "id", "paper", {})
        of = {
            Signal: run.signals,
            RiskDecision: run.decisions,
            SubmitOrder: run.orders,
            ExecutionReport: run.reports,
        }
        for event in self.events:
            of.get(type(event), run.updates).append(event)
        return run

    def _mark(self, symbol: str, price: float) -> None:
        instrument = self.leg.instruments.lookup(symbol)
        mark(
            self.state.ledger,
            position_of(self.state.ledger, instrument),
            instrument.nearest_ticks(price),
        )


def decision(order: str, strategy: str, symbol: str, ts: int, denied: bool = False) -> RiskDecision:
    """An approval, or a denial by the position limit."""
    checks = (
        RuleCheck("position_limit", 2.5 if denied else 0.5, 2.0, not denied),
        RuleCheck("order_rate", 1.0, 120.0, True),
    )
    verdict = "DENIED" if denied else "APPROVED"
    reason = "position_limit" if denied else ""
    return RiskDecision(
        f"decision:s-{order}", "paper", f"s-{order}", strategy, symbol, ts, verdict, "BUY", 2 * NANOS, 10 * NANOS,
        "ACTIVE", checks, reason,
    )  # fmt: skip


def write(log: Log, events: list[Event]) -> None:
    """Append single events to their topics."""
    with log.writer() as writer:
        for event in events:
            key = (
                getattr(event, "account", None)
                or getattr(event, "source", None)
                or getattr(event, "topic", "")
            )
            writer.append(
                topic_of(event), key.encode(), encode(event), max(1, event.ts_event_ns // 1_000_000)
            )


def write_bars(
    log: Log, symbol: str, closes: list[float], timeframe_ns: int = MINUTE, revision: int = 0
) -> None:
    """Append bars from START on, one a timeframe, each of which opens where the last one closed, and regimes."""
    n = len(closes)
    ends = START + timeframe_ns * (1 + np.arange(n))
    zeros, opens = np.zeros(n), np.array([closes[0], *closes[:-1]])
    prices = np.array(closes)
    columns = [
        opens,
        np.maximum(opens, prices),
        np.minimum(opens, prices),
        prices,
        zeros + 10,
        *([zeros] * 6),
    ]
    ints = [ends, np.full(n, timeframe_ns), np.zeros(n), np.full(n, revision), *([np.zeros(n)] * 3)]
    regime = [ends, np.full(n, timeframe_ns), np.full(n, revision), np.zeros(n), np.arange(n) // 2 % 3]
    with log.writer() as writer:
        for topic, longs, doubles in (("bars", ints, columns), ("regimes", regime, [zeros] * 4)):
            codec = BLOCKS[topic][0]
            stacked = np.stack(longs, axis=1).astype(np.int64), np.stack(doubles, axis=1)
            value = frame(topic) + codec.encode((symbol,), *stacked, codec.labels())
            writer.append(topic, symbol.encode(), value, int(ends[0]) // 1_000_000)


DEAD = DeadLetter("d1", "market_data", 0, 3, 0, "ES", START, "late", "row 3 came late", b"\x00")
ALERT = Alert("a1", "account:paper", "WARNING", "exit_denied", "exit denied", START)


def again(update: Any, **changed: Any) -> Any:
    """An event with other values."""
    return msgspec.structs.replace(update, **changed)
