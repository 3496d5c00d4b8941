"""A stack that was down for longer than anything in it lives by the wall clock goes on exactly."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
import redis

from compose.stack.layout import Layout
from compose.stack.lifecycle import bring_up, take_down
from compose.stack.ports import PortChoice
from compose.stack.processes.owner import owning
from compose.stack.processes.supervision import Supervisor
from loadgen.ledger import Ledger, read_ledger
from loadgen.live import run_live
from loadgen.pacer import SteadyPacer
from loadgen.profiles import Profile
from loadgen.run import LoadPlan, new_run_id
from pipeline.contract.cache_schema import PREFIX
from pipeline.settings import Settings
from slo.reconciliation.report import to_text
from slo.reconciliation.verify import reconcile

AWKWARD = Profile(
    "awkward",
    campaigns=50,
    late_fraction=0.02,
    out_of_order_fraction=0.2,
    invalid_fraction=0.02,
    duplicate_fraction=0.02,
)
RATE, SECONDS = 1_000, 30
# About the shortest that the settings allow: final 3 minutes after its end, a window leaves Redis 2 minutes later.
SHORT_LIVED = {
    "ADCTR_ALLOWED_LATENESS_SECONDS": "60",
    "ADCTR_RECORD_SLACK_SECONDS": "120",
    "ADCTR_CACHE_RETENTION_SECONDS": "300",
}
LONGEST_WINDOW_SECONDS = 300


def load(settings: Settings, directory: Path) -> Ledger:
    """Half a minute of events of every kind, repeated ones among them; all are acknowledged."""
    run_id = new_run_id()
    plan = LoadPlan(AWKWARD, 1, directory / f"{run_id}.ledger", run_id)
    result = run_live(settings, plan, SteadyPacer(RATE, SECONDS), threading.Event())
    assert (result.acknowledged, result.failed) == (RATE * SECONDS, 0)
    return read_ledger(result.ledger)


def stop_flink(layout: Layout) -> None:
    """The jobs end without another checkpoint; what is sent from now on waits in Kafka."""
    supervisor = Supervisor.find(layout)
    assert supervisor is not None
    supervisor.stop_processes(["jobs", "taskmanager-live", "taskmanager-store", "jobmanager"], 60)


def windows_in_redis(settings: Settings) -> int:
    """How many hashes of windows there are, the stack's own canaries included."""
    with redis.Redis(
        settings.redis_host, settings.redis_port, username="adctr_admin", password=settings.redis_admin_password
    ) as client:
        return sum(1 for _ in client.scan_iter(f"{PREFIX}:{{*"))


@pytest.mark.long
@pytest.mark.embedded
def test_an_outage_longer_than_any_ttl_continues_exactly(tmp_path: Path) -> None:
    """Half of the first load is counted before the outage, half after it, when Redis has forgotten its windows."""
    layout = Layout.of(tmp_path / "stack")
    layout.create()
    with owning(layout):
        try:
            settings = bring_up(
                layout.root, PortChoice.AUTO, historic=False, say=print, environ=SHORT_LIVED, dashboard=False
            )
            outage = threading.Timer(SECONDS / 2, stop_flink, [layout])
            outage.start()
            before = load(settings, tmp_path)
            outage.join()
            assert windows_in_redis(settings) > 0
            take_down(layout)

            last_window_end = (int(time.time()) // LONGEST_WINDOW_SECONDS + 1) * LONGEST_WINDOW_SECONDS
            time.sleep(last_window_end + settings.cache_retention_seconds + 5 - time.time())

            settings = bring_up(
                layout.root, PortChoice.AUTO, historic=False, say=print, environ=SHORT_LIVED, dashboard=False
            )
            after = load(settings, tmp_path)
            report = reconcile(settings, [before, after], timeout_seconds=180)
        finally:
            take_down(layout)
    assert report.exact, to_text(report)
    assert report.records >= 2 * RATE * SECONDS
    assert report.verified["postgres.metrics_1min"] > 0
    assert "flink" not in {each.store for each in report.unverifiable}
