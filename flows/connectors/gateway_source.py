"""How does a gateway's session enter the dataflow? One item a slice, when it is due."""

import pickle
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

from flows import stop
from flows.connectors.gateway import Gateway, Slice
from flows.progress import Progress

_MOST_AT_ONCE = 64

OpenGateway = Callable[[Any], Gateway]
"""Opens the session at a saved position, or at its beginning for None."""


class GatewaySource(FixedPartitionedSource[tuple[str, Slice], bytes]):
    """Yields the slices of a session, ``speed`` times as fast as they happened; 0 is as fast as possible."""

    def __init__(self, open_gateway: OpenGateway, speed: float, progress: Progress) -> None:
        self._progress = progress
        self._open = open_gateway
        self._speed = speed

    def list_parts(self) -> list[str]:
        """One part: one session."""
        return ["gateway"]

    def build_part(
        self, _step_id: str, _for_part: str, resume_state: bytes | None
    ) -> StatefulSourcePartition[tuple[str, Slice], bytes]:
        """Open the session where the snapshot left off."""
        return _Part(
            self._open(pickle.loads(resume_state) if resume_state else None), self._speed, self._progress
        )


class _Part(StatefulSourcePartition[tuple[str, Slice], bytes]):
    def __init__(self, gateway: Gateway, speed: float, progress: Progress) -> None:
        self._progress = progress
        self._gateway = gateway
        self._speed = speed
        self._position = gateway.position
        self._next: Slice | None = None
        self._began: float | None = None
        self._awake: datetime | None = None
        self._read()

    def next_batch(self) -> list[tuple[str, Slice]]:
        if stop.asked():
            raise StopIteration
        if self._next is None:
            self._progress.gateway_done = True
            raise StopIteration
        due: list[tuple[str, Slice]] = []
        while self._next is not None and len(due) < _MOST_AT_ONCE:
            wait_s = self._wait_s(self._next)
            if wait_s > 0:
                self._awake = datetime.now(UTC) + timedelta(seconds=wait_s)
                return due
            due.append(("gateway", self._next))
            self._progress.slices_read += 1
            self._read()
        self._awake = None
        return due

    def next_awake(self) -> datetime | None:
        return self._awake

    def snapshot(self) -> bytes:
        return pickle.dumps(self._position)

    def close(self) -> None:
        self._gateway.close()

    def _read(self) -> None:
        """Read the next slice; the position that is saved is the one before it, as it was not yet handed on."""
        self._position = self._gateway.position
        self._next = next(self._gateway, None)

    def _wait_s(self, due: Slice) -> float:
        if self._speed <= 0:
            return 0.0
        now = time.monotonic()
        if self._began is None:
            self._began = now - due.wall_offset_s / self._speed
        return self._began + due.wall_offset_s / self._speed - now
