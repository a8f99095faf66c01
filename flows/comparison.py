"""Are two runs equal, topic by topic? What is recorded in a log against what is said anew, whatever their cuts.

    with RecordedTopics(log, DERIVED) as recorded:
        comparison = Comparison(recorded, "paper")
        comparison.offer(topic, key, value, origin)      # every record that is said anew, lane by lane in order
        verdicts = comparison.finish({})

A run may have been stopped before it had said everything. What it lacks at its end is a difference only where the
record itself promises it: marks say up to when everything has been said and how many signals, and what a later cut
of the account's journal led to stands after what the earlier ones did (docs/adr/0018).
"""

from collections.abc import Iterator, Mapping

import numpy as np

from flows.differences import Difference, MadeFrom, TopicVerdict, difference
from flows.digests import Digests, TopicDigest
from flows.lane_comparison import LaneComparison, LaneResult, Side
from flows.lanes import DERIVED, Lane, Stretch, concerns, rows_of, stretches, unreadable
from flows.place import Place
from flows.recorded_topics import RecordedTopics
from schemas.codec import BLOCK_TOPICS, DecodeError, decode, decode_rows
from schemas.orders import Signal

JOURNAL = "account_journal"
_NOTHING = (-1, 0)


class Comparison:
    """Compares the derived topics of one account with what is said anew."""

    def __init__(self, recorded: RecordedTopics, account: str) -> None:
        self._recorded = recorded
        self._account = account
        self._lanes: dict[Lane, LaneComparison] = {}
        self._digests: dict[Side, Digests] = {"recorded": Digests(), "today": Digests()}
        self._promises: dict[Side, dict[str, tuple[int, int]]] = {"recorded": {}, "today": {}}
        self._has_ended = False

    def offer(self, topic: str, key: bytes, value: bytes, origin: MadeFrom) -> None:
        """Take the next record of what is said anew, and read as much of the log as is needed to judge it."""
        source = self._recorded.partition(topic, key)
        for stretch in self._stretches("today", topic, key, value, origin):
            lane = self._take("today", stretch)
            while lane.lags and self._recorded.is_open(source):
                self._read_on(source)
            if not self._recorded.is_open(source):
                lane.end("recorded")

    def finish(self, unverified: Mapping[str, str], to_end: bool = True) -> list[TopicVerdict]:
        """Return the verdicts in the order of the topics; ``unverified`` says why one could not be said to its end.

        Without ``to_end`` the rest of the record is not read.
        """
        self._has_ended = True
        for lane in self._lanes.values():
            lane.end("today")
        for source in self._recorded.open() if to_end else ():
            while self._recorded.is_open(source):
                self._read_on(source)
        for lane in self._lanes.values():
            lane.end("recorded")
        recorded, today = self._digests["recorded"].results(), self._digests["today"].results()
        return [
            self._verdict(topic, recorded[topic], today[topic], unverified.get(topic, ""))
            for topic in DERIVED
        ]

    def _read_on(self, source: tuple[str, int]) -> None:
        for record in self._recorded.read(source):
            topic, key, value = record.topic, record.key, record.value or b""
            if concerns(topic, key, value, self._account, record.headers):
                at = Place(topic, record.partition, record.offset)
                for stretch in self._stretches("recorded", topic, key, value, at):
                    self._take("recorded", stretch)

    def _stretches(
        self, side: Side, topic: str, key: bytes, value: bytes, origin: object
    ) -> Iterator[Stretch]:
        try:
            if topic != "marks":
                yield from stretches(topic, key, value, origin)
                return
            block = decode_rows(topic, value)
        except DecodeError:
            yield unreadable(topic, key, value, origin)
            return
        head, promises = block.head, self._promises[side]
        before = promises.get(head["symbol"], _NOTHING)
        now = (head["complete_to_ns"], head["signals_emitted"])
        promises[head["symbol"]] = (max(before[0], now[0]), max(before[1], now[1]))
        yield from rows_of(topic, value, origin, block)

    def _take(self, side: Side, stretch: Stretch) -> LaneComparison:
        lane = self._lanes.get(stretch.lane)
        if lane is None:
            lane = self._lanes[stretch.lane] = LaneComparison(stretch.lane)
            if self._has_ended:
                lane.end("today")
        topic, within = stretch.lane
        if stretch.is_block:
            self._digests[side].rows(topic, within, stretch.longs, stretch.bits.view(np.float64))
        elif topic not in BLOCK_TOPICS and not self._digests[side].record(topic, stretch.value):
            self._digests[side].bits(topic, within, stretch.value)
        lane.add(side, stretch)
        return lane

    def _verdict(self, topic: str, recorded: TopicDigest, today: TopicDigest, why: str) -> TopicVerdict:
        verdict = TopicVerdict(
            topic=topic,
            verdict="unverified" if why else "equal",
            recorded=recorded.events,
            today=today.events,
            recorded_digest=recorded.digest,
            today_digest=today.digest,
            why=why,
        )
        for lane, comparison in sorted(self._lanes.items()):
            if lane[0] == topic:
                self._add(verdict, lane, comparison.result())
        if verdict.differing:
            verdict.verdict = "different"
        elif verdict.unsaid and not why:
            verdict.verdict = "prefix"
        return verdict

    def _add(self, verdict: TopicVerdict, lane: Lane, result: LaneResult) -> None:
        """Add what came out of one lane."""
        missing = [event for event in result.unsaid if self._is_promised(event)]
        lacking = sum(event.left for event in missing)
        if lacking and len(result.unsaid) == 1:
            lacking = result.unsaid_count
        first = result.first
        if first is None and missing:
            first = difference("missing", result.number, None, missing[0])
        extras = 0 if verdict.why else result.extra_count
        if first is None and extras and result.extra:
            first = difference("extra", result.number, result.extra[0], None)
        verdict.unsaid += result.unsaid_count - lacking
        differing = result.differing + lacking + extras
        verdict.differing += differing
        verdict.at_least |= result.at_least
        if differing:
            verdict.keys.append(lane[1])
        if first is not None and (verdict.first is None or _place(first) < _place(verdict.first)):
            verdict.first = first

    def _is_promised(self, event: Stretch) -> bool:
        """Whether the record says that it had said this."""
        made = event.origin
        if not isinstance(made, MadeFrom):
            return False
        if made.topic == JOURNAL:
            return made.order < self._last_cut()
        complete_to_ns, signals = self._promises["recorded"].get(made.key, _NOTHING)
        topic = event.lane[0]
        if topic == "trade_signals":
            signal = decode(topic, event.value)
            assert isinstance(signal, Signal)
            return signal.seq < signals or signal.ts_event_ns <= complete_to_ns
        if event.is_block:
            return int(event.longs[event.at, event.names[0]]) <= complete_to_ns
        return complete_to_ns >= self._promises["today"].get(made.key, _NOTHING)[0]

    def _last_cut(self) -> int:
        """Return the last cut of which something is recorded."""
        met = [lane.met for lane in self._lanes.values()]
        return max((m.order for m in met if isinstance(m, MadeFrom) and m.topic == JOURNAL), default=-1)


def _place(found: Difference) -> tuple[int, str]:
    return found.ts_event_ns, found.key
