"""Do two runs say the same about one symbol, or one account? Their events met in order, with bounded memory.

Events are compared in order as long as the same ones stand in the same places. From the first place where another
event stands they are found again by their names, wherever they are, so that one missing event is one difference and
not thousands; when more than ``MOST`` wait to be found, the rest is passed over.
"""

from collections import deque
from typing import Literal

import msgspec

from flows.differences import Difference, Kind, difference, place_of
from flows.lanes import UNORDERED, Lane, Stretch

Side = Literal["recorded", "today"]
MOST = 2_000
"""Events of a side that wait to be found again, at most."""
_OTHER: dict[Side, Side] = {"recorded": "today", "today": "recorded"}


class LaneResult(msgspec.Struct):
    """What came out; ``unsaid`` are those of today's events that the record lacks, ``unsaid_count`` all of them.

    ``extra`` of the record's events were left when today's had ended.
    """

    differing: int
    at_least: bool
    first: Difference | None
    extra: list[Stretch]
    extra_count: int
    unsaid: list[Stretch]
    unsaid_count: int
    number: int


class LaneComparison:
    """Compares one lane as its events come in from both sides."""

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self._number = 0
        self._waiting: dict[Side, deque[Stretch]] = {"recorded": deque(), "today": deque()}
        self._dropped: dict[Side, int] = {"recorded": 0, "today": 0}
        self._ended: set[Side] = set()
        self._named: dict[Side, dict[object, Stretch]] | None = None
        if lane[0] in UNORDERED:
            self._named = {"recorded": {}, "today": {}}
        self._given_up = False
        self._differing = 0
        self._first: tuple[int, Stretch, Stretch] | None = None
        self.met: object = None
        """What the last event that both say was made from."""

    @property
    def lags(self) -> bool:
        """Whether the record must be read on before today's events can be judged."""
        if self._given_up or "recorded" in self._ended:
            return False
        if self._named is None:
            return bool(self._waiting["today"])
        return bool(self._named["today"]) and len(self._named["recorded"]) < MOST

    def add(self, side: Side, stretch: Stretch) -> None:
        """Take the next events of one side."""
        if self._given_up:
            return
        if self._named is not None:
            self._find(side, stretch)
            return
        self._waiting[side].append(stretch)
        self._meet()
        self._drop()

    def end(self, side: Side) -> None:
        """Know that nothing more comes from a side: of what the other still says only the first event is kept."""
        self._ended.add(side)
        self._drop()

    def result(self) -> LaneResult:
        """Return what came out when both sides have ended."""
        first = self._first_difference()
        extra, unsaid = self._left("recorded"), self._left("today")
        return LaneResult(
            differing=self._differing,
            at_least=self._given_up,
            first=first,
            extra=extra,
            extra_count=sum(stretch.left for stretch in extra) + self._dropped["recorded"],
            unsaid=unsaid,
            unsaid_count=sum(stretch.left for stretch in unsaid) + self._dropped["today"],
            number=self._number,
        )

    def _meet(self) -> None:
        """Compare what waits on both sides, in order."""
        recorded, today = self._waiting["recorded"], self._waiting["today"]
        while recorded and today:
            there, here = recorded[0], today[0]
            same, most = there.equal(here), min(there.left, here.left)
            self._advance(same)
            if same == most:
                continue
            if self._first is None:
                self._first = (self._number, there.one(), here.one())
            if there.name() != here.name():
                self._find_by_name()
                return
            self._differing += 1
            self._advance(1)

    def _advance(self, events: int) -> None:
        if not events:
            return
        self._number += events
        self.met = self._waiting["today"][0].origin
        for queue in self._waiting.values():
            queue[0].at += events
            if not queue[0].left:
                queue.popleft()

    def _drop(self) -> None:
        """Keep the first of what will never be met."""
        for side, other in _OTHER.items():
            queue = self._waiting[side]
            while other in self._ended and len(queue) > 1:
                self._dropped[side] += queue.pop().left

    def _find_by_name(self) -> None:
        self._named = {"recorded": {}, "today": {}}
        for side, queue in self._waiting.items():
            while queue:
                self._find(side, queue.popleft())

    def _find(self, side: Side, stretch: Stretch) -> None:
        """Meet every event with the one of its name, or let it wait."""
        assert self._named is not None
        mine, others = self._named[side], self._named[_OTHER[side]]
        for event in stretch.events():
            name = event.name()
            twin = others.pop(name, None)
            if twin is not None:
                self._number += 1
                self.met = (event if side == "today" else twin).origin
                if not twin.equal(event):
                    self._differing += 1
                    there, here = (event, twin) if side == "recorded" else (twin, event)
                    self._first = self._first or (self._number - 1, there, here)
            elif name in mine or len(mine) >= MOST:
                self._cannot_wait(side, name in mine)
            else:
                mine[name] = event

    def _cannot_wait(self, side: Side, is_repeated: bool) -> None:
        """Count an event that stands there twice, or that has no room to wait."""
        if is_repeated or _OTHER[side] in self._ended:
            self._dropped[side] += 1
        else:
            self._given_up = True

    def _left(self, side: Side) -> list[Stretch]:
        return list(self._waiting[side]) if self._named is None else list(self._named[side].values())

    def _first_difference(self) -> Difference | None:
        if self._first is None:
            return None
        number, there, here = self._first
        is_extra, is_missing = self._is_left("recorded", there), self._is_left("today", here)
        if not there.is_readable:
            return difference("unreadable", number, there, here)
        if there.name() == here.name():
            return difference("changed", number, there, here)
        if is_missing and not is_extra:
            assert self._named is not None
            del self._named["today"][here.name()]
            self._differing += 1
            found = difference("missing", number, None, here)
            found.at = place_of(there)
            return found
        if is_extra and not is_missing:
            return difference("extra", number, there, None)
        kind: Kind = "replaced" if is_extra or self._given_up else "order"
        self._differing += kind == "order"
        return difference(kind, number, there, here)

    def _is_left(self, side: Side, event: Stretch) -> bool:
        return self._named is not None and event.name() in self._named[side]
