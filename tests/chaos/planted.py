"""Can the trials fail? Promises broken on purpose: each of these must be found, and the documentation says how soon.

python -m tests.chaos --planted
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import msgspec

from flows.connectors import account_source, gateway_source, log_sink
from flows.connectors.account_inputs import AccountInputs
from flows.connectors.account_outbox import AccountOutbox
from flows.connectors.gateway_outbox import GatewayOutbox
from flows.connectors.log import LogError
from flows.connectors.symbol_outbox import SymbolOutbox
from operators import account_leg, sequencer
from tests.chaos.store import Store
from tests.chaos.tried_log import TriedLog

_SINK = log_sink._Part


class Planted(msgspec.Struct):
    """A bug: what is broken, and the functions put in place of the right ones."""

    breaks: str
    places: list[tuple[Any, str, Any]]


@contextmanager
def planted(bug: Planted) -> Iterator[None]:
    """Put the bug there; take it away again."""
    kept = [(where, name, vars(where)[name]) for where, name, _ in bug.places]
    try:
        for where, name, wrong in bug.places:
            setattr(where, name, wrong)
        yield
    finally:
        for where, name, right in kept:
            setattr(where, name, right)


def _no_recall(log: Any, _outbox: Any, _saved: Any) -> dict[tuple[str, int], int]:
    return {
        (topic, partition): end
        for topic in _outbox.topics
        for partition, (_, end) in enumerate(log.spans(topic))
    }


def _write_unflushed(self: Any, items: list[Any]) -> None:
    for item in items:
        for record in self._outbox.records(item):
            self._writer.append(record.topic, record.key, record.value, record.timestamp_ms)
    self.calls = getattr(self, "calls", 0) + 1
    if self.calls % 2:
        self._writer.flush()


def _saved_unflushed(self: Any) -> bytes:
    return log_sink.pickle.dumps((self._identity, self._ends | self._writer.ends(), self._outbox.waiting()))


def _write_deaf(self: Any, items: list[Any]) -> None:
    with suppress(LogError):
        _RIGHT_WRITE(self, items)


def _save_deaf(self: Any) -> bytes:
    with suppress(LogError):
        self._writer.flush()
    return _saved_unflushed(self)


def _position_ahead(self: Any) -> bytes:
    return gateway_source.pickle.dumps(self._gateway.position)


def _given_is_read(self: Any, stop: dict[Any, int]) -> list[Any]:
    found = _RIGHT_GIVE(self, stop)
    self.given = self._reader.positions()
    return found


def _believe_at_once(clock: Any) -> None:
    while clock.headers:
        _, complete_to_ns, clock.ended = clock.headers.popleft()
        clock.final = clock.ended
        clock.complete_to_ns = max(clock.complete_to_ns, complete_to_ns)


def _ends_by_flag(state: Any, to_ns: int) -> list[Any]:
    was_told, state.told_end_ns = state.told_end_ns >= 0, -1
    found = _RIGHT_ENDS(state, to_ns)
    return [] if was_told else found


def _write_torn(self: Any, items: list[Any]) -> None:
    for item in items:
        for record in sorted(
            self._outbox.records(item), key=lambda record: record.topic == account_source.JOURNAL
        ):
            self._writer.append(record.topic, record.key, record.value, record.timestamp_ms)
            self._writer.flush()


def _unfenced(self: Any, fence: str | None = None) -> Any:
    return _RIGHT_WRITER(self, None)


def _every_signal(parameters: Any, state: Any, signal: Any, out: list[Any]) -> list[Any]:
    state.signal_times.clear()
    return _RIGHT_SIGNAL(parameters, state, signal, out)


_RIGHT_SIGNAL = account_leg.on_signal
_RIGHT_WRITER = TriedLog.writer
_RIGHT_WRITE = _SINK.write_batch
_RIGHT_GIVE = AccountInputs._give
_RIGHT_ENDS = sequencer._ends
_NOTHING: Callable[..., None] = lambda *_: None  # noqa: E731

PLANTED = {
    "no fence": Planted("a restarted sink does not read what it wrote", [(log_sink, "recall", _no_recall)]),
    "short memory": Planted(
        "what waits to be said again is not in the snapshot",
        [(outbox, "wait_for", _NOTHING) for outbox in (AccountOutbox, SymbolOutbox, GatewayOutbox)],
    ),
    "snapshot before flush": Planted(
        "a sink saves its state before its records are durable",
        [(_SINK, "write_batch", _write_unflushed), (_SINK, "snapshot", _saved_unflushed)],
    ),
    "deaf to failure": Planted(
        "a sink goes on after a delivery failed",
        [(_SINK, "write_batch", _write_deaf), (_SINK, "snapshot", _save_deaf)],
    ),
    "unfinished snapshots": Planted(
        "snapshots of an epoch that a kill left unfinished are kept", [(Store, "forget_unfinished", _NOTHING)]
    ),
    "source ahead": Planted(
        "the gateway saves the position of a slice that it has not handed on",
        [(gateway_source._Part, "snapshot", _position_ahead)],
    ),
    "read is given": Planted(
        "inputs read beyond a cut count as taken in the snapshot", [(AccountInputs, "_give", _given_is_read)]
    ),
    "torn cuts": Planted(
        "a cut's effects are in the log before its journal entry", [(_SINK, "write_batch", _write_torn)]
    ),
    "no owner": Planted("an account's owner is not fenced", [(TriedLog, "writer", _unfenced)]),
    "promises believed": Planted(
        "the account leg does not wait for promised signals", [(sequencer, "_believe", _believe_at_once)]
    ),
    "end by flag": Planted(
        "the end of a session is told only if a cut fell between it and the end before",
        [(sequencer, "_ends", _ends_by_flag)],
    ),
    "signals twice": Planted(
        "a signal that a second symbol leg repeats is decided on again",
        [(account_leg, "on_signal", _every_signal)],
    ),
}
