"""How does what the account leg says become records, once each?"""

from collections.abc import Iterable, Iterator

from flows.connectors.log import Record
from flows.connectors.log_sink import Outgoing
from flows.progress import Progress
from schemas.account import Alert, DeadLetter, PortfolioUpdate
from schemas.codec import DecodeError, Event, decode, encode, topic_of
from schemas.event_ids import event_id
from schemas.orders import ExecutionReport, RiskDecision, SubmitOrder


class AccountOutbox:
    """Writes lists of events; knows the ids of those that the log was found to hold."""

    topics = (
        "risk_decisions", "execution_requests", "execution_reports", "portfolio_updates", "alerts", "dead_letters"
    )  # fmt: skip

    def __init__(self, account: str, progress: Progress) -> None:
        self._progress = progress
        self._account = account
        self._known: set[str] = set()

    def recall(self, record: Record) -> None:
        """Note the id of a record."""
        try:
            self._known.add(event_id(decode(record.topic, record.value or b"")))
        except DecodeError:
            return

    def records(self, events: Iterable[Event]) -> Iterator[Outgoing]:
        """Return one record an event, in order, without those that the log holds."""
        for event in events:
            self._count(event)
            if self._known and event_id(event) in self._known:
                continue
            key = event.topic if isinstance(event, DeadLetter) else self._account
            timestamp_ms = max(1, event.ts_event_ns // 1_000_000)  # type: ignore[union-attr]
            yield Outgoing(topic_of(event), key.encode(), encode(event), timestamp_ms)

    def _count(self, event: Event) -> None:
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
