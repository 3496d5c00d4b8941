"""What the keeper of the store does by itself: days ahead, an empty default partition, and nothing kept forever."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import psycopg2
import pytest
from psycopg2.extensions import connection as PgConnection  # noqa: N812 - a class, despite its name

from pipeline.settings import Settings
from pipeline.store import apply_retention, connect_writer
from pipeline.store.db_connector import connect_keeper, connect_owner, connect_reader
from pipeline.store.default_partition import default_days, partition_name
from pipeline.store.partitions import ensure_partitions, existing_days, upcoming_days
from pipeline.store.retention import maintain
from pipeline.store_keeper import PERIOD_SECONDS, RETRY_SECONDS, StoreKeeper
from slo.reconciliation.stores import kept_from_ms
from tests.bare_postgres import bare_postgres
from tests.unit.pipeline.store.stored_rows import at, copy_rows, statements, stored, wait_until, write

TODAY = datetime.now(UTC).date()


def reach(writer: PgConnection, when: datetime) -> None:
    """As the store job publishes its watermarks."""
    with writer, writer.cursor() as cursor:
        for size in (60, 300):
            cursor.execute(
                "INSERT INTO watermarks (job, watermark_ms) VALUES (%s, %s) "
                "ON CONFLICT (job) DO UPDATE SET watermark_ms = excluded.watermark_ms",
                (f"store-{size}", int(when.timestamp() * 1000)),
            )


def count_windows(writer: PgConnection, when: datetime) -> None:
    with writer, writer.cursor() as cursor:
        for table in ("metrics_1min", "metrics_5min"):
            rows = "(%s, 'c', 'k', 1, 0), (%s, 'd', 'k', 1, 0)"
            cursor.execute(f"INSERT INTO {table} VALUES {rows}", (when, when))  # noqa: S608 - our own text


def windows(connection: PgConnection) -> list[date]:
    """Days of the windows, which both tables have."""
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT window_start FROM metrics_1min WHERE campaign_id = 'c' ORDER BY 1")
        small = [when.date() for (when,) in cursor.fetchall()]
        cursor.execute("SELECT count(*) FROM metrics_5min")
        assert cursor.fetchone() == (2 * len(small),)
        return small


@pytest.fixture
def writer(store: Settings) -> Iterator[PgConnection]:
    with closing(connect_writer(store)) as connection:
        yield connection


def test_forty_days(store: Settings, writer: PgConnection) -> None:
    """Every partition is there before its day, none stays for longer than it has to, no row is anywhere else."""
    settings = dataclasses.replace(store, raw_events_retention_days=5, metrics_retention_days=10)
    with closing(connect_keeper(settings)) as keeper:
        for number in range(40):
            today = TODAY + timedelta(days=number)
            reach(writer, at(today, 0))
            report = maintain(settings, at(today, 1))
            copy_rows(writer, [(number, at(today))])
            count_windows(writer, at(today))
            writer.commit()
            assert (report.default_rows, default_days(keeper)) == (0, {})
            assert set(existing_days(keeper)) == {
                TODAY + timedelta(days=each) for each in range(max(-1, number - 5), number + 8)
            }
            kept = [TODAY + timedelta(days=each) for each in range(max(0, number - 10), number + 1)]
            assert windows(writer) == kept
        assert stored(settings) == [(each, partition_name(TODAY + timedelta(days=each))) for each in range(34, 40)]


def test_rows_of_days_without_a_keeper_get_their_days(store: Settings) -> None:
    """From the eighth day on all rows go to the default partition; the report says how many came out of it."""
    rows = [(number, at(TODAY + timedelta(days=number))) for number in range(12)]
    write(store, rows)
    assert {name for _, name in stored(store)[8:]} == {"raw_events_default"}
    report = maintain(store, at(TODAY + timedelta(days=11)))
    assert (report.default_rows, report.default_rows_moved, report.default_rows_deleted) == (4, 4, 0)
    assert report.created[:4] == tuple(partition_name(TODAY + timedelta(days=day)) for day in range(8, 12))
    assert stored(store) == [(number, partition_name(when.date())) for number, when in rows]
    with closing(connect_keeper(store)) as connection:
        assert set(upcoming_days(TODAY + timedelta(days=11))) <= set(existing_days(connection))


def test_at_the_start_of_a_stack_rows_of_the_default_partition_stay_for_the_keeper(store: Settings) -> None:
    write(store, [(1, at(TODAY + timedelta(days=20)))])
    assert ensure_partitions(store, TODAY + timedelta(days=1)) == []
    assert stored(store) == [(1, "raw_events_default")]
    assert maintain(store, at(TODAY + timedelta(days=1))).default_rows_moved == 1


def test_a_clock_alone_deletes_nothing(store: Settings, writer: PgConnection) -> None:
    """Neither where the store job has published nothing, nor where it is behind."""
    write(store, [(1, at(TODAY))])
    count_windows(writer, at(TODAY))
    far = at(TODAY + timedelta(days=1000))
    assert maintain(store, far).kept_from is None
    reach(writer, at(TODAY))
    report = maintain(store, far)
    assert (report.dropped, report.metrics_rows_deleted) == ((), 0)
    assert report.kept_from == at(TODAY - timedelta(days=7), 0)
    assert len(stored(store)) == len(windows(writer)) == 1


def test_a_snapshot_from_before_keeps_its_days(store: Settings) -> None:
    """It does not know yet that they will be gone, and would take the rows for lost."""
    write(store, [(1, at(TODAY))])
    with closing(connect_reader(store)) as reader, ThreadPoolExecutor(1) as pool:
        reader.set_session(isolation_level="REPEATABLE READ", readonly=True, autocommit=False)
        assert kept_from_ms(reader) == 0
        retention = pool.submit(apply_retention, store, timedelta(0), at(TODAY + timedelta(days=1)))
        wait_until(lambda: retention.done() or any("virtualxid" in each for each in statements(store)))
        with reader.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM raw_events")
            assert cursor.fetchone() == (1,)
        reader.rollback()
        assert partition_name(TODAY) in retention.result(60).dropped
    assert stored(store) == []


def test_a_retention_of_0_keeps_for_ever(store: Settings, writer: PgConnection) -> None:
    settings = dataclasses.replace(store, raw_events_retention_days=0, metrics_retention_days=0)
    write(settings, [(1, at(TODAY))])
    count_windows(writer, at(TODAY))
    reach(writer, at(TODAY + timedelta(days=2000)))
    report = maintain(settings, at(TODAY + timedelta(days=2000)))
    assert (report.kept_from, report.metrics_kept_from, report.dropped) == (None, None, ())
    assert len(stored(settings)) == len(windows(writer)) == 1


def test_what_is_deleted_is_said_so_that_nobody_takes_it_for_lost(store: Settings, writer: PgConnection) -> None:
    count_windows(writer, at(TODAY))
    report = apply_retention(store, None, at(TODAY + timedelta(days=3)), keep_metrics=timedelta(days=1))
    assert (report.metrics_rows_deleted, report.metrics_kept_from) == (4, at(TODAY + timedelta(days=2), 0))
    with closing(connect_reader(store)) as reader:
        for table in ("metrics_1min", "metrics_5min"):
            assert kept_from_ms(reader, table) == at(TODAY + timedelta(days=2), 0).timestamp() * 1000
        assert kept_from_ms(reader) == 0


def test_an_outage_costs_a_retry(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "adctr.store_keeper")
    with bare_postgres() as server:
        keeper = StoreKeeper(server.settings)
        assert keeper.tick() == RETRY_SECONDS, "there are no tables yet"
    assert keeper.tick() == RETRY_SECONDS
    assert keeper.tick() == RETRY_SECONDS
    assert sum("refuses adctr_keeper or doesn't answer" in each.message for each in caplog.records) == 1


def test_a_round_says_what_it_did(store: Settings, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "adctr.store_keeper")
    write(store, [(1, at(TODAY + timedelta(days=20)))])
    keeper = StoreKeeper(store)
    assert keeper.tick() == PERIOD_SECONDS
    assert "1 rows had no day of their own: 1 moved to one, 0 were too old and deleted" in caplog.text
    caplog.clear()
    assert keeper.tick() == PERIOD_SECONDS
    assert caplog.records == []


def test_the_keeper_is_refused_the_rest(store: Settings) -> None:
    with closing(connect_keeper(store)) as keeper, keeper.cursor() as cursor:
        for statement in (
            "INSERT INTO metrics_1min (window_start, campaign_id, category) VALUES (now(), '', '')",
            "UPDATE metrics_1min SET clicks = 0",
            "UPDATE watermarks SET watermark_ms = 0",
            "SELECT count(*) FROM replayed_events",
            "DELETE FROM tombstones",
            "DROP TABLE metrics_1min",
            "UPDATE schema_migrations SET name = 'x'",
            "CREATE ROLE mine",
            "ALTER ROLE adctr_owner PASSWORD 'x'",
            "SET ROLE adctr_owner",
            "SELECT rolpassword FROM pg_authid",
            "COPY (SELECT 1) TO PROGRAM 'true'",
        ):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute(statement)
            keeper.rollback()


def test_the_owner_still_migrates_what_the_keeper_owns(store: Settings) -> None:
    maintain(store, at(TODAY + timedelta(days=9)))
    with closing(connect_owner(store)) as owner, owner, owner.cursor() as cursor:
        cursor.execute("ALTER TABLE realtime.raw_events ADD COLUMN more int")
        cursor.execute("SELECT DISTINCT tableowner FROM pg_tables WHERE tablename LIKE 'raw\\_events%'")
        assert cursor.fetchall() == [("adctr_keeper",)]


def test_readers_may_read_new_days_by_their_names(store: Settings) -> None:
    write(store, [(1, at(TODAY + timedelta(days=20)))])
    maintain(store, at(TODAY))
    with closing(connect_reader(store)) as reader, reader.cursor() as cursor:
        day = partition_name(TODAY + timedelta(days=20))
        cursor.execute(f"SELECT count(*) FROM {day}")  # noqa: S608 - our own name
        assert cursor.fetchone() == (1,)
        cursor.execute("SELECT count(*) FROM raw_events_default")
        assert cursor.fetchone() == (0,)
