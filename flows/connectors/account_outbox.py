"""How does what the account leg says become records, once each?"""

from collections.abc import Iterable, Iterator

from flows.connectors.account_inputs import COMMANDS, INPUTS
from flows.connectors.log import Record
from flows.connectors.log_errors import LogContradicted
from flows.connectors.log_sink import Outgoing
from flows.connectors.refused_inputs import is_said_by, said_by
from flows.connectors.said_again import Sequence, contradicted
from flows.progress import Progress
from schemas.account import Alert, DeadLetter, InputPosition, JournalEntry, PortfolioUpdate
from schemas.codec import DecodeError, Event, decode, encode, topic_of
from schemas.event_ids import event_id
from schemas.orders import ExecutionReport, RiskDecision, SubmitOrder

_Waiting = tuple[dict[str, Sequence], dict[tuple[str, int], set[int]]]


class AccountOutbox:
    """Writes lists of events; knows how many of each topic the log was found to hold and wait to be said again.

    The account's batches are whole, so what waits is what follows from the journal's entries: a cut that is not in the
    journal yet finds nothing waiting. Only the dead letters of inputs stand on their own, by the inputs' offsets.
    """

    topics = (
        "risk_decisions", "execution_requests", "execution_reports", "portfolio_updates", "alerts", "dead_letters"
    )  # fmt: skip

    def __init__(self, account: str, progress: Progress) -> None:
        self._progress = progress
        self._account = account
        self._source = f"account:{account}"
        self._whose = said_by(account)
        self._waiting: dict[str, Sequence] = {}
        self._refused: dict[tuple[str, int], set[int]] = {}
        self._commands: list[InputPosition] | None = None

    def recall(self, record: Record) -> None:
        """Count a record that this account's leg wrote."""
        try:
            event = decode(record.topic, record.value or b"")
        except DecodeError:
            return
        if not self._is_ours(record, event):
            return
        if isinstance(event, DeadLetter):
            self._refused.setdefault((event.topic, event.partition), set()).add(event.offset)
        else:
            self._waiting.setdefault(record.topic, Sequence()).recall(_essence(event))

    def waiting(self) -> _Waiting:
        """Return what waits: by topic, and the offsets of inputs whose dead letters the log holds."""
        return self._waiting, self._refused

    def wait_for(self, waiting: _Waiting) -> None:
        """Wait for these."""
        self._waiting, self._refused = waiting

    def records(self, events: Iterable[Event]) -> Iterator[Outgoing]:
        """Return one record an event, in order, without those that the log holds.

        Raises:
            LogContradicted: what comes again is not what the log holds.
        """
        for event in events:
            self.count(event)
            if (self._waiting or self._refused) and self._is_known(event):
                continue
            is_letter = isinstance(event, DeadLetter)
            key, headers = (event.topic, self._whose) if is_letter else (self._account, ())
            ts_ns = event.taken_to_ns if isinstance(event, JournalEntry) else event.ts_event_ns  # type: ignore[union-attr]
            patient = isinstance(event, JournalEntry) and not self._took_commands(event)
            yield Outgoing(
                topic_of(event), key.encode(), encode(event), max(1, ts_ns // 1_000_000), patient, headers
            )

    def count(self, event: Event) -> None:
        """Count an event among what the run has done."""
        progress = self._progress
        if isinstance(event, PortfolioUpdate):
            progress.portfolio = event
        elif isinstance(event, SubmitOrder):
            progress.orders += 1
            progress.order_sent(event.ts_event_ns)
        elif isinstance(event, ExecutionReport):
            progress.fills += event.last_quantity_nanos > 0
        elif isinstance(event, RiskDecision):
            progress.decisions += 1
        elif isinstance(event, Alert):
            progress.alerts += 1
        elif isinstance(event, DeadLetter):
            progress.dead_letters += 1

    def _took_commands(self, entry: JournalEntry) -> bool:
        """Say whether a person waits to hear of the cut; of one that led to nothing else nobody does."""
        before, self._commands = self._commands, [at for at in entry.positions if at.topic == COMMANDS]
        return self._commands != before

    def _is_known(self, event: Event) -> bool:
        """Say whether the log holds it; then it waits no more."""
        if isinstance(event, DeadLetter):
            return self._was_refused(event)
        topic = topic_of(event)
        sequence = self._waiting.get(topic)
        if sequence is None:
            if self._waiting:
                raise self._contradicted(f"{event_id(event)} of {topic} is not in the log, as it should be")
            return False
        try:
            if sequence.meet(_essence(event)):
                del self._waiting[topic]
        except ValueError as error:
            raise contradicted(f"account {self._account}", topic, str(error)) from error
        return True

    def _was_refused(self, letter: DeadLetter) -> bool:
        place = (letter.topic, letter.partition)
        offsets = self._refused.get(place, set())
        known = letter.offset in offsets
        offsets.discard(letter.offset)
        if not offsets:
            self._refused.pop(place, None)
        return known

    def _contradicted(self, why: str) -> LogContradicted:
        topic, sequence = next(iter(self._waiting.items()))
        held = f"{sequence.held - sequence.met} of its {sequence.held} events did not come again"
        return contradicted(f"account {self._account}", topic, f"{held}, and {why}")

    def _is_ours(self, record: Record, event: Event) -> bool:
        if isinstance(event, DeadLetter):
            return event.topic in INPUTS and is_said_by(record.headers, self._account)
        if isinstance(event, Alert):
            return event.source == self._source
        return record.key == self._account.encode()


def _essence(event: Event) -> bytes:
    """Return what makes a difference to money: the identity, and of orders and ledgers the amounts."""
    if isinstance(event, PortfolioUpdate):
        return f"{event.id}:{event.cash_nanos}:{event.realized_nanos}".encode()
    if isinstance(event, SubmitOrder):
        return f"{event_id(event)}:{event.quantity_nanos}".encode()
    return event_id(event).encode()
