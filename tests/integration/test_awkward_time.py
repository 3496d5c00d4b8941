"""Awkward time: out of order up to the bounds and beyond, silence, an empty topic, the turn of the day."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError, Producer

from compose.process.exit_codes import ExitCode
from compose.stack.layout import Layout
from compose.stack.lifecycle import bring_up, take_down
from compose.stack.ports import PortChoice
from compose.stack.processes.owner import owning
from compose.stack.processes.supervision import Supervisor
from compose.stack.state import load_settings
from compose.stack.status import status
from dashboards.business.snapshot import Snapshot, SnapshotReader
from loadgen.historic import historic
from loadgen.ledger import read_ledger
from loadgen.live import run_live
from loadgen.pacer import SteadyPacer
from loadgen.profiles import Profile
from loadgen.run import LoadPlan, new_run_id
from loadgen.truth import expected_counts
from pipeline.cache.cache_manager import CacheManager
from pipeline.cache.redis_reader import cache_client
from pipeline.contract.cache_schema import watermark_key
from pipeline.contract.codec import AdEvent, encode
from pipeline.contract.registry import register_schema
from pipeline.contract.rules import MAX_AHEAD_MS
from pipeline.read_results import Source
from pipeline.settings import Settings
from pipeline.store import connect_reader
from pipeline.store.default_partition import partition_name
from pipeline.store.partitions import DAYS_BEHIND
from slo.reconciliation.report import Report, to_text
from slo.reconciliation.verify import reconcile
from tests.integration.commands import adctr_json
from tests.integration.sending import Record, send
from tests.integration.waiting import eventually

MARGIN_MS = 20_000
"""Between what is sent and what the broker still takes: the broker looks later, and by its own clock."""
IDLE_SECONDS = 10
DAY_MS = 86_400_000


def event(settings: Settings, name: str, event_time_ms: int) -> bytes:
    """The value of an impression with that id."""
    schema_id = _schema_id(settings)
    return encode(AdEvent(name, "IMPRESSION", event_time_ms, "u", "a", "awkward", "time"), schema_id)


@cache
def _schema_id(settings: Settings) -> int:
    return register_schema(settings.schema_registry_url, settings.events_topic)


def refusal(settings: Settings, value: bytes, record_time_ms: int) -> int | None:
    """The code of the error with which the broker refuses a record; None: it has taken it."""
    codes: list[int | None] = []
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap})
    producer.produce(
        settings.events_topic,
        value,
        b"test",
        1,
        lambda error, _: codes.append(None if error is None else error.code()),
        timestamp=record_time_ms,
    )
    assert producer.flush(30) == 0
    return codes[0]


def rows(settings: Settings, query: str, *values: object) -> list[tuple[Any, ...]]:
    with closing(connect_reader(settings)) as reader, reader.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()


def verified(settings: Settings, ledgers: Sequence[Path] = ()) -> Report:
    """The report of a reconciliation that found everything exact, and nothing that an operator dropped."""
    report = reconcile(settings, [read_ledger(path) for path in ledgers], timeout_seconds=120)
    assert report.exact, to_text(report)
    assert "flink" not in {each.store for each in report.unverifiable}, "both jobs told their numLateRecordsDropped"
    return report


def watermark_ms(settings: Settings) -> int:
    """The live job's, of the one-minute windows; 0 while there is none."""
    with closing(cache_client(settings)) as client:
        return int(client.get(watermark_key(60)) or 0)  # type: ignore[arg-type]


def test_each_bound_of_time_is_kept_to_the_millisecond(settings: Settings) -> None:
    """What the broker refuses for its record time leaves no trace; of the rest the event time decides."""
    _schema_id(settings)  # before the time is taken
    now, lateness = int(time.time() * 1000), settings.allowed_lateness_seconds * 1000
    oldest = now - settings.record_slack_seconds * 1000 + MAX_AHEAD_MS + MARGIN_MS
    newest = now + MAX_AHEAD_MS - MARGIN_MS
    run = f"bounds-{now}"
    taken = {
        "five minutes behind": (now - 300_000, now - 300_000, False),
        "as old as can be": (oldest, oldest - lateness, False),
        "a millisecond late": (oldest, oldest - lateness - 1, True),
        "as new as can be": (newest, newest + MAX_AHEAD_MS, False),
    }
    refused = {"five minutes ahead": now + 300_000, "ten minutes behind": now - 600_000}
    for name, record_time in refused.items():
        value = event(settings, f"{run}-{name}", record_time)
        assert refusal(settings, value, record_time) == KafkaError.INVALID_TIMESTAMP, name
    send(
        settings,
        [Record(event(settings, f"{run}-{name}", at), record_time) for name, (record_time, at, _) in taken.items()],
    )
    send(settings, [Record(event(settings, f"{run}-beyond", newest + MAX_AHEAD_MS + 1), newest)])
    verified(settings)
    found = rows(settings, "SELECT event_id, late FROM realtime.raw_events WHERE event_id LIKE %s", f"{run}-%")
    assert dict(found) == {f"{run}-{name}": late for name, (_, _, late) in taken.items()}


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    """A live stack of its own, whose partitions count as idle soon."""
    layout = Layout.of(tmp_path_factory.mktemp("quiet") / "stack")
    layout.create()
    environ = {"ADCTR_IDLE_TIMEOUT_SECONDS": str(IDLE_SECONDS)}
    with owning(layout):
        try:
            bring_up(layout.root, PortChoice.AUTO, historic=False, say=print, environ=environ, dashboard=False)
            yield layout
        finally:
            take_down(layout)


@pytest.fixture
def quiet_settings(quiet: Layout) -> Settings:
    return load_settings(quiet.root)


@pytest.mark.long
@pytest.mark.embedded
def test_silent_partitions_hold_nothing_up_and_silence_everywhere_leaves_windows_open(
    quiet: Layout, quiet_settings: Settings, tmp_path: Path
) -> None:
    """Without canaries: one campaign's partition alone has traffic, then none has. The canary closes what is open."""
    settings, supervisor = quiet_settings, Supervisor.find(quiet)
    assert supervisor is not None
    supervisor.stop_processes(["canary"], 15)
    stopped = int(time.time() * 1000)
    run_id, ledger = new_run_id(), tmp_path / "one.ledger"
    plan = LoadPlan(Profile("one", campaigns=1), 1, ledger, run_id)
    result = run_live(settings, plan, SteadyPacer(100, 3 * IDLE_SECONDS), threading.Event())
    assert (result.acknowledged, result.failed) == (3_000, 0)
    busy = {int(partition) for partition in read_ledger(ledger).partition}
    assert len(busy) == 1
    # By the partitions that are silent it would stand where the last canary was.
    eventually("the watermark follows the one", lambda: watermark_ms(settings) > stopped + IDLE_SECONDS * 1000)

    silent = [partition for partition in range(settings.events_partitions) if partition not in busy]
    now = int(time.time() * 1000)
    send(settings, [Record(event(settings, f"back-{now}-{each}", stopped), now, each) for each in silent])
    verified(settings, [ledger])

    time.sleep(IDLE_SECONDS + 5)
    stands_at, last_end = watermark_ms(settings), (now // 60_000 + 1) * 60_000
    time.sleep(3)
    assert watermark_ms(settings) == stands_at < last_end
    verified(settings, [ledger])

    supervisor.start_process("canary")
    eventually("the canary closes the last window", lambda: watermark_ms(settings) >= last_end, 100)
    verified(settings, [ledger])


@pytest.mark.long
@pytest.mark.embedded
def test_the_oldest_event_is_counted_behind_the_newest_one(quiet: Layout, quiet_settings: Settings) -> None:
    """Each partition first gets the newest record that the broker takes, so that the watermark is as far as it can be,
    and then the oldest record with the oldest event, whose window is not far from final."""
    settings, partitions = quiet_settings, range(quiet_settings.events_partitions)
    now, lateness = int(time.time() * 1000), settings.allowed_lateness_seconds * 1000
    newest = now + MAX_AHEAD_MS - MARGIN_MS
    values = [event(settings, f"newest-{now}-{each}", newest + MAX_AHEAD_MS) for each in partitions]
    send(settings, [Record(value, newest, each) for each, value in zip(partitions, values, strict=True)])
    bound = settings.out_of_orderness_seconds * 1000
    eventually("the watermark is ahead", lambda: watermark_ms(settings) >= newest - bound - 1, 20)

    oldest = int(time.time() * 1000) - settings.record_slack_seconds * 1000 + MAX_AHEAD_MS + MARGIN_MS
    values = [event(settings, f"oldest-{now}-{each}", oldest - lateness) for each in partitions]
    send(settings, [Record(value, oldest, each) for each, value in zip(partitions, values, strict=True)])
    verified(settings)
    window = (oldest - lateness) // 60_000 * 60
    found = rows(
        settings,
        "SELECT impressions FROM realtime.metrics_1min WHERE campaign_id = 'awkward' "
        "AND window_start = to_timestamp(%s)",
        window,
    )
    assert found == [(len(partitions),)]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    """A historic stack, which no canary fills: its topic is empty."""
    layout = Layout.of(tmp_path_factory.mktemp("empty") / "stack")
    layout.create()
    with owning(layout):
        try:
            bring_up(layout.root, PortChoice.AUTO, historic=True, say=print, environ={}, dashboard=False)
            yield layout
        finally:
            take_down(layout)


@pytest.fixture
def empty_settings(empty: Layout) -> Settings:
    return load_settings(empty.root)


@pytest.mark.long
@pytest.mark.embedded
def test_an_empty_topic_is_no_trouble_and_no_proof(empty: Layout, empty_settings: Settings) -> None:
    """All is well, readers get zeros, and `verify` says that there was nothing to verify."""
    found = status(empty)
    assert {row["state"] for row in found["services"]} == {"running"}
    assert [(job["state"], job["last_checkpoint"] is not None) for job in found["jobs"]] == [("RUNNING", True)] * 2
    report = adctr_json(empty.root, "verify", code=ExitCode.INCONCLUSIVE)
    assert (report["records"], report["differences"], report["exact"]) == (0, [], False)
    with closing(
        CacheManager(cache_client(empty_settings), partial(connect_reader, empty_settings), empty_settings)
    ) as reads:
        page = SnapshotReader(reads, empty_settings).take(1800, None)
    assert isinstance(page, Snapshot)
    assert (page.cells, page.newest_event_seconds, page.source) == ({}, None, Source.POSTGRES)
    assert {len(window.by_category) for window in page.minutes} == {0}


@pytest.mark.long
@pytest.mark.embedded
def test_the_turn_of_the_day_is_a_minute_like_any_other(
    empty: Layout, empty_settings: Settings, tmp_path: Path
) -> None:
    """Ten minutes around midnight, UTC: every window is exact, each raw event lies in the day of its record time."""
    midnight = int((time.time() * 1000 - 400_000) // DAY_MS * DAY_MS)
    ledger = tmp_path / "midnight.ledger"
    plan = LoadPlan(Profile("disorder", campaigns=20, out_of_order_fraction=0.2), 1, ledger, new_run_id())
    historic(empty_settings, plan, 6_000, 600.0, midnight + 300_000, threading.Event())
    report = verified(empty_settings, [ledger])
    assert (report.counted, report.late) == (6_000 + empty_settings.events_partitions, 0)

    starts = sorted({start for start, _, _ in expected_counts(read_ledger(ledger), 300)})
    assert {midnight // 1000 - 300, midnight // 1000} <= set(starts)
    stored = rows(
        empty_settings, "SELECT tableoid::regclass::text, count(*) FROM realtime.raw_events GROUP BY 1 ORDER BY 1"
    )
    day = datetime.fromtimestamp(midnight / 1000, UTC).date()
    assert dict(stored) == {
        _partition_of(day - timedelta(days=1)): 3_000,
        _partition_of(day): 3_000 + empty_settings.events_partitions,
    }


def _partition_of(day: date) -> str:
    oldest = datetime.now(UTC).date() - timedelta(days=DAYS_BEHIND)
    return partition_name(day) if day >= oldest else "raw_events_default"
