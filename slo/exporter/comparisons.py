"""What comparisons of all counts found, and how long ago: a result ages, and one that never comes is visible."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from slo.spec.metrics import (
    COMPARISON_FAILURES,
    COMPARISON_GRACE_SECONDS,
    COMPARISON_PERIOD,
    COMPARISON_START,
    COMPARISON_SUCCESS,
    METRICS,
    PERIODS_WITHOUT_COMPARISON,
)
from slo.spec.model import Indicator


class ComparisonMetrics(Collector):
    """Registers itself with ``registry``; ``period_seconds`` is how often the exporter compares.

    No differences are told until they are `PERIODS_WITHOUT_COMPARISON` periods and a grace old, then they are left out.
    Some differences are told until a comparison finds none: a wrong count does not become right with age.
    """

    def __init__(
        self, registry: CollectorRegistry, period_seconds: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._period_seconds = period_seconds
        self._clock = clock
        self._began = clock()
        self._lock = threading.Lock()
        self._found: tuple[float, int] | None = None
        self._failures = 0
        registry.register(self)

    def succeeded(self, differences: int) -> None:
        """A comparison ended and found so many differences."""
        with self._lock:
            self._found = self._clock(), differences

    def failed(self) -> None:
        """A comparison gave no result."""
        with self._lock:
            self._failures += 1

    def collect(self) -> Iterator[Family]:
        """All metrics, for the registry."""
        with self._lock:
            found, failures = self._found, self._failures
        yield GaugeMetricFamily(COMPARISON_PERIOD, "How often all counts are compared.", value=self._period_seconds)
        yield GaugeMetricFamily(COMPARISON_START, "When this process began to compare counts.", value=self._began)
        yield CounterMetricFamily(COMPARISON_FAILURES, "Comparisons of all counts without a result.", value=failures)
        if found is None:
            return
        at, differences = found
        yield GaugeMetricFamily(COMPARISON_SUCCESS, "When the last comparison that succeeded ended.", value=at)
        oldest = self._clock() - PERIODS_WITHOUT_COMPARISON * self._period_seconds - COMPARISON_GRACE_SECONDS
        if differences or at >= oldest:
            metric = METRICS[Indicator.COUNT_DIFFERENCES]
            yield GaugeMetricFamily(metric.name, metric.help, value=differences)
