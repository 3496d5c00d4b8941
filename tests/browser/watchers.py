"""What runs beside the browser while it watches: other viewers, the refresh probe, what Redis held at which time."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Self

import redis

from pipeline.cache.redis_reader import cache_client
from pipeline.contract.cache_schema import categories_key, is_canary, parse_counts
from pipeline.settings import Settings
from slo.probes.dashboard import Dashboard
from slo.probes.recorder import Recorder
from slo.probes.viewer import Viewer

LOOK_SECONDS = 0.1
RANGE_SECONDS = 1800
FIVE_MINUTES = 300


class Watchers:
    """Viewers without a browser, the probe, and the impressions of the page's range in Redis. A context manager.

    The viewers look at pages with these ``queries``, one after the other.
    """

    def __init__(self, settings: Settings, viewers: int, queries: Sequence[str] = ("",)) -> None:
        self.viewers = [Viewer(settings.dashboard_url, queries[each % len(queries)]) for each in range(viewers)]
        self.recorder = Recorder([Dashboard(settings)])
        self.in_redis: list[tuple[float, int]] = []
        """(unix seconds, impressions), in order of time."""
        self._client = cache_client(settings)
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._attend), threading.Thread(target=self._read)]

    def __enter__(self) -> Self:
        for viewer in self.viewers:
            viewer.open()
        self.recorder.__enter__()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self.recorder.stop()
        for viewer in self.viewers:
            viewer.close()
        self._client.close()

    def _attend(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            for viewer in self.viewers:
                viewer.attend()

    def _read(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            self.in_redis.append((time.time(), impressions_in_redis(self._client)))


def impressions_in_redis(client: redis.Redis) -> int:
    """Of the 5-minute windows that the page's default range has now, without canaries."""
    end = int(time.time()) // FIVE_MINUTES * FIVE_MINUTES + FIVE_MINUTES
    with client.pipeline(transaction=False) as pipe:
        for start in range(end - RANGE_SECONDS, end, FIVE_MINUTES):
            pipe.hgetall(categories_key(FIVE_MINUTES, start))
        replies = pipe.execute()
    return sum(
        parse_counts(value).impressions
        for reply in replies
        for name, value in reply.items()
        if not is_canary(name.decode())
    )
