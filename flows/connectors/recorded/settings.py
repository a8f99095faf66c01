"""What decides which rows a recording holds?"""

import hashlib
from pathlib import Path

import msgspec

from flows.connectors.gateway import SECOND


class RecordedSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to read files of recorded market data; each field changes rows, so each is part of the session's identity.

    ``symbol``, ``venue``: for files that name none (or one only). ``timezone``: of times without one.
    ``interval_ns``: length of bars, 0 = from the distances between rows. ``disorder_ns``: how far back in time a row
    may come and still be sorted in; -1 = the format's own (DISORDER_NS).
    """

    symbol: str = ""
    venue: str = ""
    timezone: str = "UTC"
    interval_ns: int = 0
    disorder_ns: int = -1

    def disorder(self, format_name: str) -> int:
        """Return the bound that holds for a format, ns."""
        return self.disorder_ns if self.disorder_ns >= 0 else DISORDER_NS[format_name]

    def identity(self, format_name: str, content: bytes) -> bytes:
        """Return the hash of content, format and settings."""
        said = msgspec.json.encode([format_name, self.disorder(format_name), msgspec.to_builtins(self)])
        return hashlib.sha256(content + said).digest()


DISORDER_NS: dict[str, int] = {"trades": SECOND, "binance": 5 * SECOND, "ohlcv": 0}
"""Binance: streams of one connection drift apart, and spot quotes carry our own clock."""


def symbol_of(path: str) -> str:
    """Return the symbol that a file name begins with.

    >>> symbol_of("infra/demo/es_trades.parquet"), symbol_of("BRK.B-2020.csv.gz"), symbol_of("SPY.csv")
    ('ES', 'BRK.B', 'SPY')
    """
    name = Path(path).name
    for ending in (".gz", ".csv", ".parquet", ".jsonl", ".json", ".txt"):
        name = name.removesuffix(ending)
    return name.replace("-", "_").replace(" ", "_").split("_")[0].upper()
