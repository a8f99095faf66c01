"""How is recorded market data written to the log, without running the legs?

A session is written once: what the log holds of it already is not written again, so an interrupted ingest is simply
repeated, and repeating a finished one writes nothing.
"""

import time
from collections.abc import Callable
from contextlib import suppress

import msgspec

from flows import stop
from flows.config import Settings
from flows.connectors.gateway import Slice
from flows.connectors.gateway_outbox import GatewayOutbox
from flows.connectors.log_sink import recall
from flows.gateways import gateway_opener
from flows.progress import Progress
from flows.runtime import open_configured_log
from schemas.market import BarBlock, QuoteBlock, TradeBlock

_FLUSH_EVERY = 256


class IngestSummary(msgspec.Struct):
    """What an ingest did; ``rows`` and ``blocks`` were written now, ``skipped_already_present`` rows were there."""

    files: list[str]
    log: str
    symbols: list[str]
    rows: int = 0
    blocks: int = 0
    rejects: int = 0
    skipped_already_present: int = 0
    first_ts_ns: int | None = None
    last_ts_ns: int | None = None
    seconds: float = 0.0
    stopped: bool = False


def ingest(settings: Settings, progress: Callable[[int], None]) -> IngestSummary:
    """Write the configured gateway's session to ``market_data``; ``progress`` is told the rows read so far.

    Raises:
        InputError: a file cannot be used.
        LogError: the log cannot be written.
    """
    began = time.monotonic()
    stop.install()
    counts = Progress()
    outbox = GatewayOutbox(counts)
    with gateway_opener(settings)(None) as gateway, open_configured_log(settings) as log:
        done = IngestSummary(settings.gateway.files, settings.log.url, gateway.symbols())
        with suppress(stop.Stopped):
            recall(log, outbox, {})
        with log.writer() as writer:
            for number, slice_ in enumerate(gateway):
                _wait(began, slice_, settings.gateway.speed)
                if stop.asked():
                    done.stopped = True
                    break
                for record in outbox.records(slice_):
                    writer.append(record.topic, record.key, record.value, record.timestamp_ms)
                if settings.gateway.speed > 0 or number % _FLUSH_EVERY == 0:
                    writer.flush()
                _note(done, slice_)
                progress(counts.ticks + outbox.skipped_rows)
    done.rows, done.blocks, done.rejects = counts.ticks, counts.blocks, counts.dead_letters
    done.skipped_already_present = outbox.skipped_rows
    done.seconds = time.monotonic() - began
    return done


def _wait(began: float, slice_: Slice, speed: float) -> None:
    """Sleep until the slice is due, in short steps so that a stop is heard."""
    while speed > 0 and not stop.asked():
        left = began + slice_.wall_offset_s / speed - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(left, 0.1))


def _note(done: IngestSummary, slice_: Slice) -> None:
    for block in slice_.blocks:
        if isinstance(block, TradeBlock | QuoteBlock | BarBlock):
            first, last = int(block.ts_event_ns.min()), int(block.ts_event_ns.max())
            done.first_ts_ns = min(first, done.first_ts_ns or first)
            done.last_ts_ns = max(last, done.last_ts_ns or last)
