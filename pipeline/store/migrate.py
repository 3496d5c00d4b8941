"""Brings a PostgreSQL server to the current schema: database, roles, numbered SQL files, day partitions.

Repeatable: run it at every start. Files in ``migrations/`` are applied once each, in order, each in a transaction of
its own together with its entry in ``realtime.schema_migrations``; an advisory lock keeps two runs apart.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

import psycopg2
from psycopg2 import extensions, sql
from psycopg2.extensions import connection as PgConnection  # noqa: N812 - a class, despite its name
from psycopg2.extensions import encrypt_password

from pipeline.settings import Settings
from pipeline.store.db_connector import KEEPER, MENDER, MONITOR, OWNER, READER, WAREHOUSE, WRITER, connect_owner
from pipeline.store.partitions import ensure_partitions

_LOCK_KEY = 0x61646374
"""Advisory lock of the migrations ("adct"); any constant does that nobody else takes."""
_FILE_NAME = re.compile(r"(\d{4})_(\w+)\.sql")


log = logging.getLogger("adctr.store")


class MigrationFailed(RuntimeError):
    """A migration can't be applied, or an applied one was edited; the message names the file."""


@dataclass(frozen=True)
class Migration:
    """One numbered SQL file."""

    version: int
    name: str
    text: str

    @property
    def sha256(self) -> str:
        """Digest of the text, kept with the entry to notice later edits."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def load_migrations() -> list[Migration]:
    """All files of ``migrations/`` in order. Raises MigrationFailed when numbers aren't 1, 2, 3, …"""
    found = []
    for entry in resources.files("pipeline.store.migrations").iterdir():
        match = _FILE_NAME.fullmatch(entry.name)
        if match:
            found.append(Migration(int(match[1]), match[2], entry.read_text(encoding="utf-8")))
    found.sort(key=lambda migration: migration.version)
    if [migration.version for migration in found] != list(range(1, len(found) + 1)):
        raise MigrationFailed(f"migrations must be numbered 0001, 0002, …, got {[m.version for m in found]}")
    return found


def pending(known: Sequence[Migration], applied: dict[int, str]) -> list[Migration]:
    """Migrations still to apply, given the digests of those applied.

    Raises MigrationFailed when an applied one was edited since, or when the database is newer than this program.
    """
    newest = len(known)
    for version, digest in sorted(applied.items()):
        if version > newest:
            raise MigrationFailed(
                f"the database has migration {version:04d}, this program knows {newest}: use a newer version of adctr"
            )
        migration = known[version - 1]
        if migration.sha256 != digest:
            raise MigrationFailed(
                f"migration {version:04d}_{migration.name}.sql was edited after it was applied: "
                "restore it and put the change into a new file"
            )
    return [migration for migration in known if migration.version not in applied]


def migrate(settings: Settings) -> list[Migration]:
    """Creates or updates everything; returns the migrations applied by this call.

    Raises StoreUnavailable when the server doesn't answer, MigrationFailed when a file fails.
    """
    known = load_migrations()
    _create_database(settings)
    connection = connect_owner(settings)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", (_LOCK_KEY,))
        _ensure_roles(connection, settings)
        applied = _apply_pending(connection, known)
    finally:
        connection.close()
    ensure_partitions(settings)
    return applied


def _create_database(settings: Settings) -> None:
    connection = connect_owner(settings, database="postgres")
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", (_LOCK_KEY,))
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (settings.postgres_database,))
            if cursor.fetchone() is None:
                name = sql.Identifier(settings.postgres_database)
                cursor.execute(sql.SQL("CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0").format(name))
    finally:
        connection.close()


def _ensure_roles(connection: PgConnection, settings: Settings) -> None:
    """Login roles with the settings' passwords. Only SCRAM verifiers are sent, so no password reaches a log."""
    passwords = {
        WRITER: settings.postgres_writer_password,
        READER: settings.postgres_reader_password,
        MENDER: settings.postgres_mender_password,
        KEEPER: settings.postgres_keeper_password,
        MONITOR: settings.postgres_monitor_password,
        WAREHOUSE: settings.postgres_warehouse_password,
    }
    database = sql.Identifier(settings.postgres_database)
    with connection, connection.cursor() as cursor:
        for role, password in passwords.items():
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,))
            verb = "CREATE" if cursor.fetchone() is None else "ALTER"
            verifier = encrypt_password(password, role, scope=connection, algorithm="scram-sha-256")
            cursor.execute(
                sql.SQL("{} ROLE {} LOGIN NOCREATEDB NOCREATEROLE PASSWORD {}").format(
                    sql.SQL(verb), sql.Identifier(role), sql.Literal(verifier)
                )
            )
        cursor.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
        cursor.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        for role in (OWNER, *passwords):
            name = sql.Identifier(role)
            cursor.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, name))
            for setting in ("search_path = realtime", "TimeZone = 'UTC'"):
                cursor.execute(sql.SQL("ALTER ROLE {} IN DATABASE {} SET {}").format(name, database, sql.SQL(setting)))
        # Rows that a replay brings again (sink adctr-copy), and what dbt merges, go through a temporary table.
        temporary = sql.SQL(", ").join(map(sql.Identifier, (WRITER, WAREHOUSE)))
        cursor.execute(sql.SQL("GRANT TEMPORARY ON DATABASE {} TO {}").format(database, temporary))
        for role in (READER, MONITOR):
            cursor.execute(sql.SQL("ALTER ROLE {} SET default_transaction_read_only = on").format(sql.Identifier(role)))
        _let_monitor_see(cursor)
        # Migrations change what these own.
        owned = sql.SQL(", ").join(map(sql.Identifier, (KEEPER, WAREHOUSE)))
        cursor.execute(sql.SQL("GRANT {} TO {}").format(owned, sql.Identifier(OWNER)))


def _let_monitor_see(cursor: extensions.cursor) -> None:
    """Grants pg_monitor, which takes a right that the owner has since databases are made with it."""
    cursor.execute(
        "SELECT pg_has_role(%s, 'pg_monitor', 'USAGE'), pg_has_role('pg_monitor', 'MEMBER WITH ADMIN OPTION')",
        (MONITOR,),
    )
    has_it, may_grant = cursor.fetchone() or (False, False)
    if may_grant:
        cursor.execute(sql.SQL("GRANT pg_monitor TO {}").format(sql.Identifier(MONITOR)))
    elif not has_it:
        log.warning(
            "as superuser: GRANT pg_monitor TO %s; until then its exporter sees its own sessions alone", MONITOR
        )


def _apply_pending(connection: PgConnection, known: Sequence[Migration]) -> list[Migration]:
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA IF NOT EXISTS realtime")
        cursor.execute(
            "CREATE TABLE IF NOT EXISTS realtime.schema_migrations (version int PRIMARY KEY, name text NOT NULL, "
            "sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        cursor.execute("SELECT version, sha256 FROM realtime.schema_migrations")
        todo = pending(known, dict(cursor.fetchall()))
    for migration in todo:
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(migration.text)
                cursor.execute(
                    "INSERT INTO realtime.schema_migrations (version, name, sha256) VALUES (%s, %s, %s)",
                    (migration.version, migration.name, migration.sha256),
                )
        except psycopg2.Error as error:
            raise MigrationFailed(
                f"migration {migration.version:04d}_{migration.name}.sql failed: {str(error).strip()}"
            ) from error
    return todo
