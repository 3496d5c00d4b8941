"""What a drain must leave in Redis, and watching it get there."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import redis

from pipeline.cache.cache_access import CacheUser, patient_client
from pipeline.contract.cache_schema import Counts, cells_key, is_canary, parse_cell_field, parse_counts
from pipeline.settings import WINDOW_SIZES_SECONDS, Settings
from slo.latency.cache_reader import CacheReader
from slo.latency.sightings import CellKey

WindowCounts = Mapping[tuple[int, str, str], Counts]
"""By (window start in seconds, campaign_id, category)."""


@dataclass(frozen=True)
class ExpectedCounts:
    """The counts of both window sizes, without canaries."""

    events: int
    by_size: Mapping[int, WindowCounts]

    def windows(self, size_seconds: int) -> list[int]:
        """Starts of the windows that hold anything."""
        return sorted({start for start, _, _ in self.by_size[size_seconds]})


def client(settings: Settings) -> redis.Redis:
    """A plain connection to the stack's Redis."""
    return patient_client(settings, CacheUser.ADMIN)


def empty_cache(settings: Settings) -> None:
    """Removes everything from Redis."""
    connection = client(settings)
    connection.flushdb()
    connection.close()


def differences(settings: Settings, expected: ExpectedCounts) -> int:
    """Cells of either size whose counts in Redis are not the expected ones."""
    connection = client(settings)
    wrong = 0
    for size in WINDOW_SIZES_SECONDS:
        found: dict[tuple[int, str, str], Counts] = {}
        for start in expected.windows(size):
            cells: Mapping[bytes, bytes] = connection.hgetall(cells_key(size, start))  # type: ignore[assignment]
            for name, value in cells.items():
                campaign, category = parse_cell_field(name)
                if not is_canary(category):
                    found[start, campaign, category] = parse_counts(value)
        want = expected.by_size[size]
        wrong += sum(found.get(key) != want.get(key) for key in found.keys() | want.keys())
    connection.close()
    return wrong


@dataclass
class CountWatch:
    """Knows how many events stand in Redis, by the windows of either size."""

    settings: Settings
    expected: ExpectedCounts
    _counts: dict[int, dict[CellKey, int]] = field(default_factory=dict)
    _readers: dict[int, CacheReader] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for size in WINDOW_SIZES_SECONDS:
            self._readers[size] = CacheReader(self.settings, size)
            self._counts[size] = {}

    def look(self) -> tuple[float, int]:
        """Unix time, and the events counted in the size that is further behind."""
        totals = []
        for size, reader in self._readers.items():
            _, changed = reader.read(self.expected.windows(size))
            self._counts[size].update(changed)
            totals.append(sum(self._counts[size].values()))
        return time.time(), min(totals)

    def close(self) -> None:
        """Ends the connections."""
        for reader in self._readers.values():
            reader.close()
