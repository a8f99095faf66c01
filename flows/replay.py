"""What does today's code say from what a log recorded? Both legs again, record by record, writing nothing.

The symbol leg runs over ``market_data``, partitions in step by event time. The account leg takes the recorded signals,
marks and commands in the cuts of its journal, and the venue's reports as they were told where the venue was no part of
the leg. Memory is bounded by the states of both.
"""

from collections.abc import Iterator

import msgspec

from flows.config import Settings, ns
from flows.config.parameters import account_leg
from flows.connectors.account_inputs import AccountInputs, input_partitions
from flows.connectors.account_outbox import AccountOutbox
from flows.connectors.account_source import JOURNAL
from flows.connectors.held import until
from flows.connectors.log import Log, Reader
from flows.connectors.log_sink import Outgoing
from flows.connectors.market_source import TOPIC as MARKET_DATA
from flows.connectors.symbol_outbox import SymbolOutbox
from flows.differences import MadeFrom
from flows.journal import Journal
from flows.progress import Progress
from flows.symbol_states import SymbolStates, symbol_leg
from operators.sequencer import Sequencer
from operators.venue import RemoteVenue
from schemas.account import DeadLetter

Said = tuple[Outgoing, MadeFrom]
"""A record as today's code would write it, and what from."""
_POLL = 1000


class _Partition:
    """One partition of market data on its way to where it ended."""

    def __init__(self, log: Log, partition: int, span: tuple[int, int]) -> None:
        self.partition = partition
        self._reader: Reader = log.reader({(MARKET_DATA, partition): span[0]})
        self._turns = until(log, self._reader, {(MARKET_DATA, partition): span[1]})
        self.said_to_ns = -1

    def poll(self) -> dict[tuple[int, bytes], tuple[list[int], list[bytes]]]:
        """Return the next records by symbol; nothing at the end."""
        found: dict[tuple[int, bytes], tuple[list[int], list[bytes]]] = {}
        for _ in self._turns:
            found = self._reader.poll_by_key(_POLL, 1.0)
            if found:
                break
        return found

    def close(self) -> None:
        """Release the reader."""
        self._reader.close()


def symbol_leg_again(log: Log, settings: Settings, spans: list[tuple[int, int]]) -> Iterator[Said]:
    """Yield what the symbol leg says of market data in ``spans``, (first, end) of each partition."""
    states = SymbolStates(symbol_leg(settings))
    progress, all_of_them = Progress(), tuple(range(len(spans)))
    outbox = SymbolOutbox(ns(settings.symbol_leg.mark_interval), progress, all_of_them, len(spans))
    parts = [_Partition(log, p, span) for p, span in enumerate(spans) if span[1] > span[0]]
    try:
        while parts:
            part = min(parts, key=lambda one: one.said_to_ns)
            found = part.poll()
            if not found:
                part.close()
                parts.remove(part)
            for (partition, key), (offsets, values) in found.items():
                symbol = key.decode(errors="replace")
                output = states.step(symbol, partition, offsets, values)
                part.said_to_ns = max(part.said_to_ns, output.complete_to_ns)
                made = MadeFrom(MARKET_DATA, symbol, partition, offsets[0], offsets[-1])
                yield from ((record, made) for record in outbox.records(output))
    finally:
        for part in parts:
            part.close()


def account_leg_again(log: Log, settings: Settings, journal: Journal) -> Iterator[Said]:
    """Yield what the account leg says of the recorded inputs, cut by cut, and after the last what could not be read.

    Raises:
        JournalBroken: the journal contradicts itself or its log; what was yielded before holds.
    """
    account, with_reports = settings.account.id, journal.holds_reports()
    leg, outbox = account_leg(settings), AccountOutbox(account, Progress())
    if with_reports:
        leg = msgspec.structs.replace(leg, venue=RemoteVenue(settings.venue.name))
    sources = input_partitions(log, account, with_reports)
    inputs = AccountInputs(log, account, {source: log.span(*source)[0] for source in sources})
    sequencer = Sequencer()
    cuts, state = sequencer.init(), leg.init()
    try:
        for entry in journal.entries():
            sequencer.offer(cuts, inputs.read_to(journal.positions(entry)))
            journal.check_time(entry, sequencer.frontier_ns(cuts))
            at = journal.at()
            made = MadeFrom(JOURNAL, account, at.partition, at.offset, at.offset, entry.seq)
            yield from ((record, made) for record in outbox.records(_refused(inputs)))
            for event in sequencer.take_to(cuts, entry.taken_to_ns):
                cause = msgspec.structs.replace(made, event=event)
                yield from ((record, cause) for record in outbox.records(leg.step(state, event)))
        inputs.read_to(journal.ends(sources))
        at = journal.at()
        made = MadeFrom(JOURNAL, account, at.partition, at.offset, at.offset, journal.count)
        yield from ((record, made) for record in outbox.records(_refused(inputs)))
    finally:
        inputs.close()


def _refused(inputs: AccountInputs) -> list[DeadLetter]:
    found, inputs.refused = inputs.refused, []
    return found
