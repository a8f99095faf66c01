"""Where the data is, and what a gateway said, put back together."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from flows.connectors.gateway import Slice
from flows.connectors.recorded.source import FIELDS
from schemas.blocks import BARS, QUOTES, TRADES
from schemas.market import BarBlock, Gap, Heartbeat, MarketBlock, QuoteBlock, TradeBlock

ROOT = Path(__file__).resolve().parents[3]
DEMO = ROOT / "infra" / "demo"
DATA = ROOT / "tests" / "data"
SHARED = next(
    (p for p in (ROOT / "shared" / "data", ROOT.parent / "shared" / "data") if p.is_dir()), ROOT / "shared"
)
KIND = {TradeBlock: TRADES, QuoteBlock: QUOTES, BarBlock: BARS}


def shared(name: str) -> str:
    """Path of a file of the shared test data; skips the test where there is none."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"needs the shared test data: {path.name} is not there")
    return str(path)


def rows(slices: Iterable[Slice]) -> dict[tuple[str, int], list[np.ndarray]]:
    """Columns by (symbol, kind), all blocks joined."""
    found: dict[tuple[str, int], list] = defaultdict(list)
    for said in slices:
        for block in said.blocks:
            if type(block) in KIND:
                kind = KIND[type(block)]
                found[block.symbol, kind].append([getattr(block, name) for name in FIELDS[kind]])
    return {key: [np.concatenate(c) for c in zip(*blocks, strict=True)] for key, blocks in found.items()}


def gaps(slices: Iterable[Slice]) -> list[tuple]:
    """Every gap as (symbol, from, to, first, last, reason)."""
    return [
        (
            b.symbol,
            int(b.from_ns[0]),
            int(b.to_ns[0]),
            int(b.first_missing_id[0]),
            int(b.last_missing_id[0]),
            b.reason,
        )
        for s in slices
        for b in s.blocks
        if type(b) is Gap
    ]


def text(slices: Iterable[Slice]) -> list[str]:
    """Slices in a form that can be compared."""
    return [repr((s.wall_offset_s, s.rejects, [_plain(block) for block in s.blocks])) for s in slices]


def _plain(block: MarketBlock) -> tuple:
    values = [getattr(block, name) for name in block.__struct_fields__]
    return type(block).__name__, [v.tolist() if isinstance(v, np.ndarray) else v for v in values]


def is_sound(slices: list[Slice]) -> None:
    """Assert what holds for every session: promises kept, rows numbered, symbols announced, an end."""
    promised: dict[str, int] = {}
    numbers: dict[tuple[str, int], int] = defaultdict(int)
    offset = 0.0
    for said in slices:
        assert said.wall_offset_s >= offset
        offset = said.wall_offset_s
        for block in said.blocks:
            before = promised.get(block.symbol, -1)
            assert block.complete_to_ns >= before
            if type(block) in KIND:
                kind = KIND[type(block)]
                lengths = {len(getattr(block, name)) for name in FIELDS[kind]}
                assert len(lengths) == 1 and lengths != {0}
                assert block.seq == numbers[block.symbol, kind]
                numbers[block.symbol, kind] += len(block.ts_event_ns)
            promised[block.symbol] = block.complete_to_ns
    first, last = slices[0].blocks, slices[-1].blocks
    assert all(type(b) is Heartbeat and not b.final for b in first)
    assert all(type(b) is Heartbeat and b.final for b in last)
    assert {b.symbol for b in first} == {b.symbol for b in last} == set(promised)
    assert not any(b.final for s in slices[:-1] for b in s.blocks)


def keeps_promises(slices: list[Slice]) -> int:
    """Count the rows older than what their symbol had been promised."""
    promised: dict[str, int] = {}
    late = 0
    for said in slices:
        for block in said.blocks:
            if type(block) in KIND:
                late += int((block.ts_event_ns < promised.get(block.symbol, 0)).sum())
            promised[block.symbol] = block.complete_to_ns
    return late
