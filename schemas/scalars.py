"""How does one value stand in Avro bytes? Plain Python readers and writers for single records.

Avro 1.12 specification, "Binary Encoding". Readers take (bytes, position) and return (value, position after it); they
raise ``ValueError``, ``IndexError`` or ``UnicodeDecodeError`` where the bytes are not valid.
"""

import struct
from functools import lru_cache

_UNPACK_DOUBLE = struct.Struct("<d").unpack_from
_LONG_BYTES = 10


def _two_bytes(value: int) -> bytes:
    return bytes((value & 0x7F | 0x80, value >> 7 | 0x80))


_CONTINUED = tuple(_two_bytes(value) for value in range(1 << 14))
_LAST = tuple(
    bytes((value,)) if value < 0x80 else bytes((value & 0x7F | 0x80, value >> 7)) for value in range(1 << 14)
)


def write_long(value: int) -> bytes:
    """Return the zigzag varint of a 64-bit integer; raise ``ValueError`` outside that range.

    Fourteen bits at a time, looked up: written out, because most longs of a record are nanoseconds or 1e-9 units.
    """
    raw = value << 1 if value >= 0 else ~(value << 1)
    if raw < 1 << 14:
        return _LAST[raw]
    first = _CONTINUED[raw & 0x3FFF]
    if raw < 1 << 28:
        return first + _LAST[raw >> 14]
    second = _CONTINUED[raw >> 14 & 0x3FFF]
    if raw < 1 << 42:
        return first + second + _LAST[raw >> 28]
    third = _CONTINUED[raw >> 28 & 0x3FFF]
    if raw < 1 << 56:
        return b"".join((first, second, third, _LAST[raw >> 42]))
    if raw >> 64:
        raise ValueError(f"{value} does not fit a 64-bit long")
    return b"".join((first, second, third, _CONTINUED[raw >> 42 & 0x3FFF], _LAST[raw >> 56]))


def write_string(value: str) -> bytes:
    """Return length and UTF-8 bytes."""
    raw = value.encode()
    size = len(raw)
    return (_LAST[size << 1] if size < 1 << 13 else write_long(size)) + raw


write_repeated_string = lru_cache(maxsize=8192)(write_string)
write_repeated_long = lru_cache(maxsize=8192)(write_long)


def write_bytes(value: bytes) -> bytes:
    """Return length and bytes."""
    return write_long(len(value)) + value


def write_boolean(value: bool) -> bytes:
    """Return one byte."""
    return b"\x01" if value else b"\x00"


def write_double_map(value: dict[str, float]) -> bytes:
    """Return a map of doubles as one block."""
    if not value:
        return b"\x00"
    pack = struct.pack
    parts = [write_long(len(value))]
    for name, number in value.items():
        parts.append(write_repeated_string(name) + pack("<d", number))
    parts.append(b"\x00")
    return b"".join(parts)


def read_long(data: bytes, position: int) -> tuple[int, int]:
    """Read a zigzag varint of at most ten bytes."""
    byte = data[position]
    position += 1
    if byte < 0x80:
        return (byte >> 1) ^ -(byte & 1), position
    raw = byte & 0x7F
    for shift in range(7, 7 * _LONG_BYTES, 7):
        byte = data[position]
        position += 1
        raw |= (byte & 0x7F) << shift
        if byte < 0x80:
            if raw >> 64:
                break
            return (raw >> 1) ^ -(raw & 1), position
    raise ValueError("a long of more than 64 bits")


def read_bytes(data: bytes, position: int) -> tuple[bytes, int]:
    """Read length and bytes."""
    length, position = read_long(data, position)
    end = position + length
    if length < 0 or end > len(data):
        raise ValueError(f"{length} bytes announced, {len(data) - position} there")
    return data[position:end], end


def read_string(data: bytes, position: int) -> tuple[str, int]:
    """Read length and UTF-8 bytes."""
    raw, position = read_bytes(data, position)
    return raw.decode(), position


def read_double(data: bytes, position: int) -> tuple[float, int]:
    """Read eight little-endian bytes."""
    if position + 8 > len(data):
        raise ValueError("a double is cut short")
    value: float = _UNPACK_DOUBLE(data, position)[0]
    return value, position + 8


def read_boolean(data: bytes, position: int) -> tuple[bool, int]:
    """Read one byte; anything but zero is true."""
    return data[position] != 0, position + 1


def read_count(data: bytes, position: int) -> tuple[int, int]:
    """Read the count of an array or map block; a negative one is followed by the block's size, which is skipped."""
    count, position = read_long(data, position)
    if count < 0:
        _, position = read_long(data, position)
        count = -count
    if count > len(data):
        raise ValueError(f"{count} elements announced in {len(data)} bytes")
    return count, position


def read_double_map(data: bytes, position: int) -> tuple[dict[str, float], int]:
    """Read a map of doubles."""
    out: dict[str, float] = {}
    while True:
        count, position = read_count(data, position)
        if not count:
            return out, position
        for _ in range(count):
            name, position = read_string(data, position)
            out[name], position = read_double(data, position)
