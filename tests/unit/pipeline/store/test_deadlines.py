"""A PostgreSQL that accepts connections and answers nothing holds nobody forever: a real one, stopped by SIGSTOP."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import partial

import psycopg2
import pytest
import redis

from pipeline.cache import postgres_reader
from pipeline.cache.cache_access import CacheUser, impatient_client
from pipeline.cache.cache_manager import CacheManager, MetricsUnavailableError
from pipeline.cache.postgres_reader import PostgresReader
from pipeline.store import db_connector
from pipeline.store.db_connector import StoreUnavailable, connect_mender, connect_reader
from pipeline.store.deadline import BoundedConnection, DeadlineExceeded
from pipeline.store.metrics_queries import WindowRange
from tests.bare_postgres import BarePostgres, bare_postgres

WINDOWS = WindowRange(60, 0, 60)
FOREVER_SECONDS = 60
"""Nothing here waits for so long, unless it would wait forever."""


@pytest.fixture(scope="module")
def server() -> Iterator[BarePostgres]:
    with bare_postgres() as server:
        yield server


@pytest.fixture(autouse=True)
def thawed(server: BarePostgres) -> Iterator[None]:
    yield
    server.thaw()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The deadlines are there, and shorter."""
    monkeypatch.setattr(db_connector, "PATIENT_CALL_SECONDS", 1.0)
    monkeypatch.setattr(db_connector, "ANSWER_MARGIN_SECONDS", 0.5)


def connect(server: BarePostgres) -> BoundedConnection:
    connection = connect_reader(server.settings, statement_timeout_ms=500)
    assert isinstance(connection, BoundedConnection)
    return connection


def ends(call: object) -> BaseException | None:
    """What a call raised; fails where it does not end."""
    raised: list[BaseException | None] = []

    def run() -> None:
        try:
            call()  # type: ignore[operator]
            raised.append(None)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(FOREVER_SECONDS)
    assert not thread.is_alive(), "waits for ever"
    return raised[0]


def test_a_statement_ends_and_the_connection_is_closed(server: BarePostgres) -> None:
    """The connection is not closed here: while a statement hangs, that would hang as well."""
    connection = connect(server)
    cursor = connection.cursor()
    cursor.execute("SELECT 1")
    server.freeze()
    error = ends(lambda: cursor.execute("SELECT 1"))
    assert isinstance(error, DeadlineExceeded)
    assert "no answer from PostgreSQL at 127.0.0.1" in str(error)
    assert connection.closed


@pytest.mark.parametrize("what", ["commit", "rollback", "fetch", "iterate", "copy", "set_session", "many"])
def test_every_other_call_ends(server: BarePostgres, what: str) -> None:
    connection = db_connector._connect(server.settings, db_connector.MENDER, "", call_seconds=0.5)
    cursor = connection.cursor(name="rows" if what in ("fetch", "iterate") else None)
    cursor.execute("SELECT generate_series(1, 5000)")
    calls = {
        "commit": connection.commit,
        "rollback": connection.rollback,
        "fetch": cursor.fetchmany,
        "iterate": lambda: list(cursor),
        "copy": lambda: cursor.copy_expert("COPY (SELECT 1) TO STDOUT", io.StringIO()),
        "set_session": lambda: connection.set_session(readonly=True, autocommit=True),
        "many": lambda: cursor.executemany("SELECT %s", [(1,), (2,)]),
    }
    if what == "set_session":
        connection.rollback()
    server.freeze()
    error = ends(calls[what])
    # set_session asks the server only in some versions of psycopg2.
    assert isinstance(error, DeadlineExceeded) or (what == "set_session" and error is None)
    connection.close()


def test_a_block_of_a_transaction_ends(server: BarePostgres) -> None:
    connection = connect_mender(server.settings)

    def transaction() -> None:
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            server.freeze()

    connection._call_seconds = 0.5  # type: ignore[attr-defined]
    assert isinstance(ends(transaction), DeadlineExceeded)


def test_a_connection_that_is_accepted_and_not_answered_is_refused(server: BarePostgres) -> None:
    server.freeze()
    assert isinstance(ends(partial(connect_reader, server.settings, connect_timeout_seconds=2)), StoreUnavailable)


def test_a_statement_that_is_answered_in_time_is_left_alone(server: BarePostgres) -> None:
    with closing(connect(server)) as connection, connection.cursor() as cursor:
        for _ in range(3):
            cursor.execute("SELECT pg_sleep(0.2)")
        with pytest.raises(psycopg2.errors.QueryCanceled):
            cursor.execute("SELECT pg_sleep(60)")
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


def test_rows_come_in_pieces_and_whole(server: BarePostgres) -> None:
    with closing(connect_mender(server.settings)) as connection:
        for name in (None, "rows"):
            with connection.cursor(name=name) as cursor:
                cursor.itersize = 1_000
                cursor.execute("SELECT generate_series(1, 4500)")
                assert [row[0] for row in cursor] == list(range(1, 4501))


def test_readers_behind_one_that_hangs_are_told(server: BarePostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection is shared; a waiting thread is not held by the query that holds it."""
    monkeypatch.setattr(postgres_reader, "LOCK_SECONDS", 0.2)
    reader = PostgresReader(lambda: connect(server))
    with suppress(psycopg2.Error):
        reader.series(WINDOWS, None, None)  # there are no tables; the connection is kept
    server.freeze()
    errors: list[BaseException | None] = []
    ask = partial(reader.series, WINDOWS, None, None)
    threads = [threading.Thread(target=lambda: errors.append(ends(ask)), daemon=True) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(FOREVER_SECONDS)
    assert len(errors) == 5
    assert all(isinstance(error, psycopg2.Error | StoreUnavailable) for error in errors)
    assert any("kept another read waiting" in str(error) for error in errors)
    reader.close()


def test_the_read_api_says_so_and_answers_again_afterwards(server: BarePostgres) -> None:
    nobody = impatient_client(server.settings, CacheUser.READER, connect_timeout_seconds=0.2, timeout_seconds=0.2)
    manager = CacheManager(nobody, lambda: connect(server), server.settings)
    server.freeze()
    error = ends(lambda: manager.per_category(0, 60, 60))
    assert isinstance(error, MetricsUnavailableError)
    server.thaw()
    assert "realtime.watermarks" in str(ends(lambda: manager.per_category(0, 60, 60))), "it was asked"
    manager.close()
    assert isinstance(nobody, redis.Redis)
