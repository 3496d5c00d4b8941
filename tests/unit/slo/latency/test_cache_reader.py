"""What a check takes for visible in Redis is what a reader would see."""

from __future__ import annotations

import pytest
import redis

from pipeline.contract.cache_schema import cell_field, cells_key, complete_key
from pipeline.settings import Settings
from slo.latency.cache_reader import CacheIncomplete, CacheReader


def test_in_a_redis_that_is_being_restored_nothing_is_visible(redis_settings: Settings) -> None:
    """Counts are there again at once; until the marker is, readers go elsewhere."""
    reader = CacheReader(redis_settings, 60, complete_only=True)
    with redis.Redis(port=redis_settings.redis_port) as client:
        client.hset(cells_key(60, 120), cell_field("c", "sports"), "3 1")  # type: ignore[arg-type]
        with pytest.raises(CacheIncomplete):
            reader.read([60, 120])
        client.set(complete_key(), 1)
        assert reader.read([60, 120])[1] == [((120, "c", "sports"), 4)]
    reader.close()
