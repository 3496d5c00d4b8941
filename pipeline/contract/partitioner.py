"""Which partition a key belongs to: murmur2, as Kafka's Java clients do it by default.

Records are keyed by campaign, and a campaign's records stay in order only if every producer agrees. In
librdkafka the same is called ``partitioner=murmur2_random``; in Java it is the default for keyed records.
"""

from __future__ import annotations

_SEED = 0x9747B28C
_M = 0x5BD1E995
_R = 24
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """Kafka's 32-bit murmur2 (org.apache.kafka.common.utils.Utils.murmur2), as an unsigned number."""
    length = len(data)
    digest = _SEED ^ length
    for position in range(0, length - 3, 4):
        word = int.from_bytes(data[position : position + 4], "little") * _M & _MASK
        word = (word ^ (word >> _R)) * _M & _MASK
        digest = (digest * _M & _MASK) ^ word
    tail = data[length & ~3 :]
    if tail:
        digest = (digest ^ int.from_bytes(tail, "little")) * _M & _MASK
    digest = (digest ^ (digest >> 13)) * _M & _MASK
    return digest ^ (digest >> 15)


def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key on a topic with so many partitions."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions
