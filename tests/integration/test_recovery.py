"""Whatever dies, every count is right afterwards: the two deaths that Flink itself must survive, under load."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from compose.stack.processes.supervision import Supervisor
from compose.stack.status import status
from loadgen.ledger import read_ledger
from loadgen.live import run_live
from loadgen.pacer import SteadyPacer
from loadgen.profiles import Profile
from loadgen.run import LoadPlan, new_run_id
from pipeline.job_names import JOBS
from slo.reconciliation.report import to_text
from slo.reconciliation.verify import reconcile
from tests.integration.waiting import eventually

if TYPE_CHECKING:
    from tests.integration.conftest import RunningStack

pytestmark = pytest.mark.embedded

RATE = 1_000
SECONDS = 20
UNCOVERED_SECONDS = 1.5
"""Less than a checkpoint interval, and three flushes of raw_events."""
DISORDER = Profile("disorder", campaigns=50, late_fraction=0.02, out_of_order_fraction=0.2, invalid_fraction=0.02)


def _pid(stack: RunningStack, service: str) -> int:
    supervisor = Supervisor.find(stack.layout)
    assert supervisor is not None
    return next(each.pid for each in supervisor.processes() if each.name == service)


def _kill(stack: RunningStack, *services: str) -> None:
    for service in services:
        os.kill(_pid(stack, service), signal.SIGKILL)


def _jobs_checkpoint(stack: RunningStack, since: float) -> bool:
    """Both jobs run and have completed a checkpoint since: RUNNING alone may be a moment between two restarts."""
    jobs = status(stack.layout)["jobs"]
    stamps = [job["last_checkpoint"]["time_ms"] if job["last_checkpoint"] else 0 for job in jobs]
    return [job["state"] for job in jobs] == ["RUNNING", "RUNNING"] and min(stamps) > since * 1000


def _load_with(stack: RunningStack, tmp_path: Path, disturbance: Callable[[], None]) -> None:
    """A load with every kind of awkward event, a disturbance in its midst, and everything exact afterwards."""
    run_id = new_run_id()
    plan = LoadPlan(DISORDER, 1, tmp_path / f"{run_id}.ledger", run_id)
    timer = threading.Timer(SECONDS / 3, disturbance)
    timer.start()
    result = run_live(stack.settings, plan, SteadyPacer(RATE, SECONDS), threading.Event())
    timer.join()
    assert (result.acknowledged, result.failed) == (RATE * SECONDS, 0)
    ended = time.time()
    eventually("both jobs complete a checkpoint", lambda: _jobs_checkpoint(stack, ended), 120)
    report = reconcile(stack.settings, [read_ledger(result.ledger)], timeout_seconds=180)
    assert report.exact, to_text(report)
    assert "flink" not in {each.store for each in report.unverifiable}, "both jobs were asked, and answered: none"


def test_counts_survive_the_death_of_both_taskmanagers(stack: RunningStack, tmp_path: Path) -> None:
    """SIGKILL amid load; the supervisor starts new ones, Flink restores the jobs by itself.

    It comes when rows are in raw_events that no checkpoint covers, so the restored job brings them again.
    """

    def deaths() -> None:
        began = time.time()
        eventually("both jobs complete a checkpoint", lambda: _jobs_checkpoint(stack, began), 60)
        time.sleep(UNCOVERED_SECONDS)
        _kill(stack, "taskmanager-live", "taskmanager-store")

    _load_with(stack, tmp_path, deaths)
    # A restored job may run in either of them.
    logs = [stack.layout.log_of(f"taskmanager-{job}").read_text(encoding="utf-8", errors="replace") for job in JOBS]
    assert any("a batch was there in part" in log for log in logs), "the replay met rows that were there already"


def test_counts_survive_the_death_of_the_jobmanager(stack: RunningStack, tmp_path: Path) -> None:
    """SIGKILL amid load; the jobs are submitted again from their last complete checkpoints."""
    _load_with(stack, tmp_path, lambda: _kill(stack, "jobmanager"))


@pytest.mark.long
def test_no_good_event_is_dead_lettered_while_the_registry_is_away(stack: RunningStack, tmp_path: Path) -> None:
    """The registry stops, both TaskManagers die and with them every schema they knew; the jobs wait for it."""
    supervisor = Supervisor.find(stack.layout)
    assert supervisor is not None

    def outage() -> None:
        supervisor.stop_processes(["registry"], 30)
        _kill(stack, "taskmanager-live", "taskmanager-store")
        time.sleep(10)
        supervisor.start_process("registry")
        eventually("the registry answers", lambda: _registry_answers(stack), 60)

    _load_with(stack, tmp_path, outage)


def _registry_answers(stack: RunningStack) -> bool:
    try:
        subjects = requests.get(f"{stack.settings.schema_registry_url}/subjects", timeout=5).json()
    except requests.RequestException:
        return False
    return f"{stack.settings.events_topic}-value" in subjects
