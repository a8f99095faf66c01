"""How does what the account leg says become records, once each?"""

from collections import Counter
from collections.abc import Iterable, Iterator

from flows.connectors.account_inputs import INPUTS
from flows.connectors.log import Record
from flows.connectors.log_sink import Outgoing
from flows.progress import Progress
from schemas.account import Alert, DeadLetter, JournalEntry, PortfolioUpdate
from schemas.codec import DecodeError, Event, decode, encode, topic_of
from schemas.event_ids import event_id
from schemas.orders import ExecutionReport, RiskDecision, SubmitOrder


class AccountOutbox:
    """Writes lists of events; knows the ids of those that the log was found to hold and that wait to be said again."""

    topics = (
        "risk_decisions", "execution_requests", "execution_reports", "portfolio_updates", "alerts", "dead_letters"
    )  # fmt: skip

    def __init__(self, account: str, progress: Progress) -> None:
        self._progress = progress
        self._account = account
        self._source = f"account:{account}"
        self._known: Counter[str] = Counter()

    def recall(self, record: Record) -> None:
        """Note the id of a record that this account's leg wrote."""
        try:
            event = decode(record.topic, record.value or b"")
        except DecodeError:
            return
        if self._is_ours(record.key, event):
            self._known[event_id(event)] += 1

    def waiting(self) -> dict[str, int]:
        """Return the ids that wait, and how often each."""
        return dict(self._known)

    def wait_for(self, waiting: dict[str, int]) -> None:
        """Wait for these ids."""
        self._known.update(waiting)

    def records(self, events: Iterable[Event]) -> Iterator[Outgoing]:
        """Return one record an event, in order, without those that the log holds."""
        for event in events:
            self.count(event)
            if isinstance(event, JournalEntry):
                ts_ns = event.taken_to_ns
            elif self._known and self._is_known(event_id(event)):
                continue
            else:
                ts_ns = event.ts_event_ns  # type: ignore[union-attr]
            key = event.topic if isinstance(event, DeadLetter) else self._account
            yield Outgoing(topic_of(event), key.encode(), encode(event), max(1, ts_ns // 1_000_000))

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

    def _is_known(self, name: str) -> bool:
        """Say whether the log holds it; then it waits no more."""
        if name not in self._known:
            return False
        self._known[name] -= 1
        if not self._known[name]:
            del self._known[name]
        return True

    def _is_ours(self, key: bytes, event: Event) -> bool:
        if isinstance(event, DeadLetter):
            return event.topic in INPUTS
        if isinstance(event, Alert):
            return event.source == self._source
        return key == self._account.encode()
