"""How tests read the vendored quotes and the series published over them (see README.md)."""

import csv
import gzip
import json
from pathlib import Path
from typing import TextIO

import numpy as np

from operators.features.feature import Vector
from operators.features.fold import Matrix, ohlcv_bars

FOLDER = Path(__file__).parent


def quotes(name: str) -> Matrix:
    """Bars (n, BAR_WIDTH) of a quotes file, oldest first; the calendar day is the session."""
    with _open(name) as text:
        rows = list(csv.DictReader(text))
    prices = [[float(row[column]) for row in rows] for column in ("open", "high", "low", "close", "volume")]
    days = np.array([row["date"][:10] for row in rows], dtype="datetime64[D]")
    return ohlcv_bars(*prices, session=days.astype(np.int64))


def published(name: str, field: str) -> Vector:
    """One published series (n,), NaN where it has no value."""
    with _open(f"{name}.standard.json.gz") as text:
        rows = json.load(text)
    return np.array([np.nan if row[field] is None else row[field] for row in rows], dtype=np.float64)


def _open(name: str) -> TextIO:
    path = FOLDER / name
    return gzip.open(path, "rt") if path.suffix == ".gz" else path.open()
