"""Vectors of Kafka's own UtilsTest.testMurmur2 (signed there)."""

import pytest

from flows.connectors.partitioner import murmur2, partition_of

KAFKA_VECTORS = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize(("key", "signed"), KAFKA_VECTORS.items())
def test_murmur2_equals_kafka(key: bytes, signed: int) -> None:
    assert murmur2(key) == signed & 0xFFFFFFFF


def test_partitions_are_in_range_and_stable() -> None:
    found = {partition_of(b"%d" % n, 4) for n in range(1000)}
    assert found == {0, 1, 2, 3}
    assert partition_of(b"", 7) == (murmur2(b"") & 0x7FFFFFFF) % 7
    with pytest.raises(ValueError, match="at least one partition, not 0"):
        partition_of(b"k", 0)
