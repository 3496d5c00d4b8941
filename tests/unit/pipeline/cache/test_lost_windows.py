"""Clocks that are wrong, on a real Redis: what has expired, or should not have, is never a window of zeros."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import redis

from pipeline.cache.cache_manager import CacheManager, MetricsUnavailableError
from pipeline.cache.cache_rebuild import begin, finish, is_complete, lost_windows, oldest_cached_start
from pipeline.cache.cache_writer import CacheWriter, writer_client
from pipeline.cache.redis_reader import NotInRedis, RedisReader
from pipeline.contract.cache_schema import (
    ZERO,
    Counts,
    categories_key,
    cells_key,
    watermark_key,
    windows_key,
)
from pipeline.read_results import Source
from pipeline.settings import Settings
from pipeline.store.db_connector import StoreUnavailable
from pipeline.store.metrics_queries import WindowRange

RETENTION = 1800
START = int(time.time()) // 60 * 60 - 300
CELLS = {("shoes", "sports"): Counts(3, 1)}
RANGE = WindowRange(60, START - 60, START + 60)


@pytest.fixture
def client(settings: Settings) -> Iterator[redis.Redis]:
    """Of a complete Redis with one window of a minute, five minutes ago."""
    with writer_client(settings) as client:
        client.flushall()
        finish(client, begin(client))
        CacheWriter(client, RETENTION).raise_window(60, START, CELLS)
        client.set(watermark_key(60), int(time.time() * 1000))
        yield client


def reader(client: redis.Redis) -> RedisReader:
    return RedisReader(client, RETENTION, time.time)


def lose(client: redis.Redis) -> None:
    """As Redis does while its clock is far ahead."""
    for key in (cells_key(60, START), categories_key(60, START)):
        client.expireat(key, 0)


def nobody() -> None:
    raise StoreUnavailable("nobody answers")


def test_a_window_in_which_nothing_was_counted_is_zeros(client: redis.Redis) -> None:
    assert reader(client).series(RANGE, None, None).value == {START - 60: ZERO, START: Counts(3, 1)}
    assert lost_windows(client, RETENTION) == 0


def test_a_window_that_expired_under_a_wrong_clock_is_not_read_as_zeros(client: redis.Redis) -> None:
    lose(client)
    with pytest.raises(NotInRedis, match="lost 1 windows that it should hold"):
        reader(client).series(RANGE, None, None)
    assert lost_windows(client, RETENTION) == 1


def test_the_next_write_to_a_lost_window_takes_the_marker_away(client: redis.Redis) -> None:
    """It brings back the cells that change from now on, and would make a part of the window look like the whole."""
    lose(client)
    token = begin(client)
    finish(client, token)
    CacheWriter(client, RETENTION).raise_window(60, START, {("boots", "sports"): Counts(1, 0)})
    assert not is_complete(client)
    assert not finish(client, token), "the rebuild that was under way may have missed it"


def test_a_write_that_was_refused_under_a_wrong_clock_is_missed_later(client: redis.Redis) -> None:
    """While the clock is ahead the window has expired before it begins; later writes bring only cells that change."""
    CacheWriter(client, -3600).raise_window(60, START - 60, CELLS)
    with pytest.raises(NotInRedis, match="lost 1 windows"):
        reader(client).series(RANGE, None, None)
    CacheWriter(client, RETENTION).raise_window(60, START - 60, {("boots", "sports"): Counts(1, 0)})
    assert not is_complete(client)


def test_a_reader_whose_clock_is_behind_takes_no_expired_window_for_zeros(
    client: redis.Redis, settings: Settings
) -> None:
    """It was a window of counts; by the reader's clock Redis still holds it."""
    manager = CacheManager(client, nobody, settings, clock=lambda: time.time() - 3600)  # type: ignore[arg-type]
    old = START - 3600
    with pytest.raises(MetricsUnavailableError, match="before what Redis keeps"):
        manager.time_series(old, old + 60)
    assert manager.time_series(START, START + 60).source is Source.REDIS


def test_a_clock_that_steps_back_keeps_no_reader_from_redis(client: redis.Redis, settings: Settings) -> None:
    """Redis is skipped for a second after a failure, not until the wall clock has caught up."""
    now = [time.time() + 86_400]
    manager = CacheManager(client, nobody, settings, clock=lambda: now[0])  # type: ignore[arg-type]
    manager._skip_redis(redis.ConnectionError("down"))
    manager._skip_until -= 1.0
    now[0] -= 86_400
    assert manager.time_series(START, START + 60).source is Source.REDIS


def test_what_a_recount_and_a_rebuild_write_is_told_by_the_clock_of_redis(
    client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = int(client.time()[0]) - RETENTION - 60
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert expected <= oldest_cached_start(client, 60, RETENTION) <= expected + 60


def test_the_index_forgets_the_oldest_windows_alone(client: redis.Redis) -> None:
    writer = CacheWriter(client, 30 * 86_400)
    for number in range(1_010):
        writer.raise_window(60, START - 60 * number, CELLS)
    assert client.zcard(windows_key(60)) == 1_000
    assert client.zscore(windows_key(60), START + 60) == START + 60
