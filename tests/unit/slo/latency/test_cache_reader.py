"""A check counts as visible in Redis what a reader would see."""

from __future__ import annotations

import pytest
import redis

from pipeline.cache.cache_writer import CacheWriter
from pipeline.contract.cache_schema import Counts, cell_field, cells_key, complete_key
from pipeline.settings import Settings
from slo.latency.cache_reader import CacheIncomplete, CellReader


def test_in_a_redis_that_is_being_restored_nothing_is_visible(redis_settings: Settings) -> None:
    """Counts are there again at once; until the marker is, readers go elsewhere."""
    reader = CellReader(redis_settings, 60, complete_only=True)
    with redis.Redis(port=redis_settings.redis_port) as client:
        client.hset(cells_key(60, 120), cell_field("c", "sports"), "3 1")  # type: ignore[arg-type]
        with pytest.raises(CacheIncomplete):
            reader.read([60, 120])
        client.set(complete_key(), 1)
        assert reader.read([60, 120])[1] == [((120, "c", "sports"), 4)]
    reader.close()


def test_each_count_that_rose_is_told_once_and_what_stands_still_costs_nothing(redis_settings: Settings) -> None:
    """Only the cells of the window whose sums have changed are read again."""
    reader = CellReader(redis_settings, 60)
    with redis.Redis(port=redis_settings.redis_port) as client:
        writer = CacheWriter(client, retention_seconds=1 << 40)
        first, second = {("a", "sports"): Counts(3, 1), ("b", "news"): Counts(2, 0)}, {("a", "sports"): Counts(1, 0)}
        writer.raise_window(60, 60, first)
        writer.raise_window(60, 120, second)
        assert sorted(reader.read([60, 120])[1]) == [
            ((60, "a", "sports"), 4),
            ((60, "b", "news"), 2),
            ((120, "a", "sports"), 1),
        ]
        writer.raise_window(60, 60, {("b", "news"): Counts(2, 1)})
        client.config_resetstat()
        assert reader.read([60, 120])[1] == [((60, "b", "news"), 3)]
        # Two windows' sums and one window's cells.
        assert client.info("commandstats")["cmdstat_hgetall"]["calls"] == 3
        assert reader.read([60, 120])[1] == []
    reader.close()


def test_of_a_sample_nothing_else_is_read(redis_settings: Settings) -> None:
    """Cells that are wanted and not there are no counts."""
    reader = CellReader(redis_settings, 60, cells=[("a", "sports"), ("c", "news")])
    with redis.Redis(port=redis_settings.redis_port) as client:
        writer = CacheWriter(client, retention_seconds=1 << 40)
        writer.raise_window(60, 60, {("a", "sports"): Counts(3, 1), ("b", "news"): Counts(2, 0)})
        assert reader.read([60, 120])[1] == [((60, "a", "sports"), 4)]
        writer.raise_window(60, 60, {("a", "sports"): Counts(5, 1), ("b", "news"): Counts(4, 0)})
        assert reader.read([60, 120])[1] == [((60, "a", "sports"), 6)]
    reader.close()


def test_by_cells_alone_sums_are_not_asked_for(redis_settings: Settings) -> None:
    """A writer with sums and one without are read in the same way; still each rise is told once."""
    reader = CellReader(redis_settings, 60, cells_alone=True)
    with redis.Redis(port=redis_settings.redis_port) as client:
        CacheWriter(client, retention_seconds=1 << 40).raise_window(60, 60, {("a", "sports"): Counts(3, 1)})
        client.hset(cells_key(60, 120), cell_field("b", "news"), "2 0")  # type: ignore[arg-type]
        client.config_resetstat()
        assert reader.read([60, 120])[1] == [((60, "a", "sports"), 4), ((120, "b", "news"), 2)]
        assert reader.read([60, 120])[1] == []
        assert client.info("commandstats")["cmdstat_hgetall"]["calls"] == 4
        client.hset(cells_key(60, 60), cell_field("a", "sports"), "4 1")  # type: ignore[arg-type]
        assert reader.read([60, 120])[1] == [((60, "a", "sports"), 5)]
    reader.close()
