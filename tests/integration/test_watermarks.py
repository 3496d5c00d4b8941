"""Event time goes on in both jobs: a window that never closes is never forgotten, nor said to be final."""

from __future__ import annotations

import time
from contextlib import closing

from pipeline.settings import Settings
from pipeline.store import connect_reader
from slo.reconciliation.cached_windows import Cache
from slo.reconciliation.stores import watermarks
from tests.integration.waiting import eventually


def in_redis(settings: Settings) -> list[int]:
    """The live job's watermark of each window size, in unix milliseconds; 0 where there is none."""
    with closing(Cache(settings)) as cache:
        return [mark or 0 for mark in cache.watermarks().values()]


def in_postgres(settings: Settings) -> list[int]:
    """The store job's."""
    with closing(connect_reader(settings)) as connection:
        return [mark or 0 for mark in watermarks(connection).values()]


def test_the_watermarks_of_both_jobs_pass_the_time_at_which_the_test_began(settings: Settings) -> None:
    """Canaries come every second, and the store job publishes with each checkpoint."""
    began_ms = time.time_ns() // 1_000_000
    eventually("windows close in Redis", lambda: min(in_redis(settings)) > began_ms, 60)
    eventually("windows close in PostgreSQL", lambda: min(in_postgres(settings)) > began_ms, 60)
