"""Recorded market data as a gateway: files of any format in FORMATS, merged in event-time order into one session.

``open_recorded(files, settings, cut)`` yields slices (``flows.connectors.gateway``). The session's number is a hash of
the files' content and of every setting that decides about rows, so that the same recording is the same session.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

from flows.connectors.gateway import CutSettings
from flows.connectors.input_errors import InputError
from flows.connectors.recorded.binance import BinanceFrames
from flows.connectors.recorded.cutter import Position, SessionGateway
from flows.connectors.recorded.detect import detect_format
from flows.connectors.recorded.lines import check_readable
from flows.connectors.recorded.ohlcv import OhlcvBars
from flows.connectors.recorded.settings import RecordedSettings
from flows.connectors.recorded.source import Source
from flows.connectors.recorded.trades import ParquetTrades

FORMATS: dict[str, Any] = {"trades": ParquetTrades, "binance": BinanceFrames, "ohlcv": OhlcvBars}

_AS_THEY_ARE = RecordedSettings()
_USUAL_CUT = CutSettings()

__all__ = [
    "FORMATS",
    "CutSettings",
    "InputError",
    "Position",
    "RecordedSettings",
    "SessionGateway",
    "open_recorded",
    "open_sources",
    "session_of",
]


def open_recorded(
    files: Sequence[str],
    settings: RecordedSettings = _AS_THEY_ARE,
    cut: CutSettings = _USUAL_CUT,
    *,
    format: str = "auto",
    resume: Position | None = None,
) -> SessionGateway:
    """Open files as one session, from its start or from a position of an earlier gateway over the same files.

    Raises InputError for what cannot be read: it names file, row, value and what to do.
    """
    return session_of(open_sources(files, settings, format), cut, resume)


def open_sources(
    files: Sequence[str], settings: RecordedSettings = _AS_THEY_ARE, format: str = "auto"
) -> list[Source]:
    """Open files without beginning to read them as a session; InputError for what cannot be read."""
    if not files:
        raise InputError("no file to read: name at least one")
    if format != "auto" and format not in FORMATS:
        raise InputError(f"unknown format {format!r}: use auto, {', '.join(FORMATS)}")
    for path in files:
        check_readable(path)
    sources: list[Source] = [
        FORMATS[detect_format(path) if format == "auto" else format](path, settings) for path in files
    ]
    _check_venues(sources)
    return sources


def session_of(sources: list[Source], cut: CutSettings, resume: Position | None = None) -> SessionGateway:
    """Return the session of open sources, from its start or from a position."""
    return SessionGateway(sources, cut, session_number([source.identity for source in sources]), resume)


def session_number(identities: Sequence[bytes]) -> int:
    """Return a positive int63: the first 8 bytes of a sha256 over the sources' identities, in order."""
    digest = hashlib.sha256(b"".join(identities)).digest()
    return (int.from_bytes(digest[:8], "big") >> 1) or 1


def _check_venues(sources: list[Source]) -> None:
    seen: dict[str, tuple[str, str]] = {}
    for source in sources:
        for symbol, venue in source.venues.items():
            other, path = seen.setdefault(symbol, (venue, source.name))
            if other != venue:
                raise InputError(
                    f"{symbol} comes from two venues: {other} ({path}) and {venue} ({source.name}). Ingest them one "
                    "after the other, and one of them under another name (--symbol)"
                )
