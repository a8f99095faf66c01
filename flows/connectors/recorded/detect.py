"""Which format has a file? Its first bytes say it, whatever its name."""

import re

from flows.connectors.input_errors import InputError
from flows.connectors.recorded.headers import ALIASES
from flows.connectors.recorded.lines import first_lines

_FRAME = re.compile(rb"(\d{10,19} )?\{")
_TEXT_LINES = 20


def detect_format(path: str) -> str:
    """Return trades, binance or ohlcv; InputError for a file of none of them."""
    with open(path, "rb") as stream:
        if stream.read(4) == b"PAR1":
            return "trades"
    lines = first_lines(path, _TEXT_LINES)
    if any(_FRAME.match(line.strip()) for line in lines):
        return "binance"
    if path.endswith((".parquet", ".pq")):
        return "trades"
    if path.endswith((".jsonl", ".jsonl.gz")):
        return "binance"
    if path.endswith((".csv", ".csv.gz")) or (lines and _is_header(lines[0])):
        return "ohlcv"
    raise InputError(
        f"{path}: unknown format; it begins with {(lines[0] if lines else b'')[:40]!r}. It should be a Parquet file of "
        "trades, Binance frames as JSON lines, or a csv of bars with a header: give --format trades, binance or ohlcv"
    )


def _is_header(line: bytes) -> bool:
    names = {name.strip().lower() for name in re.split(r"[,;\t|]", line.decode("utf-8-sig", "replace"))}
    return bool(names & set(ALIASES["time"])) and bool(names & {"open", "close", "price"})
