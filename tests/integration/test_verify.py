"""Sabotage of the real stores: `adctr verify` finds exactly what was changed, and nothing after the repair."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis

from compose.process.exit_codes import ExitCode
from loadgen.ledger import Ledger, read_ledger
from loadgen.live import run_live
from loadgen.pacer import SteadyPacer
from loadgen.profiles import Profile
from loadgen.run import LoadPlan, new_run_id
from pipeline.contract.cache_schema import cell_field, cells_key, parse_counts
from pipeline.store.db_connector import connect_owner
from tests.integration.waiting import eventually

if TYPE_CHECKING:
    from psycopg2.extensions import connection as PgConnection  # noqa: N812 - a class, despite its name

    from pipeline.settings import Settings
    from tests.integration.conftest import RunningStack

PROFILE = Profile("disorder", campaigns=4, late_fraction=0.05, out_of_order_fraction=0.2, invalid_fraction=0.05)
RATE, SECONDS = 100, 10


@dataclass(frozen=True)
class Metric:
    """A cell of metrics_1min that the run has filled."""

    window_start: int
    campaign_id: str
    category: str
    impressions: int


@pytest.fixture(scope="module")
def ledger(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """A small run with late, invalid and out-of-order events."""
    run_id = new_run_id()
    plan = LoadPlan(PROFILE, 1, tmp_path_factory.mktemp("verify") / f"{run_id}.ledger", run_id)
    result = run_live(settings, plan, SteadyPacer(RATE, SECONDS), threading.Event())
    assert result.acknowledged == RATE * SECONDS
    return read_ledger(result.ledger)


@pytest.fixture
def owner(settings: Settings) -> Iterator[PgConnection]:
    connection = connect_owner(settings)
    connection.autocommit = True
    yield connection
    connection.close()


@pytest.fixture
def cache(settings: Settings) -> Iterator[redis.Redis]:
    client = redis.Redis(
        host=settings.redis_host,
        port=settings.redis_port,
        username="adctr_admin",
        password=settings.redis_admin_password,
    )
    yield client
    client.close()


def verify(stack: RunningStack, ledger: Ledger) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON of the command."""
    command = [sys.executable, "-m", "compose.cli", "--data-dir", str(stack.data_dir), "verify", "--format", "json"]
    ended = subprocess.run([*command, "--ledger", str(ledger.path)], capture_output=True, text=True, timeout=400)
    assert ended.stdout, ended.stderr
    return ended.returncode, json.loads(ended.stdout)


Found = tuple[str, str, Any]


def found_in(report: dict[str, Any]) -> set[Found]:
    """(store, what, campaign or record) of every difference."""
    return {
        (
            row["store"],
            row["what"],
            (row["partition"], row["offset"]) if "partition" in row else row.get("campaign_id"),
        )
        for row in report["differences"]
    }


def cells_of(owner: PgConnection, ledger: Ledger, campaign_number: int) -> list[Metric]:
    """The cells of one of the run's campaigns, the fullest first."""
    campaign = ledger.header.campaigns[campaign_number]
    with owner.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM window_start)::bigint, campaign_id, category, impressions FROM metrics_1min "
            "WHERE campaign_id = %s ORDER BY impressions DESC",
            (campaign,),
        )
        return [Metric(*row) for row in cursor.fetchall()]


def change_metric(owner: PgConnection, cell: Metric, by: int) -> None:
    with owner.cursor() as cursor:
        cursor.execute(
            "INSERT INTO metrics_1min VALUES (to_timestamp(%s), %s, %s, %s, 0) ON CONFLICT "
            "(window_start, campaign_id, category) DO UPDATE SET impressions = metrics_1min.impressions + %s",
            (cell.window_start, cell.campaign_id, cell.category, max(0, by), by),
        )


@contextmanager
def one_raw_event_lost(owner: PgConnection, ledger: Ledger) -> Iterator[set[Found]]:
    with owner.cursor() as cursor:
        cursor.execute(
            "DELETE FROM raw_events WHERE (kafka_partition, kafka_offset) = (SELECT kafka_partition, kafka_offset "
            "FROM raw_events WHERE event_id LIKE %s AND event_type = 'IMPRESSION' AND NOT late LIMIT 1) RETURNING *",
            (f"{ledger.run_id}-%",),
        )
        row = cursor.fetchone()
        assert row is not None
        yield {("postgres.raw_events", "missing", (row[0], row[1]))}
        cursor.execute(f"INSERT INTO raw_events VALUES ({', '.join(['%s'] * len(row))})", row)  # noqa: S608


@contextmanager
def one_raw_event_doubled(owner: PgConnection, ledger: Ledger) -> Iterator[set[Found]]:
    with owner.cursor() as cursor:
        cursor.execute(
            "INSERT INTO raw_events SELECT kafka_partition, kafka_offset, record_time + interval '1 ms', event_time, "
            "event_id, event_type, user_id, ad_id, campaign_id, category, placement, device, impression_id, late "
            "FROM raw_events WHERE event_id LIKE %s AND event_type = 'CLICK' AND NOT late LIMIT 1 "
            "RETURNING kafka_partition, kafka_offset, record_time",
            (f"{ledger.run_id}-%",),
        )
        row = cursor.fetchone()
        assert row is not None
        yield {("postgres.raw_events", "doubled", (row[0], row[1]))}
        cursor.execute(
            "DELETE FROM raw_events WHERE kafka_partition = %s AND kafka_offset = %s AND record_time = %s", row[:3]
        )


@contextmanager
def a_raw_event_of_another_device(owner: PgConnection, ledger: Ledger) -> Iterator[set[Found]]:
    """A name of the same length, in a row that nothing else here touches."""
    change = (
        "UPDATE raw_events SET device = reverse(device) WHERE event_id = %s RETURNING kafka_partition, kafka_offset"
    )
    with owner.cursor() as cursor:
        cursor.execute("SELECT max(event_id) FROM raw_events WHERE event_id LIKE %s AND late", (f"{ledger.run_id}-%",))
        event_id = cursor.fetchall()[0]
        cursor.execute(change, event_id)
        yield {("postgres.raw_events", "altered", row) for row in cursor.fetchall()}
        cursor.execute(change, event_id)


@contextmanager
def a_cached_window_that_stays(owner: PgConnection, ledger: Ledger, cache: redis.Redis) -> Iterator[set[Found]]:
    """A minute of canaries that is over: each write of the live job sets the expiry right."""
    start = int(time.time()) // 60 * 60 - 120
    key = cells_key(60, start)
    eventually("the minute before last is in Redis", lambda: bool(cache.exists(key)), 150)
    expires = round(time.time() + cache.pttl(key) / 1000)
    cache.persist(key)
    yield {("redis.cells.60", "expiry", None)}
    cache.expireat(key, expires)


@contextmanager
def a_cached_window_of_no_minute(owner: PgConnection, ledger: Ledger, cache: redis.Redis) -> Iterator[set[Found]]:
    """A copy, 30 s after the window's start."""
    start = cells_of(owner, ledger, 0)[0].window_start
    key = cells_key(60, start + 30)
    cache.copy(cells_key(60, start), key)
    yield {("redis", f"key of no window: {key}", None)}
    cache.delete(key)


@contextmanager
def a_metric_too_low(owner: PgConnection, ledger: Ledger) -> Iterator[set[Found]]:
    cell = cells_of(owner, ledger, 0)[0]
    change_metric(owner, cell, -1)
    yield {("postgres.metrics_1min", "different", cell.campaign_id)}
    change_metric(owner, cell, +1)


@contextmanager
def a_count_in_another_window(owner: PgConnection, ledger: Ledger) -> Iterator[set[Found]]:
    """Moved to a minute before the topic began: one difference here, one there."""
    cell = cells_of(owner, ledger, 1)[0]
    other = Metric(cell.window_start - 86_400, cell.campaign_id, cell.category, 0)
    change_metric(owner, cell, -1)
    change_metric(owner, other, +1)
    yield {
        ("postgres.metrics_1min", "different", cell.campaign_id),
        ("postgres.metrics_1min", "unexpected", cell.campaign_id),
    }
    change_metric(owner, cell, +1)
    with owner.cursor() as cursor:
        cursor.execute("DELETE FROM metrics_1min WHERE window_start = to_timestamp(%s)", (other.window_start,))


@contextmanager
def a_cached_count_too_high(owner: PgConnection, ledger: Ledger, cache: redis.Redis) -> Iterator[set[Found]]:
    cell = cells_of(owner, ledger, 2)[0]
    key, field = cells_key(60, cell.window_start), cell_field(cell.campaign_id, cell.category)
    before = cache.hget(key, field)  # type: ignore[arg-type]
    assert isinstance(before, bytes)
    counts = parse_counts(before)
    cache.hset(key, field, f"{counts.impressions} {counts.clicks + 1}")  # type: ignore[arg-type]
    yield {("redis.cells.60", "different", cell.campaign_id)}
    cache.hset(key, field, before)  # type: ignore[arg-type]


@contextmanager
def a_cached_cell_lost(owner: PgConnection, ledger: Ledger, cache: redis.Redis) -> Iterator[set[Found]]:
    cell = cells_of(owner, ledger, 3)[0]
    key, field = cells_key(300, cell.window_start // 300 * 300), cell_field(cell.campaign_id, cell.category)
    before = cache.hget(key, field)  # type: ignore[arg-type]
    cache.hdel(key, field)  # type: ignore[arg-type]
    yield {("redis.cells.300", "missing", cell.campaign_id)}
    cache.hset(key, field, before)  # type: ignore[arg-type]


@contextmanager
def a_tombstone_that_was_none(owner: PgConnection, ledger: Ledger) -> Iterator[set[Found]]:
    partition, offset = int(ledger.partition[0]), int(ledger.offset[0])
    with owner.cursor() as cursor:
        cursor.execute("INSERT INTO tombstones VALUES (%s, %s, now())", (partition, offset))
        yield {("postgres.tombstones", "unexpected", (partition, offset))}
        cursor.execute("DELETE FROM tombstones WHERE kafka_partition = %s AND kafka_offset = %s", (partition, offset))


def test_every_sabotage_is_found_and_nothing_else(
    stack: RunningStack, ledger: Ledger, owner: PgConnection, cache: redis.Redis
) -> None:
    code, report = verify(stack, ledger)
    assert found_in(report) == set()
    assert report["ledgers"][0]["acknowledged"] == report["ledgers"][0]["sent"] == RATE * SECONDS
    assert report["late"] > 0
    assert report["dead_lettered"] > 0
    total = report["counted"] + report["late"] + report["dead_lettered"] + report["tombstones"]
    assert total == report["records"]

    steps: list[Callable[[], Any]] = [
        lambda: one_raw_event_lost(owner, ledger),
        lambda: one_raw_event_doubled(owner, ledger),
        lambda: a_raw_event_of_another_device(owner, ledger),
        lambda: a_metric_too_low(owner, ledger),
        lambda: a_count_in_another_window(owner, ledger),
        lambda: a_cached_count_too_high(owner, ledger, cache),
        lambda: a_cached_cell_lost(owner, ledger, cache),
        lambda: a_cached_window_that_stays(owner, ledger, cache),
        lambda: a_cached_window_of_no_minute(owner, ledger, cache),
        lambda: a_tombstone_that_was_none(owner, ledger),
    ]
    with ExitStack() as sabotage:
        expected = set().union(*(sabotage.enter_context(step()) for step in steps))
        code, report = verify(stack, ledger)
        assert found_in(report) == expected
        assert (code, report["exact"]) == (ExitCode.FAIL, False)

    code, report = verify(stack, ledger)
    assert found_in(report) == set()
    assert (code, report["exact"], report["differences"]) == (ExitCode.PASS, True, [])


def test_jobs_that_are_not_through_in_time_leave_it_open(stack: RunningStack, ledger: Ledger) -> None:
    """Canaries never stop, so without any time to wait there is always something that no checkpoint covers."""
    command = [sys.executable, "-m", "compose.cli", "--data-dir", str(stack.data_dir), "verify", "--format", "json"]
    ended = subprocess.run([*command, "--timeout", "0"], capture_output=True, text=True, timeout=120)
    assert ended.returncode == ExitCode.INCONCLUSIVE
    report = json.loads(ended.stdout)
    assert (report["records"], report["differences"], report["exact"]) == (None, [], False)
    assert report["reason"].startswith("not drained in time: ")


@pytest.mark.embedded
def test_without_a_stack_the_command_says_how_to_start_one(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "compose.cli", "--data-dir", str(tmp_path), "verify"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == ExitCode.ENVIRONMENT
    assert "no stack is running" in ended.stderr


def test_a_file_that_is_no_ledger_is_wrong_usage(stack: RunningStack, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("hello")
    command = [sys.executable, "-m", "compose.cli", "--data-dir", str(stack.data_dir), "verify", "--ledger"]
    ended = subprocess.run([*command, str(tmp_path / "x")], capture_output=True, text=True, timeout=60)
    assert ended.returncode == ExitCode.USAGE
    assert "not a ledger" in ended.stderr
