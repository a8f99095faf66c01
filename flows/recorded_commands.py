"""When, in event time, did a person's commands act in a recorded run? Where its journal took them.

A command waits for no clock: it leads the next cut. So it acts after everything up to the time of the cut before,
whatever the wall clock said, and before everything later. At that place it acts again in a simulation, which has other
cuts. Commands that no cut has taken are left out.
"""

import msgspec

from flows import stop
from flows.connectors.account_inputs import COMMANDS
from flows.connectors.held import between, event_of
from flows.connectors.log import Log
from flows.connectors.partitioner import partition_of
from flows.journal import Journal, JournalBroken
from schemas.account import RiskCommand


class TimedCommand(msgspec.Struct, frozen=True):
    """A command that acts after all events up to ``after_ns``, -1: before the first."""

    after_ns: int
    command: RiskCommand


class RecordedCommands(msgspec.Struct, frozen=True):
    """The commands in the order in which they acted, and how many never did."""

    taken: tuple[TimedCommand, ...]
    left_out: int


def recorded_commands(log: Log, account: str) -> RecordedCommands:
    """Return the commands that the account was given.

    Raises:
        LogError: the log cannot be read.
    """
    given = _given(log, account)
    taken: list[TimedCommand] = []
    if given:
        source = (COMMANDS, partition_of(account.encode(), log.topics()[COMMANDS]))
        journal = Journal(log, account)
        after_ns = -1
        try:
            for entry in journal.entries():
                if stop.asked() or not given:
                    break
                read_to = journal.positions(entry).get(source, 0)
                now = [command for offset, command in given if offset < read_to]
                taken += [TimedCommand(after_ns, command) for command in sorted(now, key=_order)]
                given = given[len(now) :]
                after_ns = entry.taken_to_ns
        except JournalBroken:
            pass
    return RecordedCommands(tuple(taken), len(given))


def _order(command: RiskCommand) -> tuple[int, str]:
    return command.ts_event_ns, command.id


def _given(log: Log, account: str) -> list[tuple[int, RiskCommand]]:
    """Return the account's commands with their offsets, in the order of the log."""
    if COMMANDS not in log.topics():
        return []
    source = (COMMANDS, partition_of(account.encode(), log.topics()[COMMANDS]))
    first, end = log.span(*source)
    found: list[tuple[int, RiskCommand]] = []
    for record in between(log, {source: first}, {source: end}):
        command = event_of(record)
        if isinstance(command, RiskCommand) and command.account == account:
            found.append((record.offset, command))
    return found
