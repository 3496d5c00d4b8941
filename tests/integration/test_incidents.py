"""Outages and job starts reach PostgreSQL, and from there the dashboard's marks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from pipeline.incidents import IncidentRecorder
from pipeline.settings import Settings
from pipeline.store.db_connector import connect_owner, connect_reader
from pipeline.store.history import Mark, MarkKind, read_history
from tests.integration.alerting import free_port
from tests.integration.waiting import eventually

pytestmark = pytest.mark.embedded


@pytest.fixture
def began(settings: Settings) -> Iterator[float]:
    """Unix seconds; outages noted since are taken away again."""
    now = time.time()
    yield now
    with closing(connect_owner(settings)) as owner, owner, owner.cursor() as cursor:
        cursor.execute("DELETE FROM realtime.incidents WHERE kind = 'outage' AND began_at >= to_timestamp(%s)", (now,))


def marks(settings: Settings, since: float) -> list[Mark]:
    with closing(connect_reader(settings)) as reader:
        return list(read_history(reader, since, time.time()).marks)


def test_the_stack_notes_when_its_jobs_started(settings: Settings) -> None:
    def started() -> bool:
        found = [each for each in marks(settings, 0.0) if each.kind is MarkKind.JOB_START]
        return {each.subject for each in found if each.end_seconds is not None} == {"live", "store"}

    eventually("both jobs' starts are noted", started, 30)


def test_an_outage_is_noted_while_it_lasts_and_closed_by_a_successor(settings: Settings, began: float) -> None:
    def outages() -> list[Mark]:
        return [each for each in marks(settings, began) if (each.kind, each.subject) == (MarkKind.OUTAGE, "redis")]

    with closing(IncidentRecorder(replace(settings, redis_port=free_port()))) as recorder:
        recorder.tick()
        recorder.tick()
    assert [each.end_seconds for each in outages()] == [None]
    with closing(IncidentRecorder(settings)) as successor:
        successor.tick()
    assert [each.end_seconds is not None for each in outages()] == [True]
