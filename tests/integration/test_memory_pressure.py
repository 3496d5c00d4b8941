"""A stack whose Redis is short of memory: old windows go early, and `adctr verify` knows which may be missing."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis

from compose.stack.layout import Layout
from compose.stack.lifecycle import bring_up, take_down
from compose.stack.ports import PortChoice
from compose.stack.processes.owner import owning
from compose.stack.status import status
from loadgen.ledger import read_ledger
from loadgen.live import run_live
from loadgen.pacer import SteadyPacer
from loadgen.profiles import Profile
from loadgen.run import LoadPlan, new_run_id
from pipeline.cache.cache_access import CacheUser, credentials
from pipeline.cache.cache_commands import read_retention
from pipeline.cache.cache_manager import CacheManager
from pipeline.cache.redis_reader import cache_client
from pipeline.contract.cache_schema import categories_key, cells_key, complete_key
from pipeline.read_results import Source
from pipeline.settings import Settings
from pipeline.store import connect_reader
from slo.reconciliation.report import Report, to_text
from slo.reconciliation.verify import reconcile
from tests.integration.waiting import eventually

SOON_FINAL = {
    "ADCTR_ALLOWED_LATENESS_SECONDS": "30",
    "ADCTR_RECORD_SLACK_SECONDS": "120",
    "ADCTR_CACHE_RETENTION_SECONDS": "900",
}
"""So a window is final 150 s after its end, and 180 s are the shortest retention."""
SHORTEST, LONGEST = 180, 900
RATE, SECONDS = 200, 260
WIDE = Profile("wide", campaigns=2_000, late_fraction=0.02, out_of_order_fraction=0.1, invalid_fraction=0.01)


def let_go(report: Report) -> set[tuple[int | None, int]]:
    return {
        (entry.window_seconds, start)
        for entry in report.unverifiable
        if entry.store == "redis" and "memory was short" in entry.reason
        for start in entry.windows
    }


@pytest.mark.long
@pytest.mark.embedded
def test_old_windows_go_early_and_everything_stays_exact(tmp_path: Path) -> None:
    """Under load, with late events into what is left; then Redis loses its data and gets it back."""
    layout = Layout.of(tmp_path / "stack")
    layout.create()
    with owning(layout):
        try:
            environ = SOON_FINAL
            settings = bring_up(
                layout.root, PortChoice.AUTO, historic=False, say=print, environ=environ, dashboard=False
            )
            _story(layout, settings, tmp_path)
        finally:
            take_down(layout)


def _story(layout: Layout, settings: Settings, directory: Path) -> None:
    run_id = new_run_id()
    plan = LoadPlan(WIDE, 1, directory / f"{run_id}.ledger", run_id)
    load = threading.Thread(target=run_live, args=(settings, plan, SteadyPacer(RATE, SECONDS), threading.Event()))
    first = int(time.time()) // 60 * 60
    load.start()
    with closing(_admin(settings)) as client:
        time.sleep(max(0.0, first + 60 + SHORTEST + 5 - time.time()))
        assert client.exists(cells_key(60, first))
        before = str(client.config_get("maxmemory")["maxmemory"])
        client.config_set("maxmemory", int(used_bytes(client) * 1.15))
        eventually("it is tightened", partial(is_in_force, client, SHORTEST), 20)
        assert not client.exists(cells_key(60, first), categories_key(60, first))
        client.flushall()
        eventually("Redis is complete again", lambda: bool(client.exists(complete_key())), 60)
        load.join()
        assert not client.exists(cells_key(60, first)), "the rebuild has let go what there is no room for"
        _check_what_has_gone(layout, settings, plan.ledger, first)
        client.config_set("maxmemory", before)
        eventually("it is relaxed", partial(is_in_force, client, LONGEST), 20)
        _check_reads(settings, first)
        _check_what_should_be_there(settings, client, first)
    assert "windows are kept for 180 s after their end" in layout.log_of("cache-keeper").read_text()


def used_bytes(client: redis.Redis) -> int:
    return int(client.info("memory")["used_memory"])


def is_in_force(client: redis.Redis, seconds: int) -> bool:
    return read_retention(client, LONGEST).seconds == seconds


def _check_what_has_gone(layout: Layout, settings: Settings, ledger: Path, first: int) -> None:
    cache = status(layout)["cache"]
    assert (cache["retention_seconds"], cache["longest_retention_seconds"]) == (SHORTEST, LONGEST)
    assert cache["kept_from_seconds"] >= first + 60
    report = reconcile(settings, [read_ledger(ledger)], 180)
    assert report.exact, to_text(report)
    assert (60, first) in let_go(report), to_text(report)
    assert report.verified["redis.cells.60"] >= 2


def _check_reads(settings: Settings, first: int) -> None:
    """After it has been relaxed: the setting alone would still keep the first window."""
    manager = CacheManager(cache_client(settings), partial(connect_reader, settings), settings)
    with closing(manager):
        reading = manager.time_series(first, first + 60)
        assert reading.source is Source.POSTGRES
        assert reading.value[0].counts.total > 0
        assert manager.current_window().source is Source.REDIS


def _check_what_should_be_there(settings: Settings, client: Any, first: int) -> None:
    """A window younger than what has gone is missed, and nothing else is."""
    missing = int(time.time()) // 60 * 60 - 120
    client.delete(cells_key(60, missing), categories_key(60, missing))
    report = reconcile(settings, [], 180)
    assert {(each.store, each.window_start_seconds) for each in report.found.listed} == {
        ("redis.cells.60", missing),
        ("redis.categories.60", missing),
    }
    assert (60, first) in let_go(report), to_text(report)


def _admin(settings: Settings) -> redis.Redis:
    return redis.Redis(settings.redis_host, settings.redis_port, **credentials(settings, CacheUser.ADMIN))
