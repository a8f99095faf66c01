"""What does the cutter read? A source of rows in the order in which they are told, whatever the format.

Every row has a *slot*: its place in the session's order, in ns. It is the event time, unless the row comes later than
``disorder_ns`` behind the newest time its source has already told: such a straggler is told where it stands, with its
old time, and the symbol leg refuses it as late. So no row has to wait for more than ``disorder_ns`` of event time, and
the order (slot, source, row) depends on data and parameters alone.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from flows.connectors.gateway import Reject
from schemas.blocks import BARS, GAP, QUOTES, TRADES
from schemas.market import BarBlock, Longs, QuoteBlock, TradeBlock

BLOCKS: dict[int, type[Any]] = {TRADES: TradeBlock, QUOTES: QuoteBlock, BARS: BarBlock}
FIELDS: dict[int, tuple[str, ...]] = {kind: cls.__struct_fields__[6:] for kind, cls in BLOCKS.items()}
FIELDS[GAP] = ("from_ns", "to_ns", "first_missing_id", "last_missing_id", "reason_code")
LONG_FIELDS = {TRADES: 4, QUOTES: 3, BARS: 3, GAP: 5}
GAP_REASONS = ("depth_sequence", "trade_id", "injected")
"""How a gap was noticed: text by ``reason_code``."""
NEVER = -(1 << 62)
"""Before all time."""


class Run(msgspec.Struct):
    """Rows of one symbol and kind in told order: ``slots`` [n] never fall; ``columns`` as FIELDS[kind], each [n]."""

    symbol: str
    kind: int
    slots: Longs
    columns: tuple[NDArray[Any], ...]


class Batch(msgspec.Struct):
    """What a source told in one go.

    ``rejects`` are (slot, reject). All that follows has slots of at least ``watermark_ns``. ``resume`` is what
    ``Source.read`` takes to go on behind this batch.
    """

    runs: list[Run]
    rejects: list[tuple[int, Reject]]
    watermark_ns: int
    resume: Any


class Source(Protocol):
    """A file or generator: its ``identity`` hashes content and every parameter that decides about rows."""

    name: str
    identity: bytes
    heartbeat_ns: int
    """Shorter silences are not told; 0 leaves it to the cut settings."""

    @property
    def venues(self) -> Mapping[str, str]:
        """Symbol -> venue of everything that it can tell of."""

    def read(self, resume: Any = None) -> Iterator[Batch]:
        """Batches from the start, or behind the batch that gave ``resume``."""


def assign_slots(ts_ns: Longs, reached_ns: int, disorder_ns: int) -> tuple[Longs, int]:
    """Return the rows' slots and the newest time told.

    ``reached_ns`` is the newest time told before.

    >>> import numpy as np
    >>> assign_slots(np.array([10, 30, 25, 5]), 0, 10)
    (array([10, 30, 25, 20]), 30)
    """
    reached = np.maximum(np.maximum.accumulate(ts_ns), reached_ns) if len(ts_ns) else ts_ns
    slots = np.maximum(ts_ns, reached - disorder_ns)
    return slots, int(reached[-1]) if len(ts_ns) else reached_ns


def make_run(symbol: str, kind: int, slots: Longs, columns: tuple[NDArray[Any], ...]) -> Run:
    """Return the run with its rows put in slot order (rows of one slot keep theirs)."""
    if len(slots) > 1 and (slots[1:] < slots[:-1]).any():
        order = np.argsort(slots, kind="stable")
        slots, columns = slots[order], tuple(column[order] for column in columns)
    return Run(symbol, kind, slots, columns)
