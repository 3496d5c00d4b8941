"""Keys and expiries of windows in a real Redis."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis

from pipeline.contract.cache_schema import (
    RAISE_COUNTS,
    categories_key,
    cell_field,
    cells_key,
    raise_counts_keys,
    retention_key,
)
from pipeline.settings import Settings
from slo.reconciliation.cached_windows import Cache, compare_expiries
from tests.integration.redis_servers import RedisServer, free_port

RETENTION = Settings().cache_retention_seconds


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    port = free_port()
    server = RedisServer(port, Path(tmp_path_factory.mktemp("redis")))
    yield Settings(redis_port=port)
    server.kill()


@pytest.fixture
def client(settings: Settings) -> Iterator[redis.Redis]:
    with closing(redis.Redis(port=settings.redis_port)) as client:
        client.flushall()
        yield client


@pytest.fixture
def cache(settings: Settings) -> Iterator[Cache]:
    with closing(Cache(settings)) as cache:
        yield cache


def a_window(client: redis.Redis, size: int) -> int:
    """The running window as the jobs write it, with one event; returns its start."""
    start = int(time.time()) // size * size
    client.register_script(RAISE_COUNTS)(
        keys=raise_counts_keys(size, start),
        args=[start + size, RETENTION, 0, cell_field("shoes", "sports"), "sports", 1, 0],
    )
    return start


def wrong(cache: Cache, size: int, start: int) -> list[tuple[str, object]]:
    return [(each.store, each.got) for each in compare_expiries(size, start, cache.window(size, start))]


@pytest.mark.parametrize("size", [60, 300])
def test_a_window_as_the_jobs_write_it_goes_when_it_should(client: redis.Redis, cache: Cache, size: int) -> None:
    assert wrong(cache, size, a_window(client, size)) == []


@pytest.mark.parametrize("size", [60, 300])
def test_a_window_that_goes_at_another_time_or_never_is_found(client: redis.Redis, cache: Cache, size: int) -> None:
    start = a_window(client, size)
    client.expireat(cells_key(size, start), start + size + RETENTION + 60)
    client.persist(categories_key(size, start))
    assert wrong(cache, size, start) == [
        (f"redis.cells.{size}", f"{RETENTION + 60} s after the window's end"),
        (f"redis.categories.{size}", "never"),
    ]
    client.expireat(cells_key(size, start), start + size + RETENTION - 2)
    client.expireat(categories_key(size, start), start + size + RETENTION)
    assert wrong(cache, size, start) == [(f"redis.cells.{size}", f"{RETENTION - 2} s after the window's end")]


def test_a_window_that_should_be_gone_and_stays_is_found(client: redis.Redis, cache: Cache) -> None:
    """Also where its counts cannot be verified any more."""
    start = int(time.time()) // 60 * 60 - 7200
    client.hset(cells_key(60, start), cell_field("shoes", "sports"), "1 0")  # type: ignore[arg-type]
    client.expire(cells_key(60, start), 600)
    assert not cache.window(60, start).kept
    ((store, got),) = wrong(cache, 60, start)
    assert store == "redis.cells.60"
    assert got != f"{RETENTION} s after the window's end"


def test_while_memory_is_short_windows_may_have_the_longer_retention_still(client: redis.Redis, cache: Cache) -> None:
    start = a_window(client, 60)
    client.hset(retention_key(), mapping={"seconds": RETENTION - 300, "kept_from": 0})
    for seconds, found in ((RETENTION, 0), (RETENTION - 300, 0), (RETENTION - 360, 1), (RETENTION + 60, 1)):
        client.expireat(cells_key(60, start), start + 60 + seconds)
        assert len(wrong(cache, 60, start)) == found, seconds


@pytest.mark.parametrize(
    "key",
    [
        "adctr:{60:1767268830}:cells",
        "adctr:{300:1767268860}:categories",
        "adctr:{120:1767268800}:cells",
        "adctr:{60:01767268800}:cells",
        "adctr:{60:1767268800}:sums",
        "adctr:{0:0}:cells",
    ],
)
def test_a_key_that_looks_like_a_window_and_is_none_is_named(client: redis.Redis, cache: Cache, key: str) -> None:
    start = a_window(client, 60)
    client.hset(key, "shoes", "1 0")
    assert cache.windows() == ({(60, start)}, [key])
