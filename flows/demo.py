"""What does the demo run? The live dataflow over recorded data, with snapshots, telling how far it is."""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from flows import stop
from flows.config import Settings
from flows.live import live_flow
from flows.metrics import exported
from flows.progress import Progress
from flows.run import RunSummary, note_portfolio, summary
from flows.runtime import execute, open_configured_log
from flows.totals import Totals, totals

_EVERY_S = 0.25


class DemoSummary(RunSummary):
    """What a run did, how fast, and how long it took from tick to order; ``report_path`` is added by the caller."""

    ticks: int = 0
    ticks_per_s: float = 0.0
    latency_p50_ms: float | None = None
    latency_p99_ms: float | None = None
    report_path: str = ""


def run_demo(settings: Settings, folder: Path, status: Callable[[Mapping[str, Any]], None]) -> DemoSummary:
    """Run the live dataflow until its gateway's session has ended; ``status`` is told the counts as they grow.

    Raises:
        ConfigError, InputError, LogError: settings, data or log do not allow it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    progress = Progress()
    stop.install()
    began = time.monotonic()
    ended = threading.Event()
    teller = threading.Thread(target=_tell, args=(progress, status, ended), daemon=True)
    with open_configured_log(settings) as log, exported(settings, progress):
        flow = live_flow(settings, log, progress)
        teller.start()
        try:
            execute(flow, settings, "live")
        finally:
            ended.set()
            teller.join()
        seconds = time.monotonic() - began
        note_portfolio(progress, log, settings.account.id)
        return _summary(settings, progress, totals(log), seconds)


def _tell(progress: Progress, status: Callable[[Mapping[str, Any]], None], ended: threading.Event) -> None:
    while not ended.wait(_EVERY_S):
        last = progress.portfolio
        if not progress.event_time_ns:
            continue
        status(
            {
                "time": time.strftime("%Y-%m-%d %H:%M", time.gmtime(progress.event_time_ns / 1e9)),
                "ticks": progress.ticks,
                "bars": progress.bars,
                "signals": progress.signals,
                "orders": progress.orders,
                "fills": progress.fills,
                "equity": last.equity_nanos / 1e9 if last else 0.0,
            }
        )


def _summary(settings: Settings, progress: Progress, held: Totals, seconds: float) -> DemoSummary:
    """Put the run into words: counts are the log's, speed and latency this process's."""
    done = summary(settings, progress, False, seconds)
    fields = {name: getattr(done, name) for name in done.__struct_fields__} | msgspec.structs.asdict(held)
    return DemoSummary(
        **fields,
        ticks_per_s=progress.ticks / seconds if seconds else 0.0,
        latency_p50_ms=progress.latency_ms(0.5),
        latency_p99_ms=progress.latency_ms(0.99),
    )
