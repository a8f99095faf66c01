"""What does one order's life cost in the account leg, and one mark? Plain Python, no codec, no log.

    python -m tests.benchmarks.bench_account

Median of seven windows; CPU time. "Order life": signal -> sizing, four rules and the trading state -> order ->
acknowledgement and fill (handed in as a real venue would) -> two ledger books -> portfolio update. "In use" adds the
simulated venue and the mark that fills it.
"""

import gc
import statistics
import time
from collections.abc import Callable

from msgspec.structs import replace

from operators.account_leg import AccountLeg
from operators.account_state import AccountState
from operators.client_ids import client_order_id
from operators.instruments import DEFAULT_TABLE
from operators.mark_run import columns_of
from operators.order_life import Order, event_of, next_state
from operators.rules import RULES
from operators.sequencer import InputRecord, Sequencer
from operators.simulated_venue import SimulatedVenue
from operators.sizing.fixed_fractional import FixedFractional
from operators.venue import RemoteVenue
from schemas.orders import SubmitOrder
from tests.account_events import SECOND, START, mark, of, order, report, signal

SYMBOLS = [f"SYN{number}" for number in range(50)]
STRATEGIES = [f"strategy{number}" for number in range(5)]
LIVES = 2_000


def per_call_us(run: Callable[[], None], calls: int) -> float:
    """Median CPU time of a call, microseconds."""
    windows = []
    for _ in range(7):
        gc.collect()
        begin = time.process_time_ns()
        run()
        windows.append((time.process_time_ns() - begin) / calls / 1e3)
    return statistics.median(windows)


def new_leg(venue: object) -> tuple[AccountLeg, AccountState]:
    rules = (
        RULES["position_limit"](),
        RULES["gross_exposure"](),
        RULES["daily_drawdown"](),
        RULES["order_rate"](10**6),
    )
    leg = AccountLeg(
        account="paper", venue=venue, rules=rules, sizer=FixedFractional(notional_fraction=0.002)
    )
    state = leg.init()
    for symbol in SYMBOLS:
        leg.step(state, mark(1, 100.0, symbol))
    return leg, state


def remote_lives() -> float:
    """Order lives with reports of a real venue: everything but the simulated venue."""
    leg, state = new_leg(RemoteVenue("X"))
    second = [1]

    def run() -> None:
        clock[0] = 0
        for life in range(LIVES):
            symbol, strategy = SYMBOLS[life % 50], STRATEGIES[life % 5]
            second[0] += 1
            wanted = signal(second[0], "LONG" if life // 50 % 2 else "SHORT", symbol, strategy)
            begin = time.process_time_ns()
            outputs = leg.step(state, wanted)
            clock[0] += time.process_time_ns() - begin
            (sent,) = of(outputs, SubmitOrder)
            quantity = sent.quantity_nanos // 10**9
            accepted = report(sent, "ACCEPTED", f"a{second[0]}", second=second[0])
            filled = report(
                sent, "FILLED", f"f{second[0]}", quantity=quantity, price=100.0, cumulative=quantity, fee=5
            )
            begin = time.process_time_ns()
            leg.step(state, accepted)
            leg.step(state, filled)
            clock[0] += time.process_time_ns() - begin
        windows.append(clock[0] / LIVES / 1e3)

    clock, windows = [0], []
    for _ in range(7):
        run()
    return statistics.median(windows)


def simulated_lives() -> tuple[float, float]:
    """(order lives with the simulated venue and the filling mark; marks alone)."""
    leg, state = new_leg(SimulatedVenue(DEFAULT_TABLE, latency_ns=0))
    second = [1]
    lives, marks = [], []
    for _ in range(7):
        events = []
        for life in range(LIVES):
            symbol, strategy = SYMBOLS[life % 50], STRATEGIES[life % 5]
            second[0] += 1
            events.append(signal(second[0], "LONG" if life // 50 % 2 else "SHORT", symbol, strategy))
            events.append(mark(second[0] + 1, 100.0 + life % 3, symbol))
        begin = time.process_time_ns()
        for event in events:
            leg.step(state, event)
        lives.append((time.process_time_ns() - begin) / LIVES / 1e3)
        second[0] += 2
        quiet = [mark(second[0] + n // 50 + 1, 100.0 + n % 3, SYMBOLS[n % 50]) for n in range(10_000)]
        second[0] += 250
        begin = time.process_time_ns()
        for event in quiet:
            leg.step(state, event)
        marks.append((time.process_time_ns() - begin) / len(quiet) / 1e3)
    return statistics.median(lives), statistics.median(marks)


def sequencing() -> float:
    """One mark through the sequencer: 50 symbols, a record of 10 marks each, one cut a round."""
    sequencer = Sequencer(tuple(SYMBOLS))
    rounds = []
    for turn in range(20):
        records = []
        for index, symbol in enumerate(SYMBOLS):
            rows = columns_of([mark(turn * 10 + n + 1, 100.0, symbol) for n in range(10)])
            to = START + (turn + 1) * 10 * SECOND
            records.append(InputRecord("marks", index % 4, turn * 50 + index, symbol, (), to, marks=rows))
        rounds.append(records)

    def run() -> None:
        state = sequencer.init()
        for records in rounds:
            sequencer.offer(state, records)
            sequencer.take(state)

    return per_call_us(run, 10_000)


def parts() -> dict[str, float]:
    """Parts of a life, alone."""
    instrument, sizer, wanted = DEFAULT_TABLE.lookup("SPY"), FixedFractional(), signal(1, "LONG")
    known, told = Order("T1", "s", "SPY", 1, 10, False), report(order(), "ACCEPTED")
    sized = replace(wanted, stop_distance=2.0)

    def loop(call: Callable[[], object]) -> float:
        def run() -> None:
            for _ in range(10_000):
                call()

        return per_call_us(run, 10_000)

    return {
        "sizing": loop(lambda: sizer.lots(sized, instrument, 10**15, 1_000_000)),
        "client order id": loop(lambda: client_order_id("paper", "sma", "SPY", wanted.id)),
        "order state": loop(lambda: next_state(known.state, event_of(known, told, 10**9))),
    }


def main() -> None:
    """Print the table."""
    print(f"{'order life, venue outside':32}{remote_lives():8.2f} us")
    lives, marks = simulated_lives()
    print(f"{'order life, simulated, with mark':32}{lives:8.2f} us")
    print(f"{'mark, nothing working':32}{marks:8.2f} us")
    print(f"{'sequencer, a mark':32}{sequencing():8.2f} us")
    for name, cost in parts().items():
        print(f"{name:32}{cost:8.2f} us")


if __name__ == "__main__":
    main()
