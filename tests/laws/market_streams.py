"""Streams of market data for the laws: sessions of rows, gaps and heartbeats in told order, and every way to cut them.

A stream says what happened and in which order it was told. A cut decides which rows share a message and how much each
message promises (``complete_to``): anything that its successors keep. The last message's promise belongs to the stream.
"""

from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from schemas.blocks import BARS, GAP, HEARTBEAT, QUOTES, TRADES, encode_block
from schemas.market import BarBlock, Gap, Heartbeat, QuoteBlock, TradeBlock

SYMBOL = "SYN0"
SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND // (60 * SECOND) * 60 * SECOND
BAR = 10 * SECOND
Rng = np.random.Generator

_FIELDS: dict[int, tuple[type, tuple[str, ...]]] = {
    TRADES: (TradeBlock, ("trade_id", "side", "price", "size")),
    QUOTES: (QuoteBlock, ("update_id", "bid_price", "bid_size", "ask_price", "ask_size")),
    BARS: (BarBlock, ("interval_ns", "open", "high", "low", "close", "volume")),
}
_KINDS = ((TRADES,), (TRADES, QUOTES), (BARS,), (BARS, QUOTES), (TRADES, QUOTES, BARS))
SEEDS = st.integers(0, 2**32 - 1)
FAULTS = st.sampled_from([0.0, 0.02, 0.3])
_WHOLE = {"trade_id", "side", "update_id", "interval_ns"}


class Told(NamedTuple):
    """A row, gap or heartbeat; ``late`` marks a row that no promise waits for, because it breaks one in any cut."""

    kind: int
    ts: int
    values: tuple[Any, ...]
    late: bool = False


class Session(NamedTuple):
    """What one source says, in order, and how far it has been heard at its end."""

    number: int
    told: list[Told]
    end_ns: int

    def __repr__(self) -> str:
        """Short: what made the stream is in the seeds that Hypothesis prints."""
        return f"<session {self.number}: {len(self.told)} told>"

    @property
    def rows(self) -> int:
        """Number of rows."""
        return sum(item.kind in _FIELDS for item in self.told)


def promises(session: Session) -> list[int]:
    """What may be promised at most before each item, and behind the last."""
    best = [session.end_ns]
    for item in reversed(session.told):
        bound = item.ts if item.kind != HEARTBEAT and not item.late else best[-1]
        best.append(min(best[-1], bound))
    return best[::-1]


class Cutter:
    """Cuts sessions into messages, at random or one item a message (``rng`` None)."""

    def __init__(self, rng: Rng | None = None) -> None:
        self._rng = rng
        self._promised = 0
        self._seqs = [0, 0, 0]
        self._head: dict[str, Any] = {}
        self.messages: list[bytes] = []

    def add(self, session: Session) -> None:
        """Add a session's messages; some of them are sent twice."""
        self._head = {"symbol": SYMBOL, "venue": "SIM", "session": session.number}
        self._promised, self._seqs = 0, [0, 0, 0]
        best, place, first = promises(session), 0, len(self.messages)
        while place < len(session.told):
            end = self._segment_end(session.told, place)
            if session.told[place].kind == HEARTBEAT:
                self._beat(session.told[place].ts)
            else:
                self._tell(session.told[place:end], best[end])
                if session.told[place].kind != GAP and self._rng is not None and self._rng.random() < 0.1:
                    self.messages.append(self.messages[int(self._rng.integers(first, len(self.messages)))])
            place = end
        self._beat(session.end_ns, final=True)

    def _beat(self, promise_ns: int, final: bool = False) -> None:
        self._promised = max(self._promised, promise_ns)
        beat = Heartbeat(**self._head, seq=sum(self._seqs), complete_to_ns=promise_ns, final=final)
        self.messages.append(encode_block(beat))

    def _tell(self, items: list[Told], best: int) -> None:
        """Add a block of each kind, in any order; each promises no more than what is still to come."""
        kinds = sorted({item.kind for item in items})
        if self._rng is not None:
            self._rng.shuffle(kinds)
        for i, kind in enumerate(kinds):
            rest = [item.ts for item in items if item.kind in kinds[i + 1 :] and not item.late]
            self._promise(min([best, *rest]))
            rows = [item for item in items if item.kind == kind]
            self.messages.append(encode_block(self._block(kind, rows)))

    def _block(self, kind: int, rows: list[Told]) -> Any:
        head = {**self._head, "complete_to_ns": self._promised}
        times = np.array([row.ts for row in rows])
        if kind == GAP:
            ends = np.array([row.values[0] for row in rows])
            ids = np.zeros(len(rows), np.int64)
            columns = {"from_ns": times, "to_ns": ends, "first_missing_id": ids, "last_missing_id": ids}
            return Gap(**head, seq=sum(self._seqs), **columns, reason="test")
        cls, names = _FIELDS[kind]
        seq = self._seqs[kind]
        self._seqs[kind] += len(rows)
        columns = {
            name: np.array([row.values[i] for row in rows], np.int64 if name in _WHOLE else np.float64)
            for i, name in enumerate(names)
        }
        return cls(**head, seq=seq, ts_event_ns=times, recv_delay_ns=np.ones(len(rows), np.int64), **columns)

    def _segment_end(self, told: list[Told], place: int) -> int:
        """End of a run of rows; gaps and heartbeats stand alone."""
        most = 1 if self._rng is None else int(self._rng.choice([1, 2, 5, 20, 1000]))
        end = place + 1
        while (
            told[place].kind in _FIELDS and end < min(len(told), place + most) and told[end].kind in _FIELDS
        ):
            end += 1
        return end

    def _promise(self, best: int) -> None:
        if best > self._promised:
            between = self._rng.integers(self._promised, best) if self._rng is not None else best
            self._promised = int(
                between if self._rng is None else self._rng.choice([self._promised, best, between])
            )


def cut(sessions: list[Session], rng: Rng | None = None) -> list[bytes]:
    """The messages of one cut of a stream."""
    cutter = Cutter(rng)
    for session in sessions:
        cutter.add(session)
    return cutter.messages


def streams() -> st.SearchStrategy[list[Session]]:
    """Any stream."""
    return st.builds(lambda seed, faults: a_stream(np.random.default_rng(seed), faults), SEEDS, FAULTS)


def a_stream(rng: Rng, faults: float) -> list[Session]:
    """One to three sessions, each of trades, of vendor bars or of both, with a share of faulty rows."""
    sessions, start = [], START
    for number in range(1, int(rng.integers(1, 4)) + 1):
        kinds = _KINDS[rng.integers(len(_KINDS))]
        rows, bound = int(rng.choice([1, 12, 60, 200])), int(rng.choice([0, 1, 15])) * SECOND
        session = a_session(rng, number, start, kinds, rows, bound, faults)
        sessions.append(session)
        start = session.end_ns + int(rng.choice([-25, 0, 1, 7, 3600])) * SECOND
    return sessions


def a_session(
    rng: Rng, number: int, start: int, kinds: tuple[int, ...], rows: int, bound: int, faults: float
) -> Session:
    """A session of ``rows`` rows told at most ``bound`` ns out of turn."""
    origin = start + int(rng.integers(0, BAR)) * int(rng.integers(2))
    steps = rng.choice(
        [0, 1, SECOND // 3, SECOND, 3 * SECOND, BAR, 47 * SECOND],
        rows,
        p=[0.1, 0.1, 0.3, 0.3, 0.1, 0.07, 0.03],
    )
    times = origin + np.cumsum(steps)
    price = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 2e-3, rows)))
    made = [_row(rng, int(rng.choice(kinds)), i + 1, int(times[i]), price[i]) for i in range(rows)]
    made = [_spoilt(rng, row, origin) if rng.random() < faults else row for row in made]
    made += [_gap(rng, int(t)) for t in rng.choice(times, int(rng.integers(0, 3)))]
    turns = np.array([item.ts for item in made]) + rng.integers(0, bound + 1, len(made)) * (
        rng.random(len(made)) < 0.3
    )
    told = [
        made[i] for i in np.argsort(np.where([item.late for item in made], times.max(), turns), kind="stable")
    ]
    end = max([item.ts for item in told if not item.late] + [origin]) + int(rng.choice([0, 1, 40 * SECOND]))
    session = Session(number, told, end)
    for place in sorted(rng.integers(0, len(told) + 1, int(rng.integers(0, 4))), reverse=True):
        best = promises(session)[place]
        told.insert(int(place), Told(HEARTBEAT, best - int(rng.choice([0, 0, 1, SECOND])), ()))
    if any(item.late for item in told) or rng.random() < 0.5:
        told.insert(0, Told(HEARTBEAT, min([item.ts for item in told if not item.late], default=origin), ()))
    return session


def _row(rng: Rng, kind: int, number: int, ts: int, price: float) -> Told:
    if kind == TRADES:
        return Told(
            kind,
            ts,
            (number * int(rng.integers(2)), int(rng.integers(-1, 2)), price, float(rng.integers(1, 9))),
        )
    if kind == QUOTES:
        ts = -(-ts // BAR) * BAR if rng.random() < 0.2 else ts
        return Told(kind, ts, (0, price - 0.02, 3.0, price + 0.02, 4.0))
    close = -(-ts // BAR) * BAR
    spread = abs(rng.normal(0.0, 0.1, 2))
    return Told(kind, close, (BAR, price, price + spread[0], price - spread[1], price, 10.0))


def _gap(rng: Rng, ts: int) -> Told:
    ts += int(rng.integers(2))
    return Told(GAP, ts, (ts + int(rng.choice([1, SECOND, 12 * SECOND, 200 * SECOND])),))


def _spoilt(rng: Rng, row: Told, origin: int) -> Told:
    """The row with one fault."""
    values = list(row.values)
    fault = int(rng.integers(6))
    if fault == 0:
        return Told(row.kind, int(rng.choice([0, -5, 1, origin - SECOND])), row.values, late=True)
    if fault == 1:
        values[-1] = float(rng.choice([np.nan, np.inf, -np.inf, -1.0, 0.0, 1e-9]))
    elif fault == 2:
        values[2] = float(rng.choice([np.nan, np.inf, -3.0, 0.0, 1e-9]))
    elif fault == 3:
        values[2] = float(values[2]) * float(rng.choice([3.0, 0.1]))
    elif fault == 4:
        values[0] = int(rng.choice([1, 2, 5 * BAR, 3 * BAR, 7, -BAR]))
    elif row.kind == QUOTES:
        values[1], values[3] = values[3], values[1]
    return Told(row.kind, row.ts, tuple(values))
