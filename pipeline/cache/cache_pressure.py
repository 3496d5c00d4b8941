"""Keeps windows for a shorter time while Redis is short of memory: docs/decisions/0021-retention-under-pressure.md.

The oldest windows go first, of either size, and none before it is final. Called by the cache keeper.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import redis

from pipeline.contract.cache_schema import (
    RETENTION_FIELDS,
    SET_RETENTION,
    WINDOW_PATTERN,
    Retention,
    retention_key,
    watermark_key,
    window_end,
)
from pipeline.settings import WINDOW_SIZES_SECONDS, Settings

TIGHTEN_ABOVE = 0.8
"""Of maxmemory. The rest is for what comes between two polls: windows that grow, and buffers."""
RELAX_BELOW = 0.7
"""A step frees a thirtieth of what there is, so one that has just been taken is not taken back."""
STEP_SECONDS = 60
_LAG_MARGIN_SECONDS = 5
"""So far the watermark may fall behind until the next poll."""

Say = Callable[[str], None]


def next_retention(used_bytes: int, maximum_bytes: int, current: int, shortest: int, longest: int) -> int:
    """The retention that follows ``current``, all in seconds; ``maximum_bytes`` is 0 where memory has no limit.

    Above `TIGHTEN_ABOVE` it is the next shorter multiple of `STEP_SECONDS`, but never less than ``shortest``; below
    `RELAX_BELOW` it is the longest at once, because Redis fills up no faster than time goes by.
    """
    wanted = current
    if used_bytes > TIGHTEN_ABOVE * maximum_bytes and maximum_bytes:
        wanted = (current - 1) // STEP_SECONDS * STEP_SECONDS
    elif used_bytes < RELAX_BELOW * maximum_bytes or not maximum_bytes:
        wanted = longest
    return min(max(wanted, shortest), longest)


def shortest_retention(now: int, watermarks_ms: list[int | None], final_after_seconds: int, longest: int) -> int:
    """The retention that keeps every window that is not final yet; the longest without all watermarks."""
    known = [watermark for watermark in watermarks_ms if watermark is not None]
    if len(known) < len(watermarks_ms):
        return longest
    needed = now - min(known) / 1000 + final_after_seconds + _LAG_MARGIN_SECONDS
    return min(math.ceil(needed / STEP_SECONDS) * STEP_SECONDS, longest)


def adapt_retention(client: redis.Redis, settings: Settings, say: Say = lambda _: None) -> None:
    """Looks once, and changes the retention by one step where it should; ``client`` is a writer's.

    In one script with the expiry of all windows, so that a crash leaves one state or the other, and a race changes
    nothing back. Raises redis.RedisError.
    """
    longest = settings.cache_retention_seconds
    with client.pipeline(transaction=False) as pipe:
        pipe.info("memory")
        pipe.time()
        pipe.hmget(retention_key(), RETENTION_FIELDS)
        for size in WINDOW_SIZES_SECONDS:
            pipe.get(watermark_key(size))
        memory, (now, _), stored, *watermarks = pipe.execute()
    used, maximum = int(memory["used_memory"]), int(memory["maxmemory"])
    retention = Retention.of(stored, longest)
    marks = [None if mark is None else int(mark) for mark in watermarks]
    shortest = shortest_retention(now, marks, settings.final_after_seconds, longest)
    # Where it was relaxed a moment ago, the oldest window there is is younger than the retention.
    oldest = min(retention.seconds, now - retention.kept_from_seconds)
    tightened = next_retention(used, maximum, oldest, shortest, longest)
    seconds = tightened if tightened < oldest else max(tightened, retention.seconds)
    if stored[0] is not None and seconds == int(stored[0]):
        return
    _set(client, seconds)
    if seconds != retention.seconds:
        say(
            f"{used / 1e6:.0f} of {maximum / 1e6:.0f} MB used: windows are kept for {seconds} s after their end "
            f"instead of {retention.seconds} s (at most {longest} s, at least {shortest} s)"
        )


def _set(client: redis.Redis, seconds: int) -> None:
    """A window that comes in between has the retention in force, and the new one from its next write on."""
    ends = {key: end for key in client.scan_iter(match=WINDOW_PATTERN, count=1000) if (end := window_end(key))}
    client.register_script(SET_RETENTION)(keys=[retention_key(), *ends], args=[seconds, *ends.values()])
