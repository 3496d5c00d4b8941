"""Brings back what Redis has lost, from PostgreSQL, and marks it as complete only when nothing can be missing.

The argument is in docs/decisions/0013-cache-rebuild.md; the order of the steps is part of it.
"""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import redis
from psycopg2 import extensions, sql

from pipeline.aggregations import STORE_EARLY_FIRE_MILLISECONDS
from pipeline.cache.cache_pressure import adapt_retention
from pipeline.cache.cache_writer import CacheWriter
from pipeline.contract.cache_schema import (
    RETENTION_FIELDS,
    Counts,
    Retention,
    cells_key,
    complete_key,
    rebuild_key,
    retention_key,
    windows_key,
)
from pipeline.flink_checkpoints import complete_checkpoint
from pipeline.job_names import STORE, flink_name
from pipeline.settings import WINDOW_SIZES_SECONDS, Settings
from pipeline.store import snapshot
from pipeline.store.metrics_queries import METRICS_TABLES
from pipeline.topic_reader import OffsetRange, TopicReader

CHECKPOINT_TIMEOUT_SECONDS = 30.0
COMMIT_SECONDS = 1.0
"""Offsets are committed just after a checkpoint is complete."""
TIMER_MARGIN_SECONDS = 0.25
_FETCH_ROWS = 10_000
_EXPIRY_MARGIN_SECONDS = 2

_FINISH = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[2])
return 1
"""

Say = Callable[[str], None]


def is_complete(client: redis.Redis) -> bool:
    """Whether the marker is there, from before no loss of power and no promotion. Raises redis.RedisError."""
    return client.get(complete_key()) == identity(client)


def identity(client: redis.Redis) -> bytes:
    """What the marker holds: this start of the machine, and the master that this server was a replica of.

    What Redis has not yet written to the disk is gone when the machine starts again. What a master has not yet sent to
    a replica is gone when that is promoted, and `master_replid2` is another one then. Raises redis.RedisError.
    """
    return boot_id() + f" {client.info('replication')['master_replid2']}".encode()


@cache
def boot_id() -> bytes:
    """Of this start of the machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_bytes().strip()


def begin(client: redis.Redis) -> str:
    """Takes the marker away; readers go to PostgreSQL. The token is for `finish`. Raises redis.RedisError."""
    token = f"{secrets.token_hex(8)} {identity(client).decode()}"
    with client.pipeline(transaction=True) as pipe:
        pipe.set(rebuild_key(), token)
        pipe.expireat(complete_key(), 0)
        pipe.execute()
    return token


def finish(client: redis.Redis, token: str) -> bool:
    """Sets the marker, unless Redis has lost its data or somebody else has begun since. Raises redis.RedisError.

    A replica that was promoted since `begin` gets the marker of before, which is none there.
    """
    script = client.register_script(_FINISH)
    return bool(script(keys=[rebuild_key(), complete_key()], args=[token, token.partition(" ")[2]]))


def forget_index(client: redis.Redis) -> None:
    """After `begin`: it fills again with what is restored, and counted, from now on. Raises redis.RedisError."""
    for size in WINDOW_SIZES_SECONDS:
        client.expireat(windows_key(size), 0)


def lost_windows(client: redis.Redis, longest_seconds: int) -> int:
    """How many windows Redis should hold and doesn't, though it has its marker: they expired while its clock was wrong.

    ``longest_seconds`` is the setting of the retention. Raises redis.RedisError.
    """
    with client.pipeline(transaction=True) as pipe:
        pipe.time()
        pipe.hmget(retention_key(), RETENTION_FIELDS)
        for size in WINDOW_SIZES_SECONDS:
            pipe.zrangebyscore(windows_key(size), "-inf", "+inf")
        (now, _), kept, *indices = pipe.execute()
    retention = Retention.of(kept, longest_seconds)
    held = [
        cells_key(size, start)
        for size, ends in zip(WINDOW_SIZES_SECONDS, indices, strict=True)
        for start in (int(end) - size for end in ends)
        if retention.holds(size, start, now + _EXPIRY_MARGIN_SECONDS)
    ]
    return len(held) - int(client.exists(*held)) if held else 0


def oldest_cached_start(client: redis.Redis, size_seconds: int, retention_seconds: int) -> int:
    """Windows that began no later (unix seconds) have expired by Redis's clock. Raises redis.RedisError."""
    now, _ = client.time()
    return int(now) - retention_seconds - size_seconds


def rebuild(settings: Settings, client: redis.Redis, say: Say = lambda _: None) -> bool:
    """Restores every window that Redis should hold; False if Redis lost its data once more meanwhile.

    ``client`` is a writer's. Raises redis.RedisError, psycopg2.Error, StoreUnavailable, KafkaUnavailable, NoCheckpoint.
    """
    token = begin(client)
    forget_index(client)
    _wait_for_store_job(settings, client, say)
    windows = cells = 0
    with snapshot(settings) as connection:
        writer = CacheWriter(client, settings.cache_retention_seconds)
        for size in WINDOW_SIZES_SECONDS:
            watermark_ms = _watermark_ms(connection, size)
            oldest = oldest_cached_start(client, size, settings.cache_retention_seconds)
            for start, revision, counts in _stored_windows(connection, size, oldest):
                writer.raise_window(size, start, counts, revision)
                adapt_retention(client, settings, say)  # which may let go what comes next
                windows, cells = windows + 1, cells + len(counts)
            if watermark_ms is not None:
                writer.raise_watermark(size, watermark_ms)
    say(f"restored {cells:,} cells in {windows:,} pieces of windows")
    return finish(client, token)


def _wait_for_store_job(settings: Settings, client: redis.Redis, say: Say) -> None:
    """Until PostgreSQL holds every change to a window that records before the topic's present end have made."""
    store = flink_name(STORE)
    with TopicReader(settings, "adctr-cache-keeper") as topics:
        ends = topics.ranges(settings.events_topic)
        if not any(offsets.end for offsets in ends.values()):
            return
        while True:
            adapt_retention(client, settings, say)  # the live job goes on filling it meanwhile
            complete_checkpoint(settings.flink_rest_url, store, CHECKPOINT_TIMEOUT_SECONDS)
            if _committed(settings, topics, store, ends):
                break
            say("the store job has not reached the end of the topic")
    # What a window has not emitted yet waits for its timer.
    time.sleep(STORE_EARLY_FIRE_MILLISECONDS / 1000 + TIMER_MARGIN_SECONDS)
    complete_checkpoint(settings.flink_rest_url, store, CHECKPOINT_TIMEOUT_SECONDS)


def _committed(settings: Settings, topics: TopicReader, group: str, ends: dict[int, OffsetRange]) -> bool:
    deadline = time.monotonic() + COMMIT_SECONDS
    while True:
        committed = topics.committed(group, settings.events_topic, ends)
        if all(committed.get(partition, 0) >= offsets.end for partition, offsets in ends.items()):
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)


def _watermark_ms(connection: extensions.connection, size_seconds: int) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT watermark_ms FROM realtime.watermarks WHERE job = %s", (f"store-{size_seconds}",))
        row = cursor.fetchone()
        return int(row[0]) if row else None


def _stored_windows(
    connection: extensions.connection, size_seconds: int, oldest_start: int
) -> Iterator[tuple[int, int, dict[tuple[str, str], Counts]]]:
    """(start in seconds, revision, counts) of windows after ``oldest_start``, the newest first."""
    with connection.cursor(name=f"windows_{size_seconds}") as cursor:
        cursor.itersize = _FETCH_ROWS
        cursor.execute(
            sql.SQL(
                "SELECT extract(epoch FROM window_start)::bigint, coalesce(recount_revision, 0), campaign_id, "
                "category, coalesce(recounted_impressions, impressions), coalesce(recounted_clicks, clicks) "
                "FROM realtime.{} WHERE window_start > to_timestamp(%s) "
                "ORDER BY window_start DESC, coalesce(recount_revision, 0)"
            ).format(sql.Identifier(METRICS_TABLES[size_seconds])),
            (oldest_start,),
        )
        for (start, revision), rows in itertools.groupby(cursor, key=lambda row: (int(row[0]), int(row[1]))):
            yield start, revision, {(row[2], row[3]): Counts(row[4], row[5]) for row in rows}
