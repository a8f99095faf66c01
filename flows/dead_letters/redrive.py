"""How is a dead letter sent again so that nothing is lost and nothing is applied twice?

The record and the note that it was sent (``redrives``) are one batch of a fenced writer: the log holds both or neither,
wherever the process dies. Whoever opens the writer takes over from everybody else, and only then reads which letters
were sent; so of two at once one sends a letter, and the other is told that it lost its place (docs/adr/0025).
"""

from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec

from flows.connectors.log import Log, Writer
from flows.dead_letters.letters import HEADER, REDRIVES, Letter, redrives
from flows.dead_letters.plan import Plan, Promises, plan
from schemas.account import Redrive
from schemas.codec import encode

_AT_ONCE = 100


class Sending(msgspec.Struct, frozen=True):
    """Who sends, when (UTC ns), whether against advice, and what instead of the original."""

    issued_by: str
    ts_event_ns: int
    force: bool = False
    corrected: bytes | None = None

    def sends(self, planned: Plan) -> bool:
        """Say whether a plan is carried out."""
        return not planned.never and (self.force or not planned.against)


def send(log: Log, wanted: Iterable[Letter], sending: Sending) -> Iterator[Plan]:
    """Send letters again, and yield the plan of each; those that ``sending`` refuses are left as they are.

    Raises:
        LogError: the log cannot be written, or another process took over; what was yielded before holds.
    """
    with log.writer(fence="redrive") as writer:
        sent = redrives(log)
        promises, left = Promises(log), iter(wanted)
        while batch := list(islice(left, _AT_ONCE)):  # all that is read is read before a transaction begins
            again = (msgspec.structs.replace(letter, redrive=sent.get(letter.letter.id)) for letter in batch)
            plans = [plan(log, letter, promises, sending.corrected) for letter in again]
            for planned in plans:
                if sending.sends(planned):
                    _append(writer, planned, sending)
            writer.flush()
            yield from plans


def _append(writer: Writer, planned: Plan, sending: Sending) -> None:
    letter_id = planned.letter.letter.id
    note = Redrive(
        id=letter_id,
        topic=planned.topic,
        partition=planned.partition,
        ts_event_ns=sending.ts_event_ns,
        issued_by=sending.issued_by,
        corrected=planned.corrected,
        digest=planned.digest,
    )
    headers = ((HEADER, letter_id.encode()),)
    writer.append(planned.topic, planned.key, planned.value, planned.timestamp_ms, headers)
    writer.append(REDRIVES, planned.topic.encode(), encode(note), sending.ts_event_ns // 1_000_000)
