"""The account leg as a dataflow: signals, marks and commands come out of the log, decisions, orders and fills go in.

Run it alone with ``titan run --leg account``.
"""

import pickle
from functools import cache

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.operators import StatefulBatchLogic

from flows.config import Settings
from flows.config.parameters import account_leg
from flows.connectors.account_outbox import AccountOutbox
from flows.connectors.account_source import AccountSource, AccountSourceSettings, Taken
from flows.connectors.log import Log
from flows.connectors.log_sink import LogSink
from flows.progress import Progress
from flows.run_settings import note_settings
from operators.account_leg import AccountLeg
from schemas.codec import Event


class AccountLogic(StatefulBatchLogic[Taken, list[Event], bytes]):
    """One account's fold in Bytewax; its snapshot is the pickled state."""

    def __init__(self, leg: AccountLeg, resume_state: bytes | None) -> None:
        self._leg = leg
        self._state = pickle.loads(resume_state) if resume_state else leg.init()

    def on_batch(self, values: list[Taken]) -> tuple[list[list[Event]], bool]:
        """Fold the events of every cut, in order."""
        said: list[Event] = []
        for taken in values:
            said += [taken.entry] if taken.entry else []
            said += taken.refused
            for event in taken.events:
                said += self._leg.step(self._state, event)
        return [said] if said else [], StatefulBatchLogic.RETAIN

    def snapshot(self) -> bytes:
        """Return the state as it is now."""
        return pickle.dumps(self._state)


def add_account_leg(
    flow: Dataflow, settings: Settings, log: Log, progress: Progress, source: AccountSourceSettings
) -> None:
    """Add the leg to a dataflow; once that runs it owns the account, and whoever ran it before cannot write."""
    account = settings.account.id
    note_settings(log, settings, writes=False)
    leg, meter = account_leg(settings), progress.meters["account"]
    writer = cache(lambda: log.writer(fence=f"account:{account}"))  # a run that is refused takes nothing over
    cuts = op.input("read_account_inputs", flow, AccountSource(log, source, writer, meter))
    said = op.stateful_batch("account_leg", cuts, lambda resume: AccountLogic(leg, resume))
    op.output("write_account_results", said, LogSink(log, AccountOutbox(account, progress), meter, writer))
