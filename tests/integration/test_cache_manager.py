"""The read API against a Redis of its own, which is killed, and a database of its own on the stack's PostgreSQL."""

from __future__ import annotations

import dataclasses
import socket
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psycopg2
import pytest

from pipeline.cache.cache_manager import STALE_SECONDS, CacheManager, MetricsUnavailableError
from pipeline.cache.redis_reader import cache_client
from pipeline.contract.cache_schema import (
    ZERO,
    Counts,
    Retention,
    categories_key,
    cell_field,
    cells_key,
    complete_key,
    retention_key,
    watermark_key,
)
from pipeline.contract.windows import WindowState
from pipeline.read_results import Order, Source
from pipeline.settings import Settings
from pipeline.store import connect_reader, connect_writer, migrate
from pipeline.store.db_connector import connect_owner
from tests.integration.redis_servers import RedisServer
from tests.integration.waiting import eventually
from tests.read_contract import MINUTE_BEFORE, NOON, NOW, SAMPLE, check_breakdowns

DATABASE = "adctr_cache_test"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = RedisServer(port, tmp_path)
    yield server
    server.kill()


@pytest.fixture(scope="module")
def database(settings: Settings) -> Iterator[Settings]:
    """Settings of a database that holds the sample and nothing else."""
    ours = dataclasses.replace(settings, postgres_database=DATABASE)
    migrate(ours)
    writer = connect_writer(ours)
    with writer, writer.cursor() as cursor:
        for start, cells in SAMPLE.items():
            for (campaign, category), counts in cells.items():
                for table, size in (("metrics_1min", 60), ("metrics_5min", 300)):
                    cursor.execute(
                        f"INSERT INTO {table} VALUES (to_timestamp(%s), %s, %s, %s, %s) "  # noqa: S608 - constants
                        "ON CONFLICT (window_start, campaign_id, category) DO UPDATE SET "
                        f"impressions = {table}.impressions + excluded.impressions, "
                        f"clicks = {table}.clicks + excluded.clicks",
                        (start // size * size, campaign, category, counts.impressions, counts.clicks),
                    )
        for size in (60, 300):
            cursor.execute("INSERT INTO watermarks VALUES (%s, %s)", (f"store-{size}", (NOON + 20) * 1000))
    writer.close()
    yield ours
    owner = connect_owner(ours, "postgres")
    owner.autocommit = True
    with owner.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")
    owner.close()


@pytest.fixture
def ours(database: Settings, server: RedisServer) -> Settings:
    return dataclasses.replace(
        database, redis_host="127.0.0.1", redis_port=server.port, redis_reader_password="", redis_writer_password=""
    )


@pytest.fixture
def fill(ours: Settings) -> Callable[[], None]:
    """Puts the sample into Redis."""

    def fill_redis() -> None:
        client = cache_client(ours)
        for start, cells in SAMPLE.items():
            for (campaign, category), counts in cells.items():
                value = f"{counts.impressions} {counts.clicks}"
                client.hset(cells_key(60, start), cell_field(campaign, category), value)  # type: ignore[arg-type]
            for category in {category for _, category in cells}:
                total = sum((counts for cell, counts in cells.items() if cell[1] == category), ZERO)
                client.hset(categories_key(60, start), category, f"{total.impressions} {total.clicks}")
        client.set(watermark_key(60), (NOON + 25) * 1000)
        client.set(complete_key(), "test")
        client.close()

    return fill_redis


@pytest.fixture
def manager(ours: Settings, fill: Callable[[], None]) -> Iterator[CacheManager]:
    fill()
    manager = CacheManager(cache_client(ours), partial(connect_reader, ours), ours, clock=lambda: NOW)
    yield manager
    manager.close()


def test_the_current_window_is_live_and_without_canaries(manager: CacheManager) -> None:
    reading = manager.current_window()
    assert (reading.source, reading.value.counts, reading.value.ctr) == (Source.REDIS, Counts(15, 1), 1 / 15)
    assert (reading.value.start_seconds, reading.state, reading.age_seconds) == (NOON, WindowState.LIVE, 5.0)


def questions(manager: CacheManager) -> list[object]:
    """The same questions for both stores."""
    bounds = (MINUTE_BEFORE - 60, NOON + 60)
    return [
        [(p.start_seconds, p.state, p.counts) for p in manager.time_series(*bounds).value],
        [p.counts for p in manager.time_series(*bounds, category="sports").value],
        [p.counts for p in manager.time_series(*bounds, campaign_id="shoes").value],
        [p.counts for p in manager.time_series(*bounds, campaign_id="shoes", category="fashion").value],
        [p.counts for p in manager.time_series(*bounds, campaign_id="_canary-0").value],
        manager.per_category(*bounds).value,
        *(
            manager.top_campaigns(*bounds, order=order, lowest=lowest).value
            for order in Order
            for lowest in (False, True)
        ),
        manager.top_campaigns(*bounds, category="sports", limit=1, minimum_impressions=6).value,
    ]


def test_both_stores_give_the_same_answers(manager: CacheManager, server: RedisServer) -> None:
    from_redis = questions(manager)
    assert manager.current_window().source is Source.REDIS
    server.kill()
    assert manager.current_window().source is Source.POSTGRES
    assert questions(manager) == from_redis


def test_breakdowns_are_those_of_the_contract_from_either_store(manager: CacheManager, server: RedisServer) -> None:
    check_breakdowns(manager)
    assert manager.breakdown(NOON, NOON + 60, 60).source is Source.REDIS
    server.kill()
    check_breakdowns(manager)
    assert manager.breakdown(NOON, NOON + 60, 60).source is Source.POSTGRES


def test_literal_answers(manager: CacheManager) -> None:
    series, sports, shoes, shoes_in_fashion, canary, categories, most_seen, *_ = questions(manager)
    closed, live = WindowState.CLOSED, WindowState.LIVE
    assert series == [
        (MINUTE_BEFORE - 60, closed, ZERO),
        (MINUTE_BEFORE, closed, Counts(21, 7)),
        (NOON, live, Counts(15, 1)),
    ]
    assert sports == [ZERO, Counts(20, 4), Counts(15, 1)]
    assert shoes == [ZERO, Counts(21, 5), Counts(10, 1)]
    assert shoes_in_fashion == [ZERO, Counts(1, 1), ZERO]
    assert canary == [ZERO, ZERO, ZERO]
    assert [(row.name, row.counts) for row in categories] == [("fashion", Counts(1, 3)), ("sports", Counts(35, 5))]  # type: ignore[attr-defined]
    assert [(row.name, row.ctr) for row in most_seen] == [("shoes", 6 / 31), ("boots", 0.0), ("hats", None)]  # type: ignore[attr-defined]


def test_redis_killed_is_said_quickly_and_redis_back_is_noticed(
    ours: Settings, server: RedisServer, fill: Callable[[], None]
) -> None:
    fill()
    manager = CacheManager(cache_client(ours), partial(connect_reader, ours), ours, clock=lambda: float(NOW))
    assert manager.current_window().source is Source.REDIS
    server.kill()
    started = time.monotonic()
    reading = manager.current_window()
    assert time.monotonic() - started < 2
    assert (reading.source, reading.value.counts) == (Source.POSTGRES, Counts(15, 1))
    assert reading.age_seconds == 10.0
    assert f"Redis at 127.0.0.1:{server.port}" in str(reading.fallback_reason)
    server.start()
    what = "an emptied cache is no answer"
    eventually(what, lambda: "it is being restored" in str(manager.current_window().fallback_reason))
    fill()
    assert manager.current_window().source is Source.REDIS
    manager.close()


def test_a_range_longer_than_the_cache_keeps_comes_from_postgres(manager: CacheManager, ours: Settings) -> None:
    reading = manager.time_series(NOON - ours.cache_retention_seconds - 120, NOON + 60)
    assert reading.source is Source.POSTGRES
    assert "before what Redis keeps (1800 s)" in str(reading.fallback_reason)
    assert reading.value[-1].counts == Counts(15, 1)
    assert len(reading.value) == 33


@pytest.mark.parametrize("kept_from", [0, NOON])
def test_what_went_early_is_asked_of_postgres(manager: CacheManager, ours: Settings, kept_from: int) -> None:
    """The window before noon has gone, by the retention in force or one that was; it is not a window of zeros."""
    seconds = 1800 if kept_from else int(time.time()) - NOON + 1
    with cache_client(ours) as client:
        client.hset(retention_key(), mapping={"seconds": seconds, "kept_from": kept_from})
        client.delete(cells_key(60, MINUTE_BEFORE), categories_key(60, MINUTE_BEFORE))
    assert manager.retention() == Retention(seconds, kept_from)
    reading = manager.time_series(MINUTE_BEFORE, NOON + 60)
    assert (reading.source, [each.counts for each in reading.value]) == (
        Source.POSTGRES,
        [Counts(21, 7), Counts(15, 1)],
    )
    assert f"before what Redis keeps ({seconds} s)" in str(reading.fallback_reason)
    assert manager.current_window().source is Source.REDIS


def test_where_redis_stands_still_and_postgres_is_further_postgres_answers(
    manager: CacheManager, ours: Settings
) -> None:
    """Redis was down for long, or the live job is: its open windows hold less than PostgreSQL's."""
    with cache_client(ours) as client:
        client.set(watermark_key(60), int((NOW - STALE_SECONDS) * 1000))
        reading = manager.current_window()
        assert (reading.source, reading.value.counts) == (Source.POSTGRES, Counts(15, 1))
        assert "Redis stands still: its watermark is 30 s old" in str(reading.fallback_reason)
        client.set(watermark_key(60), int((NOW - STALE_SECONDS + 1) * 1000))
        assert manager.current_window().source is Source.REDIS


def test_where_both_stores_stand_still_redis_answers(ours: Settings, fill: Callable[[], None]) -> None:
    """PostgreSQL is not further, or gone: Redis has what there is, and its age with it."""
    fill()
    for settings in (ours, dataclasses.replace(ours, postgres_port=1)):
        manager = CacheManager(cache_client(ours), partial(connect_reader, settings), ours, clock=lambda: NOW + 60)
        reading = manager.time_series(NOON, NOON + 60)
        assert (reading.source, reading.age_seconds) == (Source.REDIS, 65.0)
        manager.close()


def test_without_redis_the_retention_is_the_settings(manager: CacheManager, server: RedisServer) -> None:
    server.kill()
    assert manager.retention() == Retention(1800)


def test_five_minute_windows_are_used_where_they_cover_the_range(manager: CacheManager) -> None:
    old = NOON - 7200
    assert manager.per_category(old, NOON + 300).value == manager.per_category(old - 60, NOON + 300).value


def test_a_connection_that_postgres_closed_is_opened_again(
    manager: CacheManager, server: RedisServer, ours: Settings
) -> None:
    server.kill()
    assert manager.current_window().source is Source.POSTGRES
    owner = connect_owner(ours)
    with owner, owner.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'adctr_reader' AND datname = %s",
            (DATABASE,),
        )
    owner.close()
    assert manager.current_window().value.counts == Counts(15, 1)


def test_both_stores_down_is_one_error_with_both_reasons(ours: Settings, server: RedisServer) -> None:
    nobody = dataclasses.replace(ours, postgres_port=1)
    manager = CacheManager(cache_client(ours), partial(connect_reader, nobody), ours, clock=lambda: NOW)
    server.kill()
    with pytest.raises(MetricsUnavailableError, match=rf"Redis at 127.0.0.1:{server.port}.*PostgreSQL at 127.0.0.1:1"):
        manager.current_window()


def test_a_reader_can_only_read(ours: Settings) -> None:
    connection = connect_reader(ours)
    with connection.cursor() as cursor, pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
        cursor.execute("DELETE FROM metrics_1min")
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = off; SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("DELETE FROM metrics_1min")
    connection.close()
