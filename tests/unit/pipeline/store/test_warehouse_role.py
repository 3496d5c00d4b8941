"""dbt's role, as far as its rights go; dbt itself is in tests/warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest
from psycopg2.extensions import connection as PgConnection  # noqa: N812 - a class, despite its name

from pipeline.settings import Settings
from pipeline.store import connect_reader
from pipeline.store.db_connector import WAREHOUSE


@pytest.fixture
def role(store: Settings) -> Iterator[PgConnection]:
    address = {"host": store.postgres_host, "port": store.postgres_port, "dbname": store.postgres_database}
    with closing(psycopg2.connect(**address, user=WAREHOUSE)) as connection:
        yield connection


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM realtime.raw_events",
        "UPDATE realtime.watermarks SET watermark_ms = 0",
        "INSERT INTO realtime.retention VALUES ('raw_events', now())",
        "CREATE TABLE realtime.mine (x int)",
        "CREATE TABLE public.mine (x int)",
        "CREATE SCHEMA mine",
        "CREATE ROLE mine",
        "SELECT * FROM realtime.tombstones",
        "SELECT * FROM realtime.incidents",
    ],
)
def test_it_is_refused_what_it_has_no_business_with(role: PgConnection, statement: str) -> None:
    with role.cursor() as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
        cursor.execute(statement)


def test_the_dashboard_reads_what_it_makes_and_writes_none_of_it(role: PgConnection, store: Settings) -> None:
    with role, role.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE built AS SELECT count(*) AS n FROM realtime.raw_events")
        cursor.execute("CREATE TABLE warehouse.mart AS SELECT n FROM built")
    with closing(connect_reader(store)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT n FROM warehouse.mart")
        assert cursor.fetchall() == [(0,)]
        cursor.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg2.Error, match=r"permission denied|read-only"):
            cursor.execute("DELETE FROM warehouse.mart")
