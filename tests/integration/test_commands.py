"""A person's command reaches a running account leg within one poll, does what it says, and outlives a restart."""

import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, get_args

import pytest

from flows.connectors.log import Log
from schemas.account import Command, PortfolioUpdate, RiskCommand, TradingState
from schemas.codec import decode, encode
from schemas.orders import CancelOrder, ExecutionReport, RiskDecision, SubmitOrder
from tests.integration.log_contents import assert_journal_is_whole, events, made, records, written
from tests.integration.runs import ES, Place, end_of, stopped, wait_until

WAITING = """
[account.orders]
order_type = "LIMIT"
limit_offset_ticks = -60
"""
"""Entries wait fifteen points away from the market, so that there are some to cancel."""
STATES: dict[Command, TradingState] = {
    "PAUSE": "PAUSED", "REDUCE_ONLY": "REDUCING", "RESUME": "ACTIVE", "HALT": "HALTED"
}  # fmt: skip
WITHIN_S = 1.0


def said(log: Log, topic: str) -> list[Any]:
    return [decode(topic, record.value or b"") for record in records(log, topic)]


def give(log: Log, command: Command, number: int) -> float:
    """Append a command, wait until the portfolio says its state, and return how many seconds that took."""
    given = RiskCommand(f"test:{number}", "paper", command, time.time_ns(), "test", "a test")
    seen = written(log, ["portfolio_updates"])
    with log.writer() as writer:
        writer.append("risk_commands", b"paper", encode(given), given.ts_event_ns // 1_000_000)
        writer.flush()
    began = time.monotonic()
    with log.reader({("portfolio_updates", 0): seen}) as reader:
        while time.monotonic() - began < 10:
            for record in reader.poll(100, 0.05):
                update = decode("portfolio_updates", record.value or b"")
                assert isinstance(update, PortfolioUpdate)
                if update.trading_state == STATES[command]:
                    return time.monotonic() - began
    raise AssertionError(f"{command} did nothing for 10 s")


def working(log: Log) -> set[str]:
    """Return the orders that were sent and have not come to an end."""
    sent = {
        event.client_order_id for event in said(log, "execution_requests") if isinstance(event, SubmitOrder)
    }
    over = {report.client_order_id for report in said(log, "execution_reports") if ended(report)}
    return sent - over


def open_when_halted(log: Log) -> set[str]:
    """Return the orders that stood when the account was halted for good."""
    updates = [update for update in said(log, "portfolio_updates") if isinstance(update, PortfolioUpdate)]
    last_active = max(update.seq for update in updates if update.trading_state != "HALTED")
    halted_ns = min(update.ts_event_ns for update in updates if update.seq > last_active)
    asked = [event for event in said(log, "execution_requests") if event.ts_event_ns <= halted_ns]
    sent = {event.client_order_id for event in asked if isinstance(event, SubmitOrder)}
    over = {
        report.client_order_id
        for report in said(log, "execution_reports")
        if ended(report) and report.ts_event_ns <= halted_ns
    }
    return sent - over


def ended(report: ExecutionReport) -> bool:
    return report.status in ("FILLED", "CANCELLED", "REJECTED", "EXPIRED")


def wait_for_signals(log: Log, more: int, process: subprocess.Popen[str]) -> None:
    seen = written(log, ["risk_decisions"])
    wait_until(lambda: written(log, ["risk_decisions"]) >= seen + more, process)


def test_every_command_acts_within_one_poll(tmp_path: Path, url: str) -> None:
    place = Place(tmp_path, ES, WAITING)
    log = made(url)
    run = place.start("run", "--log", url, "--set", f"run.recovery_dir={tmp_path}/recovery")
    feed = place.start("ingest", "es.parquet", "--log", url, "--speed", "4000")
    wait_for_signals(log, 3, run)
    took = {}
    for number, command in enumerate(("PAUSE", "REDUCE_ONLY", "RESUME")):
        took[command] = give(log, command, number)
        wait_for_signals(log, 2, run)
    for number in range(10, 20, 2):
        wait_until(lambda: bool(working(log)), run)
        took["HALT"] = give(log, "HALT", number)
        if open_when_halted(log):  # not just filled or cancelled
            break
        give(log, "RESUME", number + 1)
    wait_until(lambda: not working(log), run)
    wait_for_signals(log, 3, run)
    print({command: f"{seconds * 1000:.0f} ms" for command, seconds in took.items()})
    assert set(took) == set(get_args(Command))
    assert max(took.values()) < WITHIN_S

    run.kill()  # and again: it must not forget that it was halted
    end_of(run)
    run = place.start("run", "--log", url, "--set", f"run.recovery_dir={tmp_path}/recovery")
    wait_for_signals(log, 3, run)
    feed.kill()
    end_of(feed)
    assert stopped(run, signal.SIGTERM).code == 0
    assert_obeyed(log)
    found = events(url)
    cuts = assert_journal_is_whole(url)

    shutil.rmtree(tmp_path / "recovery")  # rebuilt from log and journal, the account leg says nothing else
    place.done(
        "run", "--leg", "account", "--to-end", "--log", url, "--set", f"run.recovery_dir={tmp_path}/recovery"
    )
    again = events(url)
    for lane, before in found.items():
        assert again[lane][: len(before)] == before, lane
    assert assert_journal_is_whole(url) >= cuts


def assert_obeyed(log: Log) -> None:
    """Assert that what each state forbids did not happen."""
    states = {
        decision.id: decision
        for decision in said(log, "risk_decisions")
        if isinstance(decision, RiskDecision)
    }
    assert {decision.trading_state for decision in states.values()} == set(STATES.values())
    for decision in states.values():
        if decision.trading_state == "HALTED":
            assert decision.verdict != "APPROVED", decision
    requests = said(log, "execution_requests")
    for request in requests:
        if isinstance(request, SubmitOrder):
            state = states[request.decision_id].trading_state
            assert state == "ACTIVE" or (state in ("PAUSED", "REDUCING") and request.reduce_only), request
    stood = open_when_halted(log)
    cancelled = {request.client_order_id for request in requests if isinstance(request, CancelOrder)}
    assert stood and stood <= cancelled


def test_a_command_while_nothing_moves(tmp_path: Path) -> None:
    """Commands wait for no market data."""
    place = Place(tmp_path)
    log = made(place.sqlite)
    run = place.start("run", "--log", place.sqlite)
    wait_until((tmp_path / "recovery").exists, run)
    assert give(log, "HALT", 0) < 5.0  # the run is still starting
    assert give(log, "RESUME", 1) < WITHIN_S
    assert stopped(run, signal.SIGTERM).code == 0


@pytest.mark.parametrize("name", ["pause", "resume", "halt", "reduce-only"])
def test_the_command_line_hears_that_it_was_taken(tmp_path: Path, name: str) -> None:
    place = Place(tmp_path)
    log = made(place.sqlite)
    run = place.start("run", "--log", place.sqlite)
    wait_until((tmp_path / "recovery").exists, run)
    done = place.done("command", name, "--reason", "a test", "--log", place.sqlite, "--wait", "10", "--json")
    assert '"taken": true' in done.out
    assert stopped(run, signal.SIGTERM).code == 0
    (command,) = said(log, "risk_commands")
    assert said(log, "portfolio_updates")[-1].trading_state == STATES[command.command]
