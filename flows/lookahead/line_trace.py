"""At which line do two runs of the same code part, before what they were allowed to see differs?

``Recorder`` runs a call under ``sys.settrace`` and notes, at every line of the watched files, what may be compared of
the local variables. ``first_parting`` walks two such records to the first event at which the path or a variable
differs: the line executed just before it is the one that read what it must not.

While the outermost loop of a function stands on a later row, the function, and what it calls, may do anything but
change what it said about earlier rows. What it left in its variables then, or changed in place, is not looked at
afterwards.
"""

import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import msgspec
import numpy as np

import flows
import schemas
from flows.lookahead.loops import counters
from flows.lookahead.told_values import SKIP, Allowed, ByRow, tell

_MOST_EVENTS = 2_000_000
_LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
_OURS = tuple(str(Path(package.__file__).parent) for package in (flows, schemas))
_RETURNED = "what it returns"


class Event(msgspec.Struct, frozen=True):
    """A line about to run, a function about to return, or a change to earlier rows (kind "late") or an error.

    ``before`` is the line that ran before it in its function.
    """

    code: CodeType
    kind: str
    line: int
    before: tuple[str, int]
    values: dict[str, Any]


class Parting(msgspec.Struct, frozen=True):
    """The first line that differs, and the first variable that does (empty where only the path differs)."""

    file: str
    line: int
    variable: str


class _Running(msgspec.Struct):
    """A function that runs: its last line, whether it is on a later row, and what it then left in its variables."""

    frame: Any
    last: tuple[str, int]
    late: bool = False
    left: dict[str, Any] = {}
    by_row: dict[str, Any] = {}


class _TooLong(Exception):
    """The record is full."""


class Recorder:
    """Notes events of watched files in ``events``."""

    def __init__(self, allowed: Allowed, watched: Callable[[str], bool]) -> None:
        """``watched`` says whether a file's lines are noted."""
        self.events: list[Event] = []
        self._allowed, self._watched = allowed, watched
        self._running: list[_Running] = []
        self._later_seen = False

    def run(self, call: Callable[[], Any]) -> None:
        """Run ``call``; an error that it raises ends the record."""
        before = sys.gettrace()
        sys.settrace(self._enter)
        try:
            call()
        except Exception as error:  # noqa: BLE001 - foreign code may raise anything; where it stopped is noted
            if not isinstance(error, _TooLong):
                self._note_error(error)
        finally:
            sys.settrace(before)

    def _enter(self, frame: FrameType, _event: str, _arg: Any) -> Any:
        if not self._watched(frame.f_code.co_filename):
            return None
        self._running.append(_Running(frame, self._running[-1].last if self._running else ("", 0)))
        return self._local

    def _local(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event not in ("line", "return"):
            return self._local
        place = next(
            (i for i in range(len(self._running) - 1, -1, -1) if self._running[i].frame is frame), None
        )
        if place is None:  # a generator that goes on
            self._running.append(_Running(frame, ("", 0)))
            place = len(self._running) - 1
        del self._running[place + 1 :]
        running, here = self._running[place], (frame.f_code.co_filename, frame.f_lineno)
        running.late = self._is_late(frame)
        if any(caller.late for caller in self._running[:place]):
            self._later_seen = True
        elif running.late:
            self._later_seen = True
            self._note_late(running)
        else:
            self._note(running, event, running.last if event == "line" else here, arg)
        running.last = here
        if event == "return":
            self._running.pop()
        return self._local

    def _is_late(self, frame: FrameType) -> bool:
        """Say whether the outermost loop around the line counts a row behind the last allowed one."""
        row, rows = self._allowed.row, self._allowed.rows
        if self._allowed.later:
            return False
        for names in counters(frame.f_code.co_filename, frame.f_lineno):
            values = [frame.f_locals[name] for name in names if name in frame.f_locals]
            counts = [v for v in values if isinstance(v, int | np.integer) and not isinstance(v, bool)]
            if counts:
                return any(row < count < rows for count in counts)
        return False

    def _note(self, running: _Running, event: str, before: tuple[str, int], returned: Any) -> None:
        values = self._values(running.frame)
        running.by_row = {name: told for name, told in values.items() if isinstance(told, ByRow)}
        if event == "return" and (told := tell(returned, self._allowed)) is not SKIP:
            values[_RETURNED] = told
        if self._later_seen:
            values = {name: told for name, told in values.items() if not isinstance(told, list | tuple)}
        values = {name: told for name, told in values.items() if running.left.get(name, SKIP) != told}
        self._add(Event(running.frame.f_code, event, running.frame.f_lineno, before, values))

    def _note_late(self, running: _Running) -> None:
        """Note only what has changed about earlier rows."""
        values = self._values(running.frame)
        by_row = {name: told for name, told in values.items() if isinstance(told, ByRow)}
        changed = {name: told for name, told in by_row.items() if running.by_row.get(name, told) != told}
        if changed:
            self._add(Event(running.frame.f_code, "late", running.frame.f_lineno, running.last, changed))
        running.by_row = by_row
        running.left = {name: told for name, told in values.items() if name not in by_row}

    def _values(self, frame: FrameType) -> dict[str, Any]:
        told = {name: tell(value, self._allowed) for name, value in frame.f_locals.items()}
        return {name: value for name, value in told.items() if value is not SKIP}

    def _note_error(self, error: Exception) -> None:
        trace, places = error.__traceback__, []
        while trace is not None:
            if self._watched(trace.tb_frame.f_code.co_filename):
                places.append((trace.tb_frame.f_code, trace.tb_lineno))
            trace = trace.tb_next
        if places:
            code, line = places[-1]
            self.events.append(Event(code, "error", line, (code.co_filename, line), {"error": repr(error)}))

    def _add(self, event: Event) -> None:
        if len(self.events) >= _MOST_EVENTS:
            raise _TooLong
        self.events.append(event)


def first_parting(one: list[Event], other: list[Event]) -> Parting | None:
    """Return where two records part; None where they do not."""
    for i, (here, there) in enumerate(zip(one, other, strict=False)):
        if (here.code, here.kind, here.line) != (there.code, there.kind, there.line):
            late = next((event for event in (here, there) if event.kind == "late"), None)
            if late is not None:
                return Parting(*late.before, next(iter(late.values)))
            same = here.code is there.code and here.before[1]
            last = one[max(0, i - 1)]
            return Parting(*(here.before if same else (last.code.co_filename, last.line)), "")
        for name, told in here.values.items():
            if name in there.values and there.values[name] != told:
                return Parting(*here.before, name)
    shorter, longer = sorted((one, other), key=len)
    if len(longer) == len(shorter) or not shorter:
        return None
    follows, last = longer[len(shorter)], shorter[-1]
    place = follows.before if follows.kind == "late" else (last.code.co_filename, last.line)
    return Parting(*place, "")


def watching(own: str) -> Callable[[str], bool]:
    """Return what says whether a file is watched: ``own``, and all but Python's, libraries' and what runs it."""
    return lambda file: file == own or not file.startswith(("<", *_LIBRARIES, *_OURS))
