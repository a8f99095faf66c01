"""Block records that are valid, unusually written or spoilt, and what two readers make of them.

Run as ``python -m tests.unit.schemas.hostile_blocks`` it prints a digest of what our reader says: the same compiled, as
plain Python (NUMBA_DISABLE_JIT=1) and with checked bounds (NUMBA_BOUNDSCHECK=1).
"""

import hashlib
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from schemas.avro_files import records
from schemas.codec import DecodeError, decode_rows, frame
from schemas.scalars import write_boolean, write_long, write_string
from tests.unit.schemas.avro_values import BLOCKS

Rng = np.random.Generator
_SIZES = (0, 1, 2, 3, 9, 70)


def some_value(topic: str, branch: int, rows: int, rng: Rng) -> dict[str, Any]:
    """A block of ``rows`` rows as fastavro takes it: numbers of every size, NaN and infinities among them."""

    def longs(n: int) -> list[int]:
        return (rng.integers(-(1 << 63), (1 << 63) - 1, n) >> rng.integers(0, 63, n)).tolist()

    def doubles(n: int) -> list[float]:
        return rng.choice([0.0, -0.0, np.nan, np.inf, -1e300, 1e-320, 1640.25, rng.normal()], n).tolist()

    def value(kind: Any) -> Any:
        if kind == "string":
            return str(rng.choice(["", "ES", "BTCUSDT", "x" * 70]))
        if kind == "long":
            return longs(1)[0]
        if kind == "boolean":
            return bool(rng.integers(2))
        if kind["type"] == "map":
            return {f"f{i}": doubles(rows) for i in range(rng.integers(0, 4))}
        return longs(rows) if kind["items"] == "long" else doubles(rows)

    return {field["name"]: value(field["type"]) for field in records(topic)[branch]["fields"]}


def written_in_pieces(topic: str, branch: int, value: dict[str, Any], rng: Rng) -> bytes:
    """The same record, its arrays and maps in several Avro blocks, some with a negative count and their size."""

    def pieces(elements: list[bytes]) -> bytes:
        out = b""
        while elements:
            count = int(rng.integers(1, len(elements) + 1))
            body = b"".join(elements[:count])
            elements = elements[count:]
            sized = rng.integers(2)
            out += (write_long(-count) + write_long(len(body)) if sized else write_long(count)) + body
        return out + b"\x00"

    def write(kind: Any, value: Any) -> bytes:
        if isinstance(kind, str):
            return {"string": write_string, "long": write_long, "boolean": write_boolean}[kind](value)
        if kind["type"] == "map":
            return pieces(
                [write_string(key) + write(kind["values"], column) for key, column in value.items()]
            )
        packed = [write_long(v) if kind["items"] == "long" else struct.pack("<d", v) for v in value]
        return pieces(packed)

    fields = records(topic)[branch]["fields"]
    return frame(topic, branch) + b"".join(write(field["type"], value[field["name"]]) for field in fields)


def spoilt(data: bytes, rng: Rng) -> bytes:
    """The record with one fault: bits flipped, bytes left out, doubled or put in, or nothing left but noise."""
    place, length = int(rng.integers(len(data))), int(rng.integers(1, 9))
    noise = rng.bytes(length)
    return (
        data[:place] + bytes([data[place] ^ 1 << int(rng.integers(8))]) + data[place + 1 :],
        data[:place] + noise + data[place + length :],
        data[:place] + data[place + length :],
        data[:place] + data[max(0, place - length) :],
        data[:place] + noise + data[place:],
        data[:6] + rng.bytes(int(rng.integers(0, 60))),
        data[:place] + write_long(int(rng.integers(-(1 << 62), 1 << 62))) + data[place:],
    )[rng.integers(7)]


def hostile(topic: str, branch: int, spoils: int, rng: Rng) -> Iterator[bytes]:
    """Records of every size: cut short everywhere (the small ones), and ``spoils`` times spoilt."""
    for rows in _SIZES:
        whole = written_in_pieces(topic, branch, some_value(topic, branch, rows, rng), rng)
        yield whole
        if rows <= 3:
            yield from (whole[:end] for end in range(len(whole)))
        for _ in range(spoils):
            yield spoilt(whole, rng)


def our_reading(topic: str, data: bytes) -> str:
    """Exact text of what our reader found, or its error."""
    try:
        rows = decode_rows(topic, data)
    except DecodeError as error:
        return f"DecodeError: {error}"
    columns = {name: rows.column(name).tolist() for name in (*rows.long_names, *rows.double_names)}
    return repr((rows.record, rows.head, columns, rows.tail))


def digest(spoils: int) -> str:
    """Hash of our reading of everything hostile."""
    total = hashlib.sha256()
    for topic, branch in BLOCKS:
        for data in hostile(topic, branch, spoils, np.random.default_rng(3)):
            total.update(our_reading(topic, data).encode())
    return total.hexdigest()


if __name__ == "__main__":
    print(digest(30))
