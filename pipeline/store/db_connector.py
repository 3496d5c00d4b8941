"""Connections to PostgreSQL, one function per role.

Every connection has a connect timeout, UTC as its time zone and a deadline for each call, which holds where the server
hangs; readers are read-only, autocommitting and bounded by a statement timeout, so that no dashboard can hold a lock or
run forever.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import psycopg2
from psycopg2.extensions import connection as PgConnection  # noqa: N812 - a class, despite its name

from pipeline.settings import Settings
from pipeline.store.deadline import BoundedConnection

OWNER = "adctr_owner"
WRITER = "adctr_writer"
READER = "adctr_reader"
MENDER = "adctr_mender"
KEEPER = "adctr_keeper"
MONITOR = "adctr_monitor"
"""postgres_exporter's: sees statistics and sessions of all roles, and no row of any table."""
WAREHOUSE = "adctr_warehouse"
"""dbt's: reads ``realtime`` and owns schema ``warehouse``."""

CONNECT_TIMEOUT_SECONDS = 3
READER_STATEMENT_TIMEOUT_MS = 5_000
ANSWER_MARGIN_SECONDS = 2.0
"""How long after its statement timeout a server that works has said so."""
PATIENT_CALL_SECONDS = 600.0
"""The deadline of a call without a statement timeout: of migrations, recounts, and `adctr verify`."""


class StoreUnavailable(ConnectionError):
    """PostgreSQL doesn't answer or refuses us; the message names the address and the role."""


def connect_owner(settings: Settings, database: str | None = None) -> PgConnection:
    """A transactional connection of the role that migrates. Raises StoreUnavailable."""
    return _connect(settings, OWNER, settings.postgres_owner_password, database=database)


def connect_writer(settings: Settings) -> PgConnection:
    """A transactional connection of the role that the store job writes with. Raises StoreUnavailable."""
    return _connect(settings, WRITER, settings.postgres_writer_password)


def connect_mender(settings: Settings) -> PgConnection:
    """A transactional connection of the role that replays dead letters and recounts. Raises StoreUnavailable."""
    return _connect(settings, MENDER, settings.postgres_mender_password)


def connect_keeper(settings: Settings) -> PgConnection:
    """A transactional connection of the role that owns ``raw_events`` and drops old rows. Raises StoreUnavailable."""
    return _connect(settings, KEEPER, settings.postgres_keeper_password)


def connect_reader(
    settings: Settings,
    *,
    statement_timeout_ms: int = READER_STATEMENT_TIMEOUT_MS,
    connect_timeout_seconds: int = CONNECT_TIMEOUT_SECONDS,
) -> PgConnection:
    """A read-only autocommit connection whose statements are cancelled at their timeout (0: none).

    Raises StoreUnavailable.
    """
    connection = _connect(
        settings,
        READER,
        settings.postgres_reader_password,
        options=f"-c statement_timeout={statement_timeout_ms}",
        connect_timeout_seconds=connect_timeout_seconds,
        call_seconds=bound_seconds(statement_timeout_ms),
    )
    connection.set_session(readonly=True, autocommit=True)
    return connection


def bound_seconds(statement_timeout_ms: int) -> float:
    """How long a client waits for the answer to a call."""
    return statement_timeout_ms / 1000 + ANSWER_MARGIN_SECONDS if statement_timeout_ms else PATIENT_CALL_SECONDS


@contextmanager
def snapshot(settings: Settings) -> Iterator[PgConnection]:
    """A reader in one repeatable-read transaction: everything it reads is of one instant. Raises StoreUnavailable."""
    connection = connect_reader(settings, statement_timeout_ms=0)
    try:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True, autocommit=False)
        yield connection
    finally:
        connection.close()


def _connect(
    settings: Settings,
    role: str,
    password: str,
    *,
    database: str | None = None,
    options: str = "",
    connect_timeout_seconds: int = CONNECT_TIMEOUT_SECONDS,
    call_seconds: float = PATIENT_CALL_SECONDS,
) -> PgConnection:
    try:
        return psycopg2.connect(
            host=settings.postgres_host,
            port=settings.postgres_port,
            dbname=database or settings.postgres_database,
            user=role,
            password=password,
            connect_timeout=connect_timeout_seconds,
            options=f"-c TimeZone=UTC {options}",
            application_name=f"adctr {role}",
            connection_factory=partial(BoundedConnection, call_seconds=call_seconds),
        )
    except psycopg2.OperationalError as error:
        raise StoreUnavailable(
            f"PostgreSQL at {settings.postgres_host}:{settings.postgres_port} refuses {role} or doesn't answer: "
            f"{str(error).strip()}"
        ) from error
