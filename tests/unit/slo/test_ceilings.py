"""The memory ceiling against a real Redis that holds as much as it may."""

from __future__ import annotations

import time

import pytest
import redis

from pipeline.contract.cache_schema import (
    categories_key,
    cell_field,
    cells_key,
    expires_at_seconds,
)
from pipeline.settings import WINDOW_SIZES_SECONDS, Settings
from slo.ceilings import HashLoad, read_loads, read_redis_memory_ceiling_bytes, windows_in_flight
from slo.probes.clients import redis_client


def fill(client: redis.Redis, settings: Settings, cells: int, windows: int | None = None) -> None:
    """As many windows of each size as retention allows, as the sink writes them."""
    now = int(time.time())
    fields = {cell_field(f"cmp-{number:05d}", f"category-{number % 12}"): f"{number} 37" for number in range(cells)}
    for size in WINDOW_SIZES_SECONDS:
        first = now // size * size - settings.cache_retention_seconds
        for start in range(first, first + size * (windows or windows_in_flight(settings, size) - 1), size):
            keys = cells_key(size, start), categories_key(size, start)
            with client.pipeline(transaction=False) as pipe:
                pipe.hset(keys[0], mapping=fields)  # type: ignore[arg-type]
                pipe.hset(keys[1], mapping={f"category-{number}": "120000 3700" for number in range(12)})
                for key in keys:
                    pipe.expireat(key, expires_at_seconds(size, start, settings.cache_retention_seconds) + 10)
                pipe.execute()


def used(client: redis.Redis) -> int:
    return int(client.info("memory")["used_memory"])


@pytest.mark.parametrize("cells", [1, 200, 513, 3_000])
def test_a_full_redis_is_below_its_ceiling_and_not_far_below(redis_settings: Settings, cells: int) -> None:
    """A ceiling that nothing can reach would prove nothing: it is about twice what a full Redis uses, at most."""
    client = redis_client(redis_settings)
    fill(client, redis_settings, cells)
    ceiling = read_redis_memory_ceiling_bytes(client, redis_settings)
    assert used(client) < ceiling < 2.2 * used(client)
    client.close()


def test_windows_that_stay_too_long_break_the_ceiling(redis_settings: Settings) -> None:
    """Twice as many windows as retention allows."""
    client = redis_client(redis_settings)
    fill(client, redis_settings, 2_000, windows=66)
    assert used(client) > read_redis_memory_ceiling_bytes(client, redis_settings)
    client.close()


def test_the_largest_window_of_each_size_is_told(redis_settings: Settings) -> None:
    client = redis_client(redis_settings)
    client.hset(cells_key(60, 60), mapping={"a\0bc": "1 0"})
    client.hset(cells_key(60, 120), mapping={"a\0bc": "1 0", "a\0bcde": "1 0"})
    client.set("adctr:watermark:60", 1)
    assert read_loads(client) == {(60, "cells"): HashLoad(2, 5.0)}
    client.close()


def test_the_defaults_hold_32_and_8_windows() -> None:
    """Half an hour's, the current one, and one more."""
    assert [windows_in_flight(Settings(), size) for size in (60, 300)] == [32, 8]
