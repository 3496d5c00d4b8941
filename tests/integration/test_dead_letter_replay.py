"""Replay and recount on a database and a Redis of their own: what they write, and what nobody can undo."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import psycopg2
import pytest
import redis

from pipeline.cache.cache_manager import CacheManager
from pipeline.cache.cache_rebuild import begin, finish, identity, is_complete, lost_windows, rebuild
from pipeline.cache.cache_writer import CacheWriter, writer_client
from pipeline.cache.redis_reader import cache_client
from pipeline.cache_keeper import restore_what_is_lost
from pipeline.contract.cache_schema import Counts, cell_field, cells_key, complete_key, watermark_key
from pipeline.contract.codec import AdEvent
from pipeline.dead_letters.mending import Mended
from pipeline.dead_letters.replay import replay
from pipeline.read_results import Source
from pipeline.recount import RawEventsDropped, not_final, recount, windows_of
from pipeline.settings import Settings
from pipeline.store import connect_reader, connect_writer, migrate
from pipeline.store.db_connector import connect_owner
from tests.integration.redis_servers import RedisServer
from tests.unit.pipeline.java_harness import run_harness

NOON = 1_767_268_800
DATABASE = "adctr_replay_test"
EVENT = AdEvent("mended-1", "CLICK", NOON * 1000 + 1_234, "u", "a", "shoes", "sports")
LETTER = Mended(1, 7, NOON * 1000 + 2_345, "truncated", EVENT, late=False)
FINAL_MS = (NOON + 300 + 1200) * 1000
RANGES = windows_of(NOON, NOON + 60)


@pytest.fixture
def database(settings: Settings, tmp_path: Path) -> Iterator[Settings]:
    """One window of noon in both stores: three impressions and a click of shoes, as the jobs counted them; final."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = RedisServer(port, tmp_path)
    ours = dataclasses.replace(
        settings,
        postgres_database=DATABASE,
        redis_port=port,
        redis_reader_password="",
        redis_writer_password="",
        cache_retention_seconds=300 * (1 << 24),
    )
    migrate(ours)
    with closing(connect_writer(ours)) as writer, writer, writer.cursor() as cursor:
        for offset, kind in enumerate(("IMPRESSION", "IMPRESSION", "IMPRESSION", "CLICK")):
            cursor.execute(
                "INSERT INTO raw_events VALUES (0, %s, to_timestamp(%s), to_timestamp(%s), %s, %s, 'u', 'a', 'shoes', "
                "'sports', 'p', 'd', NULL, false)",
                (offset, NOON + 1, NOON, f"e-{offset}", kind),
            )
        for size in (60, 300):
            cursor.execute(job_counts(size), (NOON, 3, 1))
            cursor.execute("INSERT INTO watermarks VALUES (%s, %s)", (f"store-{size}", FINAL_MS))
    with closing(writer_client(ours)) as client:
        for size in (60, 300):
            CacheWriter(client, ours.cache_retention_seconds).raise_window(
                size, NOON, {("shoes", "sports"): Counts(3, 1)}
            )
            client.set(watermark_key(size), FINAL_MS)
        client.set(complete_key(), identity(client))
    yield ours
    server.kill()
    owner = connect_owner(settings, "postgres")
    owner.autocommit = True
    with owner.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")
    owner.close()


def job_counts(size: int) -> str:
    """The statement by which the store job upserts (`CopyConnection`)."""
    table = {60: "metrics_1min", 300: "metrics_5min"}[size]
    return (
        f"INSERT INTO {table} (window_start, campaign_id, category, impressions, clicks) "  # noqa: S608 - constants
        "VALUES (to_timestamp(%s), 'shoes', 'sports', %s, %s) ON CONFLICT (window_start, campaign_id, category) "
        f"DO UPDATE SET impressions = GREATEST({table}.impressions, EXCLUDED.impressions), "
        f"clicks = GREATEST({table}.clicks, EXCLUDED.clicks)"
    )


def rows(settings: Settings, query: str) -> list[tuple[object, ...]]:
    with closing(connect_reader(settings)) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def readings(settings: Settings, campaign: str = "shoes") -> dict[tuple[Source, int], Counts]:
    """What both stores say of a campaign at noon, through the read API; the page's question gets the same answer."""
    found = {}
    for source, port in ((Source.REDIS, settings.redis_port), (Source.POSTGRES, 1)):
        some = dataclasses.replace(settings, redis_port=port)
        manager = CacheManager(cache_client(some), partial(connect_reader, some), some, clock=lambda: NOON + 10)
        for size in (60, 300):
            reading = manager.time_series(NOON, NOON + 1, size, campaign_id=campaign, category="sports")
            assert reading.source is source, reading.fallback_reason
            found[source, size] = reading.value[0].counts
            page = manager.breakdown(NOON, NOON + 1, size, campaign_id=campaign)
            assert page.source is source, page.fallback_reason
            assert page.value.cells[campaign, "sports"] == page.value.windows[0].by_category["sports"]
            assert page.value.cells[campaign, "sports"] == reading.value[0].counts
        manager.close()
    return found


def retained(settings: Settings, kept_from: int) -> None:
    """As if retention had dropped everything before."""
    with closing(connect_owner(settings)) as owner, owner, owner.cursor() as cursor:
        cursor.execute(
            "INSERT INTO retention (table_name, kept_from) VALUES ('raw_events', to_timestamp(%s))", (kept_from,)
        )


def all_say(counts: Counts) -> dict[tuple[Source, int], Counts]:
    return {(source, size): counts for source in Source for size in (60, 300)}


def test_a_mended_event_enters_raw_events_once_under_its_origin(database: Settings) -> None:
    """Its record time is the origin's, to the millisecond; a second replay changes nothing."""
    assert len(replay(database, [LETTER], dry_run=False).replayed) == 1
    query = "SELECT * FROM raw_events WHERE kafka_partition = 1"
    first = rows(database, query)
    assert [str(value) for value in first[0][:5]] == [
        "1", "7", "2026-01-01 12:00:02.345000+00:00", "2026-01-01 12:00:01.234000+00:00", "mended-1",
    ]  # fmt: skip
    again = replay(database, [LETTER], dry_run=False)
    assert (len(again.replayed), len(again.unchanged), again.refused) == (0, 1, [])
    assert rows(database, query) == first


def test_a_dry_run_says_the_same_and_changes_nothing(database: Settings) -> None:
    assert len(replay(database, [LETTER], dry_run=True).replayed) == 1
    assert rows(database, "SELECT count(*) FROM raw_events") == [(4,)]
    assert rows(database, "SELECT count(*) FROM replayed_events") == [(0,)]


def test_another_event_under_a_replayed_origin_is_refused(database: Settings) -> None:
    replay(database, [LETTER], dry_run=False)
    other = dataclasses.replace(LETTER, event=EVENT._replace(user_id="other"))
    assert [why for _, why in replay(database, [other], dry_run=False).refused] == [
        "was replayed before, as another event; what is replayed stays"
    ]
    assert rows(database, "SELECT user_id FROM raw_events WHERE kafka_partition = 1") == [("u",)]


def test_one_event_under_two_origins_is_replayed_once(database: Settings) -> None:
    """A producer that repeats what was refused: of two letters in one replay, and of one that comes a day later."""
    twin, later = dataclasses.replace(LETTER, offset=8), dataclasses.replace(LETTER, offset=9)
    why = "would be counted twice: its event_id is replayed under the origin 1:7"
    refused = dataclasses.replace(LETTER, offset=6, record_time_ms=0)
    retained(database, NOON - 60)
    done = replay(database, [refused, LETTER, twin], dry_run=False)
    assert (done.replayed, done.refused[1:]) == ([LETTER], [(twin, why)])
    assert done.refused[0][0] == refused, "what is refused itself is no twin"
    assert replay(database, [later], dry_run=False).refused == [(later, why)]
    assert rows(database, "SELECT count(*) FROM raw_events WHERE kafka_partition = 1") == [(1,)]


def test_a_record_that_was_counted_after_all_keeps_nothing_else_from_being_replayed(database: Settings) -> None:
    """Its schema was registered later, and the jobs read it again."""
    counted = dataclasses.replace(LETTER, partition=0, offset=3, record_time_ms=(NOON + 1) * 1000)
    other = dataclasses.replace(LETTER, event=EVENT._replace(event_id="mended-2"))
    done = replay(database, [counted, other], dry_run=False)
    assert done.replayed == [other]
    assert [why for _, why in done.refused] == ["its record stands in raw_events: it was not rejected after all"]
    assert rows(database, "SELECT event->>'event_id' FROM replayed_events") == [("mended-2",)]


def test_a_recount_brings_the_event_into_both_windows_and_both_stores(database: Settings) -> None:
    replay(database, [LETTER], dry_run=False)
    assert readings(database) == all_say(Counts(3, 1)), "not before the recount"
    with closing(writer_client(database)) as client:
        done = recount(database, RANGES, client)
    assert (done.windows, done.cells, done.changed, done.cached_windows) == ({60: 1, 300: 1}, 2, 2, 2)
    assert readings(database) == all_say(Counts(3, 2))
    assert rows(database, "SELECT ctr FROM metrics_1min") == [(2 / 3,)]


def test_a_job_from_an_old_checkpoint_cannot_undo_a_recount(database: Settings) -> None:
    """It writes smaller counts, and then larger ones of its own; neither is seen."""
    replay(database, [LETTER], dry_run=False)
    with closing(writer_client(database)) as client:
        recount(database, RANGES, client)
        for counts in (Counts(1, 0), Counts(9, 9)):
            with closing(connect_writer(database)) as writer, writer, writer.cursor() as cursor:
                for size in (60, 300):
                    cursor.execute(job_counts(size), (NOON, counts.impressions, counts.clicks))
                    CacheWriter(client, database.cache_retention_seconds).raise_window(
                        size, NOON, {("shoes", "sports"): counts}
                    )
            assert readings(database) == all_say(Counts(3, 2))


def test_a_task_that_was_given_up_lowers_no_count(database: Settings, tmp_path: Path) -> None:
    """It wakes and writes what it still had, when the one that took over has written more."""
    noon = f"{NOON * 1000},shoes,sports"
    url = f"jdbc:postgresql://{database.postgres_host}:{database.postgres_port}/{database.postgres_database}"
    where = [url, "adctr_writer", "realtime.metrics_1min"]
    tested = ["CopyBatch", "CopyConnection", "CopyFormat", "CopySink", "CopyWriter"]
    run_harness(tmp_path, "adctr.flink.CopyCounts", [*where, f"{noon},12,2", f"{noon},11,3"], tested, database.to_env())
    assert rows(database, "SELECT impressions, clicks FROM metrics_1min") == [(12, 3)]


def test_a_later_recount_may_lower_what_an_earlier_one_said(database: Settings) -> None:
    """(revision, counts) never falls, counts alone may: here a row of raw_events was wrong and is gone."""
    replay(database, [LETTER], dry_run=False)
    with closing(writer_client(database)) as client:
        recount(database, RANGES, client)
        with closing(connect_owner(database)) as owner, owner, owner.cursor() as cursor:
            cursor.execute("DELETE FROM raw_events WHERE event_id IN ('e-0', 'mended-1')")
        done = recount(database, RANGES, client)
        assert readings(database) == all_say(Counts(2, 1))
        value = client.hget(cells_key(60, NOON), cell_field("shoes", "sports"))  # type: ignore[arg-type]
        assert value == f"2 1 {done.revision}".encode()


def test_a_replayed_event_of_an_unknown_campaign_gets_a_cell_of_its_own(database: Settings) -> None:
    hats = dataclasses.replace(LETTER, event=EVENT._replace(campaign_id="hats"))
    replay(database, [hats], dry_run=False)
    with closing(writer_client(database)) as client:
        recount(database, RANGES, client)
    query = "SELECT impressions, clicks, recounted_clicks FROM metrics_1min WHERE campaign_id = 'hats'"
    assert rows(database, query) == [(0, 0, 1)]
    assert readings(database) == all_say(Counts(3, 1))
    assert readings(database, "hats") == all_say(Counts(0, 1))


def test_the_jobs_role_may_not_touch_recounted_values(database: Settings) -> None:
    with closing(connect_writer(database)) as writer, writer.cursor() as cursor:
        for statement in (
            "UPDATE metrics_1min SET recounted_clicks = recounted_clicks",  # nothing else would refuse it
            "UPDATE metrics_5min SET recount_revision = recount_revision",
            "INSERT INTO replayed_events VALUES (0, 0, now(), '', '{}', false, 1)",
            "SELECT nextval('revisions')",
        ):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute(statement)
            writer.rollback()


def test_windows_are_final_when_both_watermarks_say_so(database: Settings) -> None:
    """Noon's are; those of five minutes later wait for the store job, and noon's for a live job that is behind."""
    with closing(writer_client(database)) as client:
        assert [not_final(database, windows, client) for windows in RANGES] == [None, None]
        later = windows_of(NOON + 300, NOON + 360)
        assert [not_final(database, windows, client) for windows in later] == [
            "job store has not made the 1-minute windows final, 60 s to go",
            "job store has not made the 5-minute windows final, 300 s to go",
        ]
        client.set(watermark_key(60), FINAL_MS - 300_000)
        assert not_final(database, RANGES[0], client) == "job live has not made the 1-minute windows final, 60 s to go"


def test_windows_whose_events_retention_has_dropped_are_not_recounted(database: Settings) -> None:
    """And nothing is replayed that no recount could bring into its windows; its own record is kept here."""
    retained(database, NOON + 1)
    with closing(writer_client(database)) as client, pytest.raises(RawEventsDropped, match="retention has dropped"):
        recount(database, RANGES, client)
    assert "retention has dropped" in replay(database, [LETTER], dry_run=False).refused[0][1]


def test_without_redis_nothing_is_recounted(database: Settings) -> None:
    """It would come back with what it held, and its marker."""
    replay(database, [LETTER], dry_run=False)
    nowhere = dataclasses.replace(database, redis_port=1)
    with closing(writer_client(nowhere)) as client, pytest.raises(redis.ConnectionError):
        recount(database, RANGES, client)
    assert rows(database, "SELECT recounted_clicks FROM metrics_1min") == [(None,)]


def test_a_recount_that_dies_between_the_stores_leaves_no_reader_with_the_old_counts(
    database: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL is done and Redis is not: Redis has no marker, and the keeper restores it."""
    replay(database, [LETTER], dry_run=False)
    with closing(writer_client(database)) as client:
        with monkeypatch.context() as dying:
            dying.setattr(CacheWriter, "raise_window", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                recount(database, RANGES, client)
        assert rows(database, "SELECT recounted_clicks FROM metrics_1min") == [(2,)]
        assert not is_complete(client)
        monkeypatch.setattr("pipeline.cache.cache_rebuild._wait_for_store_job", lambda *_: None)
        assert rebuild(database, client)
    assert readings(database) == all_say(Counts(3, 2))


def test_a_recount_leaves_a_redis_that_is_being_restored_to_its_keeper(database: Settings) -> None:
    """What the keeper has read may be from before the recount, so it has to begin again."""
    with closing(writer_client(database)) as client:
        token = begin(client)
        recount(database, RANGES, client)
        assert not is_complete(client)
        assert not finish(client, token)


def test_a_marker_of_an_earlier_start_of_the_machine_is_none(database: Settings) -> None:
    with closing(writer_client(database)) as client:
        assert is_complete(client)
        client.set(complete_key(), "3e6f0a8e-0000-0000-0000-000000000000")
        assert not is_complete(client)


def test_a_rebuild_restores_counted_and_recounted_windows(database: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """No job writes into this database, so there is none to wait for."""
    replay(database, [LETTER], dry_run=False)
    with closing(writer_client(database)) as client:
        done = recount(database, windows_of(NOON, NOON + 60)[:1], client)
        before = {key: client.hgetall(key) for key in client.scan_iter("adctr:{*")}
        client.flushall()
        monkeypatch.setattr("pipeline.cache.cache_rebuild._wait_for_store_job", lambda *_: None)
        assert rebuild(database, client)
        assert {key: client.hgetall(key) for key in client.scan_iter("adctr:{*")} == before
        assert client.hget(cells_key(60, NOON), cell_field("shoes", "sports")) == f"3 2 {done.revision}".encode()  # type: ignore[arg-type]
        assert int(client.get(watermark_key(60)) or 0) == FINAL_MS
        assert is_complete(client)


def test_windows_lost_to_a_wrong_clock_are_restored(database: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis has its marker all the time; the keeper sees by the index that windows are missing."""
    monkeypatch.setattr("pipeline.cache.cache_rebuild._wait_for_store_job", lambda *_: None)
    with closing(writer_client(database)) as client:
        for key in client.scan_iter("adctr:{*"):
            client.expireat(key, 0)
        restore_what_is_lost(database, client)
        assert lost_windows(client, database.cache_retention_seconds) == 0
        assert is_complete(client)
    assert readings(database) == all_say(Counts(3, 1))


def test_a_loss_in_the_middle_of_a_rebuild_is_noticed(database: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was restored before it is gone, so there is no marker."""
    with closing(writer_client(database)) as client:
        client.flushall()
        monkeypatch.setattr("pipeline.cache.cache_rebuild._wait_for_store_job", lambda *_: client.flushall())
        assert not rebuild(database, client)
        assert not is_complete(client)
