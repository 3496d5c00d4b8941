"""Redis loses its data under load: readers fall back at once, and every window comes back, exact."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis

from compose.stack.processes.supervision import Supervisor
from loadgen.ledger import read_ledger
from loadgen.live import run_live
from loadgen.pacer import SteadyPacer
from loadgen.profiles import Profile
from loadgen.run import LoadPlan, new_run_id
from pipeline.cache.cache_access import CacheUser, credentials
from pipeline.cache.cache_manager import CacheManager
from pipeline.cache.redis_reader import cache_client
from pipeline.contract.cache_schema import complete_key, watermark_key
from pipeline.read_results import Source
from pipeline.store import connect_reader
from slo.reconciliation.report import to_text
from slo.reconciliation.verify import reconcile
from tests.integration.waiting import eventually

if TYPE_CHECKING:
    from pipeline.settings import Settings
    from tests.integration.conftest import RunningStack

RATE, SECONDS = 1_000, 16
WIDE = Profile("wide", campaigns=2_000, late_fraction=0.01, out_of_order_fraction=0.1, invalid_fraction=0.01)
"""So many campaigns that most cells get no further event after the loss: nobody but PostgreSQL can bring them back."""


def admin(settings: Settings) -> redis.Redis:
    return redis.Redis(settings.redis_host, settings.redis_port, **credentials(settings, CacheUser.ADMIN))


def test_everything_comes_back_after_flushall(stack: RunningStack, tmp_path: Path) -> None:
    """Until the marker is back nobody gets an answer from Redis; then all of it is there, without anybody's help."""
    settings, seen = stack.settings, []
    manager = CacheManager(cache_client(settings), partial(connect_reader, settings), settings)
    took: list[float] = []

    def lose_everything() -> None:
        with closing(admin(settings)) as client:
            assert manager.current_window().source is Source.REDIS
            client.flushall()
            began = time.monotonic()
            eventually("the live job writes again", lambda: bool(client.exists(watermark_key(60))), 10)
            while not client.exists(complete_key()):
                reading = manager.current_window()
                seen.append((reading.source, reading.fallback_reason))
                time.sleep(0.05)
            took.append(time.monotonic() - began)

    timer = threading.Timer(SECONDS / 2, lose_everything)
    timer.start()
    run_id = new_run_id()
    plan = LoadPlan(WIDE, 1, tmp_path / f"{run_id}.ledger", run_id)
    result = run_live(settings, plan, SteadyPacer(RATE, SECONDS), threading.Event())
    timer.join()
    assert took, "the other thread failed; its traceback is above"
    print(f"\nRedis complete {took[0]:.1f} s after FLUSHALL")
    assert took[0] < 20, "less than 5 s on an otherwise idle machine"
    # The marker may appear between the look at it and the read.
    assert all(source is Source.POSTGRES for source, _ in seen[:-1]), "a part of Redis was taken for the whole"
    assert "it is being restored" in str(seen[0][1])
    assert manager.current_window().source is Source.REDIS
    manager.close()
    report = reconcile(settings, [read_ledger(result.ledger)], 180)
    assert report.exact, to_text(report)
    assert report.verified["redis.cells.60"] > 0


@pytest.mark.long
@pytest.mark.embedded
def test_without_the_rebuild_the_loss_is_seen(stack: RunningStack) -> None:
    """The control: the keeper is stopped and the marker set by hand, and `adctr verify` finds the windows missing."""
    supervisor = Supervisor.find(stack.layout)
    assert supervisor is not None
    supervisor.stop_processes(["cache-keeper"], 30)
    try:
        with closing(admin(stack.settings)) as client:
            client.flushall()
            client.set(complete_key(), "forged")
            report = reconcile(stack.settings, [], 180)
            client.delete(complete_key())
    finally:
        supervisor.start_process("cache-keeper")
    assert not report.exact
    assert {each.store for each in report.found.listed} <= {
        f"redis.{kind}.{size}" for kind in ("cells", "categories") for size in (60, 300)
    }
    with closing(admin(stack.settings)) as client:
        eventually("Redis is complete again", lambda: bool(client.exists(complete_key())), 60)
    again = reconcile(stack.settings, [], 180)
    assert again.found.total == 0, to_text(again)
