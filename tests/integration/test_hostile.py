"""Hostile input does no harm: it is data, from the topic to the readers, and a wrong argument is a message."""

from __future__ import annotations

import time
import uuid
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import pytest

from pipeline.cache.cache_manager import CacheManager
from pipeline.cache.redis_reader import cache_client
from pipeline.contract.codec import AdEvent, encode
from pipeline.contract.registry import find_schema_id
from pipeline.read_results import Source
from pipeline.store import connect_reader
from slo.reconciliation.report import to_text
from slo.reconciliation.verify import reconcile
from tests.integration.sending import Record, send
from tests.integration.waiting import eventually
from tests.vectors.hostile import HOSTILE

if TYPE_CHECKING:
    from pipeline.settings import Settings
    from tests.integration.conftest import RunningStack

MEGABYTE = 900_000
"""Kafka's own limit for a record is a megabyte."""


@pytest.fixture(scope="module")
def sent(stack: RunningStack) -> dict[str, AdEvent]:
    """Each hostile text as campaign, category and every other field; one event with 0.9 MB of user; by name."""
    settings, run = stack.settings, uuid.uuid4().hex
    schema_id = find_schema_id(settings.schema_registry_url, settings.events_topic)
    now_ms = time.time_ns() // 1_000_000
    events = {
        name: AdEvent(f"{run}-{text}", "IMPRESSION", now_ms, text, text, f"{run}{text}", text, text, text, text)
        for name, text in HOSTILE.items()
    }
    events["megabyte"] = AdEvent(f"{run}-megabyte", "CLICK", now_ms, "u" * MEGABYTE, "a", f"{run}-mb", "megabyte")
    send(
        settings, [Record(encode(event, schema_id), now_ms, 2, event.campaign_id.encode()) for event in events.values()]
    )
    eventually("all are stored", lambda: len(stored(settings, run)) == len(events), 60)
    eventually("all are in a window", lambda: windowed(settings, run) == len(events), 60)
    return events


def stored(settings: Settings, run: str) -> dict[str, tuple[str, ...]]:
    """Text fields of the run's rows in raw_events, by event id."""
    with closing(connect_reader(settings)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT event_id, user_id, ad_id, campaign_id, category, placement, device, impression_id "
            "FROM raw_events WHERE starts_with(event_id, %s)",
            (run,),
        )
        return {row[0]: row[1:] for row in cursor.fetchall()}


def windowed(settings: Settings, run: str) -> int:
    """The run's cells in metrics_1min."""
    with closing(connect_reader(settings)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM metrics_1min WHERE starts_with(campaign_id, %s)", (run,))
        row = cursor.fetchone()
        return int(row[0]) if row else 0


def test_hostile_events_are_stored_byte_for_byte(settings: Settings, sent: dict[str, AdEvent]) -> None:
    rows = stored(settings, sent["SQL"].event_id[:32])
    for name, event in sent.items():
        fields = (event.user_id, event.ad_id, event.campaign_id, event.category, event.placement, event.device)
        assert rows[event.event_id] == (*fields, event.impression_id), name


@pytest.mark.parametrize("name", [*HOSTILE, "megabyte"])
def test_hostile_filters_find_their_own_event_alone(settings: Settings, sent: dict[str, AdEvent], name: str) -> None:
    """In both stores, as campaign and as category; a glob is no pattern and a quote ends nothing."""
    event = sent[name]
    start = event.event_time // 60_000 * 60
    manager = CacheManager(cache_client(settings), partial(connect_reader, settings), settings)
    aside = CacheManager(cache_client(settings), partial(connect_reader, settings), settings, clock=lambda: start + 1e6)
    try:
        for reader, source in ((manager, Source.REDIS), (aside, Source.POSTGRES)):
            for category in (None, event.category):
                reading = reader.time_series(start, start + 60, campaign_id=event.campaign_id, category=category)
                assert (reading.source, reading.value[0].counts.total) == (source, 1), reading.fallback_reason
            top = reader.top_campaigns(start, start + 60, 60, category=event.category, limit=None)
            assert event.campaign_id in [row.name for row in top.value]
    finally:
        manager.close()
        aside.close()


def test_everything_is_exact_afterwards(stack: RunningStack, sent: dict[str, AdEvent]) -> None:
    report = reconcile(stack.settings, [], 180)
    assert report.found.total == 0, to_text(report)
