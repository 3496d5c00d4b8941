"""Lateness of closing windows, told with a clock and two watermarks."""

from __future__ import annotations

import math

from pipeline.contract.cache_schema import watermark_key
from pipeline.settings import Settings
from slo.probes.clients import redis_client
from slo.probes.window_close import DueWindows, WindowClose

NOON = 1_767_268_800
"""A multiple of 300."""
BOUND = 5


def test_nothing_is_due_before_the_watermark_could_have_passed() -> None:
    """Started at noon: the minute ends at 60 s, and the watermark follows 5 s behind."""
    windows = DueWindows(NOON, BOUND)
    assert windows.due(NOON + 4.9) == {}
    assert (windows.idle_seconds(NOON + 1.0), windows.idle_seconds(NOON + 6.0)) == (4.0, 0.0)
    assert windows.due(NOON + 5.0) == {60: range(NOON, NOON + 1, 60), 300: range(NOON, NOON + 1, 300)}


def test_windows_that_could_have_closed_before_the_start_are_nobodys() -> None:
    windows = DueWindows(NOON + 6, BOUND)
    assert windows.due(NOON + 64.9) == {}
    assert windows.due(NOON + 65.0) == {60: range(NOON + 60, NOON + 61, 60)}


def test_a_window_is_late_by_the_time_since_it_could_have_closed() -> None:
    """W is a millisecond short at first; both sizes are distinguished."""
    windows = DueWindows(NOON - 1, BOUND)
    assert windows.look(NOON + 5.1, {60: NOON * 1000 - 1, 300: NOON * 1000 - 1}) == []
    assert windows.look(NOON + 5.25, {60: NOON * 1000, 300: NOON * 1000 - 1}) == [(NOON + 5, 0.25)]
    assert windows.look(NOON + 5.75, {300: NOON * 1000 + 200}) == [(NOON + 5, 0.75)]
    assert windows.due(NOON + 6) == {}


def test_after_a_freeze_each_window_has_its_own_lateness() -> None:
    """The larger window closes at last; two small ones are given up, and the third closes 5 s late."""
    windows = DueWindows(NOON + 1, BOUND)
    small_1, small_2, large = windows.look(NOON + 126, {60: NOON * 1000 - 1, 300: NOON * 1000})
    assert [could - NOON for could, _ in (small_1, small_2, large)] == [5, 65, 5]
    assert math.isnan(small_1[1])
    assert math.isnan(small_2[1])
    assert large[1] == 121.0
    assert windows.look(NOON + 130, {60: (NOON + 120) * 1000}) == [(NOON + 125, 5.0)]


def test_the_probe_reads_the_published_watermark(redis_settings: Settings) -> None:
    now = [float(NOON)]
    client = redis_client(redis_settings)
    probe = WindowClose(redis_settings, clock=lambda: now[0])
    assert list(probe.look()) == []
    now[0] = NOON + 5.05
    assert list(probe.look()) == [], "no watermark is there yet"
    assert [sample.at for sample in probe.missing()] == [NOON + 5, NOON + 5]
    client.set(watermark_key(60), NOON * 1000)
    client.set(watermark_key(300), NOON * 1000)
    now[0] = NOON + 5.15
    seen = [(sample.at, round(sample.value, 3), round(sample.lowest or 0, 3)) for sample in probe.look()]
    assert seen == [(NOON + 5, 0.15, 0.05)] * 2, "the poll before was 0.1 s earlier"
    probe.close()
    client.close()
