"""What if the wall clock is set back? Bytewax would stand still until it has caught up; so the process ends.

Bytewax 0.21.1 wakes an idle source at a time of the wall clock. Set back by an hour while all sources are idle, it asks
none of them for an hour, and not even a request to stop is heard. To end here is what a kill is: nothing is lost, and
the next start goes on from the last snapshot. Clocks that are slewed, as time services do, or leap forward do no harm.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_BY_S = 2.0
_CODE = 4


@contextmanager
def watched(every_s: float = 0.5, set_back: Callable[[float], None] | None = None) -> Iterator[None]:
    """Look meanwhile, and call ``set_back`` with the seconds (else end the process) when it was by more than two."""
    over = threading.Event()
    watch = threading.Thread(
        target=_watch, args=(over, every_s, set_back or _end), name="wall clock", daemon=True
    )
    watch.start()
    try:
        yield
    finally:
        over.set()
        watch.join()


def _watch(over: threading.Event, every_s: float, set_back: Callable[[float], None]) -> None:
    ahead_s = time.time() - time.monotonic()
    while not over.wait(every_s):
        before_s, ahead_s = ahead_s, time.time() - time.monotonic()
        if before_s - ahead_s > _BY_S:
            set_back(before_s - ahead_s)


def _end(seconds: float) -> None:
    print(
        f"titan: the wall clock was set back by {seconds:,.0f} s, and the dataflow would stand still for as long. "
        "Start it again: it goes on from its last snapshot",
        file=sys.stderr,
        flush=True,
    )
    os._exit(_CODE)
