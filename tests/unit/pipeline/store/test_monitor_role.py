"""postgres_exporter's role sees sessions of all roles and what its collectors ask for, and no row of any table."""

from __future__ import annotations

import dataclasses
import logging
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
import requests
import yaml

from compose.stack.services import monitoring
from pipeline.settings import Settings
from pipeline.store import migrate
from pipeline.store.db_connector import MONITOR, OWNER, READER, connect_reader
from tests.bare_postgres import BarePostgres
from tests.integration.waiting import eventually

PROGRAMS = ("postgres_exporter", "prometheus-postgres-exporter")


def connect(settings: Settings, user: str) -> psycopg2.extensions.connection:
    found = psycopg2.connect(
        host=settings.postgres_host, port=settings.postgres_port, dbname=settings.postgres_database, user=user
    )
    found.autocommit = True
    return found


def test_it_sees_the_sessions_of_others(store: Settings) -> None:
    with closing(connect_reader(store)), closing(connect(store, MONITOR)) as mine, mine.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = %s AND state IS NOT NULL", (READER,))
        assert cursor.fetchone() == (1,)
        cursor.execute("SELECT count(*) FROM pg_ls_waldir()")  # the collector `wal`, which logged an error per scrape


def test_it_reads_and_changes_nothing(store: Settings) -> None:
    with closing(connect(store, MONITOR)) as mine, mine.cursor() as cursor:
        for statement in (
            "SELECT FROM realtime.raw_events",
            "SELECT FROM realtime.metrics_1min",
            "CREATE TABLE realtime.mine ()",
            "CREATE TEMPORARY TABLE mine ()",
            "SET ROLE adctr_owner",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'",
        ):
            with pytest.raises(psycopg2.Error):
                cursor.execute(statement)


def test_our_queries_need_no_more(store: Settings) -> None:
    """Each gives its columns, and tables by their names alone."""
    queries = yaml.safe_load(monitoring.POSTGRES_QUERIES.read_text(encoding="utf-8"))
    with closing(connect(store, MONITOR)) as mine, mine.cursor() as cursor:
        for query in queries.values():
            cursor.execute(query["query"])
            rows = cursor.fetchall()
            assert [each.name for each in cursor.description or ()] == [next(iter(each)) for each in query["metrics"]]
            names = {row[0] for row in rows}
            assert {"raw_events", "metrics_1min", "watermarks"} <= names
            assert not {name for name in names if "." in name or name.startswith("raw_events_")}


@pytest.fixture
def owner_of_old(roles_server: BarePostgres) -> Iterator[None]:
    """A database that was made before the owner could grant pg_monitor."""
    with closing(connect(roles_server.settings, "postgres")) as superuser, superuser.cursor() as cursor:
        cursor.execute(f"DROP ROLE IF EXISTS {MONITOR}")
        cursor.execute(f"REVOKE ADMIN OPTION FOR pg_monitor FROM {OWNER} CASCADE")
        yield
        cursor.execute(f"GRANT pg_monitor TO {OWNER} WITH ADMIN OPTION")


def test_an_old_database_is_migrated_and_told_what_to_grant(
    roles_server: BarePostgres, owner_of_old: None, caplog: pytest.LogCaptureFixture
) -> None:
    settings = dataclasses.replace(roles_server.settings, postgres_database="adctr_old")
    with caplog.at_level(logging.WARNING, "adctr.store"):
        migrate(settings)
    assert "GRANT pg_monitor TO adctr_monitor" in caplog.text
    with closing(connect(roles_server.settings, "postgres")) as superuser, superuser.cursor() as cursor:
        cursor.execute("DROP DATABASE adctr_old WITH (FORCE)")


def test_a_scrape_of_the_exporter_logs_no_error(store: Settings, tmp_path: Path) -> None:
    """The program on PATH, with the command line and environment of the stack."""
    program = next((found for found in map(shutil.which, PROGRAMS) if found), None)
    if program is None:
        message = "postgres_exporter is not on PATH; .ci/prometheus fetches it, CONTRIBUTING.md says how"
        if os.environ.get("ADCTR_REQUIRE_PROMTOOL") == "1":
            pytest.fail(message)
        pytest.skip(message)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    options = monitoring.postgres_exporter_options(
        str(monitoring.POSTGRES_QUERIES), address, monitoring.bgwriter_flag(program)
    )
    log = tmp_path / "log"
    environment = {**os.environ, **monitoring.postgres_exporter_environment(store)}
    with log.open("wb") as output:
        process = subprocess.Popen([program, *options], env=environment, stdout=output, stderr=subprocess.STDOUT)

    def scraped() -> str:
        try:
            return requests.get(f"http://{address}/metrics", timeout=10).text
        except requests.RequestException:
            return ""

    try:
        eventually("the exporter reaches the server", lambda: "\npg_up 1" in scraped(), 60)
        with closing(connect_reader(store)):
            page = scraped()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    assert "adctr_postgres_table_table_bytes{" in page
    assert "level=error" not in log.read_text(), log.read_text()
