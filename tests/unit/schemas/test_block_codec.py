"""Does our block codec say what fastavro says, on every input? Valid, unusually written, cut short, spoilt, noise."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows import kernel_cache
from schemas.avro_files import records
from schemas.block_codec import Rows
from schemas.codec import BLOCKS as CODECS
from schemas.codec import DecodeError, decode_rows, frame
from schemas.scalars import write_long, write_string
from tests.unit.schemas.avro_values import BLOCKS, their_bytes, their_reading
from tests.unit.schemas.avro_values import values as values_of
from tests.unit.schemas.hostile_blocks import digest, hostile, some_value, written_in_pieces

ROOT = Path(__file__).parents[3]


def our_bytes(topic: str, branch: int, value: dict[str, Any]) -> bytes:
    """What our codec writes."""
    codec = CODECS[topic][branch]
    doubles = value["values"] if codec.mapped else {name: value[name] for name in codec.doubles}
    rows = len(value[codec.longs[0]]) if codec.longs else 0
    longs = np.empty((rows, len(codec.longs)), np.int64)
    numbers = np.empty((rows, len(doubles)))
    for i, name in enumerate(codec.longs):
        longs[:, i] = value[name]
    for i, column in enumerate(doubles.values()):
        numbers[:, i] = column
    labels = codec.labels(tuple(doubles)) if codec.mapped else codec.labels()
    head = tuple(value[name] for name, _ in codec.head)
    return frame(topic, branch) + codec.encode(
        head, longs, numbers, labels, tuple(value[n] for n in codec.tail)
    )


def fields_of(topic: str, branch: int, rows: Rows) -> str:
    """Exact text of the rows as the record's fields."""
    fields: dict[str, Any] = {**rows.head, **rows.tail}
    columns = {name: rows.column(name).tolist() for name in (*rows.long_names, *rows.double_names)}
    if CODECS[topic][branch].mapped:
        fields["values"] = {name: columns.pop(name) for name in rows.double_names}
    fields |= columns
    return repr({field["name"]: fields[field["name"]] for field in records(topic)[branch]["fields"]})


def rows_differ(fields: dict[str, Any]) -> bool:
    """Whether the columns that fastavro found have different lengths."""
    columns = [value for value in fields.values() if isinstance(value, list)]
    columns += [column for value in fields.values() if isinstance(value, dict) for column in value.values()]
    return len({len(column) for column in columns}) > 1


@pytest.mark.parametrize(("topic", "branch"), BLOCKS)
@given(data=st.data())
@settings(max_examples=30)
def test_bytes_and_reading_equal_fastavros(topic: str, branch: int, data: st.DataObject) -> None:
    drawn = data.draw(values_of(records(topic)[branch], data.draw(st.integers(0, 5))))
    value = {field["name"]: drawn[field["name"]] for field in records(topic)[branch]["fields"]}
    if CODECS[topic][branch].mapped:
        value["values"] = {name: column for name, column in value["values"].items() if name not in value}
    encoded = our_bytes(topic, branch, value)
    assert encoded == their_bytes(topic, branch, value)
    rows = decode_rows(topic, encoded)
    assert rows.record == records(topic)[branch]["name"]
    assert fields_of(topic, branch, rows) == repr(value)


@pytest.mark.parametrize(("topic", "branch"), BLOCKS)
def test_arrays_in_several_blocks_read_alike(topic: str, branch: int) -> None:
    rng = np.random.default_rng(1)
    for rows in (0, 1, 2, 5, 40):
        for _ in range(20):
            value = some_value(topic, branch, rows, rng)
            data = written_in_pieces(topic, branch, value, rng)
            assert fields_of(topic, branch, decode_rows(topic, data)) == repr(value)
            assert repr(their_reading(topic, data)[1]) == repr(value)


@pytest.mark.parametrize(("topic", "branch"), BLOCKS)
def test_what_fastavro_refuses_is_refused_and_what_both_read_is_equal(topic: str, branch: int) -> None:
    accepted = 0
    for data in hostile(topic, branch, 700, np.random.default_rng(2)):
        try:
            rows = decode_rows(topic, data)
        except DecodeError as error:
            assert str(error).startswith(f"{topic}: ")
            continue
        accepted += 1
        name, fields, left = their_reading(topic, data)
        assert left == 0
        assert name == rows.record
        found = [record["name"] for record in records(topic)].index(name)
        assert fields_of(topic, found, rows) == repr(fields)
    assert accepted > 100, "the spoilt records should not all be unreadable"


@pytest.mark.parametrize(("topic", "branch"), BLOCKS)
def test_what_only_fastavro_reads_has_a_reason(topic: str, branch: int) -> None:
    """Ours is stricter in four ways: bytes left over, columns of two lengths, longs over 64 bits, negative lengths."""
    rng = np.random.default_rng(4)
    for data in hostile(topic, branch, 60, rng):
        try:
            decode_rows(topic, data)
        except DecodeError as error:
            try:
                _, fields, left = their_reading(topic, data)
            except Exception:  # noqa: BLE001 - whatever fastavro raises, it refuses
                continue
            stricter = ("announced", "64 bits", "header", "schema id", "union branch", "cut short", "rows")
            assert left or rows_differ(fields) or any(word in str(error) for word in stricter)


@given(st.binary(max_size=60))
@settings(max_examples=300)
def test_noise_is_an_error_of_one_kind(noise: bytes) -> None:
    for topic, branch in BLOCKS:
        for data in (noise, frame(topic, branch) + noise):
            try:
                rows = decode_rows(topic, data)
            except DecodeError:
                continue
            assert repr(their_reading(topic, data)[1]) == fields_of(
                topic, [record["name"] for record in records(topic)].index(rows.record), rows
            )


@pytest.mark.parametrize("count", [1 << 62, -(1 << 62), -(1 << 63), (1 << 63) - 1, 1 << 31, 9, -9])
def test_a_count_larger_than_the_record_is_refused(count: int) -> None:
    head = write_string("ES") + write_string("CME") + b"\x02\x00\x00\x00"
    with pytest.raises(DecodeError, match="cut short"):
        decode_rows("market_data", frame("market_data", 0) + head + write_long(count) + b"\x02" * 8)


@pytest.mark.parametrize(
    "setting", [{"NUMBA_DISABLE_JIT": "1"}, {"NUMBA_BOUNDSCHECK": "1"}], ids=["plain", "bounds"]
)
def test_plain_python_and_checked_bounds_say_the_same(setting: dict[str, str]) -> None:
    """An access out of bounds raises in both, and would be printed."""
    cache = f"{kernel_cache.folder()}-checked" if "NUMBA_BOUNDSCHECK" in setting else ""
    environment = {**os.environ, **setting, "PYTHONPATH": str(ROOT)}
    if cache:
        environment["NUMBA_CACHE_DIR"] = cache
    run = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.unit.schemas.hostile_blocks"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert run.stderr == ""
    assert run.stdout.strip() == digest(30)
