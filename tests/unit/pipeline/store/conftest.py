"""A PostgreSQL with our schema, and with the roles' real rights: the owner is no superuser, as in a stack."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count

import psycopg2
import pytest

from pipeline.settings import Settings
from pipeline.store import migrate
from pipeline.store.db_connector import KEEPER, MENDER, MONITOR, OWNER, READER, WAREHOUSE, WRITER
from tests.bare_postgres import BarePostgres, bare_postgres

_NUMBERS = count()


@pytest.fixture(scope="session")
def roles_server() -> Iterator[BarePostgres]:
    with bare_postgres() as server:
        with closing(_superuser(server.settings)) as connection, connection.cursor() as cursor:
            cursor.execute(f"DROP ROLE {WRITER}, {READER}, {MENDER}, {KEEPER}, {MONITOR}, {WAREHOUSE}")
            cursor.execute(f"ALTER ROLE {OWNER} NOSUPERUSER CREATEDB CREATEROLE")
            cursor.execute(f"GRANT pg_signal_backend TO {OWNER}")
            cursor.execute(f"GRANT pg_monitor TO {OWNER} WITH ADMIN OPTION")
        yield server


@pytest.fixture
def store(roles_server: BarePostgres) -> Iterator[Settings]:
    """Settings of a fresh database."""
    with fresh_database(roles_server) as settings:
        yield settings


@contextmanager
def fresh_database(roles_server: BarePostgres) -> Iterator[Settings]:
    """Settings of one that is dropped when the block ends."""
    settings = dataclasses.replace(roles_server.settings, postgres_database=f"adctr_{next(_NUMBERS)}")
    migrate(settings)
    yield settings
    with closing(_superuser(settings)) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {settings.postgres_database} WITH (FORCE)")


def _superuser(settings: Settings) -> psycopg2.extensions.connection:
    connection = psycopg2.connect(
        host=settings.postgres_host, port=settings.postgres_port, dbname="postgres", user="postgres"
    )
    connection.autocommit = True
    return connection
