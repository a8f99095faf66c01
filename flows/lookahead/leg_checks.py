"""Does the symbol leg as a whole look ahead? Bars, features, regime, marks and signals, the future cut and shuffled.

The messages of one poll are one compiled call, so what the leg says of the first of them could depend on the others. At
many places inside a poll the rest is taken away, and its rows shuffled: what had been said must stay, byte for byte.
"""

import pickle
from collections.abc import Iterator

import msgspec
import numpy as np

from flows.lookahead.feature_checks import where_is
from flows.lookahead.findings import Culprit
from flows.lookahead.recording import Recording
from flows.lookahead.tape import REGIME
from operators import bar_columns, marks
from operators import symbol_layout as at
from operators.features import FEATURE_SET
from operators.symbol_leg import SymbolLeg, SymbolOutput, SymbolState
from schemas.blocks import decode_block, encode_block
from schemas.market import BarBlock, MarketBlock, QuoteBlock, TradeBlock

CHECKS: dict[str, str] = {
    "leg: one message at a time": "the symbol leg, polled message by message, says what it says of large polls",
    "leg: future cut off": "bars, features, regime, marks and signals stay when nothing follows",
    "leg: future shuffled": "they stay when the rows that follow hold other prices",
}
_POLL_BYTES = 300_000
_FOLLOWING = 100
"""Messages that follow the place where the future is shuffled."""
_VALUES: dict[type, tuple[str, ...]] = {
    TradeBlock: ("price", "size", "side"),
    QuoteBlock: ("bid_price", "bid_size", "ask_price", "ask_size"),
    BarBlock: ("open", "high", "low", "close", "volume"),
}


class LegFailure(msgspec.Struct, frozen=True):
    """The first thing that changed: a column of the bar with ``ts_ns``, a mark, or a signal."""

    check: str
    column: str
    ts_ns: int
    said: str
    otherwise: str
    culprit: Culprit | None = None


class _Poll(msgspec.Struct, frozen=True, eq=False):
    """Messages ``start`` to ``stop`` in one call, the state before them, and what followed."""

    start: int
    stop: int
    state: bytes
    output: SymbolOutput


def check_leg(
    leg: SymbolLeg, recording: Recording, times: int, seed: int
) -> Iterator[tuple[str, int, list[LegFailure]]]:
    """Yield (check, comparisons, failures) in the order of ``CHECKS``; ``seed`` chooses the ``times`` places tried."""
    polls = _polls(leg, recording)
    single = [part for poll in polls for part in _one_by_one(leg, poll, recording.messages)]
    whole = SymbolOutput.joined([poll.output for poll in polls])
    check, pieces = "leg: one message at a time", SymbolOutput.joined(single)
    yield check, len(recording.messages), compare(check, pieces, whole) or compare(check, whole, pieces)
    rng = np.random.default_rng(seed)
    large = [poll for poll in polls if poll.stop - poll.start > 1]
    cut, shuffled = list[LegFailure](), list[LegFailure]()
    for _ in range(times if large else 0):
        poll = large[rng.integers(len(large))]
        place = int(rng.integers(poll.start + 1, poll.stop))
        known, rest = (
            recording.messages[poll.start : place],
            recording.messages[place : min(poll.stop, place + _FOLLOWING)],
        )
        before = _step(leg, poll, known)
        cut += compare("leg: future cut off", before, poll.output)
        cut_short = _step(leg, poll, [*known, *_shuffled(rest, rng)])
        shuffled += compare("leg: future shuffled", before, cut_short)
    yield "leg: future cut off", times if large else 0, cut
    yield "leg: future shuffled", times if large else 0, shuffled


def compare(check: str, before: SymbolOutput, after: SymbolOutput) -> list[LegFailure]:
    """Return the first difference between what was said before, and the beginning of what is said after."""
    n, m = len(before.bars), len(before.marks)
    ends = before.bar_ints[:, at.OUT_TS]
    for column in range(at.OUT_INTS):
        row = _first_unlike(before.bar_ints[:, column], after.bar_ints[:n, column])
        if row is not None and column != at.OUT_CAUSE:
            return [LegFailure(check, "bar", int(ends[row]), "", "")]
    for column in range(before.bars.shape[1]):
        row = _first_unlike(before.bars[:, column], after.bars[:n, column])
        if row is not None:
            name, culprit = _column(column)
            values = [_number(output.bars, row, column) for output in (before, after)]
            return [LegFailure(check, name, int(ends[row]), *values, culprit)]
    row = _first_unlike(before.marks.ravel(), after.marks[:m].ravel())
    if row is not None or _first_unlike(before.mark_ints.ravel(), after.mark_ints[:m].ravel()) is not None:
        where = int(before.mark_ints[(row or 0) // max(1, before.marks.shape[1]), 0])
        return [LegFailure(check, "mark", where, "", "", Culprit(marks.__file__, 0, ""))]
    for said, otherwise in zip(before.signals, [*after.signals, *[None] * len(before.signals)], strict=False):
        if otherwise is None or repr(_placeless(said)) != repr(_placeless(otherwise)):
            return [
                LegFailure(
                    check,
                    "signal",
                    said.ts_event_ns,
                    said.target,
                    otherwise.target if otherwise else "nothing",
                )
            ]
    return []


def _placeless(signal: object) -> object:
    """Return the signal without the offset of the message that closed its bar, which a cut may change."""
    return msgspec.structs.replace(signal, cause_offset=0)  # type: ignore[type-var]


def _polls(leg: SymbolLeg, recording: Recording) -> list[_Poll]:
    polls, state, start, size = list[_Poll](), leg.init(recording.symbol), 0, 0
    for i, message in enumerate(recording.messages):
        size += len(message)
        if size >= _POLL_BYTES or i + 1 == len(recording.messages):
            before = pickle.dumps(state)
            places = list(range(start, i + 1))
            polls.append(
                _Poll(start, i + 1, before, leg.step(state, 0, places, recording.messages[start : i + 1]))
            )
            start, size = i + 1, 0
    return polls


def _one_by_one(leg: SymbolLeg, poll: _Poll, messages: list[bytes]) -> Iterator[SymbolOutput]:
    state: SymbolState = pickle.loads(poll.state)
    for i in range(poll.start, poll.stop):
        yield leg.step(state, 0, [i], [messages[i]])


def _step(leg: SymbolLeg, poll: _Poll, messages: list[bytes]) -> SymbolOutput:
    places = list(range(poll.start, poll.start + len(messages)))
    return leg.step(pickle.loads(poll.state), 0, places, messages)


def _shuffled(messages: list[bytes], rng: np.random.Generator) -> list[bytes]:
    """Return the messages with what their rows hold in another order, kind by kind; times and promises stay."""
    blocks = [decode_block(message) for message in messages]
    for kind, names in _VALUES.items():
        places = [i for i, block in enumerate(blocks) if isinstance(block, kind)]
        if not places:
            continue
        sizes = [len(blocks[i].ts_event_ns) for i in places]  # type: ignore[union-attr]
        order = rng.permutation(sum(sizes))
        columns = {name: np.concatenate([getattr(blocks[i], name) for i in places])[order] for name in names}
        start = 0
        for i, size in zip(places, sizes, strict=True):
            values = {name: column[start : start + size] for name, column in columns.items()}
            blocks[i] = _with(blocks[i], values)
            start += size
    return [encode_block(block) for block in blocks]


def _with(block: MarketBlock, values: dict[str, np.ndarray]) -> MarketBlock:
    return msgspec.structs.replace(block, **values)


def _first_unlike(one: np.ndarray, other: np.ndarray) -> int | None:
    if len(one) != len(other):
        return min(len(one), len(other)) if len(other) else 0
    unlike = (one != other) & ~((one != one) & (other != other))
    return int(np.argmax(unlike)) if unlike.any() else None


def _number(table: np.ndarray, row: int, column: int) -> str:
    return repr(float(table[row, column])) if row < len(table) else "nothing"


def _column(column: int) -> tuple[str, Culprit | None]:
    """Return the name of a column of the leg's bars, and where it is computed."""
    names = {value: name.lower() for name, value in vars(bar_columns).items() if name.isupper()}
    if column < bar_columns.BAR_WIDTH:
        return names[column], None
    if column < REGIME:
        place = column - bar_columns.BAR_WIDTH
        owner = list(FEATURE_SET.features.values())[
            int(np.searchsorted(FEATURE_SET.out_at, place, side="right")) - 1
        ]
        return FEATURE_SET.columns[place], where_is(owner)
    return "regime", None
