"""Reads as a dashboard makes them, through the real read API, and beside each the bare Redis commands under it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import redis

from pipeline.cache.cache_manager import CacheManager, MetricsUnavailableError
from pipeline.cache.redis_reader import cache_client
from pipeline.contract.cache_schema import categories_key, cells_key, watermark_key
from pipeline.read_results import Reading, Source
from pipeline.settings import Settings
from pipeline.store import connect_reader
from slo.probes.probe import NEVER, Probe, Sample
from slo.spec.model import Indicator

READS_PER_LOOK = 4
REACH_SECONDS = 300
_SIZE_SECONDS = 60
_CHEAP = ("current_window", "time_series", "current_window", "per_category")
TURNS = (*_CHEAP * 19, *_CHEAP[:3], "top_campaigns")
"""A dashboard asks for the current window most often; top campaigns read every cell, as much as ten others do."""


@dataclass(frozen=True)
class Question:
    """One read: through the API, and the keys of the hashes that it needs."""

    ask: Callable[[CacheManager], Reading[Any]]
    keys: Sequence[str]


def question(turn: int, now: float) -> Question:
    """The read whose turn it is."""
    current = int(now) // _SIZE_SECONDS * _SIZE_SECONDS
    start, end = current + _SIZE_SECONDS - REACH_SECONDS, current + _SIZE_SECONDS
    windows = range(start, end, _SIZE_SECONDS)
    match TURNS[turn % len(TURNS)]:
        case "current_window":
            return Question(lambda manager: manager.current_window(), [categories_key(_SIZE_SECONDS, current)])
        case "time_series":
            keys = [categories_key(_SIZE_SECONDS, window) for window in windows]
            return Question(lambda manager: manager.time_series(start, end), keys)
        case "per_category":
            keys = [categories_key(_SIZE_SECONDS, window) for window in windows]
            return Question(lambda manager: manager.per_category(start, end, _SIZE_SECONDS), keys)
        case _:
            keys = [cells_key(_SIZE_SECONDS, window) for window in windows]
            return Question(lambda manager: manager.top_campaigns(start, end, _SIZE_SECONDS), keys)


def with_missed(first: Sample, took_seconds: float, period_seconds: float) -> list[Sample]:
    """A read, and those that were due while it was under way: they would have waited for the rest of that time.

    Without them one long stall would be one slow read among many quick ones (coordinated omission).
    """
    missed = int(took_seconds / period_seconds)
    return [
        Sample(first.indicator, first.at + number * period_seconds, first.value - number * period_seconds)
        for number in range(missed + 1)
    ]


class _TimedReads(Probe):
    """Each poll a few reads, one after the other, as a dashboard that is refreshed makes them.

    Each is timed from before its call until the value is there; one that did not come is ``NEVER``. In a row, because a
    process that has just slept needs twice the CPU time for a read.
    """

    period_seconds = 0.22
    """A thousand reads a minute: as many as a share of 99.9 % needs, and no more, for they cost more than all else."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._turn = 0

    def look(self) -> Iterable[Sample]:
        samples: list[Sample] = []
        for _ in range(READS_PER_LOOK):
            at, began = self._clock(), time.perf_counter()
            came = self.read(question(self._turn, at))
            took = time.perf_counter() - began
            self._turn += 1
            first = Sample(self.indicators[0], at, took if came else NEVER)
            samples += with_missed(first, took, self.period_seconds / READS_PER_LOOK)
        return samples

    def read(self, question: Question) -> bool:
        """Whether the cache answered."""
        raise NotImplementedError


class CacheReads(_TimedReads):
    """Through the read API. A read that PostgreSQL answered, or nobody, never came: the cache did not answer it."""

    name = "cache_reads"
    indicators = (Indicator.CACHE_READ,)

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        super().__init__(clock)
        self._manager = CacheManager(cache_client(settings), partial(connect_reader, settings), settings, clock)
        self._fallbacks = 0
        self._last_reason = ""

    def notes(self) -> Mapping[str, float | int | str]:
        if not self._fallbacks:
            return {}
        return {"cache_reads_not_from_redis": self._fallbacks, "cache_read_last_reason": self._last_reason}

    def close(self) -> None:
        self._manager.close()

    def read(self, question: Question) -> bool:
        try:
            reading = question.ask(self._manager)
        except MetricsUnavailableError as error:
            return self._not_from_redis(str(error))
        return reading.source is Source.REDIS or self._not_from_redis(str(reading.fallback_reason))

    def _not_from_redis(self, reason: str) -> bool:
        self._fallbacks += 1
        self._last_reason = reason
        return False


class BareCacheReads(_TimedReads):
    """The same keys in one pipeline of a bare client, whose reply is dropped: what is left to the API is adding up."""

    name = "cache_reads_bare"
    indicators = (Indicator.CACHE_READ_BARE,)
    period_seconds = 0.88

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        super().__init__(clock)
        self._client = cache_client(settings)

    def close(self) -> None:
        self._client.close()

    def read(self, question: Question) -> bool:
        try:
            with self._client.pipeline(transaction=False) as pipe:
                pipe.get(watermark_key(_SIZE_SECONDS))
                for key in question.keys:
                    pipe.hgetall(key)
                pipe.execute()
        except redis.RedisError:
            return False
        return True
