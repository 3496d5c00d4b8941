"""The reader that writes down every answer, on a real Redis."""

from __future__ import annotations

import time
from contextlib import closing

import redis

from pipeline.cache.cache_rebuild import boot_id
from pipeline.cache.cache_writer import CacheWriter
from pipeline.contract.cache_schema import Counts, complete_key, watermark_key
from pipeline.settings import Settings
from slo.schedules.reader import RecordingReader
from slo.schedules.told import wrong_reads
from tests.integration.waiting import eventually

CELLS = {("shoes", "sports"): Counts(30, 3), ("hats", "home"): Counts(12, 1)}


def test_totals_and_campaigns_of_both_sizes_are_written_down_and_agree(redis_port: int) -> None:
    """Cells and categories of Redis are two hashes, which one script writes: no answer tells them apart."""
    settings = Settings(redis_port=redis_port, postgres_port=1, allowed_lateness_seconds=1, record_slack_seconds=1)
    now = int(time.time())
    with closing(redis.Redis(port=redis_port)) as client:
        client.flushall()
        for size in (60, 300):
            start = now // size * size - size
            CacheWriter(client, settings.cache_retention_seconds).raise_window(size, start, CELLS)
            client.set(watermark_key(size), (start + size + 10) * 1000)
        client.set(complete_key(), boot_id())
        with RecordingReader(settings) as reader:
            eventually("both sizes were asked for twice", lambda: len(reader.told()) >= 8, 20)
            CacheWriter(client, settings.cache_retention_seconds).raise_window(
                60, now // 60 * 60 - 60, {("shoes", "sports"): Counts(31, 3)}
            )
            seen = len(reader.told())
            eventually("and again", lambda: len(reader.told()) >= seen + 5, 20)
        client.flushall()
    told = reader.told()
    assert set(reader.answers()) == {"redis"}
    assert {each.size_seconds for each in told} == {60, 300}
    assert {each.cells is None for each in told} == {True, False}
    finals = [window.counts for each in told for window in each.windows if window.final and window.counts.total]
    assert Counts(42, 4) in finals
    assert wrong_reads(told[:8], []) == []
    changed = wrong_reads(told, [])
    assert changed
    assert all("final, and changed from 42 impressions 4 clicks" in each.text for each in changed)
