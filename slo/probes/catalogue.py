"""All probes of a running stack."""

from __future__ import annotations

import time
from collections.abc import Callable

from pipeline.settings import Settings
from slo.probes.cache_reads import BareCacheReads, CacheReads
from slo.probes.canaries import Canaries, StoreCanaries
from slo.probes.checkpoints import Checkpoints
from slo.probes.consumer_lag import ConsumerLag
from slo.probes.dashboard import Dashboard
from slo.probes.probe import Probe
from slo.probes.redis_server import RedisServer
from slo.probes.window_close import WindowClose


def probes_of(settings: Settings, *, with_canaries: bool = True, clock: Callable[[], float] = time.time) -> list[Probe]:
    """New probes, with connections of their own. None waits for a service before its first poll.

    ``with_canaries`` is False where a run's own events are timed by count matching.
    """
    found: list[Probe] = [
        CacheReads(settings, clock),
        BareCacheReads(settings, clock),
        Checkpoints(settings, clock),
        ConsumerLag(settings, clock),
        Dashboard(settings, clock),
        RedisServer(settings, clock),
        WindowClose(settings, clock),
    ]
    return [Canaries(settings, clock), StoreCanaries(settings, clock), *found] if with_canaries else found
