"""Does a strategy read anything but its bars: a file, a socket, another program, the clock?

A file of tomorrow's prices says the same in every run, and a clock's hour for an hour: comparing answers shows neither.
So one run is watched: Python's audit events tell of files and sockets, its profiler of calls to the clock.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from types import FrameType
from typing import Any

import msgspec

from flows.lookahead.line_trace import watching

_READS = {
    "open": "opens",
    "os.listdir": "lists",
    "os.scandir": "lists",
    "socket.connect": "connects to",
    "sqlite3.connect": "opens",
    "subprocess.Popen": "runs",
}
_CLOCKS = {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time"}
_MACHINERY = ("<frozen importlib", "/numba/", "/llvmlite/")


class Read(msgspec.Struct, frozen=True):
    """What was read, in words, and the strategy's line that asked for it."""

    words: str
    file: str
    line: int


class _Watch:
    """Python keeps an audit hook for good, so there is one, which looks only while a run is watched."""

    def __init__(self) -> None:
        self.found: list[Read] | None = None
        self.is_own: Callable[[str], bool] = bool
        self._hooked = False

    def hook(self) -> None:
        """Begin to be told of audit events."""
        if not self._hooked:
            sys.addaudithook(self._audit)
            self._hooked = True

    def profile(self, frame: FrameType, event: str, called: Any) -> None:
        """Note a call of the clock from one of the strategy's own lines."""
        if event != "c_call" or self.found is None or not self.is_own(frame.f_code.co_filename):
            return
        owner, name = getattr(called, "__self__", None), getattr(called, "__name__", "")
        of_time = getattr(called, "__module__", "") == "time" and name in _CLOCKS
        of_date = isinstance(owner, type) and issubclass(owner, date) and name in ("now", "utcnow", "today")
        if of_time or of_date:
            self.found.append(Read(f"reads the clock ({name})", frame.f_code.co_filename, frame.f_lineno))

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.found is None or event not in _READS:
            return
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            file = frame.f_code.co_filename
            if any(part in file for part in _MACHINERY):
                return
            if self.is_own(file):
                what = arguments[1] if event == "socket.connect" else arguments[0]
                self.found.append(Read(f"{_READS[event]} {what}", file, frame.f_lineno))
                return
            frame = frame.f_back


_WATCH = _Watch()


@contextmanager
def watched_reads(own: str) -> Iterator[list[Read]]:
    """Yield the list in which the reads of a strategy of file ``own`` are noted while the context lasts."""
    found = list[Read]()
    _WATCH.hook()
    _WATCH.found, _WATCH.is_own = found, watching(own)
    before = sys.getprofile()
    sys.setprofile(_WATCH.profile)
    try:
        yield found
    finally:
        sys.setprofile(before)
        _WATCH.found = None
