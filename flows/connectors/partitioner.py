"""Which partition does a key belong to?

    partition = (murmur2(key) & 0x7fffffff) mod partitions

That is Apache Kafka's default for keyed records (`org.apache.kafka.common.utils.Utils.murmur2`, Austin
Appleby's MurmurHash2, seed 0x9747b28c). We compute it ourselves for both backends, so that one key always
lies in the same partition, whoever wrote it and wherever.
"""

from functools import lru_cache

_M = 0x5BD1E995
_SEED = 0x9747B28C
_MASK = 0xFFFFFFFF


@lru_cache(maxsize=65_536)
def partition_of(key: bytes, partitions: int) -> int:
    """Partition (0 .. partitions - 1) of `key` in a topic of `partitions`; ValueError if `partitions` < 1."""
    if partitions < 1:
        raise ValueError(f"a topic has at least one partition, not {partitions}")
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def murmur2(data: bytes) -> int:
    """MurmurHash2 of `data` as an unsigned 32-bit integer, as Kafka's Java client computes it.

    >>> hex(murmur2(b"foobar"))  # Kafka's own test vector: -790332482 as a signed int
    '0xd0e47bbe'
    """
    length = len(data)
    h = _SEED ^ length
    whole = length & ~3
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i : i + 4], "little") * _M & _MASK
        k = (k ^ (k >> 24)) * _M & _MASK
        h = (h * _M & _MASK) ^ k
    if whole < length:
        h = (h ^ int.from_bytes(data[whole:], "little")) * _M & _MASK
    h = (h ^ (h >> 13)) * _M & _MASK
    return h ^ (h >> 15)
