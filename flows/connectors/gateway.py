"""What is a gateway, and what does it yield? The port of everything that brings market data in.

A gateway is an iterator of slices, and a slice is what one poll of a live feed would have brought: blocks of rows,
heartbeats that say how far each symbol has been heard, and what could not be read. Slices of recorded and synthetic
gateways are a pure function of data and parameters. None looks at a clock: the caller waits until a slice is due
(``wall_offset_s`` / speed), or does not wait at all.

``position`` says where the next slice begins; a gateway opened with it yields exactly the slices that would have
followed. A position is a small picklable value and belongs to one session (the same content and parameters).
"""

from collections.abc import Iterator
from typing import Any, Protocol, Self

import msgspec

from schemas.market import MarketBlock

SECOND = 1_000_000_000


class CutSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a session is cut into slices and blocks; changes no row, no order and no row's number.

    ``cut_ns``: event time of a slice, on a grid since 1970. ``max_rows``: rows of one symbol promised at once (longer
    runs are split within the slice). ``heartbeat_ns``: a symbol without rows is heard of at most this often; bars make
    it at least their interval. Raises ValueError for sizes that are not positive.
    """

    cut_ns: int = SECOND // 4
    max_rows: int = 1000
    heartbeat_ns: int = SECOND

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} = {getattr(self, name)}: it must be positive")


class Reject(msgspec.Struct, frozen=True):
    """A line or row that could not be read; it becomes a dead letter.

    ``id`` is the same in every run over the same content; ``line`` counts lines (text) or rows (Parquet) from 1;
    ``original`` holds the bytes (for Parquet the row as JSON), at most the first 64 KiB.
    """

    id: str
    source: str
    line: int
    symbol: str
    reason: str
    detail: str
    original: bytes


class Slice(msgspec.Struct, frozen=True):
    """What one stretch of event time brought.

    ``wall_offset_s``: when the slice is due at speed 1, in seconds after the first slice (event time elapsed).
    ``blocks`` stand in the order in which they must enter the log; each symbol's ``complete_to_ns`` never falls.
    """

    wall_offset_s: float
    blocks: list[MarketBlock]
    rejects: list[Reject]


class Gateway(Protocol):
    """An open session of market data."""

    def symbols(self) -> list[str]:
        """Every symbol of the session, sorted; the first slice announces each."""

    def __iter__(self) -> Iterator[Slice]:
        """Itself."""

    def __next__(self) -> Slice:
        """The next slice; StopIteration after the final one."""

    @property
    def position(self) -> Any:
        """Where the next slice begins."""

    def close(self) -> None:
        """Release files."""

    def __enter__(self) -> Self:
        """Itself."""

    def __exit__(self, *_: object) -> None:
        """Close."""
