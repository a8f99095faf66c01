"""At which line do two runs of the same code part, before what they were allowed to see differs?

``Recorder`` runs a call under ``sys.settrace`` and notes, at every line of the watched files, the local variables as
far as they may depend only on rows up to ``row``. ``first_parting`` walks two such records to the first event at which
the path or a variable differs: the line executed just before it is the one that read what it must not.

What may legitimately differ is left out: an array with a value for each row counts up to ``row``; so does a list of
row numbers; while a loop's index stands on a later row its frame is not looked at, and what it changed in place (a
state) is not looked at afterwards.
"""

import sys
import sysconfig
import zlib
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

import msgspec
import numpy as np

_SMALL = 64
"""Arrays and lists up to this length are compared whole, unless they are as long as the tape."""
_MOST_EVENTS = 2_000_000
_DEEP = 2
_LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
_SKIP = object()


class Allowed(msgspec.Struct, frozen=True, eq=False):
    """What a run may see: rows up to ``row`` of ``rows`` rows; ``inputs`` are the arrays that it is handed."""

    row: int
    rows: int
    inputs: list[Any] = []
    later: bool = False
    """Whether what a loop does on later rows is looked at, too: then the first line that sees any difference parts."""


class Event(msgspec.Struct, frozen=True):
    """A line about to run, or a function about to return; ``before`` is the line that ran before it in its frame."""

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
    one: str
    other: str


class _TooLong(Exception):
    """The record is full."""


class Recorder:
    """Notes events of watched files; call ``events`` after the run."""

    def __init__(self, allowed: Allowed, watched: Callable[[str], bool]) -> None:
        """``watched`` says whether a file's lines are noted."""
        self.events: list[Event] = []
        self._allowed, self._watched = allowed, watched
        self._last: list[tuple[FrameType, tuple[str, int]]] = []
        self._counters: dict[int, set[str]] = {}
        self._late: set[int] = set()
        self._future_seen = False

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
        caller = self._last[-1][1] if self._last else ("", 0)
        self._last.append((frame, caller))
        return self._local

    def _local(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event not in ("line", "return"):
            return self._local
        place = next((i for i in range(len(self._last) - 1, -1, -1) if self._last[i][0] is frame), None)
        if place is None:
            self._last.append((frame, ("", 0)))
            place = len(self._last) - 1
        del self._last[place + 1 :]
        here = (frame.f_code.co_filename, frame.f_lineno)
        if not self._in_the_future(frame, place):
            self._note(frame, event, self._last[place][1] if event == "line" else here, arg)
        if event == "return":
            self._forget(frame)
            self._last.pop()
        else:
            self._last[place] = (frame, here)
        return self._local

    def _note(self, frame: FrameType, event: str, before: tuple[str, int], returned: Any) -> None:
        if len(self.events) >= _MOST_EVENTS:
            raise _TooLong
        values = {
            name: told for name, value in frame.f_locals.items() if (told := self._told(value)) is not _SKIP
        }
        if event == "return" and (told := self._told(returned)) is not _SKIP:
            values["what it returns"] = told
        self.events.append(Event(frame.f_code, event, frame.f_lineno, before, values))

    def _note_error(self, error: Exception) -> None:
        trace = error.__traceback__
        places = []
        while trace is not None:
            if self._watched(trace.tb_frame.f_code.co_filename):
                places.append((trace.tb_frame.f_code, trace.tb_lineno))
            trace = trace.tb_next
        if places:
            code, line = places[-1]
            self.events.append(Event(code, "error", line, (code.co_filename, line), {"error": repr(error)}))

    def _in_the_future(self, frame: FrameType, place: int) -> bool:
        """Say whether this frame, or one that called it, works on a row behind the last allowed one."""
        row, rows = self._allowed.row, self._allowed.rows
        if self._allowed.later:
            return False
        counters = self._counters.setdefault(id(frame), set())
        late = False
        for name, value in frame.f_locals.items():
            if isinstance(value, int | np.integer) and not isinstance(value, bool):
                if 0 <= value <= row:
                    counters.add(name)
                late = late or (row < value < rows and name in counters)
        (self._late.add if late else self._late.discard)(id(frame))
        late = any(id(other) in self._late for other, _ in self._last[: place + 1])
        self._future_seen = self._future_seen or late
        return late

    def _forget(self, frame: FrameType) -> None:
        self._counters.pop(id(frame), None)
        self._late.discard(id(frame))

    def _told(self, value: Any, depth: int = 0) -> Any:
        """Return what may be compared of a value, or ``_SKIP``."""
        if value is None or isinstance(value, bool | str | bytes):
            return value
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, int):
            return _Whole(value, value - self._allowed.rows)
        if isinstance(value, float):
            return value.hex() if value == value else "nan"
        if isinstance(value, np.ndarray):
            return self._array(value)
        if depth < _DEEP and isinstance(value, list | tuple | dict | set | msgspec.Struct):
            return self._collection(value, depth)
        return _SKIP

    def _collection(self, value: Any, depth: int) -> Any:
        row, rows = self._allowed.row, self._allowed.rows
        if isinstance(value, msgspec.Struct):
            if hasattr(value, "bars") and hasattr(value, "features"):
                return _SKIP
            value = msgspec.structs.asdict(value)
        if isinstance(value, dict):
            value = list(value.items())
        listed = list(value)
        if len(listed) == rows and rows > _SMALL:
            listed = listed[: row + 1]
        elif listed and all(isinstance(entry, int | np.integer) and 0 <= entry < rows for entry in listed):
            listed = [entry for entry in listed if entry <= row]
        elif listed and all(hasattr(entry, "row") for entry in listed):
            listed = [entry for entry in listed if entry.row <= row]
        elif self._future_seen or len(listed) > _SMALL:
            return _SKIP
        told = [self._told(entry, depth + 1) for entry in listed]
        return [entry for entry in told if entry is not _SKIP]

    def _array(self, array: Any) -> Any:
        row, rows = self._allowed.row, self._allowed.rows
        if array.ndim == 0:
            return self._told(array.item())
        length = len(array)
        if length == rows:
            if any(np.may_share_memory(array, given) for given in self._allowed.inputs):
                return _SKIP
            return _sum(array[: row + 1])
        if (
            array.ndim == 1
            and array.dtype.kind in "iu"
            and length
            and array.min() >= 0
            and array.max() < rows
        ):
            return _sum(array[array <= row])
        if rows > length > max(_SMALL, rows - 600):
            return _sum(array[: max(0, row + 1 - (rows - length))])
        return _SKIP if self._future_seen or length > _SMALL else _sum(array)


class _Whole(msgspec.Struct, frozen=True):
    """An int, and its distance to the number of rows: a count of rows may differ between tapes of two lengths."""

    value: int
    from_end: int

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Whole) and (self.value == other.value or self.from_end == other.from_end)

    def __hash__(self) -> int:
        return hash(self.value)


def first_parting(one: list[Event], other: list[Event]) -> Parting | None:
    """Return where two records part; None where they do not."""
    for here, there in zip(one, other):
        if (here.code, here.kind, here.line) != (there.code, there.kind, there.line):
            file, line = here.before if here.code is there.code and here.before[1] else _previous(one, here)
            return Parting(file, line, "", f"line {here.line} follows", f"line {there.line} follows")
        for name in here.values:
            if name in there.values and here.values[name] != there.values[name]:
                file, line = here.before
                shown = [_shown(event.values[name]) for event in (here, there)]
                return Parting(file, line, name, shown[0], shown[1])
    longer = max(one, other, key=len)
    shorter = min(len(one), len(other))
    if len(longer) > shorter > 0:
        last = longer[shorter - 1]
        return Parting(last.code.co_filename, last.line, "", "goes on", "ends")
    return None


def is_own(file: str) -> bool:
    """Say whether a file is neither Python's, nor a library's, nor part of what runs the strategy."""
    inside = any(file.startswith(folder) for folder in _LIBRARIES)
    ours = "/flows/" in file or "/schemas/" in file
    return not (inside or ours or file.startswith("<"))


def _previous(events: list[Event], event: Event) -> tuple[str, int]:
    place = next(i for i, other in enumerate(events) if other is event)
    last = events[max(0, place - 1)]
    return last.code.co_filename, last.line


def _sum(array: Any) -> Any:
    if array.dtype.kind not in "biufc":
        return _SKIP
    return array.shape[1:], zlib.crc32(np.ascontiguousarray(array).tobytes())


def _shown(value: Any) -> str:
    if isinstance(value, _Whole):
        return str(value.value)
    if isinstance(value, tuple):
        return "another array"
    try:
        return f"{float.fromhex(value):.10g}" if isinstance(value, str) else str(value)
    except ValueError:
        return str(value)
