"""How far is it? A bar or a status line on stderr: alive on a terminal, a plain line now and then elsewhere."""

import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from ui.cli.output import note

PLAIN_EVERY_S = 5.0
"""Wall time between the plain lines of a status that is not on a terminal."""
_REDRAWS_A_SECOND = 8


class Bar:
    """A progress bar on a terminal, nothing elsewhere; call it with what is done and what there is in all."""

    def __init__(self, title: str, unit: str) -> None:
        self._title, self._unit = title, unit
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        """Draw the bar."""
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.completed:,.0f} " + self._unit),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task(self._title, total=None)
        return self

    def __call__(self, done: int, total: int | None = None) -> None:
        """Say how much is done, of how much; None where nobody knows."""
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total)

    def __exit__(
        self, kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None
    ) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()


class StatusLine:
    """One line of names and values that is rewritten in place; elsewhere than on a terminal, a line every 5 s."""

    def __init__(self) -> None:
        self._live: Any = None
        self._next_s = 0.0

    def __enter__(self) -> Self:
        """Make room for the line."""
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            self._live = Live(
                "", console=Console(stderr=True), refresh_per_second=_REDRAWS_A_SECOND, transient=True
            )
            self._live.start()
        return self

    def __call__(self, status: Mapping[str, Any]) -> None:
        """Show the present values."""
        if self._live is not None:
            self._live.update(_line(status))
        elif time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + PLAIN_EVERY_S
            note("  ".join(f"{name} {_shown(value)}" for name, value in status.items()))

    def __exit__(
        self, kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None
    ) -> None:
        """Take the line away."""
        if self._live is not None:
            self._live.stop()


def _line(status: Mapping[str, Any]) -> Any:
    """Return the values as text; a narrow terminal wraps it."""
    from rich.text import Text

    line = Text()
    for name, value in status.items():
        line.append(f"{name} ", style="dim").append(f"{_shown(value)}  ")
    return line


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.2f}" if isinstance(value, float) else str(value)
