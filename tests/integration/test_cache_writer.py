"""The writer of the cache while Redis refuses what it writes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import redis
from confluent_kafka import Producer

from pipeline.cache.cache_access import CacheUser, credentials
from pipeline.contract.cache_schema import Counts, cell_field, cells_key, parse_counts, watermark_key
from pipeline.contract.codec import AdEvent, encode
from pipeline.contract.registry import find_schema_id
from slo.disturbances.injections import scripts_refused
from tests.integration.waiting import eventually

if TYPE_CHECKING:
    from pipeline.settings import Settings


def test_no_watermark_overtakes_the_cells_that_redis_refused(settings: Settings) -> None:
    """A window's key has the wrong type: until that is put right the watermark stands still, then all is there."""
    start = int(time.time()) // 60 * 60 + 60  # of a window whose time has not come
    key = cells_key(60, start)
    campaign = f"refused-{start}"
    event = AdEvent(campaign, "IMPRESSION", start * 1000, "u", "a", campaign, "test")
    value = encode(event, find_schema_id(settings.schema_registry_url, settings.events_topic))
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap})
    with redis.Redis(settings.redis_host, settings.redis_port, **credentials(settings, CacheUser.ADMIN)) as connection:
        client: Any = connection

        def watermark() -> int:
            return int(client.get(watermark_key(60)) or 0)

        before = watermark()
        eventually("the watermark moves", lambda: watermark() > before)
        # Producers whose clocks are ahead may have written to it already, and then that is put back.
        written = client.exists(key)
        if written:
            client.rename(key, f"{key}:aside")
        client.set(key, "no hash")
        refused_before = scripts_refused(client)
        try:
            producer.produce(settings.events_topic, value, campaign.encode(), timestamp=int(time.time() * 1000))
            assert producer.flush(30) == 0
            eventually("Redis refuses the cell", lambda: scripts_refused(client) > refused_before)
            stands = watermark()
            time.sleep(3)  # two canaries and more
            assert watermark() == stands, "the watermark of cells that were refused"
        finally:
            client.delete(key)
            if written:
                client.rename(f"{key}:aside", key)
        eventually("the watermark goes on", lambda: watermark() > stands)
        counts = client.hget(key, cell_field(campaign, "test"))
        assert counts is not None
        assert parse_counts(counts) == Counts(1, 0)
