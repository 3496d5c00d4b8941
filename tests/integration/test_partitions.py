"""Migrations and retention on a database of their own."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg2
import pytest

from pipeline.store import apply_retention, connect_reader, connect_writer, ensure_partitions, migrate, snapshot
from pipeline.store.db_connector import connect_mender, connect_owner
from pipeline.store.default_partition import partition_name
from pipeline.store.revisions import next_revision
from slo.reconciliation.stores import kept_from_ms

if TYPE_CHECKING:
    from pipeline.settings import Settings

DATABASE = "adctr_partitions_test"


@pytest.fixture
def ours(settings: Settings) -> Iterator[Settings]:
    """Settings of a fresh database."""
    ours = dataclasses.replace(settings, postgres_database=DATABASE)
    migrate(ours)
    yield ours
    server = connect_owner(ours, "postgres")
    server.autocommit = True
    with server.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")
    server.close()


def write(settings: Settings, offset: int, record_time: datetime) -> None:
    """One event as the store job writes it; a second time changes nothing."""
    writer = connect_writer(settings)
    for _ in range(2):
        with writer, writer.cursor() as cursor:
            cursor.execute(
                "INSERT INTO raw_events "
                "VALUES (0, %s, %s, %s, 'e', 'CLICK', 'u', 'a', 'c', 'k', 'p', 'd', NULL, false) "
                "ON CONFLICT (kafka_partition, kafka_offset, record_time) DO UPDATE SET late = excluded.late",
                (offset, record_time, record_time),
            )
    writer.close()


def stored(settings: Settings) -> list[tuple[int, str]]:
    """(offset, partition's table) of every raw event."""
    reader = connect_reader(settings)
    with reader.cursor() as cursor:
        cursor.execute("SELECT kafka_offset, tableoid::regclass::text FROM raw_events ORDER BY kafka_offset")
        rows = cursor.fetchall()
    reader.close()
    return rows


def test_a_second_migration_applies_nothing(ours: Settings) -> None:
    assert migrate(ours) == []


def test_rows_land_in_their_day_and_strays_in_the_default_partition(ours: Settings) -> None:
    now = datetime.now(UTC)
    write(ours, 1, now)
    write(ours, 2, now - timedelta(days=30))
    assert stored(ours) == [(1, partition_name(now.date())), (2, "raw_events_default")]


def test_retention_drops_old_days_moves_strays_and_says_so(ours: Settings) -> None:
    now = datetime.now(UTC).replace(hour=12)
    days_ago = [now - timedelta(days=days) for days in range(31)]
    for days in (0, 1, 3, 30):
        write(ours, days, days_ago[days])
    report = apply_retention(ours, timedelta(days=7))
    assert (report.default_rows, report.default_rows_moved, report.default_rows_deleted) == (2, 1, 1)
    assert report.created == (partition_name(days_ago[3].date()),)
    assert (report.metrics_kept_from, report.metrics_rows_deleted) == (None, 0)
    assert stored(ours) == [(days, partition_name(days_ago[days].date())) for days in (0, 1, 3)]

    report = apply_retention(ours, timedelta(days=1))
    assert report.dropped == (partition_name(days_ago[3].date()),)
    assert [offset for offset, _ in stored(ours)] == [0, 1]
    with snapshot(ours) as connection:
        kept_from = datetime.fromtimestamp(kept_from_ms(connection) / 1000, UTC)
    assert kept_from == report.kept_from == days_ago[1].replace(hour=0, minute=0, second=0, microsecond=0)


def test_missing_days_are_created_again(ours: Settings) -> None:
    assert ensure_partitions(ours) == []
    owner = connect_owner(ours)
    tomorrow = partition_name((datetime.now(UTC) + timedelta(days=1)).date())
    with owner, owner.cursor() as cursor:
        cursor.execute(f"DROP TABLE realtime.{tomorrow}")
    owner.close()
    assert ensure_partitions(ours) == [tomorrow]


def test_a_watermark_only_ever_rises(ours: Settings) -> None:
    writer = connect_writer(ours)
    with writer, writer.cursor() as cursor:
        for watermark_ms in (5, 9, 7):
            cursor.execute(
                "INSERT INTO watermarks (job, watermark_ms) VALUES ('live-60', %s) "
                "ON CONFLICT (job) DO UPDATE SET watermark_ms = excluded.watermark_ms",
                (watermark_ms,),
            )
        cursor.execute("SELECT watermark_ms FROM watermarks")
        assert cursor.fetchall() == [(9,)]
    writer.close()


def test_the_writer_can_neither_delete_nor_change_the_schema(ours: Settings) -> None:
    writer = connect_writer(ours)
    for statement in (
        "DELETE FROM metrics_1min",
        "DROP TABLE raw_events",
        "CREATE TABLE realtime.x ()",
        "TRUNCATE tombstones",
    ):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege), writer, writer.cursor() as cursor:
            cursor.execute(statement)
    writer.close()


def test_ctr_is_null_without_impressions(ours: Settings) -> None:
    writer = connect_writer(ours)
    with writer, writer.cursor() as cursor:
        cursor.execute(
            "INSERT INTO metrics_1min SELECT date_trunc('minute', now()), * FROM (VALUES ('c', 'k', 0, 3), "
            "('d', 'k', 4, 1)) AS cells"
        )
        cursor.execute("SELECT campaign_id, ctr FROM metrics_1min ORDER BY 1")
        assert cursor.fetchall() == [("c", None), ("d", 0.25)]
    writer.close()


def test_retention_waits_for_a_recount(ours: Settings) -> None:
    """Which has asked what is kept, and still has to read it."""
    write(ours, 1, datetime.now(UTC) - timedelta(days=1))
    mender = connect_mender(ours)
    with ThreadPoolExecutor(1) as pool:
        with mender, mender.cursor() as cursor:
            next_revision(cursor)
            retention = pool.submit(apply_retention, ours, timedelta(0))
            with pytest.raises(TimeoutError):
                retention.result(timeout=1)
            assert len(stored(ours)) == 1
            # Nor has it said so: a recount that asks next would be refused what it still could read.
            with closing(connect_owner(ours)) as owner, owner.cursor() as look:
                look.execute("SELECT kept_from FROM realtime.retention")
                assert look.fetchall() == []
        assert len(retention.result(timeout=30).dropped) == 1
    mender.close()
    assert stored(ours) == []
