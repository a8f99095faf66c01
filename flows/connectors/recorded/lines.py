"""Which lines does a text file hold, plain or gzip? Never more of it in memory than a few MiB."""

import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from flows.connectors.gateway import Reject
from flows.connectors.input_errors import InputError

CHUNK_BYTES = 1 << 20
LONGEST_LINE = 8 << 20
KEPT_BYTES = 64 << 10


class Lines(msgspec.Struct, frozen=True):
    """Some whole lines, without their ends; the first has number ``first`` (from 1). ``fault``: why no more follow."""

    first: int
    lines: list[bytes]
    fault: str = ""


def check_readable(path: str) -> None:
    """Raise InputError unless the path is a file with something in it."""
    file = Path(path)
    try:
        with file.open("rb") as stream:
            if not stream.read(1):
                raise InputError(
                    f"{path}: the file is empty (0 bytes); was its download or recording broken off?"
                )
    except IsADirectoryError as error:
        raise InputError(f"{path}: is a folder; name the files in it") from error
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; check the path (relative to {Path.cwd().name}/)") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def content_hash(path: str) -> bytes:
    """Return the sha256 of the file's bytes."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()


class Block(msgspec.Struct, frozen=True):
    """Some whole lines as they stand, the last without its end; the first has number ``first`` (from 1).

    ``fault``: why no more follow; then there are no lines.
    """

    first: int
    text: bytes
    fault: str = ""


def read_blocks(path: str) -> Iterator[Block]:
    """Yield the file about a MiB at a time, cut at the same places in every reading.

    A gzip stream that breaks off or is damaged ends with a ``fault``. A line over LONGEST_LINE is cut to it.
    """
    rest, number, fault = b"", 1, ""
    for chunk, fault in _chunks(path):  # noqa: B007 - the last one counts
        head, newline, tail = chunk.rpartition(b"\n")
        if not newline:
            rest = (rest + chunk)[:LONGEST_LINE]
            continue
        text = rest + head
        rest = tail
        yield Block(number, text)
        number += text.count(b"\n") + 1
    if rest:
        yield Block(number, rest)
        number += 1
    if fault:
        yield Block(number, b"", fault)


def read_lines(path: str, from_line: int = 1) -> Iterator[Lines]:
    """Yield the lines of ``read_blocks`` from number ``from_line`` on."""
    for block in read_blocks(path):
        if block.fault:
            yield Lines(block.first, [], block.fault)
            return
        lines = block.text.split(b"\n")
        skipped = max(0, from_line - block.first)
        if skipped < len(lines):
            yield Lines(block.first + skipped, lines[skipped:])


def first_lines(path: str, count: int) -> list[bytes]:
    """Return the first lines, at most ``count``."""
    for some in read_lines(path):
        return some.lines[:count]
    return []


def _chunks(path: str) -> Iterator[tuple[bytes, str]]:
    with open(path, "rb") as stream:
        if stream.read(2) != b"\x1f\x8b":
            stream.seek(0)
            while chunk := stream.read(CHUNK_BYTES):
                yield chunk, ""
            return
        stream.seek(0)
        inflate = zlib.decompressobj(wbits=31)
        while data := (inflate.unconsumed_tail or stream.read(CHUNK_BYTES)):
            try:
                chunk = inflate.decompress(data, CHUNK_BYTES)
                if inflate.eof:
                    data = inflate.unused_data or stream.read(CHUNK_BYTES)
                    yield chunk, ""
                    if not data.strip(b"\0"):
                        return
                    inflate = zlib.decompressobj(wbits=31)
                    chunk = inflate.decompress(data, CHUNK_BYTES)
            except zlib.error as error:
                yield b"", f"the gzip stream is damaged ({error}); what follows cannot be read"
                return
            yield chunk, ""
        if not inflate.eof:
            yield (
                b"",
                "the gzip stream breaks off: the file is incomplete; fetch it again, or go on without its end",
            )


class Refusals:
    """Makes the rejects of one file."""

    def __init__(self, name: str, digest: bytes) -> None:
        self.name = name
        self._digest = digest.hex()[:16]

    def refuse(self, line: int, reason: str, detail: str, original: bytes, symbol: str = "") -> Reject:
        """Return the reject of a line (or row) of the file."""
        said = f"{self.name}: line {line}: {detail}"
        return Reject(f"{self._digest}:{line}", self.name, line, symbol, reason, said, original[:KEPT_BYTES])
