"""How does a block of rows become Avro bytes and back? One codec for every record made of a head and columns.

A block record's fields come in this order: scalars (the head), long arrays, then double arrays or one map of double
arrays, then strings. The columns are read and written by the compiled loops of ``schemas.columns``.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from schemas import scalars
from schemas.columns import Bytes, Doubles, Longs, read_columns, write_columns

_WRITE: dict[str, Callable[[Any], bytes]] = {
    "string": scalars.write_repeated_string,
    "long": scalars.write_long,
    "boolean": scalars.write_boolean,
}
_READ: dict[str, Callable[[bytes, int], tuple[Any, int]]] = {
    "string": scalars.read_string,
    "long": scalars.read_long,
    "boolean": scalars.read_boolean,
}

ReadColumns = Callable[[bytes, int, int, int], tuple[Longs, Doubles, int]]
"""As ``schemas.columns.read_columns``, or ``schemas.plain_columns.read_columns``, which needs no compiled code."""


class Rows(msgspec.Struct):
    """A decoded block: ``head`` and ``tail`` by field name, ``longs`` [rows, k] and ``doubles`` [rows, m] by column."""

    record: str
    head: dict[str, Any]
    long_names: tuple[str, ...]
    longs: Longs
    double_names: tuple[str, ...]
    doubles: Doubles
    tail: dict[str, str]

    def column(self, name: str) -> NDArray[Any]:
        """Return one column [rows] by its field name (or map key)."""
        if name in self.long_names:
            return self.longs[:, self.long_names.index(name)]
        return self.doubles[:, self.double_names.index(name)]


class BlockCodec:
    """Encodes and decodes the blocks of one record schema."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.record = str(schema["name"])
        self.head: list[tuple[str, str]] = []
        self.longs: tuple[str, ...] = ()
        self.doubles: tuple[str, ...] = ()
        self.mapped = False
        self.tail: tuple[str, ...] = ()
        for field in schema["fields"]:
            self._add(field["name"], field["type"])
        self._writers = tuple(_WRITE[kind] for _, kind in self.head)

    def _add(self, name: str, kind: Any) -> None:
        if kind == {"type": "array", "items": "long"}:
            self.longs += (name,)
        elif kind == {"type": "array", "items": "double"}:
            self.doubles += (name,)
        elif isinstance(kind, dict):
            self.mapped = True
        elif self.longs:
            self.tail += (name,)
        else:
            self.head.append((name, kind))

    def encode(
        self,
        head: tuple[Any, ...],
        longs: Longs,
        doubles: Doubles,
        labels: tuple[Bytes, Longs],
        tail: tuple[str, ...] = (),
    ) -> bytes:
        """Return the record's bytes; ``labels`` comes from ``labels()``."""
        start = [write(value) for write, value in zip(self._writers, head, strict=True)]
        end = b"\x00" if self.mapped else b""
        return b"".join(
            (*start, write_columns(longs, doubles, *labels), end, *map(scalars.write_string, tail))
        )

    def labels(self, names: tuple[str, ...] = ()) -> tuple[Bytes, Longs]:
        """Return what stands before each double column: nothing, or the keys ``names`` of the map."""
        parts = [scalars.write_string(name) for name in names] if self.mapped else [b""] * len(self.doubles)
        if self.mapped and parts:
            parts[0] = scalars.write_long(len(parts)) + parts[0]
        ends = np.cumsum([len(part) for part in parts], dtype=np.int64)
        return np.frombuffer(bytearray().join(parts), np.uint8), ends

    def decode(self, data: bytes, position: int, read: ReadColumns = read_columns) -> tuple[Rows, int]:
        """Return the block and the position after it, its columns read by ``read``.

        Raises:
            ValueError, IndexError, UnicodeDecodeError: the bytes are not valid.
        """
        head: dict[str, Any] = {}
        for name, kind in self.head:
            head[name], position = _READ[kind](data, position)
        longs, doubles, position = read(data, position, len(self.longs), len(self.doubles))
        names = self.doubles
        if self.mapped:
            names, doubles, position = _read_map(data, position, len(longs), read)
        tail: dict[str, str] = {}
        for name in self.tail:
            tail[name], position = scalars.read_string(data, position)
        return Rows(self.record, head, self.longs, longs, names, doubles, tail), position


def _read_map(
    data: bytes, position: int, rows: int, read: ReadColumns
) -> tuple[tuple[str, ...], Doubles, int]:
    columns: dict[str, Doubles] = {}
    while True:
        count, position = scalars.read_count(data, position)
        if not count:
            break
        for _ in range(count):
            name, position = scalars.read_string(data, position)
            _, column, position = read(data, position, 0, 1)
            columns[name] = column[:, 0]
    if any(len(column) != rows for column in columns.values()):
        raise ValueError(f"a column of the map does not have the block's {rows} rows")
    doubles = np.stack(list(columns.values()), axis=1) if columns else np.empty((rows, 0))
    return tuple(columns), doubles, position
