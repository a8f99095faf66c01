"""How does market data leave the log? One item a symbol and poll: all of the symbol's blocks, in log order."""

import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

from flows import stop
from flows.config import ConfigError
from flows.connectors.log import Log
from flows.connectors.log_errors import check_identity
from flows.meter import Meter
from operators.symbol_leg import Poll

TOPIC = "market_data"
_IDLE = timedelta(milliseconds=1)


class SymbolPoll(msgspec.Struct, gc=False):
    """The messages [first, end) of a poll: those of one symbol."""

    symbol: str
    partition: int
    poll: Poll
    first: int
    end: int


class MarketDataSource(FixedPartitionedSource[tuple[str, SymbolPoll], bytes]):
    """Reads partitions of ``market_data`` as one part, from the snapshot's positions or from their beginning.

    ``ended`` says when to stop: None to tail; else it is asked whenever nothing was read, and given how far it came.
    """

    def __init__(
        self,
        log: Log,
        partitions: tuple[int, ...],
        poll_records: int,
        ended: Callable[[dict[tuple[str, int], int]], bool] | None,
        meter: Meter,
    ) -> None:
        self._meter = meter
        self._log = log
        self._partitions = partitions
        self._poll_records = poll_records
        self._ended = ended

    def list_parts(self) -> list[str]:
        """One part: one reader for all partitions of this process."""
        return [TOPIC]

    def build_part(
        self, _step_id: str, _for_part: str, resume_state: bytes | None
    ) -> StatefulSourcePartition[tuple[str, SymbolPoll], bytes]:
        """Open the reader where the snapshot left off.

        Raises:
            IdentityChanged: the snapshot was taken with another log, or the topic was made anew.
            ConfigError: it is of a run that read other partitions.
        """
        identity = self._log.identity((TOPIC,))
        positions = {(TOPIC, p): self._log.span(TOPIC, p)[0] for p in self._partitions}
        if resume_state:
            saved: dict[str, Any] = pickle.loads(resume_state)
            check_identity(saved["identity"], identity, self._log.url)
            if saved["positions"].keys() != positions.keys():
                read, reads = ([p for _, p in sorted(places)] for places in (saved["positions"], positions))
                raise ConfigError(
                    f"the recovery store is of a run that read partitions {read} of {TOPIC}, and this one reads "
                    f"{reads}: give it a run.recovery_dir of its own, or delete the folder: the log rebuilds the state"
                )
            positions = saved["positions"]
        return _Part(self._log, identity, positions, self._poll_records, self._ended, self._meter)


class _Part(StatefulSourcePartition[tuple[str, SymbolPoll], bytes]):
    def __init__(
        self,
        log: Log,
        identity: str,
        positions: dict[tuple[str, int], int],
        poll_records: int,
        ended: Callable[[dict[tuple[str, int], int]], bool] | None,
        meter: Meter,
    ) -> None:
        self._identity = identity
        self._reader = log.reader(positions)
        self._meter = meter
        meter.opened(self._reader.positions)
        self._poll_records = poll_records
        self._ended = ended
        self._awake: datetime | None = None

    def next_batch(self) -> list[tuple[str, SymbolPoll]]:
        if stop.asked():
            raise StopIteration
        found = self._reader.poll_runs(self._poll_records, 0.0)
        if found is None:
            if self._ended is not None and self._ended(self._reader.positions()):
                raise StopIteration
            self._awake = datetime.now(UTC) + _IDLE
            return []
        self._awake = None
        self._meter.polled(len(found.poll.places))
        polls = []
        for (partition, key), first, end in zip(found.keys, found.edges, found.edges[1:]):
            symbol = key.decode(errors="replace")
            polls.append((symbol, SymbolPoll(symbol, partition, found.poll, first, end)))
        return polls

    def next_awake(self) -> datetime | None:
        return self._awake

    def snapshot(self) -> bytes:
        self._meter.saved()
        return pickle.dumps({"identity": self._identity, "positions": self._reader.positions()})

    def close(self) -> None:
        self._reader.close()
