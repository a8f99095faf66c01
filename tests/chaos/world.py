"""Who runs when? Processes of a trial take turns as dice say; they die, come back, and the wall clock does as it likes.

One thread runs them all: the wall clock is a number here, and ``flows.stop`` is asked for the process whose turn it is.
"""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bytewax.dataflow import Dataflow

from flows import stop
from flows.connectors import account_source, gateway_source
from flows.connectors.log import Log, LogError, WriterFenced
from schemas.topics import TOPICS
from tests.chaos.faults import Fault, Killed, Turn
from tests.chaos.store import Store
from tests.chaos.tried_log import PLANNED, TriedLog
from tests.chaos.worker import Worker

_IDLE_POLLS = 25
_MOST_STEPS = 40_000


class Clock:
    """Stands where ``time`` stands in the connectors."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic(self) -> float:
        """Seconds since some time."""
        return self.now_s


class Process:
    """A process that is started again whenever it ends before its time; ``ends`` says whether it ends by itself.

    One that is ``fenced`` may be replaced by another while it is paused; of one that is ``shared`` a second may run,
    by mistake.
    """

    def __init__(
        self,
        name: str,
        build: Callable[[Log], Dataflow | None],
        ends: bool,
        fenced: bool = False,
        shared: bool = False,
    ) -> None:
        self.name = name
        self.fenced = fenced
        self.shared = shared
        self.replaced = False
        self.replaces = False
        self.released = False
        self.after: Process | None = None
        self.heir_of: Process | None = None
        self.build = build
        self.ends = ends
        self.finished = False
        self.lives = 0
        self.asked = threading.Event()
        self.store = Store()
        self.backups: list[Store] = []
        self.worker: Worker | None = None
        self.log: TriedLog
        self.turn: Turn
        self.rests = 0

    def replacement(self, dice: random.Random) -> "Process":
        """Return another owner of the same, on a machine of its own; what is planned happens to it from now on."""
        self.replaced = True
        other = Process(self.name, self.build, self.ends, self.fenced)
        other.turn = self.turn.handed_on(dice)
        other.replaces = True
        return other

    def second(self, dice: random.Random) -> "Process":
        """Return another that does the same, unasked; nothing is planned to happen to it."""
        self.shared = False
        other = Process(self.name, self.build, self.ends)
        other.turn = Turn(self.name, [], dice)
        return other


class World:
    """A log, the processes on it, and what is planned to go wrong."""

    def __init__(
        self, log: Log, processes: list[Process], plan: list[Fault], dice: random.Random, torn: bool
    ) -> None:
        self._log = log
        self._processes = processes
        self._dice = dice
        self._torn = torn
        self.clock = Clock()
        self._ends: list[list[tuple[int, int]]] = []
        self.errors: list[str] = []
        self.twice = False
        for process in processes:
            process.turn = Turn(process.name, plan, random.Random(dice.random()))

    def run(self) -> None:
        """Let all processes run to their end."""
        with self._in_charge():
            for _ in range(_MOST_STEPS):
                going = [process for process in self._processes if not process.finished]
                if not going:
                    return
                self._dice_clock()
                self._step(self._dice.choice(going))
                self._end_if_idle(going)
        raise AssertionError(f"no end after {_MOST_STEPS} steps: {[p.name for p in going]}")

    def _dice_clock(self) -> None:
        self.clock.now_s += 0.01 if self._dice.random() < 0.99 else self._dice.choice((0.5, 3.0, 3600.0))

    def _step(self, process: Process) -> None:
        if process.after is not None and not process.after.finished:
            return
        if process.rests > 0:
            process.rests -= 1
            return
        stop._asked = process.asked
        try:
            if process.worker is None:
                self._start(process)
            else:
                process.worker.step(self._dice)
        except Killed:
            self._bury(process)
            return
        except stop.Stopped:
            process.worker.close()
            self._end(process)
            return
        except LogError as error:
            self._fail(process, error)
            return
        if process.turn.pending is not None:
            self._meet(process, process.turn.pending)
        if process.worker is not None and process.worker.done:
            self._end(process)

    def _fail(self, process: Process, error: LogError) -> None:
        """It ended with an error: one that was planned, or that another process has taken over from it.

        Who was paused before it had taken over itself does so later, and the other is the one that ends.
        """
        self.errors.append(str(error))
        if process.worker is not None:
            process.worker.close()
        self._bury(process)
        if isinstance(error, WriterFenced) and (process.replaced or process.replaces):
            process.finished = True
        else:
            assert str(error).startswith(PLANNED), f"{process.name}: {error}"

    def _start(self, process: Process) -> None:
        if process.heir_of is not None and process.lives == 0:
            process.store = process.heir_of.store
        process.lives += 1
        process.turn.dead = False
        process.log = TriedLog(self._log, process.turn, self._torn)
        process.store.forget_unfinished()
        process.backups.append(process.store.copy())
        flow = process.build(process.log)
        if flow is None:
            self._end(process)
        else:
            process.worker = Worker(flow, process.store, process.turn)

    def _bury(self, process: Process) -> None:
        fault, process.turn.pending = process.turn.pending, None
        process.turn.dead = True
        process.log.drop()
        process.worker = None
        process.asked.clear()
        process.rests = self._dice.choice((0, 0, 5, 50, 300))
        if fault is not None and fault.kind == "lose":
            process.store = Store()
        elif fault is not None and fault.kind == "old":
            process.store = self._dice.choice(process.backups).copy()

    def _meet(self, process: Process, fault: Fault) -> None:
        process.turn.pending = None
        if fault.kind == "stop":
            process.asked.set()
        elif fault.kind == "pause":
            process.rests = self._dice.choice((20, 200, 1000))
            if process.fenced and not process.replaced:
                self._processes.append(process.replacement(random.Random(self._dice.random())))
        elif fault.kind == "twice" and process.shared:
            self.twice = True
            self._processes.append(process.second(random.Random(self._dice.random())))

    def _end(self, process: Process) -> None:
        """It has ended: by itself, or asked to, and then it is started again."""
        early = process.asked.is_set() and not process.released
        process.log.drop()
        process.worker = None
        process.asked.clear()
        process.finished = not early

    def _over(self) -> bool:
        """Whether all that would end by itself has ended."""
        return all(process.finished for process in self._processes if process.ends)

    def _end_if_idle(self, going: list[Process]) -> None:
        """Stop those that would tail for ever, once nothing comes any more.

        Polls that found nothing count from the log's last growth on: whoever was idle while the gateway was down has
        not seen yet what it wrote in its last step.
        """
        if not self._over():
            return
        workers = [process.worker for process in going if not process.rests]
        if len(workers) < len(going):
            return
        if all(worker is not None and worker.quiet and worker.idle > _IDLE_POLLS for worker in workers):
            before, self._ends = self._ends, [self._log.spans(topic) for topic in TOPICS]
            for process in going:
                if self._ends == before:
                    process.released = True
                    process.asked.set()
                elif process.worker is not None:
                    process.worker.idle = 0

    @contextmanager
    def _in_charge(self) -> Iterator[None]:
        """Stand in for the clock and for the signals of the process."""
        times = account_source.time, gateway_source.time
        asked = stop._asked
        account_source.time = gateway_source.time = self.clock  # type: ignore[assignment]
        try:
            yield
        finally:
            account_source.time, gateway_source.time = times
            stop._asked = asked
            for process in self._processes:
                if process.worker is not None:
                    process.log.drop()
