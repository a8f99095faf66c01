"""Which blocks tell a symbol's rows of one slice, and what does each promise?"""

from typing import Any

import numpy as np

from flows.connectors.recorded.source import BLOCKS, FIELDS, GAP_REASONS, Run
from schemas.blocks import GAP
from schemas.market import Gap, Heartbeat, Longs, MarketBlock

_START = (0, 0, 0, 0)


class Teller:
    """Numbers the rows of a session, kind by kind, and remembers what each symbol was promised.

    Rows are numbered within (symbol, kind): so a row's number does not depend on how the session is cut.
    """

    def __init__(
        self, session: int, venues: dict[str, str], max_rows: int, told: dict[str, tuple[int, int, int, int]]
    ) -> None:
        self.venues = venues
        self._session = session
        self._max_rows = max_rows
        self._next = {symbol: list(told.get(symbol, _START)[:3]) for symbol in venues}
        self._promised = {symbol: told.get(symbol, _START)[3] for symbol in venues}

    def told(self) -> dict[str, tuple[int, int, int, int]]:
        """Return (next row by kind, last promise) by symbol."""
        return {s: (n[0], n[1], n[2], self._promised[s]) for s, n in self._next.items()}

    def heartbeats(self, promise_ns: int, final: bool = False) -> list[MarketBlock]:
        """Return a heartbeat of every symbol."""
        return [self._heartbeat(symbol, promise_ns, final) for symbol in self.venues]

    def slice(self, runs: dict[str, list[Run]], promise_ns: int, heartbeat_ns: int) -> list[MarketBlock]:
        """Return the blocks of a slice, symbols in order; the silent ones' heartbeats where one is due."""
        blocks: list[MarketBlock] = []
        for symbol, of_symbol in sorted(runs.items()):
            if len(of_symbol) == 1 and len(of_symbol[0].slots) <= self._max_rows and of_symbol[0].kind != GAP:
                blocks.append(self._block(of_symbol[0], promise_ns))
            else:
                self._tell(blocks, of_symbol, promise_ns)
            self._promised[symbol] = max(self._promised[symbol], promise_ns)
        for symbol, promised in self._promised.items():
            if symbol not in runs and promise_ns - promised >= heartbeat_ns:
                blocks.append(self._heartbeat(symbol, promise_ns, False))
        return blocks

    def _heartbeat(self, symbol: str, promise_ns: int, final: bool) -> Heartbeat:
        self._promised[symbol] = max(self._promised[symbol], promise_ns)
        return Heartbeat(
            symbol=symbol,
            venue=self.venues[symbol],
            session=self._session,
            seq=sum(self._next[symbol]),
            complete_to_ns=self._promised[symbol],
            final=final,
        )

    def _tell(self, blocks: list[MarketBlock], runs: list[Run], promise_ns: int) -> None:
        """Split rows of several kinds into parts of at most ``max_rows``, each part told kind by kind."""
        slots = np.concatenate([run.slots for run in runs])
        kinds = np.repeat([run.kind for run in runs], [len(run.slots) for run in runs])
        kinds = kinds[np.argsort(slots, kind="stable")]
        slots.sort(kind="stable")
        edges = self._edges(kinds)
        at = {run.kind: 0 for run in runs}
        for start, stop in zip(edges[:-1], edges[1:], strict=True):
            part = []
            for run in runs:
                rows = int(np.count_nonzero(kinds[start:stop] == run.kind))
                if rows:
                    part.append(_rows(run, at[run.kind], at[run.kind] + rows))
                    at[run.kind] += rows
            promise = min(int(slots[stop]), promise_ns) if stop < len(slots) else promise_ns
            held = self._promised[runs[0].symbol]
            blocks.extend(self._block(run, held) for run in part[:-1])
            blocks.append(self._block(part[-1], max(held, promise)))
            self._promised[runs[0].symbol] = max(held, promise)

    def _edges(self, kinds: Longs) -> list[int]:
        """Return where parts begin and end: at gaps, which are parts of their own, and every ``max_rows``."""
        gaps = np.flatnonzero(kinds == GAP)
        edges = sorted({0, len(kinds), *gaps.tolist(), *(gaps + 1).tolist()})
        split = [
            edge
            for start, stop in zip(edges[:-1], edges[1:], strict=True)
            for edge in range(start, stop, self._max_rows)
        ]
        return [*split, len(kinds)]

    def _block(self, run: Run, promise_ns: int) -> MarketBlock:
        head: dict[str, Any] = {
            "symbol": run.symbol,
            "venue": self.venues[run.symbol],
            "session": self._session,
            "complete_to_ns": promise_ns,
        }
        if run.kind == GAP:
            columns: dict[str, Any] = dict(zip(FIELDS[GAP][:4], run.columns[:4], strict=True))
            reason = GAP_REASONS[int(run.columns[4][0])]
            return Gap(**head, seq=sum(self._next[run.symbol]), **columns, reason=reason)
        numbers = self._next[run.symbol]
        seq = numbers[run.kind]
        numbers[run.kind] += len(run.slots)
        block: MarketBlock = BLOCKS[run.kind](
            **head, seq=seq, **dict(zip(FIELDS[run.kind], run.columns, strict=True))
        )
        return block


def _rows(run: Run, start: int, stop: int) -> Run:
    columns = tuple(column[start:stop] for column in run.columns)
    return Run(run.symbol, run.kind, run.slots[start:stop], columns)
