"""How far has a source been read, and from where must it be read again?"""

from collections import deque
from typing import Any

import msgspec

from flows.connectors.gateway import Reject
from flows.connectors.recorded.source import NEVER, Batch, Source


class FeedPosition(msgspec.Struct, frozen=True):
    """Read from ``resume`` (None: from the start) and forget what was told before the session's boundary."""

    resume: Any = None


class Feed:
    """An open source, the batches of it that are not wholly told, and its rejects that wait."""

    def __init__(self, source: Source, position: FeedPosition, from_ns: int) -> None:
        self.source = source
        self.watermark_ns = NEVER
        self.exhausted = False
        self._from_ns = from_ns
        self._after = position.resume
        self._batches = source.read(position.resume)
        self._untold: deque[tuple[int, Any]] = deque()
        self._rejects: deque[tuple[int, Reject]] = deque()

    def read(self) -> Batch | None:
        """Return the next batch, or None when the source has ended."""
        batch = next(self._batches, None)
        if batch is None:
            self.exhausted = True
            return None
        slots = [int(run.slots[-1]) for run in batch.runs if len(run.slots)]
        slots += [slot for slot, _ in batch.rejects]
        self._untold.append((max(slots, default=NEVER), self._after))
        self._after = batch.resume
        self._rejects.extend(entry for entry in batch.rejects if entry[0] >= self._from_ns)
        self.watermark_ns = batch.watermark_ns
        return batch

    def rejects(self, end_ns: int | None) -> list[Reject]:
        """Return, and remove, the rejects with slots below ``end_ns`` (None: all)."""
        found = []
        while self._rejects and (end_ns is None or self._rejects[0][0] < end_ns):
            found.append(self._rejects.popleft()[1])
        return found

    def position(self, boundary_ns: int) -> FeedPosition:
        """Return where to read again when everything with a slot below ``boundary_ns`` has been told."""
        self.forget(boundary_ns)
        return FeedPosition(self._untold[0][1] if self._untold else self._after)

    def forget(self, boundary_ns: int) -> None:
        """Let go of batches that are wholly told."""
        while self._untold and self._untold[0][0] < boundary_ns:
            self._untold.popleft()

    def close(self) -> None:
        """Let the source release its file."""
        close = getattr(self._batches, "close", None)
        if close is not None:
            close()
