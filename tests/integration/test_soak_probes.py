"""The probes that only a soak uses, on a real stack."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from compose.experiment.stack_processes import every_pid
from pipeline.store.db_connector import connect_owner
from slo.probes.java_garbage import JavaGarbage
from slo.probes.postgres_bloat import TABLES, PostgresBloat
from slo.probes.processes import Processes
from slo.probes.state_storage import StateStorage
from slo.spec.model import Indicator
from tests.integration.waiting import eventually

if TYPE_CHECKING:
    from pipeline.settings import Settings
    from tests.integration.conftest import RunningStack

_ROWS = 5_000


def bloat(settings: Settings) -> dict[str, float]:
    with closing(PostgresBloat(settings)) as probe:
        return {each.job: each.value for each in probe.look()}


def test_rows_that_nobody_can_see_are_bloat(settings: Settings) -> None:
    """Five thousand of the year 2001 that were never committed."""
    before = bloat(settings)
    with closing(connect_owner(settings)) as owner, owner.cursor() as cursor:
        cursor.execute(
            "INSERT INTO metrics_1min (window_start, campaign_id, category, impressions, clicks) "
            "SELECT '2001-01-01', 'soak-' || n, 'sports', n, 0 FROM generate_series(1, %s) AS n",
            (_ROWS,),
        )
        owner.rollback()
    after = bloat(settings)
    assert set(before) == set(TABLES)
    assert 100 * _ROWS < after["metrics_1min"] - before["metrics_1min"] < 1_000 * _ROWS
    assert after["metrics_5min"] - before["metrics_5min"] < 100_000


def test_rows_that_come_are_no_bloat(settings: Settings) -> None:
    """Canaries come to raw_events all the time; what is dead there since a job was killed is not theirs."""
    with closing(connect_owner(settings)) as owner, owner.cursor() as cursor:
        owner.autocommit = True

        def rows() -> int:
            cursor.execute("SELECT count(*) FROM raw_events")
            return int(cursor.fetchone()[0])

        at_first, before = rows(), bloat(settings)["raw_events"]
        eventually("twenty canaries have come", lambda: rows() >= at_first + 20, 120)
    assert bloat(settings)["raw_events"] - before < 100_000


@pytest.mark.embedded
def test_checkpoints_on_disk_are_measured(settings: Settings) -> None:
    sizes = {each.job: each.value for each in StateStorage(settings).look()}
    assert set(sizes) == {"adctr-live", "adctr-store"}
    assert all(1_000 < size < 500e6 for size in sizes.values())


@pytest.mark.embedded
def test_every_process_of_the_stack_is_measured(stack: RunningStack) -> None:
    found = every_pid(stack.layout)
    assert {"kafka", "redis", "postgres", "taskmanager-live", "jobmanager", "canary", "supervisord"} <= set(found)
    samples = list(Processes(lambda: every_pid(stack.layout)).look())
    memory = {each.job: each.value for each in samples if each.indicator is Indicator.PROCESS_MEMORY}
    assert set(memory) == set(found)
    assert 50e6 < memory["kafka"] < 2e9
    assert 1e6 < memory["supervisord"] < 100e6  # without the services, which are its children


@pytest.mark.embedded
def test_every_jvm_collects_its_garbage_when_told(stack: RunningStack) -> None:
    garbage = JavaGarbage(lambda: every_pid(stack.layout))
    for _ in range(2):  # the first one has to be let in
        garbage.look()
    assert garbage.notes() == {"java_garbage_collections": 10}
