"""The exporter: probes, their metrics, and an HTTP server for Prometheus, on 127.0.0.1 unless told otherwise."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Self

import redis
from prometheus_client import CollectorRegistry, start_http_server

from pipeline.cache.cache_commands import read_retention
from pipeline.settings import Settings
from slo.ceilings import read_redis_memory_ceiling_bytes
from slo.exporter.comparison_process import NotCompared, compare
from slo.exporter.comparisons import ComparisonMetrics
from slo.exporter.metrics import ProbeMetrics, RunnerMetrics
from slo.probes.clients import redis_client
from slo.probes.probe import Probe
from slo.probes.runner import Runner
from slo.spec.model import Ceiling, Indicator

log = logging.getLogger("adctr.exporter")
LOOPBACK = "127.0.0.1"
CEILING_PERIOD_SECONDS = 15.0
RETENTION_PERIOD_SECONDS = 1.0


class Exporter:
    """Serves ``/metrics`` from the first moment of the block to its end. Raises OSError if the port is taken.

    ``edges`` are the histograms' (`slo.exporter.metrics.ProbeMetrics`). With ``verify_every_seconds`` the whole topic
    is folded again and again, which costs as much as it sounds; None: never. ``compare`` gives the number of
    differences and ends early when the event is set.
    """

    def __init__(
        self,
        settings: Settings,
        probes: Sequence[Probe],
        edges: Mapping[Indicator, Sequence[float]],
        port: int,
        registry: CollectorRegistry | None = None,
        verify_every_seconds: float | None = None,
        host: str = LOOPBACK,
        compare: Callable[[Settings, threading.Event], int] = compare,
    ) -> None:
        self._settings = settings
        self._host = host
        self._registry = registry or CollectorRegistry()
        self.metrics = ProbeMetrics(self._registry, edges)
        self._runner = Runner(probes, self.metrics.take)
        RunnerMetrics(self._registry, self._runner.counts)
        self.metrics.announce(indicator for probe in probes for indicator in probe.indicators)
        self.port = port
        """The port in use; known inside the block if 0 (any) was asked for."""
        self._redis = redis_client(settings)
        self._stop = threading.Event()
        self._chores = [
            self._chore("ceilings", CEILING_PERIOD_SECONDS, self._read_ceilings),
            self._chore("retention", RETENTION_PERIOD_SECONDS, self._read_retention),
        ]
        if verify_every_seconds is not None:
            self._comparisons = ComparisonMetrics(self._registry, verify_every_seconds)
            self._compare = compare
            self._chores.append(self._chore("verify", verify_every_seconds, self._verify))

    def __enter__(self) -> Self:
        self._server, self._server_thread = start_http_server(self.port, self._host, self._registry)
        self.port = self._server.server_port
        self._runner.start()
        for chore in self._chores:
            chore.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._server_thread.join()
        self._stop.set()
        self._runner.stop()
        for chore in self._chores:
            chore.join()
        self._redis.close()

    def _chore(self, name: str, period_seconds: float, work: Callable[[], None]) -> threading.Thread:
        def run() -> None:
            began, turn = time.monotonic(), 0
            while not self._stop.wait(began + turn * period_seconds - time.monotonic()):
                try:
                    work()
                except Exception:  # a bug costs one turn: a thread that ended would leave its last value forever
                    log.exception("exporter's %s", name)
                turn = max(turn + 1, int((time.monotonic() - began) / period_seconds))

        return threading.Thread(target=run, name=f"exporter-{name}", daemon=True)

    def _read_ceilings(self) -> None:
        try:
            ceiling: float | None = read_redis_memory_ceiling_bytes(self._redis, self._settings)
        except redis.RedisError as error:
            log.warning("no ceiling for Redis's memory: %s", error)
            ceiling = None
        self.metrics.set_ceiling(Ceiling.REDIS_MEMORY, ceiling)

    def _read_retention(self) -> None:
        longest = self._settings.cache_retention_seconds
        try:
            self.metrics.set_retention((read_retention(self._redis, longest).seconds, longest))
        except (redis.RedisError, ValueError):
            self.metrics.set_retention(None)  # the probe of Redis says that it is down

    def _verify(self) -> None:
        try:
            self._comparisons.succeeded(self._compare(self._settings, self._stop))
        except NotCompared as error:
            self._comparisons.failed()
            log.warning("%s", error)
        except Exception:
            self._comparisons.failed()
            raise
