"""The read API's questions to Redis: one transaction each, so that an answer is of one instant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import redis

from pipeline.cache.breakdown import Breakdown, ask_breakdown, from_replies
from pipeline.cache.cache_access import CacheUser, impatient_client
from pipeline.cache.cache_commands import ask_counts, per_campaign, per_category, sums_of
from pipeline.contract.cache_schema import (
    RETENTION_FIELDS,
    Counts,
    Retention,
    categories_key,
    cells_key,
    complete_key,
    retention_key,
    watermark_key,
    windows_key,
)
from pipeline.read_results import Answer, NamedCounts, Ranking, ranked
from pipeline.settings import Settings
from pipeline.store.metrics_queries import WindowRange

CONNECT_TIMEOUT_SECONDS = 0.2
READ_TIMEOUT_SECONDS = 0.5
_EXPIRY_MARGIN_SECONDS = 2

T = TypeVar("T")


class NotInRedis(Exception):
    """Redis answers, and does not hold what was asked; the message says why."""


def cache_client(settings: Settings) -> redis.Redis:
    """A client that waits for nothing for long: no retries, short timeouts."""
    return impatient_client(
        settings,
        CacheUser.READER,
        connect_timeout_seconds=CONNECT_TIMEOUT_SECONDS,
        timeout_seconds=READ_TIMEOUT_SECONDS,
    )


class RedisReader:
    """Reads windows from Redis, without canaries. ``clock`` gives seconds since the epoch.

    Each question raises NotInRedis where Redis holds not all of the range, redis.RedisError where it doesn't answer,
    ValueError for a value that breaks the key schema.
    """

    def __init__(self, client: redis.Redis, longest_seconds: int, clock: Callable[[], float]) -> None:
        self._client = client
        self._longest_seconds = longest_seconds
        self._clock = clock

    def series(self, windows: WindowRange, campaign_id: str | None, category: str | None) -> Answer[dict[int, Counts]]:
        """Counts by window start."""

        def ask(pipe: Any) -> None:
            for start in windows.starts:
                ask_counts(pipe, windows.size_seconds, start, campaign_id, category)

        return self._ask(windows, ask, lambda replies: dict(zip(windows.starts, sums_of(replies), strict=True)))

    def categories(self, windows: WindowRange) -> Answer[tuple[NamedCounts, ...]]:
        """Sums per category, by name."""

        def ask(pipe: Any) -> None:
            for start in windows.starts:
                pipe.hgetall(categories_key(windows.size_seconds, start))

        def sums(replies: list[Any]) -> tuple[NamedCounts, ...]:
            return tuple(NamedCounts(*item) for item in sorted(per_category(replies).items()))

        return self._ask(windows, ask, sums)

    def campaigns(
        self, windows: WindowRange, category: str | None, ranking: Ranking
    ) -> Answer[tuple[NamedCounts, ...]]:
        """Sums per campaign, as ranked."""

        def ask(pipe: Any) -> None:
            for start in windows.starts:
                pipe.hgetall(cells_key(windows.size_seconds, start))

        def best(replies: list[Any]) -> tuple[NamedCounts, ...]:
            return ranked([NamedCounts(*item) for item in per_campaign(replies, category).items()], ranking)

        return self._ask(windows, ask, best)

    def breakdown(self, windows: WindowRange, campaign_id: str | None, *, campaigns: bool) -> Answer[Breakdown]:
        """Counts per window and category, and per cell over the range."""
        return self._ask(
            windows,
            lambda pipe: ask_breakdown(pipe, windows, campaign_id, campaigns=campaigns),
            lambda replies: from_replies(windows, replies, campaign_id, campaigns=campaigns),
        )

    def _ask(self, windows: WindowRange, ask: Callable[[Any], None], answer: Callable[[list[Any]], T]) -> Answer[T]:
        # What no retention reaches back to need not be asked for. What is held is told by Redis's clock, not by ours.
        _require_held(Retention(self._longest_seconds), windows, self._clock())
        size = windows.size_seconds
        ends = (windows.first + size, windows.starts[-1] + size)
        with self._client.pipeline(transaction=True) as pipe:
            pipe.time()
            pipe.exists(complete_key())
            pipe.get(watermark_key(size))
            pipe.hmget(retention_key(), RETENTION_FIELDS)
            pipe.zcount(windows_key(size), *ends)
            pipe.exists(*(cells_key(size, start) for start in windows.starts))
            ask(pipe)
            (now, _), complete, watermark, kept, counted, held, *replies = pipe.execute()
        if not complete:
            raise NotInRedis("Redis is not complete: it is being restored")
        if watermark is None:
            raise NotInRedis("Redis holds no watermark")
        _require_held(Retention.of(kept, self._longest_seconds), windows, now)
        if held < counted:
            raise NotInRedis(f"Redis has lost {counted - held} windows that it should hold: did its clock step?")
        return Answer(answer(replies), int(watermark))


def _require_held(retention: Retention, windows: WindowRange, now: float) -> None:
    if not retention.holds(windows.size_seconds, windows.first, now + _EXPIRY_MARGIN_SECONDS):
        raise NotInRedis(f"the range begins before what Redis keeps ({retention.seconds} s)")
