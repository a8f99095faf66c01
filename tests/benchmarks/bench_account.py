"""What does one order's life cost in the account leg, and one mark? No log; with and without the records' codec.

    python -m tests.benchmarks.bench_account [--orders 1000000]

CPU time, median of five windows and their spread. "Order life": signal -> sizing, four rules and the trading state
-> order -> acknowledgement and fill -> two ledger books -> portfolio update. Venue outside: the reports are handed in
as a real venue would. Simulated: with the venue, and with the mark that fills, in a run of its own. ``--orders`` lets
an account live that many orders and says how its memory grew.
"""

import argparse
import gc
import pickle
import resource
import statistics
import time
from collections.abc import Iterator

from operators.account_leg import AccountEvent, AccountLeg
from operators.account_state import AccountState, Output
from operators.instruments import DEFAULT_TABLE
from operators.mark_run import columns_of, run_of
from operators.rules import RULES
from operators.sequencer import InputRecord, Sequencer
from operators.simulated_venue import SimulatedVenue
from operators.sizing.fixed_fractional import FixedFractional
from operators.venue import RemoteVenue
from schemas.codec import encode
from schemas.orders import Signal, SubmitOrder
from tests.account_events import DAY, SECOND, START, mark, of, report, signal

SYMBOLS = [f"SYN{number}" for number in range(50)]
STRATEGIES = [f"strategy{number}" for number in range(5)]
WINDOWS = 5
LIVES = 2_000


def new_leg(venue: object) -> tuple[AccountLeg, AccountState]:
    rules = (
        RULES["position_limit"](),
        RULES["gross_exposure"](),
        RULES["daily_drawdown"](),
        RULES["order_rate"](10**6),
    )
    sizer = FixedFractional(notional_fraction=0.002)
    leg = AccountLeg(account="paper", venue=venue, rules=rules, sizer=sizer, report_interval_ns=DAY)
    state = leg.init()
    leg.step(state, run_of([mark(1, 100.0, symbol) for symbol in SYMBOLS]))
    return leg, state


def simulated() -> tuple[AccountLeg, AccountState]:
    return new_leg(SimulatedVenue(DEFAULT_TABLE, latency_ns=0))


def wanted(life: int, second: int) -> Signal:
    target = "LONG" if life // 50 % 2 else "SHORT"
    return signal(second, target, SYMBOLS[life % 50], STRATEGIES[life % 5])


def lives(first: int, count: int = LIVES, quiet: int = 0) -> list[AccountEvent]:
    """A signal, then the mark that fills its order, then ``quiet`` marks; over and over."""
    events: list[AccountEvent] = []
    marks = []
    for life in range(first, first + count):
        events.append(wanted(life, life + 1))
        for step in range(quiet + 1):
            second = life + 1.1 + 0.8 * step / (quiet + 1)
            marks.append(mark(second, 100.0 + (life + step) % 3, SYMBOLS[(life + step) % 50]))
    run, size = run_of(marks), quiet + 1
    return [
        event
        for number, order in enumerate(events)
        for event in (order, run.part(number * size, (number + 1) * size))
    ]


def told(leg: AccountLeg, state: AccountState, events: list[AccountEvent]) -> tuple[int, list[Output]]:
    """CPU ns of the steps, and what they said."""
    begin, said = time.process_time_ns(), []
    for event in events:
        said += leg.step(state, event)
    return time.process_time_ns() - begin, said


def life_outside() -> Iterator[tuple[int, int]]:
    """Order lives with reports of a real venue."""
    leg, state = new_leg(RemoteVenue("X"))
    second = 1
    while True:
        spent = 0
        for _ in range(LIVES):
            second += 1
            cost, outputs = told(leg, state, [wanted(second, second)])
            (sent,) = of(outputs, SubmitOrder)
            quantity = sent.quantity_nanos // 10**9
            accepted = report(sent, "ACCEPTED", f"a{second}", second=second)
            filled = report(sent, "FILLED", f"f{second}", quantity=quantity, price=100.0, cumulative=quantity)
            spent += cost + told(leg, state, [accepted, filled])[0]
        yield spent, LIVES


def life_simulated(quiet: int = 0) -> Iterator[tuple[int, int]]:
    """Order lives with the simulated venue; with ``quiet`` marks to an order the cost of a mark, orders and all."""
    leg, state = simulated()
    first = 1
    while True:
        yield told(leg, state, lives(first, LIVES, quiet))[0], LIVES * (quiet + 1)
        first += LIVES + 1


def records() -> Iterator[tuple[int, int]]:
    """Decision, order, acknowledgement, fill and update of a life as Avro."""
    leg, state = simulated()
    first = 1
    while True:
        said = told(leg, state, lives(first))[1]
        first += LIVES + 1
        begin = time.process_time_ns()
        for event in said:
            encode(event)
        yield time.process_time_ns() - begin, LIVES


def quiet_marks(size: int) -> Iterator[tuple[int, int]]:
    """Marks of 50 symbols, half of them held, in runs of ``size``; 0: one by one."""
    leg, state = simulated()
    told(leg, state, lives(0, 25))
    second = 100
    while True:
        rows = [mark(second + n // 50, 100.0 + n % 3, SYMBOLS[n % 50]) for n in range(10_000)]
        run = run_of(rows)
        runs = [run.part(n, n + size) for n in range(0, len(rows), size)] if size else rows
        second += 200
        yield told(leg, state, runs)[0], len(rows)


def sequencing(rows: int) -> Iterator[tuple[int, int]]:
    """Marks through the sequencer: 50 symbols, ``rows`` marks a record, one cut a round."""
    sequencer, rounds = Sequencer(tuple(SYMBOLS)), max(2, 400 // rows)
    batches = []
    for turn in range(rounds):
        batch = []
        for index, symbol in enumerate(SYMBOLS):
            columns = columns_of([mark(turn * rows + n + 1, 100.0, symbol) for n in range(rows)])
            to_ns = START + (turn + 1) * rows * SECOND
            batch.append(InputRecord("marks", index % 4, turn * 50 + index, symbol, (), to_ns, marks=columns))
        batches.append(batch)
    while True:
        state = sequencer.init()
        begin = time.process_time_ns()
        for batch in batches:
            sequencer.offer(state, batch)
            sequencer.take(state)
        yield time.process_time_ns() - begin, rounds * 50 * rows


def per_call_us(windows: Iterator[tuple[int, int]]) -> str:
    """Median of the windows and their spread, after one that warms up."""
    next(windows)
    found = []
    for _ in range(WINDOWS):
        gc.collect()
        spent, times = next(windows)
        found.append(spent / times / 1e3)
    return f"{statistics.median(found):9.3f} us   ({min(found):.3f} to {max(found):.3f})"


def grow(orders: int) -> None:
    """Say what the account remembers, and the process holds, at 10,000 orders and at the end."""
    leg, state = simulated()
    for first in range(0, orders, LIVES):
        told(leg, state, lives(first))
        if first + LIVES in (10_000, orders):
            held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(
                f"{first + LIVES:>9} orders: state {len(pickle.dumps(state)):>9,} bytes, process {held:.1f} MiB"
            )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--orders", type=int, default=0)
    orders = parser.parse_args().orders
    if orders:
        return grow(orders)
    rows = {
        "order life, venue outside": life_outside(),
        "order life, simulated, and its mark": life_simulated(),
        "five records of a life as Avro": records(),
        "a mark, an order every 50": life_simulated(49),
        "quiet mark, one by one": quiet_marks(0),
        "quiet mark, runs of 1": quiet_marks(1),
        "quiet mark, runs of 50": quiet_marks(50),
        "quiet mark, runs of 5000": quiet_marks(5000),
        "sequencer, a mark, 1 a record": sequencing(1),
        "sequencer, a mark, 10 a record": sequencing(10),
        "sequencer, a mark, 200 a record": sequencing(200),
    }
    for name, windows in rows.items():
        print(f"{name:38}{per_call_us(windows)}")
    return None


if __name__ == "__main__":
    main()
