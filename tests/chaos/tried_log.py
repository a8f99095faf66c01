"""A real log seen by one process of a trial: it may die, be refused or find the log full within any effect.

The records lie in the real embedded log. ``torn`` writers deliver as a broker without transactions does: each partition
in order, the partitions in any order, some of it before anybody flushes; so a kill leaves any prefix of each.
"""

from collections.abc import Collection, Iterable, Sequence

from flows.connectors.log import (
    DeliveryFailed,
    Headers,
    Log,
    LogError,
    LogFull,
    LogUnreachable,
    Position,
    Positions,
    Reader,
    Record,
    TopicSpec,
    Writer,
)
from flows.connectors.partitioner import partition_of
from tests.chaos.faults import Fault, Killed, Turn

_Held = tuple[str, bytes, bytes | None, int, Headers, int]
PLANNED = "planned: "
"""How an error begins that was meant to be."""
_CALLS = (1, 2, 5, 50, 1000)


class Endless(AssertionError):
    """Someone waits for records that nobody will write."""


class TriedLog(Log):
    """One process's view of ``inner``; its readers and writers die with the process."""

    def __init__(self, inner: Log, turn: Turn, torn: bool) -> None:
        self.url = inner.url
        self._inner = inner
        self._turn = turn
        self._torn = torn
        self.opened: list[Reader | Writer] = []

    def apply(self, specs: Iterable[TopicSpec]) -> list[str]:
        """Pass on."""
        return self._inner.apply(specs)

    def topics(self) -> dict[str, int]:
        """Pass on."""
        return self._inner.topics()

    def identity(self, topics: Sequence[str] = ()) -> str:
        """Pass on."""
        return self._inner.identity(topics)

    def spans(self, topic: str) -> list[tuple[int, int]]:
        """Pass on."""
        return self._inner.spans(topic)

    def offsets_at(self, topic: str, timestamp_ms: int) -> list[int]:
        """Pass on."""
        return self._inner.offsets_at(topic, timestamp_ms)

    def clean(self, topics: Sequence[str] = (), now_ms: int | None = None) -> int:
        """Pass on."""
        return self._inner.clean(topics, now_ms)

    def writer(self, fence: str | None = None) -> Writer:
        """Return a writer that fails where it is planned; what a fenced one flushes is never torn."""
        inner = self._inner.writer(fence)
        self.opened.append(inner)
        if self._torn and fence is None:
            return _TornWriter(inner, self._turn, self._inner.topics())
        return _Writer(inner, self._turn, lasting=not self._torn)

    def reader(self, positions: Positions, identity: str | None = None) -> Reader:
        """Return a reader that reads little or much at a time."""
        inner = self._inner.reader(positions, identity)
        self.opened.append(inner)
        return _Reader(inner, self._turn)

    def close(self) -> None:
        """Nothing: the log is shared."""

    def drop(self) -> None:
        """Let go of every connection as a killed process does: what was not committed is not there."""
        for connection in self.opened:
            connection.abandon() if isinstance(connection, Writer) else connection.close()
        self.opened.clear()


class _Writer(Writer):
    """A flush is one transaction: all of it or nothing is there.

    After a failure a ``lasting`` one goes on, as that of the embedded log; a broker's is finished.
    """

    def __init__(self, inner: Writer, turn: Turn, lasting: bool) -> None:
        self._inner = inner
        self._turn = turn
        self._lasting = lasting
        self._failed: LogError | None = None
        self._count = 0

    def append(
        self, topic: str, key: bytes, value: bytes | None, timestamp_ms: int,
        headers: Headers = (), partition: int | None = None,
    ) -> None:  # fmt: skip
        """Pass on."""
        if self._turn.dead:
            raise Killed
        self._check()
        self._count += 1
        self._inner.append(topic, key, value, timestamp_ms, headers, partition)

    def flush(self, timeout_s: float = 30.0) -> None:
        """Flush, or fail as planned."""
        self._check()
        fault = self._due()
        if fault is not None and (fault.part < 0.5 or fault.kind == "full"):
            self._fail(fault)
        self._inner.flush(timeout_s)
        if fault is not None:
            self._fail(fault)

    def _due(self) -> Fault | None:
        fault = self._turn.due(flushes=True) if self._count else None
        self._count = 0
        return fault

    def _fail(self, fault: Fault) -> None:
        if fault.kind not in ("refuse", "full"):
            self._turn.strike(fault)
            return
        refused = LogUnreachable if self._lasting else DeliveryFailed
        error = (LogFull if fault.kind == "full" else refused)(f"{PLANNED}{fault}")
        self._failed = None if self._lasting else error
        raise error

    def _check(self) -> None:
        if self._failed is not None:
            raise self._failed

    def check_fence(self, topic: str) -> None:
        """Pass on."""
        self._inner.check_fence(topic)

    def ends(self) -> dict[Position, int]:
        """Pass on."""
        return self._inner.ends()

    def close(self) -> None:
        """Flush and release."""
        self.flush()
        self._inner.close()

    def abandon(self) -> None:
        """Release."""
        self._inner.abandon()


class _TornWriter(_Writer):
    """A flush is many deliveries, and some have happened before it."""

    def __init__(self, inner: Writer, turn: Turn, counts: dict[str, int]) -> None:
        super().__init__(inner, turn, lasting=False)
        self._counts = counts
        self._held: dict[Position, list[_Held]] = {}

    def append(
        self, topic: str, key: bytes, value: bytes | None, timestamp_ms: int,
        headers: Headers = (), partition: int | None = None,
    ) -> None:  # fmt: skip
        """Hold it; perhaps deliver something."""
        if self._turn.dead:
            raise Killed
        self._check()
        self._count += 1
        place = partition_of(key, self._counts[topic]) if partition is None else partition
        self._held.setdefault((topic, place), []).append((topic, key, value, timestamp_ms, headers, place))
        if self._turn.dice.random() < 0.02:
            self._deliver(0.5)

    def flush(self, timeout_s: float = 30.0) -> None:
        """Deliver what is held; a fault falls between two deliveries."""
        self._check()
        fault = self._due()
        if fault is not None:
            if fault.kind != "full":
                self._deliver(fault.part)
            self._fail(fault)
        self._deliver(1.0)

    def send(self) -> None:
        """Deliver some of what is held; the rest is under way, and may never arrive."""
        self._check()
        fault = self._due()
        self._deliver(self._turn.dice.random() / 2 if fault is None else fault.part)
        if fault is not None:
            self._fail(fault)

    def _deliver(self, share: float) -> None:
        """Make about a share of what is held durable: a prefix of each partition."""
        for held in self._held.values():
            whole = len(held)
            most = whole if share >= 1 else min(whole, round(self._turn.dice.uniform(0, 2 * share) * whole))
            for one in held[:most]:
                self._inner.append(*one)
            del held[:most]
        self._inner.flush()


class _Reader(Reader):
    """Reads as much at a time as the dice say, now and then nothing."""

    def __init__(self, inner: Reader, turn: Turn) -> None:
        self._inner = inner
        self._turn = turn

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        """Read a few."""
        return self._inner.poll(self._most(max_records, timeout_s), 0.0)

    def poll_by_key(
        self, max_records: int, timeout_s: float
    ) -> dict[tuple[int, bytes], tuple[list[int], list[bytes]]]:
        """Read a few."""
        return self._inner.poll_by_key(self._most(max_records, timeout_s), 0.0)

    def hold(self, places: Collection[Position]) -> None:
        """Pass on."""
        self._inner.hold(places)

    def positions(self) -> dict[Position, int]:
        """Pass on."""
        return self._inner.positions()

    def ends(self) -> dict[Position, int]:
        """Pass on."""
        return self._inner.ends()

    def close(self) -> None:
        """Release."""
        self._inner.close()

    def _most(self, max_records: int, timeout_s: float) -> int:
        self._turn.point()
        if timeout_s > 0 and self._inner.at_end(self._inner.ends()):
            raise Endless(f"{self._turn.name} waits at {self._inner.positions()}")
        return min(max_records, self._turn.dice.choice(_CALLS))
