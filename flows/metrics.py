"""What can Prometheus ask a running process? Everything below, on 127.0.0.1 at ``run.metrics_port``.

Nothing is done for it on the way of the data: the numbers stand in ``Progress`` anyway, and where the log ends is asked
once a scrape, at most once a second, through a connection of its own. Times are exported as timestamps, not as ages
(Prometheus subtracts); ``infra/prometheus`` has a scrape configuration and alerts. The same numbers are served by
Bytewax's own API where that is on, as it serves all of ``prometheus_client``.
"""

import errno
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import accumulate

import msgspec
from prometheus_client import REGISTRY, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from flows.config import Settings
from flows.connectors.log import Log, LogError, Position, open_log
from flows.meter import Spread
from flows.progress import Progress

_COUNTED = {
    "ticks": "Trades, quotes and vendor's bars that the gateway wrote",
    "bars": "Bars closed",
    "marks": "Marks said",
    "signals": "Signals that strategies gave",
    "decisions": "Decisions of the risk gate, approvals and denials",
    "orders": "Orders sent",
    "fills": "Fills, partial ones too",
    "alerts": "Alerts raised",
    "dead_letters": "Records and lines that could not be read",
}
_FRESH_S = 1.0


@contextmanager
def exported(settings: Settings, progress: Progress) -> Iterator[None]:
    """Serve the numbers of a run while it lasts.

    Raises:
        OSError: the port is taken.
    """
    collector = RunCollector(settings, progress)
    REGISTRY.register(collector)
    try:
        with _served(settings.run.metrics_port):
            yield
    finally:
        REGISTRY.unregister(collector)
        collector.close()


@contextmanager
def _served(port: int) -> Iterator[None]:
    if not port:
        yield
        return
    try:
        server, thread = start_http_server(port, addr="127.0.0.1")
    except OSError as error:
        raise OSError(
            error.errno or errno.EADDRINUSE,
            f"port {port} for metrics cannot be used ({error.strerror}): another process has it, perhaps another "
            "leg; give each its own by run.metrics_port, or 0 for none",
        ) from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class RunCollector(Collector):
    """Makes metrics of a run's numbers whenever it is asked."""

    def __init__(self, settings: Settings, progress: Progress) -> None:
        self._settings = settings
        self._progress = progress
        self._lock = threading.Lock()
        self._log: Log | None = None
        self._ends: dict[Position, int] = {}
        self._asked_at = -_FRESH_S
        self._up = True

    def describe(self) -> Iterable[Metric]:
        """Nothing: so that registering asks nobody."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        progress = self._progress
        for name, text in _COUNTED.items():
            yield CounterMetricFamily(f"titan_{name}", text, getattr(progress, name))
        yield _histogram(
            "titan_order_latency_seconds",
            "From market data in the log to the order that it caused in the log, where one process does both",
            [([], progress.latencies)],
        )
        yield from self._of_legs()
        yield from self._of_log()

    def close(self) -> None:
        """Release the connection."""
        with self._lock:
            if self._log is not None:
                self._log.close()
                self._log = None

    def _of_legs(self) -> Iterator[Metric]:
        meters = {leg: self._progress.meters[leg] for leg in sorted(self._progress.meters)}
        event = GaugeMetricFamily(
            "titan_event_timestamp_seconds", "Event time up to which a leg has come", labels=["leg"]
        )
        saved = GaugeMetricFamily(
            "titan_snapshot_timestamp_seconds", "When a leg's last snapshot was taken", labels=["leg"]
        )
        written = CounterMetricFamily(
            "titan_records_written", "Records given to the log", labels=["leg", "topic"]
        )
        for leg, meter in meters.items():
            event_ns = self._progress.event_time_ns if leg == "symbol" else meter.event_time_ns
            event.add_metric([leg], max(0, event_ns) / 1e9)
            if meter.saved_ns:
                saved.add_metric([leg], meter.saved_ns / 1e9)
            for topic, count in sorted(meter.written.items()):
                written.add_metric([leg, topic], count)
        yield from (event, saved, written)
        read = [(leg, meter) for leg, meter in meters.items() if meter.began]
        yield _histogram(
            "titan_poll_records",
            "Records taken from the log at once",
            [([leg], meter.polls) for leg, meter in read],
        )
        yield _histogram(
            "titan_poll_seconds",
            "From a poll to its results' being given to the log",
            [([leg], meter.seconds) for leg, meter in read],
        )

    def _of_log(self) -> Iterator[Metric]:
        read = CounterMetricFamily("titan_records_read", "Records read from the log", labels=["leg", "topic"])
        lag = GaugeMetricFamily(
            "titan_log_lag_records", "Records not read yet", labels=["leg", "topic", "partition"]
        )
        ends = self._log_ends()
        for leg in sorted(self._progress.meters):
            meter = self._progress.meters[leg]
            counts: dict[str, int] = {}
            for (topic, partition), at in sorted(meter.positions().items()):
                counts[topic] = counts.get(topic, 0) + at - meter.began.get((topic, partition), at)
                if (end := ends.get((topic, partition))) is not None:
                    lag.add_metric([leg, topic, str(partition)], max(0, end - at))
            for topic, count in counts.items():
                read.add_metric([leg, topic], count)
        yield from (read, lag)
        yield GaugeMetricFamily("titan_log_up", "Whether the log answers", int(self._up))

    def _log_ends(self) -> dict[Position, int]:
        """Return where the partitions that are read end; nothing while the log does not answer."""
        with self._lock:
            if time.monotonic() - self._asked_at < _FRESH_S:
                return self._ends
            topics = {topic for meter in self._progress.meters.values() for topic, _ in meter.began}
            try:
                if self._log is None:
                    settings = self._settings
                    self._log = open_log(
                        settings.log.url, msgspec.structs.replace(settings.log, create=False)
                    )
                self._ends = {
                    (topic, partition): end
                    for topic in topics
                    for partition, (_, end) in enumerate(self._log.spans(topic))
                }
                self._up = True
            except LogError:
                self._ends, self._up = {}, False
            self._asked_at = time.monotonic()
            return self._ends


def _histogram(name: str, text: str, spreads: list[tuple[list[str], Spread]]) -> HistogramMetricFamily:
    """Return the spreads as a histogram; their labels are those of a leg, or none."""
    family = HistogramMetricFamily(name, text, labels=["leg"] if spreads and spreads[0][0] else [])
    for labels, spread in spreads:
        edges = [*map(str, map(float, spread.bounds)), "+Inf"]
        buckets = list(zip(edges, accumulate(spread.counts), strict=True))
        family.add_metric(labels, buckets, spread.total)
    return family
