"""What does a command print? Results on stdout, as JSON or as text; notes and progress on stderr."""

import os
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import typer

NANOS = 1_000_000_000


def emit_json(result: Any, indent: bool = True) -> None:
    """Print one JSON value on stdout: bytes as base64, numbers that JSON lacks as null."""
    import msgspec

    encoded = msgspec.json.encode(result)
    write((msgspec.json.format(encoded, indent=2) if indent else encoded).decode())


def write(line: str) -> None:
    """Print a line on stdout; a reader that has closed the pipe (such as `head`) ends the command quietly."""
    try:
        sys.stdout.write(line + "\n")
    except BrokenPipeError:
        _end_quietly()


def flush() -> None:
    """Flush stdout; a closed pipe ends the command quietly."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _end_quietly()


def _end_quietly() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise typer.Exit(0)


def note(text: str) -> None:
    """Print a line for people on stderr."""
    print(text, file=sys.stderr, flush=True)


def warn(text: str) -> None:
    """Print a warning on stderr."""
    note(f"warning: {text}")


def table(headers: Sequence[str], rows: Iterable[Sequence[Any]], right_from: int | None = None) -> None:
    """Print rows in columns; numbers, and all columns from ``right_from`` on, to the right; nothing is cut off."""
    cells = [[_cell(value) for value in row] for row in rows]
    right = [all(_is_number(row[i]) for row in cells) and bool(cells) for i in range(len(headers))]
    if right_from is not None:
        right[right_from:] = [True] * (len(headers) - right_from)
    widths = [max(len(header), *(len(row[i]) for row in cells), 0) for i, header in enumerate(headers)]
    for line in [list(headers), ["-" * width for width in widths], *cells]:
        parts = [
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(line, widths, right, strict=True)
        ]
        write("  ".join(parts).rstrip())


def pairs(rows: Iterable[tuple[str, Any]]) -> None:
    """Print names and values in two columns."""
    listed = [(name, _cell(value)) for name, value in rows]
    width = max((len(name) for name, _ in listed), default=0)
    for name, value in listed:
        write(f"{name.ljust(width)}  {value}".rstrip())


def moment(ts_ns: int) -> str:
    """Return a time in ns as UTC text, to the last digit that is not zero in steps of three.

    >>> moment(1_377_986_400_250_000_000)
    '2013-08-31T22:00:00.250Z'
    """
    seconds, rest = divmod(ts_ns, NANOS)
    stem = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    digits = f"{rest:09d}"
    while digits.endswith("000"):
        digits = digits[:-3]
    return f"{stem}.{digits}Z" if digits else f"{stem}Z"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.2f}"
    if isinstance(value, bytes):
        return f"({len(value)} bytes)"
    return str(value)


def _is_number(cell: str) -> bool:
    return (
        not cell
        or cell.lstrip("-")[:1].isdigit()
        and cell.replace(",", "").lstrip("-").replace(".", "", 1).isdigit()
    )
