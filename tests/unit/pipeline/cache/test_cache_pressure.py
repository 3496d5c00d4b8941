"""How long windows are kept while memory is short: the rule alone, and on a real Redis that is really full."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import redis

from pipeline.cache.cache_pressure import adapt_retention, next_retention, shortest_retention
from pipeline.cache.cache_rebuild import identity
from pipeline.cache.cache_writer import CacheWriter, writer_client
from pipeline.contract.cache_schema import (
    RETENTION_FIELDS,
    Counts,
    Retention,
    categories_key,
    cells_key,
    complete_key,
    retention_key,
)
from pipeline.settings import Settings
from slo.reconciliation.cached_windows import Cache
from tests.integration.waiting import eventually

Window = tuple[int, int]
"""Size and start in seconds."""
CELLS = {(f"campaign-{number}", "sports"): Counts(1, 0) for number in range(600)}
REFUSED = pytest.raises(redis.ResponseError, match="command not allowed when used memory > 'maxmemory'")
LONGEST, SHORTEST = 1800, 1260
"""By the settings' defaults, and what keeps every window that is not final while the watermark is 5 s behind."""


# --- the rule -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("percent", "current", "expected"),
    [
        (80, 1800, 1800),
        (81, 1800, 1740),
        (81, 1740, 1680),
        (99, 1437, 1380),
        (99, 1300, 1260),
        (150, 1260, 1260),
        (75, 1500, 1500),
        (70, 1500, 1500),
        (69, 1500, 1800),
    ],
)
def test_a_step_down_above_80_percent_and_all_of_it_back_below_70(percent: int, current: int, expected: int) -> None:
    assert next_retention(percent, 100, current, SHORTEST, LONGEST) == expected


def test_without_a_limit_memory_is_never_short() -> None:
    assert next_retention(1 << 40, 0, 1260, SHORTEST, LONGEST) == LONGEST


def test_whatever_the_memory_a_window_that_is_not_final_is_kept() -> None:
    assert next_retention(99, 100, 1260, 1500, LONGEST) == 1500


@pytest.mark.parametrize(
    ("watermarks_ms", "expected"),
    [
        ([9_995_000, 9_995_000], 1260),
        ([9_995_000, 9_940_000], 1320),
        ([9_995_000, None], 1800),
        ([0, 0], 1800),
    ],
)
def test_the_shortest_retention_follows_the_slower_watermark(watermarks_ms: list[int | None], expected: int) -> None:
    """It is 10,000 s; windows are final 1,200 s after their end in watermark time."""
    assert shortest_retention(10_000, watermarks_ms, 1200, LONGEST) == expected


# --- a real Redis ---------------------------------------------------------------------------------------------------


@pytest.fixture
def client(settings: Settings) -> Iterator[redis.Redis]:
    """Of an empty Redis without limit; no minute ends while a test runs, so nothing expires by itself."""
    if time.time() % 60 > 52:
        time.sleep(60.1 - time.time() % 60)
    client = writer_client(settings)
    client.config_set("maxmemory", 0)
    empty(client)
    yield client
    client.close()


def windows() -> list[Window]:
    """Those that Redis holds by the setting, the oldest first; the last two are the current ones."""
    now = int(time.time())
    found = [(size, now // size * size - age) for size in (60, 300) for age in range(0, LONGEST + size, size)]
    return sorted((each for each in found if end(each) + LONGEST > now + 10), key=end)


def end(window: Window) -> int:
    return window[0] + window[1]


def fill(client: redis.Redis, after_each: Callable[[], None] = lambda: None) -> list[Window]:
    """Every window, while the live job has just read everything. Raises redis.ResponseError where one is refused."""
    writer = CacheWriter(client, LONGEST)
    for size in (60, 300):
        writer.raise_watermark(size, int((time.time() - 5) * 1000))
    written = windows()
    for size, start in written:
        writer.raise_window(size, start, CELLS)
        after_each()
    return written


def used(client: redis.Redis) -> int:
    return int(client.info("memory")["used_memory"])


@pytest.fixture
def maximum(client: redis.Redis, needed: int) -> int:
    """maxmemory of an empty Redis: 3 % less than all windows need."""
    maximum = used(client) + int(needed * 0.97)
    client.config_set("maxmemory", maximum)
    return maximum


@pytest.fixture(scope="module")
def needed(settings: Settings) -> int:
    """Bytes that all windows need, beyond what scripts and buffers keep from their first use."""
    with writer_client(settings) as client:
        fill(client)
        empty(client)
        before = used(client)
        fill(client)
        return used(client) - before


def empty(client: redis.Redis) -> None:
    """Valkey would do it in the background, and count what is not freed yet."""
    client.execute_command("FLUSHALL", "SYNC")


def is_down_to(client: redis.Redis, seconds: int) -> bool:
    return in_force(client).seconds <= seconds


def in_force(client: Any) -> Retention:
    return Retention.of(client.hmget(retention_key(), RETENTION_FIELDS), LONGEST)


def held(client: Any) -> dict[Window, tuple[int, int]]:
    """Cells and TTL of each window, all as the key of the retention says; nobody writes meanwhile."""
    wanted = windows()
    with client.pipeline(transaction=False) as pipe:  # at maxmemory Redis refuses even reads in a transaction
        pipe.hmget(retention_key(), RETENTION_FIELDS)
        pipe.time()
        for each in wanted:
            pipe.hlen(cells_key(*each))
            pipe.pttl(cells_key(*each))
            pipe.pttl(categories_key(*each))
        stored, (seconds, micros), *replies = pipe.execute()
    retention, now = Retention.of(stored, LONGEST), seconds + micros / 1e6
    found = {}
    for each, cells, *ttls in zip(wanted, replies[::3], replies[1::3], replies[2::3], strict=True):
        if not retention.holds(*each, now):
            assert (cells, ttls) == (0, [-2, -2]), f"{each} has gone, or a part of it has come back"
        elif cells:
            left = end(each) + retention.seconds - now
            assert ttls == pytest.approx([left * 1000] * 2, abs=100)
            found[each] = cells, ttls[0]
    return found


def test_the_oldest_windows_go_before_any_write_is_refused(
    settings: Settings, client: redis.Redis, maximum: int
) -> None:
    """All would need 3 % more than there is. Those that are not final are among the rest, which is whole."""
    seen: list[int] = []

    def look() -> None:
        adapt_retention(client, settings)
        seen.append(in_force(client).seconds)

    written = fill(client, look)
    left = held(client)
    assert seen[0] == LONGEST
    assert LONGEST > seen[-1] >= SHORTEST
    assert sorted(seen, reverse=True) == seen
    assert {before - after for before, after in pairwise(seen)} <= {0, 60}
    assert used(client) < maximum
    assert written[-len(left) :] == sorted(left, key=end), "the oldest have gone, and no others"
    assert 0 < len(left) < len(written)
    assert {cells for cells, _ in left.values()} == {len(CELLS)}
    assert {each for each in written if end(each) > time.time() - SHORTEST + 60} <= set(left)


@pytest.mark.usefixtures("maximum")
def test_without_the_rule_the_same_windows_end_in_refused_writes(client: redis.Redis) -> None:
    with REFUSED:
        fill(client)


@pytest.mark.usefixtures("maximum")
def test_a_redis_that_is_full_is_relieved(settings: Settings, client: redis.Redis) -> None:
    """The keeper was down until writes were refused; it needs no memory for what it writes."""
    with REFUSED:
        fill(client)
    client.config_set("maxmemory", used(client) - 100_000)
    writer, newest, more = CacheWriter(client, LONGEST), windows()[-1], {("late", "sports"): Counts(1, 0)}
    with REFUSED:
        writer.raise_window(*newest, more)
    for _ in range(5):
        adapt_retention(client, settings)
    assert writer.raise_window(*newest, more)


def test_what_has_gone_does_not_come_back_when_the_pressure_is_gone(
    settings: Settings, client: redis.Redis, maximum: int
) -> None:
    """The others are kept for as long as before, and memory between 70 and 80 % changes nothing."""
    said: list[str] = []
    look = partial(adapt_retention, client, settings, said.append)
    written = fill(client, look)
    tightened, left = in_force(client), held(client)
    client.config_set("maxmemory", int(used(client) / 0.75))
    look()
    assert in_force(client) == tightened
    client.config_set("maxmemory", 2 * maximum)
    look()
    relaxed = in_force(client)
    assert (tightened.seconds < LONGEST, relaxed.seconds) == (True, LONGEST)
    assert relaxed.kept_from_seconds >= tightened.kept_from_seconds
    assert set(held(client)) == set(left)
    writer = CacheWriter(client, LONGEST)
    gone = [each for each in written if each not in left]
    assert gone
    for each in gone:
        assert end(each) + LONGEST > time.time() + 5, "it is the rule that keeps it away, not the setting"
        assert not writer.raise_window(*each, {("late", "sports"): Counts(1, 0)})
        assert not writer.raise_window(*each, {("recounted", "sports"): Counts(1, 0)}, revision=7)
    assert all(writer.raise_window(*each, {("late", "sports"): Counts(1, 0)}) for each in left)
    assert set(held(client)) == set(left)
    assert f"windows are kept for {LONGEST - 60} s after their end instead of {LONGEST} s" in said[0]
    assert f"windows are kept for {LONGEST} s after their end instead of {tightened.seconds} s" in said[-1]
    assert len(said) == (LONGEST - tightened.seconds) // 60 + 1, "one line for each change"


@pytest.mark.usefixtures("maximum")
def test_a_late_event_lengthens_nothing(settings: Settings, client: redis.Redis) -> None:
    fill(client, partial(adapt_retention, client, settings))
    writer = CacheWriter(client, LONGEST)
    for each in held(client):
        writer.raise_window(*each, {("late", "sports"): Counts(1, 0)})
    held(client)


def test_without_a_watermark_nothing_goes(settings: Settings, client: redis.Redis) -> None:
    """Nobody knows what is final: a job that has not started, or is 20 minutes behind."""
    fill(client)
    for stalled in (None, int((time.time() - 1_300) * 1000)):
        client.config_set("maxmemory", 0)
        for size in (60, 300):
            client.delete(f"adctr:watermark:{size}")
            if stalled is not None:
                client.set(f"adctr:watermark:{size}", stalled)
        client.config_set("maxmemory", used(client))
        adapt_retention(client, settings)
        assert in_force(client).seconds == LONGEST


def test_two_keepers_and_late_writers_at_once(settings: Settings, client: redis.Redis) -> None:
    """No step is taken back, and nothing comes back in parts."""
    fill(client)
    client.config_set("maxmemory", int(used(client) * 1.1))
    stop, failures = threading.Event(), []

    def again_and_again(work: Callable[[redis.Redis], None]) -> None:
        own = writer_client(settings)
        try:
            while not stop.is_set():
                work(own)
        except redis.RedisError as error:
            failures.append(error)
        finally:
            own.close()

    def late(own: redis.Redis) -> None:
        for each in windows()[:12]:
            # Into what is there: a window that only a late event has touched would be a part of one here as well.
            if own.exists(cells_key(*each)):
                CacheWriter(own, LONGEST).raise_window(*each, {("campaign-0", "sports"): Counts(2, 0)})

    def keep(own: redis.Redis) -> None:
        adapt_retention(own, settings)

    threads = [threading.Thread(target=again_and_again, args=(work,)) for work in (keep, keep, late, late)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert in_force(client).seconds < LONGEST
    assert {cells for cells, _ in held(client).values()} == {len(CELLS)}


def test_a_keeper_that_is_killed_leaves_nothing_half_done(
    settings: Settings, client: redis.Redis, tmp_path: Path
) -> None:
    """The process of the stack, killed again and again; the last one gets there."""
    fill(client)
    client.set(complete_key(), identity(client))
    client.script_flush()
    client.config_set("maxmemory", int(used(client) / 1.1))
    log, seen = tmp_path / "log", LONGEST
    for last in (False, False, True):
        with log.open("a") as output:
            command = [sys.executable, "-m", "pipeline.cache_keeper"]
            keeper = subprocess.Popen(command, env={**os.environ, **settings.to_env()}, stderr=output)
            try:
                goal = SHORTEST if last else seen - 60
                eventually("a step", partial(is_down_to, client, goal), 20)
            finally:
                keeper.kill()
                keeper.wait()
        seen = in_force(client).seconds
        assert {cells for cells, _ in held(client).values()} == {len(CELLS)}
    assert "windows are kept for 1260 s after their end instead of 1320 s" in log.read_text()


def test_verify_misses_what_should_be_there_and_nothing_else(settings: Settings, client: redis.Redis) -> None:
    """An evicted window justifies no eviction of a younger one, and none that is not final, whatever the key says."""
    cache = Cache(settings)
    now = int(time.time()) // 60 * 60
    old, young, open_one = (60, now - 1500), (60, now - 1320), (60, now - 600)
    asked = [cache.window(*each) for each in (old, young, open_one)]
    assert [(each.kept, each.let_go, each.cells) for each in asked] == [(True, False, None)] * 3
    client.hset(retention_key(), mapping={"seconds": 1380, "kept_from": 0})
    assert [cache.window(*each).kept for each in (old, young, open_one)] == [False, True, True]
    assert cache.window(*old).let_go
    assert not cache.window(60, now - 3600).let_go, "it has expired as it always would"
    client.hset(retention_key(), mapping={"seconds": 1800, "kept_from": end(young)})
    assert [cache.window(*each).kept for each in (old, young, open_one)] == [False, False, True]
    client.hset(retention_key(), mapping={"seconds": 0, "kept_from": now})
    assert [cache.window(*each).kept for each in (old, young, open_one)] == [False, False, True]
    cache.close()
