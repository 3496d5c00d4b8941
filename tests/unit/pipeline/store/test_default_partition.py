"""Rows leave the default partition: none is lost, none doubled, wherever the move ends, and nobody waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import psycopg2
import pytest
from psycopg2.extensions import connection as PgConnection  # noqa: N812 - a class, despite its name

from pipeline.settings import Settings
from pipeline.store import default_partition, short_locks
from pipeline.store.db_connector import connect_keeper, connect_mender, connect_owner, connect_reader, connect_writer
from pipeline.store.default_partition import Move, default_days, one_mover, partition_name
from pipeline.store.partitions import keep_ahead
from pipeline.store.short_locks import StoreBusy, run_step, wait_for_older_transactions
from tests.unit.pipeline.store.stored_rows import at, copy_rows, statements, stored, wait_until, write

FAR = datetime.now(UTC).date() + timedelta(days=60)
DAYS = [FAR, FAR + timedelta(days=1)]
EVER = datetime.min.replace(tzinfo=UTC)
BLOCKING = {"ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"}
"""Modes in which a writer of the table waits."""


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(default_partition, "BATCH_ROWS", 10)


@pytest.fixture
def keeper(store: Settings) -> Iterator[PgConnection]:
    with closing(connect_keeper(store)) as connection:
        yield connection


def locks(store: Settings, keeper: PgConnection) -> set[tuple[str, str]]:
    """(table, mode) that the keeper's transaction holds."""
    with closing(connect_owner(store)) as look, look.cursor() as cursor:
        cursor.execute(
            "SELECT relation::regclass::text, mode FROM pg_locks WHERE pid = %s AND locktype = 'relation' AND granted",
            (keeper.info.backend_pid,),
        )
        return {(name.removeprefix("realtime."), mode) for name, mode in cursor.fetchall()}


def rows_of(first: int, number: int, day: date = FAR) -> list[tuple[int, datetime]]:
    return [(offset, at(day)) for offset in range(first, first + number)]


def all_copied(keeper: PgConnection) -> Move:
    """A move whose rows are copied, and that has not been swapped yet."""
    move = Move(keeper, DAYS, EVER)
    run_step(keeper, move.begin)
    while move.copy_batch():
        pass
    return move


def test_no_row_is_copied_under_a_lock_that_stops_a_writer(
    store: Settings, keeper: PgConnection, small_batches: None
) -> None:
    write(store, rows_of(0, 35))
    move = Move(keeper, DAYS, EVER)
    run_step(keeper, move.begin)
    batches = 0
    with keeper.cursor() as cursor:
        while move.copy_rows(cursor):
            held = locks(store, keeper)
            assert ("raw_events_default", "AccessShareLock") in held
            assert {each for each in held if each[1] in BLOCKING} == set()
            batches += 1
            keeper.commit()
    assert (batches, move.rows) == (4, 35)


def test_the_last_step_reads_and_copies_no_row(store: Settings, keeper: PgConnection, small_batches: None) -> None:
    """Each day's constraint says what its partition would have to be searched for."""
    write(store, rows_of(0, 35))
    move = all_copied(keeper)
    with keeper, keeper.cursor() as cursor:
        cursor.execute("SET LOCAL client_min_messages = debug1")
        del keeper.notices[:]
        move.swap(cursor)
        implied = [each for each in keeper.notices if "is implied by existing constraints" in each]
    assert [any(partition_name(day) in each for each in implied) for day in DAYS] == [True, True]
    assert stored(store) == [(offset, partition_name(FAR)) for offset in range(35)]


def test_rows_that_arrive_in_every_step_are_moved_too(
    store: Settings, keeper: PgConnection, small_batches: None
) -> None:
    write(store, rows_of(0, 25))
    move = Move(keeper, DAYS, EVER)
    run_step(keeper, move.begin)
    write(store, rows_of(100, 5))
    assert move.copy_batch()
    write(store, [*rows_of(200, 5, DAYS[1]), (300, at(FAR + timedelta(days=9)))])
    with closing(connect_mender(store)) as mender, mender, mender.cursor() as cursor:
        cursor.execute(
            "INSERT INTO raw_events VALUES (0, 400, %s, %s, 'e', 'CLICK', 'u', 'a', 'c', 'k', 'p', 'd', NULL, false)",
            (at(FAR), at(FAR)),
        )
    assert len(stored(store)) == 25 + 5 + 5 + 1 + 1
    while move.copy_batch():
        pass
    write(store, rows_of(500, 5))
    run_step(keeper, move.swap)
    expected = [(each, partition_name(FAR)) for each in [*range(25), *range(100, 105), 400, *range(500, 505)]]
    expected += [(each, partition_name(DAYS[1])) for each in range(200, 205)]
    assert stored(store) == sorted([*expected, (300, "raw_events_default")])


def test_what_a_replay_brings_again_is_known_in_every_step(
    store: Settings, keeper: PgConnection, small_batches: None
) -> None:
    write(store, rows_of(0, 25))
    move = Move(keeper, DAYS, EVER)

    def replay() -> None:
        with pytest.raises(psycopg2.errors.UniqueViolation):
            write(store, rows_of(3, 1))

    run_step(keeper, move.begin)
    replay()
    while move.copy_batch():
        replay()
    run_step(keeper, move.swap)
    replay()
    assert stored(store) == [(offset, partition_name(FAR)) for offset in range(25)]


@pytest.mark.parametrize("steps", [0, 1, 2, 4])
def test_a_move_that_is_killed_loses_and_doubles_nothing(store: Settings, steps: int, small_batches: None) -> None:
    """In a batch's transaction, too: the session ends there."""
    write(store, rows_of(0, 35))
    with closing(connect_keeper(store)) as killed:
        move = Move(killed, DAYS, EVER)
        run_step(killed, move.begin)
        for _ in range(steps):
            move.copy_batch()
        with killed.cursor() as cursor:
            move.copy_rows(cursor)
            with closing(connect_owner(store)) as owner, owner, owner.cursor() as end:
                end.execute("SELECT pg_terminate_backend(%s, 10000)", (killed.info.backend_pid,))
    write(store, rows_of(100, 5))
    everything = [*range(35), *range(100, 105)]
    assert stored(store) == [(offset, "raw_events_default") for offset in everything]
    with closing(connect_keeper(store)) as connection, one_mover(connection):
        days = keep_ahead(connection, datetime.now(UTC).date())
    assert (days.default_rows, days.default_rows_moved, days.default_rows_deleted) == (40, 40, 0)
    assert stored(store) == [(offset, partition_name(FAR)) for offset in everything]


def test_a_swap_that_fails_leaves_all_as_it_was(store: Settings, keeper: PgConnection, small_batches: None) -> None:
    write(store, rows_of(0, 15))
    move = all_copied(keeper)
    with keeper.cursor() as cursor:
        move.swap(cursor)
        keeper.rollback()
    write(store, rows_of(100, 1))
    assert stored(store) == [(offset, "raw_events_default") for offset in [*range(15), 100]]


def test_a_snapshot_from_before_the_copies_keeps_its_rows(store: Settings, keeper: PgConnection) -> None:
    """The swap waits for it: in the new partitions it would see nothing."""
    write(store, rows_of(0, 5))
    move = Move(keeper, DAYS, EVER)
    with closing(connect_reader(store)) as reader, ThreadPoolExecutor(1) as pool:
        reader.set_session(isolation_level="REPEATABLE READ", readonly=True, autocommit=False)
        with reader.cursor() as cursor:
            cursor.execute("SELECT 1")
            moved = pool.submit(move.run)
            wait_until(lambda: moved.done() or any("virtualxid" in each for each in statements(store)))
            cursor.execute("SELECT count(*) FROM raw_events")
            assert cursor.fetchone() == (5,)
        reader.rollback()
        moved.result(60)
    assert stored(store) == [(offset, partition_name(FAR)) for offset in range(5)]


def test_a_transaction_that_never_ends_is_named(store: Settings, keeper: PgConnection) -> None:
    with closing(connect_writer(store)) as idle, idle.cursor() as cursor:
        cursor.execute("SELECT 1")
        with pytest.raises(StoreBusy, match="a transaction has been open"):
            wait_for_older_transactions(keeper, patience_seconds=0)


def test_a_step_gives_up_its_place_in_the_queue(store: Settings, keeper: PgConnection) -> None:
    """A query that holds the table keeps the step out, and the step must not keep writers out for as long."""
    write(store, rows_of(0, 5))
    with closing(connect_reader(store)) as reader:
        reader.set_session(readonly=True, autocommit=False)
        with reader.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM raw_events")
            move = Move(keeper, DAYS, EVER)
            run_step(keeper, move.begin)
            with pytest.raises(StoreBusy, match="could not be locked for an instant"):
                run_step(keeper, move.swap, patience_seconds=0)
            write(store, rows_of(10, 5))
    assert short_locks.LOCK_TIMEOUT_MS <= 500


def test_old_rows_are_left_out(store: Settings) -> None:
    write(store, [(0, at(FAR - timedelta(days=1), 23)), (1, at(FAR, 0))])
    with closing(connect_keeper(store)) as connection, one_mover(connection):
        days = keep_ahead(connection, datetime.now(UTC).date(), at(FAR, 0))
        assert default_days(connection) == {}
    assert (days.default_rows, days.default_rows_moved, days.default_rows_deleted) == (2, 1, 1)
    assert stored(store) == [(1, partition_name(FAR))]


def test_the_writers_trigger_is_gone_after_the_move(store: Settings, keeper: PgConnection) -> None:
    write(store, rows_of(0, 5))
    Move(keeper, DAYS, EVER).run()
    with keeper, keeper.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_trigger WHERE tgname = 'copy_to_moving'")
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT relname FROM pg_class WHERE reloptions::text LIKE '%autovacuum_enabled%'")
        assert cursor.fetchall() == []
        cursor.execute("SELECT conname FROM pg_constraint WHERE conname = 'its_day'")
        assert cursor.fetchall() == []


def test_a_writer_that_began_before_the_trigger_is_waited_for(store: Settings, keeper: PgConnection) -> None:
    with closing(connect_writer(store)) as writer:
        copy_rows(writer, rows_of(0, 5))
        move = Move(keeper, DAYS, EVER)
        with pytest.raises(StoreBusy):
            run_step(keeper, move.begin, patience_seconds=0)
        writer.commit()
    move.run()
    assert stored(store) == [(offset, partition_name(FAR)) for offset in range(5)]
