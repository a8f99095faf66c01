"""How does one process run? A real dataflow, step by step, in the order that dice choose among those Bytewax may take.

What is kept of Bytewax 0.21: a source's items reach logic and sink in order; any of them may run ahead while others
wait; each source cuts its own epochs and is at most one ahead of the slowest; behind the items of an epoch each part
saves its state if it was awake; when all have, the epoch commits. Parts are made before their first use, not at once.
"""

import random
from collections import deque
from collections.abc import Callable
from typing import Any

from bytewax.dataflow import Dataflow

from tests.chaos.faults import Turn
from tests.chaos.store import Store

_EpochEnd = int
_Task = Callable[[], None]


class _Link:
    """What waits between two steps: lists of items, and ends of epochs."""

    def __init__(self) -> None:
        self._waiting: deque[list[Any] | _EpochEnd] = deque()

    def put(self, some: list[Any] | _EpochEnd) -> None:
        """Add items, or the end of an epoch."""
        if some or isinstance(some, int):
            self._waiting.append(some)

    def take(self) -> list[Any] | _EpochEnd:
        """Take all items up to the next end of an epoch, or that end."""
        first = self._waiting.popleft()
        if isinstance(first, int):
            return first
        while self._waiting and isinstance(self._waiting[0], list):
            first = first + self._waiting.popleft()
        return first

    def __bool__(self) -> bool:
        return bool(self._waiting)


class _Chain:
    """A source, perhaps a stateful logic, and a sink."""

    def __init__(self, steps: list[Any], worker: "Worker") -> None:
        self._worker = worker
        self._store, self._turn = worker.store, worker.turn
        self._source, self._sink = steps[0], steps[-1]
        self._logic = steps[1] if len(steps) == 3 else None
        self._part: Any = None
        self._sink_part: Any = None
        self._logics: dict[str, Any] | None = None
        self._awake: set[str] = set()
        self._wrote = False
        self._to_logic, self._to_sink = _Link(), _Link()
        self._polls = 0
        self.epoch = worker.store.epoch
        self.closed = self.epoch - 1
        self.ended = False

    def tasks(self) -> list[_Task]:
        """Return what may happen next."""
        found: list[_Task] = []
        if self._part is None:
            found.append(self._open)
        elif not self.ended and self.epoch <= self._worker.slowest() + 1:
            found.append(self._poll)
            if self._polls:
                found.append(self._end_epoch)
        if self._logics is None and self._logic is not None:
            found.append(self._resume)
        elif self._to_logic:
            found.append(self._fold)
        if self._to_sink:
            found.append(self._write)
        if self._sink_part is None:
            found.append(self._open_sink)
        return found

    @property
    def drained(self) -> bool:
        """Whether nothing waits between its steps."""
        return not (self._to_logic or self._to_sink)

    def close(self) -> None:
        """Close the parts, as Bytewax does when it unwinds an error."""
        for part in (self._part, self._sink_part):
            if part is not None:
                part.close()

    def _open(self) -> None:
        (name,) = self._source.source.list_parts()
        state = self._store.resume(self._source.step_id).get(name)
        self._part = self._source.source.build_part(self._source.step_id, name, state)
        self._name = name

    def _resume(self) -> None:
        resumed = self._store.resume(self._logic.step_id)
        self._logics = {key: self._logic.builder(state) for key, state in resumed.items()}

    def _open_sink(self) -> None:
        (name,) = self._sink.sink.list_parts()
        state = self._store.resume(self._sink.step_id).get(name)
        self._sink_part = self._sink.sink.build_part(self._sink.step_id, name, state)

    def _poll(self) -> None:
        self._turn.point()
        try:
            batch = list(self._part.next_batch())
        except StopIteration:
            self._end_epoch()
            self.ended = True
            self._part.close()
            return
        self._worker.idle = 0 if batch else self._worker.idle + 1
        self._polls += 1
        (self._to_logic if self._logic is not None else self._to_sink).put(batch)

    def _end_epoch(self) -> None:
        self._save(self._source.step_id, self._name, self._part, self.epoch)
        (self._to_logic if self._logic is not None else self._to_sink).put(self.epoch)
        self.epoch += 1
        self._polls = 0

    def _fold(self) -> None:
        if self._logics is None:
            self._resume()
        assert self._logics is not None
        taken = self._to_logic.take()
        if isinstance(taken, int):
            for key in sorted(self._awake):
                self._save(self._logic.step_id, key, self._logics[key], taken)
            self._awake.clear()
            self._to_sink.put(taken)
            return
        by_key: dict[str, list[Any]] = {}
        for key, value in taken:
            by_key.setdefault(key, []).append(value)
        for key in sorted(by_key):
            if key not in self._logics:
                self._logics[key] = self._logic.builder(None)
            said, discard = self._logics[key].on_batch(by_key[key])
            assert not discard
            self._awake.add(key)
            self._to_sink.put([(key, one) for one in said])

    def _write(self) -> None:
        if self._sink_part is None:
            self._open_sink()
        taken = self._to_sink.take()
        if not isinstance(taken, int):
            self._sink_part.write_batch([value for _, value in taken])
            self._wrote = True
            return
        if self._wrote:
            (name,) = self._sink.sink.list_parts()
            self._save(self._sink.step_id, name, self._sink_part, taken)
            self._wrote = False
        self.closed = taken

    def _save(self, step: str, key: str, part: Any, epoch: int) -> None:
        state = part.snapshot()
        self._turn.point()
        self._store.write(step, key, epoch, state)


class Worker:
    """One life of a process."""

    def __init__(self, flow: Dataflow, store: Store, turn: Turn) -> None:
        self.store, self.turn = store, turn
        self.idle = 0
        self._chains = [_Chain(steps, self) for steps in _chains(flow)]

    @property
    def done(self) -> bool:
        """Whether every source has ended and all of it is saved."""
        return all(chain.ended and chain.drained for chain in self._chains) and not self._may_commit()

    @property
    def quiet(self) -> bool:
        """Whether nothing is under way."""
        return all(chain.drained for chain in self._chains)

    def slowest(self) -> int:
        """Return the last epoch that every chain which goes on has closed."""
        return min(chain.closed for chain in self._chains if not (chain.ended and chain.drained))

    def step(self, dice: random.Random) -> None:
        """Do one thing."""
        tasks = [task for chain in self._chains for task in chain.tasks()]
        if self._may_commit():
            tasks += [self._commit] * 3
        dice.choice(tasks)()

    def close(self) -> None:
        """Unwind."""
        for chain in self._chains:
            chain.close()

    def _closed(self) -> int:
        going = [chain.closed for chain in self._chains if not (chain.ended and chain.drained)]
        return min(going) if going else max(chain.closed for chain in self._chains)

    def _may_commit(self) -> bool:
        return self._closed() >= self.store.epoch

    def _commit(self) -> None:
        self.turn.point()
        self.store.commit(self._closed())


def _chains(flow: Dataflow) -> list[list[Any]]:
    """Return the steps of a flow of plain chains: source, at most one logic, sink."""
    chains = []
    for source in flow.substeps:
        if not hasattr(source, "source"):
            continue
        steps: list[Any] = [source]
        while not hasattr(steps[-1], "sink"):
            stream = steps[-1].down.stream_id
            (after,) = [s for s in flow.substeps if hasattr(s, "up") and s.up.stream_id == stream]
            assert hasattr(after, "sink") or type(after).__name__ == "stateful_batch", f"no chain: {after}"
            steps.append(after)
        assert len(steps) in (2, 3), f"no chain: {steps}"
        chains.append(steps)
    assert sum(map(len, chains)) == len(flow.substeps)
    return chains
