"""Who may do what: each user of PostgreSQL and Redis is refused what it has no business with, and no secret leaks."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from compose.stack.passwords import Passwords
from compose.stack.status import status
from pipeline.cache.cache_access import CacheUser, credentials
from pipeline.cache.redis_reader import cache_client
from pipeline.store import connect_reader, connect_writer
from pipeline.store.db_connector import (
    KEEPER,
    MENDER,
    MONITOR,
    OWNER,
    READER,
    WAREHOUSE,
    WRITER,
    connect_mender,
    connect_owner,
)
from tests.integration.commands import adctr

if TYPE_CHECKING:
    from pipeline.settings import Settings
    from tests.integration.conftest import RunningStack

READS = ["SELECT count(*) FROM raw_events WHERE false", "SELECT count(*) FROM metrics_1min WHERE false"]
NOBODYS = [
    "DROP TABLE metrics_1min",
    "TRUNCATE raw_events",
    "ALTER TABLE raw_events ADD COLUMN x int",
    "CREATE TABLE realtime.mine (x int)",
    "CREATE TABLE public.mine (x int)",
    "CREATE ROLE mine",
    "ALTER ROLE adctr_owner PASSWORD 'x'",
    "DELETE FROM raw_events",
    "DELETE FROM metrics_1min",
    "DELETE FROM replayed_events",
    "UPDATE schema_migrations SET name = 'x'",
    "INSERT INTO retention VALUES ('raw_events', now())",
    "SELECT rolpassword FROM pg_authid",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "SELECT pg_read_file('/etc/hostname')",
    "ALTER DATABASE adctr SET work_mem = '1MB'",
]
REFUSED: dict[str, list[str]] = {
    "reader": [
        "INSERT INTO metrics_1min (window_start, campaign_id, category) VALUES (now(), '', '')",
        "UPDATE metrics_1min SET clicks = 0",
        "UPDATE watermarks SET watermark_ms = 0",
        "UPDATE replayed_events SET late = true",
    ],
    "writer": [
        "UPDATE metrics_1min SET recounted_clicks = 0",
        "UPDATE metrics_5min SET recount_revision = 1",
        "UPDATE replayed_events SET late = true",
        "INSERT INTO recounts VALUES (0, now(), now())",
    ],
    "mender": [
        "UPDATE metrics_1min SET clicks = 0",
        "UPDATE raw_events SET late = true",
        "UPDATE replayed_events SET late = true",
        "UPDATE watermarks SET watermark_ms = 0",
        "INSERT INTO tombstones VALUES (0, 0, now())",
    ],
}
CONNECT: dict[str, Callable[[Settings], Any]] = {
    "reader": connect_reader,
    "writer": connect_writer,
    "mender": connect_mender,
}


@pytest.mark.parametrize("role", REFUSED)
def test_a_role_of_postgres_reads_and_is_refused_the_rest(settings: Settings, role: str) -> None:
    with closing(CONNECT[role](settings)) as connection, connection.cursor() as cursor:
        # The readers' sessions are read-only as well; what they may do must not depend on that.
        cursor.execute("SET default_transaction_read_only = off")
        if role == "reader":
            connection.set_session(readonly=False, autocommit=False)
        for statement in READS:
            cursor.execute(statement)
        connection.rollback()
        for statement in (*NOBODYS, *REFUSED[role]):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute(statement)
            connection.rollback()


def test_postgres_wants_a_password_of_everybody(settings: Settings) -> None:
    for role in (OWNER, WRITER, READER, MENDER, KEEPER, MONITOR, WAREHOUSE):
        for password in ("", "adctr", settings.postgres_reader_password[::-1]):
            with pytest.raises(psycopg2.OperationalError):
                psycopg2.connect(
                    host=settings.postgres_host,
                    port=settings.postgres_port,
                    dbname="adctr",
                    user=role,
                    password=password,
                )


def test_no_role_of_ours_is_a_superuser(settings: Settings) -> None:
    with closing(connect_owner(settings)) as owner, owner.cursor() as cursor:
        cursor.execute("SELECT rolname FROM pg_roles WHERE rolsuper OR rolbypassrls OR rolreplication")
        assert cursor.fetchall() == [("postgres",)]
        cursor.execute("SELECT rolname FROM pg_roles WHERE NOT rolsuper AND (rolcreaterole OR rolcreatedb)")
        assert cursor.fetchall() == [("adctr_owner",)]


@pytest.mark.parametrize(
    "statement",
    [
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT pg_read_file('/etc/hostname')",
        "SELECT rolpassword FROM pg_authid",
        "ALTER ROLE adctr_owner SUPERUSER",
    ],
)
def test_the_owner_of_the_tables_does_not_own_the_server(settings: Settings, statement: str) -> None:
    with closing(connect_owner(settings)) as owner, owner.cursor() as cursor:
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute(statement)
        owner.rollback()


@pytest.fixture
def redis_as(settings: Settings) -> Iterator[Callable[[CacheUser], redis.Redis]]:
    clients: list[redis.Redis] = []

    def connect(user: CacheUser) -> redis.Redis:
        clients.append(redis.Redis(settings.redis_host, settings.redis_port, **credentials(settings, user)))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


WRITES = [
    ("SET", "adctr:test", "1"),
    ("HSET", "adctr:test", "a", "1"),
    ("EXPIREAT", "adctr:test", "1"),
    ("EVAL", "return redis.call('SET', KEYS[1], '1')", "1", "adctr:test"),
    # The reader runs nothing inside Redis.
    ("EVAL", "return 1", "0"),
    ("SCRIPT", "LOAD", "return 1"),
]
ADMINS = [
    ("FLUSHALL",),
    ("FLUSHDB",),
    ("DEL", "adctr:complete"),
    ("PERSIST", "adctr:complete"),
    ("KEYS", "*"),
    ("CONFIG", "RESETSTAT"),
    ("CONFIG", "SET", "maxmemory", "1"),
    ("CLIENT", "PAUSE", "1"),
    ("CLIENT", "LIST"),
    ("ACL", "LIST"),
    ("ACL", "SETUSER", "adctr_reader", "allcommands"),
    ("SHUTDOWN", "NOSAVE"),
    ("DEBUG", "SLEEP", "0"),
    ("MONITOR",),
    ("SAVE",),
    ("REPLICAOF", "127.0.0.1", "1"),
    ("MODULE", "LIST"),
    ("GET", "somebody:elses"),
    ("SET", "somebody:elses", "1"),
    ("EVAL", "return redis.call('FLUSHALL')", "0"),
    ("EVAL", "return redis.call('DEL', KEYS[1])", "1", "adctr:complete"),
]


@pytest.mark.parametrize("user", [CacheUser.READER, CacheUser.WRITER])
def test_a_user_of_redis_is_refused_what_is_not_its_business(
    redis_as: Callable[[CacheUser], redis.Redis], user: CacheUser
) -> None:
    client = redis_as(user)
    assert client.exists("adctr:complete")
    for command in (*ADMINS, *(WRITES if user is CacheUser.READER else ())):
        with pytest.raises(redis.ResponseError, match=r"NOPERM|[Nn]o permissions|can't run this command|not allowed"):
            client.execute_command(*command)
    assert client.exists("adctr:complete")


def test_the_writer_writes(redis_as: Callable[[CacheUser], redis.Redis]) -> None:
    """So that the refusals above are those of the rights, not of a user that can do nothing."""
    client = redis_as(CacheUser.WRITER)
    for command in WRITES[0], WRITES[2], WRITES[3], WRITES[2]:
        client.execute_command(*command)
    assert redis_as(CacheUser.ADMIN).exists("adctr:test") == 0


def test_redis_lets_nobody_in_without_a_name_and_a_password(settings: Settings) -> None:
    nobody = dataclasses.replace(settings, redis_reader_password="")
    with closing(cache_client(nobody)) as client, pytest.raises(redis.AuthenticationError):
        client.ping()
    for user, password in (("default", ""), ("default", settings.redis_reader_password), ("adctr_admin", "adctr")):
        with (
            closing(
                redis.Redis(
                    settings.redis_host,
                    settings.redis_port,
                    username=user,
                    password=password,
                    retry=Retry(NoBackoff(), 0),
                )
            ) as client,
            pytest.raises(redis.AuthenticationError),
        ):
            client.ping()


def leaks(secrets: dict[str, str], text: str) -> list[str]:
    """The names of the secrets that a text holds."""
    return [name for name, secret in secrets.items() if secret in text]


@pytest.mark.embedded
def test_no_secret_is_in_a_log_a_command_line_or_a_report(stack: RunningStack) -> None:
    """Every file under logs, stack.json, `status`, and the command line of every process that there is."""
    secrets = dataclasses.asdict(Passwords.load(stack.layout))
    assert leaks(secrets, stack.layout.passwords.read_text()) == list(secrets), "the search itself finds them"
    assert len(set(secrets.values())) == len(secrets), "each its own"
    found: dict[str, list[str]] = {}
    logs = [path for path in stack.layout.logs.rglob("*") if path.is_file()]
    assert {path.stem for path in logs} >= {"jobs", "redis", "postgres", "kafka", "taskmanager-live", "jobmanager"}
    for path in (*logs, stack.layout.record):
        found[str(path)] = leaks(secrets, path.read_text(encoding="utf-8", errors="replace"))
    seen = 0
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = path.read_bytes().decode(errors="replace")
        except OSError:
            continue
        seen += str(stack.data_dir) in text
        found[str(path)] = leaks(secrets, text)
    assert seen >= 5, "the stack's own processes were looked at"
    found["status"] = leaks(secrets, json.dumps(status(stack.layout)))
    found["adctr status"] = leaks(secrets, adctr(stack.data_dir, "status").stdout)
    assert {where: names for where, names in found.items() if names} == {}
    assert leaks(secrets, repr(stack.settings)) == []


@pytest.mark.embedded
def test_each_process_is_told_the_passwords_that_it_needs(stack: RunningStack) -> None:
    """By its environment; servers have theirs in files of the user's own."""
    secrets = dataclasses.asdict(Passwords.load(stack.layout))
    told = {
        row["name"]: leaks(secrets, Path(f"/proc/{row['pid']}/environ").read_text())
        for row in status(stack.layout)["services"]
        if row["name"] in ("canary", "cache-keeper", "jobs", "redis", "kafka", "taskmanager-live", "jobmanager")
    }
    assert told.pop("jobs") == ["redis_writer", "postgres_writer"]
    assert told.pop("cache-keeper") == ["redis_writer", "postgres_reader", "postgres_keeper"]
    assert not any(told.values()), told


@pytest.mark.embedded
def test_only_the_user_can_read_the_secrets(stack: RunningStack) -> None:
    for path in (stack.layout.passwords, stack.layout.run / "redis.conf"):
        assert path.stat().st_mode & 0o077 == 0, path
    assert stack.layout.run.stat().st_mode & 0o077 == 0


@pytest.mark.embedded
def test_everything_listens_on_the_loopback_interface_alone(stack: RunningStack) -> None:
    import psutil

    listening: dict[str, set[str]] = {}
    for service in status(stack.layout)["services"]:
        if service["pid"]:
            process = psutil.Process(service["pid"])
            for each in (process, *process.children(recursive=True)):
                with contextlib.suppress(psutil.NoSuchProcess):  # PostgreSQL's backends come and go
                    for connection in each.net_connections(kind="tcp"):
                        if connection.status == psutil.CONN_LISTEN:
                            listening.setdefault(service["name"], set()).add(connection.laddr.ip)
    assert {"kafka", "registry", "redis", "postgres", "jobmanager"} <= set(listening)
    assert set().union(*listening.values()) <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}, listening
