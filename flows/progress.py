"""What has a run done so far? Counted where records are written, read by status lines and summaries."""

import time
from collections import defaultdict, deque

import msgspec

from flows.connectors.log import Log, Position
from flows.meter import SECONDS, Meter, Spread
from schemas.account import BookPosition, PortfolioUpdate

_REMEMBERED = 65_536
_DERIVED = ("bars", "marks", "signals", "decisions", "orders", "fills", "alerts", "dead_letters")


class Progress(msgspec.Struct):
    """Counts of one run in this process; ``sent`` remembers when recent market data was written, for latency.

    ``latencies_ns`` are those of the newest orders.
    """

    ticks: int = 0
    blocks: int = 0
    bars: int = 0
    marks: int = 0
    signals: int = 0
    decisions: int = 0
    orders: int = 0
    fills: int = 0
    alerts: int = 0
    dead_letters: int = 0
    event_time_ns: int = 0
    slices_read: int = 0
    slices_written: int = 0
    gateway_done: bool = False
    portfolio: PortfolioUpdate | None = None
    books: list[BookPosition] = []
    latencies_ns: deque[int] = msgspec.field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    latencies: Spread = msgspec.field(default_factory=lambda: Spread(SECONDS))
    meters: defaultdict[str, Meter] = msgspec.field(default_factory=lambda: defaultdict(Meter))
    """What is measured of each leg and gateway."""
    sent: deque[tuple[int, int]] = msgspec.field(default_factory=lambda: deque(maxlen=4096))

    def counts(self) -> dict[str, int]:
        """Return the events that the run has derived, by kind, as summaries name them."""
        return {name: getattr(self, name) for name in _DERIVED}

    def gateway_ended(self, log: Log, positions: dict[Position, int]) -> bool:
        """Say whether the gateway's session is wholly in the log and has been read up to ``positions``."""
        if not self.gateway_done or self.slices_written < self.slices_read:
            return False
        return all(offset >= log.span(*source)[1] for source, offset in positions.items())

    def market_data_sent(self, complete_to_ns: int) -> None:
        """Note that market data up to ``complete_to_ns`` is in the log now."""
        if not self.sent or complete_to_ns > self.sent[-1][0]:
            self.sent.append((complete_to_ns, time.monotonic_ns()))
            self.meters["gateway"].event_time_ns = complete_to_ns

    def order_sent(self, ts_event_ns: int) -> None:
        """Note that an order that event time ``ts_event_ns`` caused is in the log now: its latency from the tick."""
        since_ns = 0
        for complete_to_ns, at_ns in reversed(self.sent):
            if complete_to_ns < ts_event_ns:
                break
            since_ns = at_ns
        if since_ns:
            self.latencies_ns.append(time.monotonic_ns() - since_ns)
            self.latencies.add(self.latencies_ns[-1] / 1e9)

    def latency_ms(self, quantile: float) -> float | None:
        """Return a quantile (0..1) of the latencies from tick to order in ms; None without orders."""
        if not self.latencies_ns:
            return None
        ordered = sorted(self.latencies_ns)
        return ordered[min(len(ordered) - 1, int(quantile * len(ordered)))] / 1e6
