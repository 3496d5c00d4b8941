"""The partitioner agrees with Kafka's Java client."""

from __future__ import annotations

import pytest

from pipeline.contract.partitioner import murmur2, partition_of


@pytest.mark.parametrize(
    ("key", "digest"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2(key: bytes, digest: int) -> None:
    """The vectors of Kafka's own UtilsTest, there as signed numbers."""
    assert murmur2(key) == digest % 2**32


def test_partitions_are_within_range() -> None:
    """The sign bit is cleared before the remainder is taken."""
    assert {partition_of(f"cmp-{number:04d}".encode(), 4) for number in range(100)} == {0, 1, 2, 3}
