"""How is a session cut into slices? In event time, on a grid, from any number of sources merged.

A slice covers [boundary, end) of slots and is told when every source has been read past ``end``. Within it each symbol
has its blocks together; a block promises (``complete_to_ns``) no more than its successors keep: rows of several kinds,
and runs longer than ``max_rows``, are split so that the promise rises only behind the last block of each part.

Stretches in which no symbol has rows are told by heartbeats that grow rarer: every ``heartbeat_ns``, then after as much
again as the silence has lasted up to 60 times that, then so for three days of 1 s heartbeats, then doubling.
"""

from typing import Any, Self

import msgspec
import numpy as np

from flows.connectors.gateway import CutSettings, Slice
from flows.connectors.input_errors import InputError
from flows.connectors.recorded.feed import Feed, FeedPosition
from flows.connectors.recorded.lanes import Lanes
from flows.connectors.recorded.parts import Teller
from flows.connectors.recorded.source import NEVER, Source
from schemas.blocks import BARS

_RARELY = 60
_LONG = 60 * 4320


class Position(msgspec.Struct, frozen=True):
    """Where the next slice begins; ``told`` is (next row by kind, last promise) by symbol."""

    session: int
    slices: int
    boundary_ns: int
    origin_ns: int
    active_ns: int
    newest_ns: int
    feeds: tuple[FeedPosition, ...]
    told: dict[str, tuple[int, int, int, int]]
    finished: bool = False


class SessionGateway:
    """A gateway over sources. One owner thread."""

    def __init__(
        self, sources: list[Source], cut: CutSettings, session: int, resume: Position | None = None
    ) -> None:
        """Open a session, or go on with it at ``resume``; InputError for a position of another session."""
        if resume is not None and resume.session != session:
            raise InputError(
                f"the saved position belongs to session {resume.session}, and this is {session}: the files or their "
                "parameters have changed. Restore them, or delete the recovery store to ingest them as a new session"
            )
        start = resume or Position(
            session, 0, NEVER, NEVER, NEVER, NEVER, (FeedPosition(),) * len(sources), {}
        )
        venues = {symbol: venue for source in sources for symbol, venue in source.venues.items()}
        self.session = session
        self._cut = cut
        self._heartbeat_ns = max(
            cut.heartbeat_ns, min((source.heartbeat_ns for source in sources), default=0)
        )
        self._slices, self._boundary, self._origin = start.slices, start.boundary_ns, start.origin_ns
        self._active, self._newest, self._finished = start.active_ns, start.newest_ns, start.finished
        self._teller = Teller(session, dict(sorted(venues.items())), cut.max_rows, start.told)
        self._lanes = Lanes()
        self._feeds = [
            Feed(source, position, start.boundary_ns)
            for source, position in zip(sources, start.feeds, strict=True)
        ]

    def symbols(self) -> list[str]:
        """Every symbol of the session, sorted."""
        return list(self._teller.venues)

    @property
    def position(self) -> Position:
        """Where the next slice begins: small and picklable."""
        feeds = tuple(feed.position(self._boundary) for feed in self._feeds)
        return Position(
            self.session, self._slices, self._boundary, self._origin, self._active, self._newest, feeds,
            self._teller.told(), self._finished,
        )  # fmt: skip

    def close(self) -> None:
        """Release the files."""
        for feed in self._feeds:
            feed.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Slice:
        """Return the next slice; InputError where a file turns out to be unreadable."""
        if self._finished:
            raise StopIteration
        head = self._head()
        if self._slices == 0:
            return self._announce(head)
        if head is None:
            return self._finish()
        tick = self._quiet_tick(head)
        return self._beat(tick) if tick is not None else self._rows(self._end_of(head))

    def _end_of(self, slot: int) -> int:
        return (slot // self._cut.cut_ns + 1) * self._cut.cut_ns

    def _head(self) -> int | None:
        """Return the next slot, having read every source past the end of its slice; None at the end."""
        while True:
            head = self._lanes.head()
            end = None if head is None else self._end_of(head)
            behind = [f for f in self._feeds if not f.exhausted and (end is None or f.watermark_ns < end)]
            if not behind:
                return head
            self._read(min(behind, key=lambda feed: feed.watermark_ns))

    def _read(self, feed: Feed) -> None:
        feed.forget(self._boundary)
        batch = feed.read()
        if batch is not None:
            index = self._feeds.index(feed)
            for run in batch.runs:
                self._lanes.add(run, index, self._boundary)

    def _announce(self, head: int | None) -> Slice:
        if head is None:
            rejects = [reject for feed in self._feeds for reject in feed.rejects(None)]
            why = f"; the first: {rejects[0].detail}" if rejects else ""
            names = ", ".join(feed.source.name for feed in self._feeds)
            raise InputError(f"{names}: no usable row ({len(rejects)} refused{why})")
        begins = [
            slot - int(run.columns[2][np.searchsorted(run.slots, slot)]) if run.kind == BARS else slot
            for slot, run in self._lanes.heads()
        ]
        self._origin = self._active = self._boundary = min(begins)
        return self._said(self._teller.heartbeats(self._origin), self._origin)

    def _finish(self) -> Slice:
        self._finished = True
        said = self._said(self._teller.heartbeats(self._newest + 1, final=True), self._boundary)
        said.rejects.extend(reject for feed in self._feeds for reject in feed.rejects(None))
        return said

    def _quiet_tick(self, head: int) -> int | None:
        """Return the end of the next slice of heartbeats alone, if there is time for one before ``head``."""
        beat = self._heartbeat_ns
        silence = self._boundary - self._active
        step = max(beat, min(silence, _RARELY * beat)) if silence <= _LONG * beat else silence
        tick = self._end_of(self._boundary + step - 1)
        return tick if tick <= self._end_of(head) - self._cut.cut_ns else None

    def _beat(self, tick: int) -> Slice:
        return self._said(self._teller.heartbeats(tick), tick)

    def _rows(self, end_ns: int) -> Slice:
        runs = self._lanes.take(end_ns)
        newest = max(int(run.slots[-1]) for of_symbol in runs.values() for run in of_symbol)
        self._newest = max(self._newest, newest)
        self._active = self._boundary = end_ns
        promise = end_ns if self._head() is not None else self._newest + 1
        return self._said(self._teller.slice(runs, promise, self._heartbeat_ns), end_ns)

    def _said(self, blocks: list[Any], end_ns: int) -> Slice:
        self._boundary = end_ns
        self._slices += 1
        rejects = [reject for feed in self._feeds for reject in feed.rejects(end_ns)]
        return Slice((end_ns - self._origin) / 1e9, blocks, rejects)
