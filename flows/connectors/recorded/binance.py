"""Binance websocket frames, one a line: ``<recv_ns> <json>`` or the JSON alone, combined stream or bare, plain or gzip.

Field meanings: https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams and .../derivatives/.

- trade, aggTrade -> trades at ``T``; the buyer is the maker (``m``) means the seller was the aggressor. Where a symbol
  has both streams, aggTrade is left out: it tells the same trades again.
- bookTicker -> quotes at ``T``, or, on spot, which gives no time, at our receive time. A recording's clock may be
  behind the exchange's: a negative delay is a fact and is kept, and such quotes stand that much too early.
- depth is not read, but a break in its sequence is a gap (derivatives: ``pu`` is not the last ``u``; spot: ``U`` is not
  the last ``u`` + 1), and so is a jump of the trade id.
- Answers to subscriptions, REST snapshots and other known streams are left out; everything else is refused, by line.
"""

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec

from flows.connectors.gateway import Reject
from flows.connectors.input_errors import InputError
from flows.connectors.recorded.lanes import from_lists
from flows.connectors.recorded.lines import Refusals, content_hash, read_lines
from flows.connectors.recorded.settings import RecordedSettings
from flows.connectors.recorded.source import FIELDS, NEVER, Batch, make_run
from flows.connectors.recorded.times import is_usable, scale_of
from schemas.blocks import GAP, QUOTES, TRADES

_LEFT_OUT = frozenset(
    (
        "depthUpdate", "kline", "continuous_kline", "markPriceUpdate", "indexPriceUpdate", "24hrTicker",
        "24hrMiniTicker", "forceOrder", "avgPrice", "1hTicker", "4hTicker", "1dTicker", "compositeIndex",
        "contractInfo", "assetIndexUpdate", "serverShutdown",
    )
)  # fmt: skip
_TOLD = frozenset(("trade", "aggTrade", "bookTicker"))
_UNREADABLE = (ValueError, OverflowError, RecursionError)
_Id = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]


class _Frame(msgspec.Struct):
    e: str = ""
    s: str = ""
    T: _Id = 0
    E: _Id = 0
    t: _Id = 0
    p: str | float | None = None
    q: str | float | None = None
    m: bool | None = None
    a: msgspec.Raw = msgspec.Raw()
    A: msgspec.Raw = msgspec.Raw()
    b: msgspec.Raw = msgspec.Raw()
    B: msgspec.Raw = msgspec.Raw()
    u: _Id = 0
    U: _Id = 0
    pu: _Id | None = None
    ps: str | None = None
    X: str | None = None
    lastUpdateId: _Id | None = None
    result: msgspec.Raw | None = None
    id: msgspec.Raw = msgspec.Raw()


class _Combined(msgspec.Struct):
    stream: str
    data: _Frame


_decode_combined = msgspec.json.Decoder(_Combined).decode
_decode_bare = msgspec.json.Decoder(_Frame).decode


class _State(msgspec.Struct):
    """What a reader remembers between lines; ``last`` is (id, time) by (symbol, stream)."""

    line: int = 1
    reached_ns: int = NEVER
    last: dict[tuple[str, str], tuple[int, int]] = msgspec.field(default_factory=dict)


def parse_line(line: bytes) -> tuple[int, _Frame]:
    """Return (receive time in ns or 0, frame); ValueError or msgspec.DecodeError for a line that is not one."""
    recv = 0
    if not line.startswith(b"{"):
        stamp, _, line = line.partition(b" ")
        if not (stamp.isdigit() and len(stamp) < 20):
            raise ValueError(f"begins with {stamp[:30]!r}, neither a JSON object nor a receive time")
        recv = int(stamp)
        recv *= scale_of(recv)
        if not is_usable(recv):
            raise ValueError(f"receive time {stamp.decode()} is not a time between 1970 and 2100")
    if line.startswith(b'{"stream"'):
        return recv, _decode_combined(line).data
    frame = _decode_bare(line)
    if not frame.e and not frame.s and b'"stream"' in line:
        return recv, _decode_combined(line).data
    return recv, frame


class BinanceFrames:
    """A file of frames. InputError when made of a file without any usable frame."""

    heartbeat_ns = 0

    def __init__(self, path: str, settings: RecordedSettings) -> None:
        self.name = path
        content = content_hash(path)
        self.identity = settings.identity("binance", content)
        self._disorder_ns = settings.disorder("binance")
        self._refusals = Refusals(path, content)
        streams, venue = self._scan()
        self._aggregated = {s for s, names in streams.items() if names >= {"trade", "aggTrade"}}
        if settings.symbol and len(streams) > 1:
            raise InputError(
                f"{path}: holds {len(streams)} symbols ({', '.join(sorted(streams)[:5])}), so it cannot be ingested as "
                f"{settings.symbol!r}: leave out --symbol"
            )
        self._rename = dict.fromkeys(streams, settings.symbol) if settings.symbol else {}
        self.venues = {self._rename.get(s, s): settings.venue or venue for s in streams}

    def _scan(self) -> tuple[dict[str, set[str]], str]:
        """Return the streams of every symbol, and the venue."""
        streams: dict[str, set[str]] = {}
        venue = "BINANCE"
        first = ""
        for some in read_lines(self.name):
            for number, line in enumerate(some.lines, some.first):
                try:
                    _, frame = parse_line(line)
                except _UNREADABLE as error:
                    first = first or f"line {number} is {line[:60]!r}: {error}"
                    continue
                if frame.pu is not None or frame.X is not None:
                    venue = "BINANCE_COINM" if frame.ps else "BINANCE_USDM"
                name = frame.e or ("bookTicker" if frame.B else "")
                if name in _TOLD and frame.s.isascii() and frame.s:
                    streams.setdefault(frame.s, set()).add(name)
        if not streams:
            raise InputError(
                f"{self.name}: no trade, aggTrade or bookTicker frame of Binance in it; "
                f"{first or 'it holds others only'}. "
                "A line is '<receive time in ns> {json}' or '{json}'; for other files give --format"
            )
        return streams, venue

    def read(self, resume: Any = None) -> Iterator[Batch]:
        """Batches of about a MiB of lines; ``resume`` is a state as an earlier batch gave it."""
        state = msgspec.structs.replace(resume, last=dict(resume.last)) if resume else _State()
        for some in read_lines(self.name, state.line):
            reader = _BatchReader(self, state)
            for number, line in enumerate(some.lines, some.first):
                reader.take(number, line)
            if some.fault:
                reader.refuse(some.first, "truncated_file", some.fault, b"")
            state.line = some.first + max(len(some.lines), 1)
            yield reader.batch()

    def told_as(self, symbol: str) -> str:
        """Return the name under which a symbol's rows are told."""
        return self._rename.get(symbol, symbol)


class _BatchReader:
    """Turns lines into columns: one list a column, by (symbol, kind); the first column holds the slots."""

    def __init__(self, source: BinanceFrames, state: _State) -> None:
        self._source = source
        self._state = state
        self._columns: dict[tuple[str, int], list[list[Any]]] = {}
        self._rejects: list[tuple[int, Reject]] = []

    def refuse(self, number: int, reason: str, detail: str, line: bytes, symbol: str = "") -> None:
        reject = self._source._refusals.refuse(number, reason, detail, line, symbol)
        self._rejects.append((self._state.reached_ns, reject))

    def take(self, number: int, line: bytes) -> None:
        """Read one line: rows, a gap, a reject or nothing."""
        line = line.strip()
        if not line:
            return
        symbol = ""
        try:
            recv, frame = parse_line(line)
            symbol = frame.s
            self._take(recv, frame)
        except _UNREADABLE as error:
            self.refuse(
                number, "not_a_frame", f"{error}; the line is refused and the next one read", line, symbol
            )

    def _take(self, recv: int, frame: _Frame) -> None:
        name = frame.e or ("bookTicker" if frame.B else "")
        if name == "bookTicker":
            self._quote(recv, frame)
        elif name == "trade":
            self._trade(recv, frame, frame.t)
        elif name == "aggTrade":
            if frame.s not in self._source._aggregated:
                self._trade(recv, frame, int(bytes(frame.a)))
        elif name == "depthUpdate":
            self._depth(frame)
        elif frame.lastUpdateId is None and name not in _LEFT_OUT and not (bytes(frame.id) and not name):
            raise ValueError(f"not a known frame (e = {frame.e!r})")

    def _quote(self, recv: int, frame: _Frame) -> None:
        ts = (frame.T or frame.E) * scale_of(frame.T or frame.E) or recv
        if not ts:
            raise ValueError(
                "a bookTicker of spot gives no time, and the line has no receive time before the JSON"
            )
        numbers = [float(bytes(raw).strip(b'"')) for raw in (frame.b, frame.B, frame.a, frame.A)]
        self._add(frame, QUOTES, ts, (ts, (recv or ts) - ts, frame.u, *numbers))

    def _trade(self, recv: int, frame: _Frame, trade_id: int) -> None:
        if frame.p is None or frame.q is None or not frame.T:
            raise ValueError("a trade without p, q or T")
        ts = frame.T * scale_of(frame.T)
        side = 0 if frame.m is None else -1 if frame.m else 1
        row = (ts, (recv or ts) - ts, trade_id, side, float(frame.p), float(frame.q))
        self._check_ids(frame, ts, trade_id, "trade_id")
        self._add(frame, TRADES, ts, row)

    def _check_ids(self, frame: _Frame, ts: int, trade_id: int, reason: str) -> None:
        last = self._state.last.get((frame.s, reason))
        if last and trade_id > last[0] + 1:
            self._gap(frame.s, last, ts, trade_id - 1, reason)
        if is_usable(ts) and (last is None or trade_id > last[0]):
            self._state.last[frame.s, reason] = (trade_id, ts)

    def _depth(self, frame: _Frame) -> None:
        ts = (frame.T or frame.E) * scale_of(frame.T or frame.E)
        last = self._state.last.get((frame.s, "depth_sequence"))
        if not is_usable(ts) or (last and frame.u <= last[0]):
            return
        if last and (frame.pu != last[0] if frame.pu is not None else frame.U - last[0] > 1):
            missing = frame.pu if frame.pu is not None else frame.U - 1
            self._gap(frame.s, last, ts, max(missing, last[0] + 1), "depth_sequence")
        self._state.last[frame.s, "depth_sequence"] = (frame.u, ts)

    def _gap(self, symbol: str, last: tuple[int, int], ts: int, last_missing: int, reason: str) -> None:
        if self._source.told_as(symbol) not in self._source.venues or not is_usable(ts):
            return
        start = last[1] + 1
        code = ("depth_sequence", "trade_id").index(reason)
        row = (start, max(ts, start + 1), last[0] + 1, last_missing, code)
        self._store(symbol, GAP, max(start, self._state.reached_ns - self._source._disorder_ns), row)

    def _add(self, frame: _Frame, kind: int, ts: int, row: tuple[Any, ...]) -> None:
        if not is_usable(ts):
            raise ValueError(f"event time {ts} ns is not a time between 1970 and 2100")
        if self._source.told_as(frame.s) not in self._source.venues:
            raise ValueError(f"symbol {frame.s!r} is empty or not ASCII")
        state = self._state
        state.reached_ns = max(state.reached_ns, ts)
        self._store(frame.s, kind, max(ts, state.reached_ns - self._source._disorder_ns), row)

    def _store(self, symbol: str, kind: int, slot: int, row: tuple[Any, ...]) -> None:
        columns = self._columns.get((symbol, kind))
        if columns is None:
            columns = self._columns[symbol, kind] = [[] for _ in range(1 + len(FIELDS[kind]))]
        for column, value in zip(columns, (slot, *row), strict=True):
            column.append(value)

    def batch(self) -> Batch:
        """Return what was read."""
        runs = []
        for (symbol, kind), columns in self._columns.items():
            slots = from_lists(GAP, columns[:1])[0]
            name = self._source.told_as(symbol)
            runs.append(make_run(name, kind, slots, from_lists(kind, columns[1:])))
        state = self._state
        reached = state.reached_ns - self._source._disorder_ns if state.reached_ns != NEVER else NEVER
        kept = msgspec.structs.replace(state, last=dict(state.last))
        return Batch(runs, self._rejects, reached, kept)
