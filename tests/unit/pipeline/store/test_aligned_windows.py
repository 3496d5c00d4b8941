"""PostgreSQL refuses windows that begin at no multiple of their length; getting there stops no writer for long."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from psycopg2 import errors

from pipeline.store.db_connector import connect_owner
from pipeline.store.metrics_queries import METRICS_TABLES
from pipeline.store.migrate import load_migrations
from tests.bare_postgres import BarePostgres, bare_postgres

if TYPE_CHECKING:
    from psycopg2.extensions import connection as PgConnection  # noqa: N812 - a class, despite its name

ALIGNED, VALIDATED = 9, 10
"""Numbers of the two migrations."""


@pytest.fixture(scope="module")
def server() -> Iterator[BarePostgres]:
    with bare_postgres() as server:
        yield server


@pytest.fixture
def postgres(server: BarePostgres) -> Iterator[PgConnection]:
    """A schema as it was before."""
    with closing(connect_owner(server.settings)) as connection:
        with connection, connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA IF EXISTS realtime CASCADE; CREATE SCHEMA realtime; SET search_path = realtime")
        for migration in load_migrations():
            if migration.version < ALIGNED:
                apply(connection, migration.version)
        yield connection


def apply(connection: PgConnection, version: int) -> None:
    """One migration, in a transaction of its own."""
    with connection, connection.cursor() as cursor:
        cursor.execute(load_migrations()[version - 1].text)


def a_window(connection: PgConnection, size: int, start: str) -> None:
    with connection, connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO realtime.{METRICS_TABLES[size]} (window_start, campaign_id, category, impressions, clicks) "  # noqa: S608
            "VALUES (%s, 'shoes', 'sports', 2, 1)",
            (start,),
        )


@pytest.mark.parametrize(
    ("size", "start"),
    [
        (60, "2026-01-01T12:00:30Z"),
        (60, "2026-01-01T12:00:00.000001Z"),
        (60, "infinity"),
        (300, "2026-01-01T12:01:00Z"),
        (300, "-infinity"),
    ],
)
def test_a_window_that_is_none_is_refused(postgres: PgConnection, size: int, start: str) -> None:
    a_window(postgres, size, start)
    with postgres, postgres.cursor() as cursor:
        cursor.execute(f"DELETE FROM realtime.{METRICS_TABLES[size]}")  # noqa: S608
    for version in (ALIGNED, VALIDATED):
        apply(postgres, version)
        with pytest.raises(errors.CheckViolation, match="window_start_aligned"):
            a_window(postgres, size, start)
    a_window(postgres, size, "2026-01-01T12:05:00Z")
    a_window(postgres, size, "1969-12-31T23:55:00Z")


def test_rows_that_are_there_are_looked_at_apart_and_named_by_the_constraint(postgres: PgConnection) -> None:
    a_window(postgres, 60, "2026-01-01T12:00:30Z")
    apply(postgres, ALIGNED)
    with pytest.raises(errors.CheckViolation, match="metrics_1min_window_start_aligned"):
        apply(postgres, VALIDATED)
    with postgres, postgres.cursor() as cursor:
        cursor.execute("DELETE FROM realtime.metrics_1min")
    apply(postgres, VALIDATED)


def test_writers_write_while_the_rows_are_looked_at(server: BarePostgres, postgres: PgConnection) -> None:
    apply(postgres, ALIGNED)
    with postgres.cursor() as cursor, closing(connect_owner(server.settings)) as other:
        cursor.execute(load_migrations()[VALIDATED - 1].text)
        with other, other.cursor() as writer:
            writer.execute("SET lock_timeout = '5s'")
        for size in METRICS_TABLES:
            a_window(other, size, "2026-01-01T12:05:00Z")
    postgres.rollback()


def test_the_constraint_gives_up_rather_than_keep_writers_waiting(server: BarePostgres, postgres: PgConnection) -> None:
    with closing(connect_owner(server.settings)) as other, other.cursor() as reader:
        reader.execute("SELECT count(*) FROM realtime.metrics_1min")
        text = load_migrations()[ALIGNED - 1].text
        assert "lock_timeout = '10s'" in text
        with pytest.raises(errors.LockNotAvailable), postgres, postgres.cursor() as cursor:
            cursor.execute(text.replace("'10s'", "'100ms'"))
