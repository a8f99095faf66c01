"""Two streams of events of one lane, however they are cut and interleaved: what differs is found, and only that."""

import math
import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows import lane_comparison
from flows.differences import MadeFrom
from flows.lane_comparison import LaneComparison, LaneResult
from flows.lanes import Stretch, stretches
from flows.place import Place
from schemas.codec import BLOCKS, encode, frame
from schemas.orders import RiskDecision

_CODEC = BLOCKS["bars"][0]
_WIDTH = (len(_CODEC.longs), len(_CODEC.doubles))
Bar = tuple[int, float]
"""Number and close."""


def block(bars: Sequence[Bar]) -> bytes:
    longs = np.zeros((len(bars), _WIDTH[0]), np.int64)
    longs[:, 0] = [number for number, _ in bars]
    longs[:, 1] = 60
    doubles = np.full((len(bars), _WIDTH[1]), math.nan)
    doubles[:, 3] = [close for _, close in bars]
    return frame("bars") + _CODEC.encode(("A",), longs, doubles, _CODEC.labels())


def compared(recorded: Sequence[Bar], today: Sequence[Bar], dice: random.Random) -> LaneResult:
    """Give both sides in random cuts, in a random interleaving."""
    lane = LaneComparison(("bars", "A"))
    sides = {"recorded": list(recorded), "today": list(today)}
    given = {"recorded": 0, "today": 0}
    while any(sides.values()):
        side = dice.choice([name for name, left in sides.items() if left])
        size = dice.randint(1, 5)
        part, sides[side] = sides[side][:size], sides[side][size:]
        origin = Place("bars", 0, given[side]) if side == "recorded" else MadeFrom("m", "A", 0, 0, 0)
        given[side] += 1
        for stretch in stretches("bars", b"A", block(part), origin):
            lane.add(side, stretch)  # type: ignore[arg-type]
        if not sides[side]:
            lane.end(side)  # type: ignore[arg-type]
    return lane.result()


BARS = [(number, float(number)) for number in range(60)]


@given(st.integers(0, 60), st.randoms(use_true_random=False))
def test_a_prefix_is_no_difference(length: int, dice: random.Random) -> None:
    result = compared(BARS[:length], BARS, dice)
    assert (result.differing, result.first, result.extra_count) == (0, None, 0)
    assert result.unsaid_count == 60 - length
    if length < 60:
        assert result.unsaid[0].name()[0] == length  # type: ignore[index]


@given(st.integers(0, 59), st.randoms(use_true_random=False))
def test_a_record_that_goes_on_has_extra_events(length: int, dice: random.Random) -> None:
    result = compared(BARS, BARS[:length], dice)
    assert (result.differing, result.unsaid_count, result.extra_count) == (0, 0, 60 - length)


@given(st.sets(st.integers(0, 59), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_changed_events(which: set[int], dice: random.Random) -> None:
    """One bit of a close is enough; the first one is shown."""
    recorded = [(n, math.nextafter(close, 99.0) if n in which else close) for n, close in BARS]
    result = compared(recorded, BARS, dice)
    assert (result.differing, result.unsaid_count, result.extra_count) == (len(which), 0, 0)
    first = result.first
    assert first is not None and (first.kind, first.number) == ("changed", min(which))
    assert first.fields == ("close",)


@given(st.integers(0, 58), st.randoms(use_true_random=False))
def test_one_missing_event_is_one_difference(which: int, dice: random.Random) -> None:
    result = compared([bar for bar in BARS if bar[0] != which], BARS, dice)
    assert (result.differing, result.unsaid_count, result.extra_count) == (1, 0, 0)
    assert result.first is not None and result.first.kind == "missing"
    assert result.first.number == which and result.first.today is not None and result.first.recorded is None


@given(st.integers(0, 59), st.randoms(use_true_random=False))
def test_one_extra_event_is_one_difference(which: int, dice: random.Random) -> None:
    recorded = BARS[:which] + [(1000, 1.0)] + BARS[which:]
    result = compared(recorded, BARS, dice)
    assert result.differing + result.extra_count == 1 and result.unsaid_count == 0
    assert result.first is not None and (result.first.kind, result.first.number) == ("extra", which)


@given(st.integers(0, 58), st.randoms(use_true_random=False))
def test_another_order(which: int, dice: random.Random) -> None:
    recorded = list(BARS)
    recorded[which], recorded[which + 1] = recorded[which + 1], recorded[which]
    result = compared(recorded, BARS, dice)
    assert (result.differing, result.unsaid_count, result.extra_count) == (1, 0, 0)
    assert result.first is not None and (result.first.kind, result.first.number) == ("order", which)


@given(st.data(), st.randoms(use_true_random=False))
def test_any_two_streams(data: st.DataObject, dice: random.Random) -> None:
    """What both have under one name is compared, everything else is counted: nothing is lost, whatever the cuts."""
    names = st.lists(st.integers(0, 30), unique=True, max_size=25)
    recorded, today = (
        [(n, data.draw(st.sampled_from([1.0, 2.0]))) for n in data.draw(names)] for _ in range(2)
    )
    result = compared(recorded, today, dice)
    then, now = dict(recorded), dict(today)
    changed = sum(then[n] != now[n] for n in then.keys() & now.keys())
    counted = result.differing + result.unsaid_count + result.extra_count
    least = changed + len(then.keys() ^ now.keys())
    assert least <= counted <= least + 1, "and one more where only the order differs"
    assert (counted == 0) == (recorded == today)


def test_an_event_that_stands_there_twice() -> None:
    dice = random.Random(1)
    result = compared([*BARS[:5], BARS[4], *BARS[5:]], BARS, dice)
    assert result.differing + result.extra_count == 1 and result.first is not None


def test_when_everything_differs_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_comparison, "MOST", 20)
    others = [(number + 1000, close) for number, close in BARS]
    result = compared(others, BARS, random.Random(1))
    assert result.at_least and result.first is not None and result.first.kind == "replaced"


def test_nan_and_zero_are_compared_by_their_bits() -> None:
    dice = random.Random(1)
    assert compared([(0, math.nan)], [(0, math.nan)], dice).differing == 0
    assert compared([(0, 0.0)], [(0, -0.0)], dice).differing == 1


def decision(number: int) -> Stretch:
    event = RiskDecision(
        f"d{number}", "paper", "s", "sma", "A", number, "DENIED", "BUY", 1, 1, "ACTIVE", (), ""
    )
    (found,) = stretches("risk_decisions", b"paper", encode(event), None)
    return found


def test_bytes_that_cannot_be_read() -> None:
    lane = LaneComparison(("risk_decisions", "paper"))
    for number in range(4):
        lane.add("today", decision(number))
        garbage = Stretch(("risk_decisions", "paper"), b"garbage", Place("risk_decisions", 0, 2), 1)
        lane.add("recorded", garbage if number == 2 else decision(number))
    lane.end("recorded")
    lane.end("today")
    result = lane.result()
    assert result.first is not None and (result.first.kind, result.first.number) == ("unreadable", 2)
    assert result.first.at == Place("risk_decisions", 0, 2) and result.first.recorded is None


def test_alerts_have_no_order() -> None:
    lane = LaneComparison(("alerts", ""))
    found = [Stretch(("alerts", ""), decision(n).value, None, 1) for n in range(5)]
    for stretch in found:
        lane.add("today", stretch)
    for stretch in reversed(found):
        lane.add("recorded", stretch)
    result = lane.result()
    assert (result.differing, result.unsaid_count, result.extra_count) == (0, 0, 0)
