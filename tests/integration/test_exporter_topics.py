"""The exporter counts records by end offsets, and sees letters that Kafka is about to delete."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.settings import Settings
from slo.exporter.topics import Topics
from slo.spec.metrics import LETTERS_EXPIRING, TOPIC_RECORDS
from tests.integration.raw_producer import RawRecord, produce
from tests.integration.waiting import eventually

if TYPE_CHECKING:
    from tests.integration.conftest import RunningStack

SOON_SECONDS = 60.0
DAY_SECONDS = 86_400.0


def read(settings: Settings, ahead_seconds: float = 0.0) -> dict[tuple[str, str], float]:
    """Values by metric and what the topic holds, as if so much time had passed."""
    topics = Topics(settings, clock=lambda: time.time() + ahead_seconds)
    return {(row.name, row.labels["holds"]): row.value for family in topics.read() for row in family.samples}


def test_a_dead_letter_is_counted_and_expires(stack: RunningStack) -> None:
    """Kept forever, it never does; kept for ten days, it is told of after nine."""
    before = read(stack.settings)
    record = RawRecord(b"no event at all", int(time.time() * 1000))
    error, _ = produce(stack.settings.kafka_bootstrap, stack.settings.events_topic, 0, record)
    assert error == 0

    def grown(holds: str) -> bool:
        return read(stack.settings)[TOPIC_RECORDS, holds] > before[TOPIC_RECORDS, holds]

    eventually("the record is counted", lambda: grown("events"), SOON_SECONDS)
    eventually("its letter is counted", lambda: grown("dead_letters"), SOON_SECONDS)
    key = (LETTERS_EXPIRING, "dead_letters")
    assert read(stack.settings, 1000 * DAY_SECONDS)[key] == 0
    limited = replace(stack.settings, dead_letter_retention_days=10)
    assert read(limited, 9 * DAY_SECONDS)[key] > 0
