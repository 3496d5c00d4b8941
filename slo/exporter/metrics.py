"""Samples as Prometheus metrics. Names and types are those of `slo.spec.metrics`."""

from __future__ import annotations

import bisect
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from slo.probes.probe import Sample
from slo.probes.runner import LookCounts
from slo.spec.metrics import (
    CACHE_LONGEST_RETENTION,
    CACHE_RETENTION,
    IMPLAUSIBLE_SAMPLES,
    JOB_INDICATORS,
    METRICS,
    PROBE_FAILURES,
    MetricType,
    ceiling_metric,
)
from slo.spec.model import Ceiling, Indicator

PROBE_CPU_SECONDS = "adctr_probe_cpu_seconds_total"
STALE_SECONDS = 60.0
"""A gauge whose newest sample is older is left out: an old value would pass for a present one."""


class _Histogram:
    """Counts per bucket. A sample that never came is beyond every edge, and not in the sum, which would be NaN.

    A latency below zero is neither good nor bad, so it is in no bucket: in the sum, which is a counter, it would look
    like a restart.
    """

    def __init__(self, edges: Sequence[float]) -> None:
        self._edges = sorted(edges)
        self._counts = [0] * (len(self._edges) + 1)
        self._sum = 0.0
        self.implausible = 0

    def add(self, value: float) -> None:
        if math.isnan(value):
            self._counts[-1] += 1
        elif value < 0:
            self.implausible += 1
        else:
            self._counts[bisect.bisect_left(self._edges, value)] += 1
            self._sum += value

    def buckets(self) -> tuple[list[tuple[str, float]], float]:
        """(upper edge, cumulative count) of each bucket, and the sum."""
        total, found = 0, []
        for edge, count in zip([*self._edges, math.inf], self._counts, strict=True):
            total += count
            found.append(("+Inf" if math.isinf(edge) else str(float(edge)), float(total)))
        return found, self._sum


T = TypeVar("T")
Key = tuple[Indicator, str]
"""Indicator and job; no job where the indicator has none."""


class ProbeMetrics(Collector):
    """Registers itself with ``registry``. ``take`` may be called from several threads.

    ``edges`` are the upper bucket edges of every indicator that is a histogram. Buckets include their edge
    (Prometheus's ``le``), so an objective's ``lt`` differs from it by a sample exactly on the edge.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        edges: Mapping[Indicator, Sequence[float]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._edges = edges
        self._clock = clock
        self._lock = threading.Lock()
        self._histograms: dict[Key, _Histogram] = {}
        self._gauges: dict[Key, tuple[float, float]] = {}
        self._counters: dict[Key, float] = {}
        self._ceilings: dict[Ceiling, tuple[float, float]] = {}
        self._retention: tuple[float, tuple[int, int]] | None = None
        registry.register(self)

    def announce(self, indicators: Iterable[Indicator]) -> None:
        """Shows histograms and counters that have no label at 0 from the start: nothing yet is not nobody there."""
        with self._lock:
            for indicator in indicators:
                if indicator in JOB_INDICATORS:
                    continue
                if METRICS[indicator].type is MetricType.HISTOGRAM:
                    self._histogram((indicator, ""))
                elif METRICS[indicator].type is MetricType.COUNTER:
                    self._counters.setdefault((indicator, ""), 0.0)

    def take(self, sample: Sample) -> None:
        """Takes one sample in."""
        key = sample.indicator, sample.job if sample.indicator in JOB_INDICATORS else ""
        with self._lock:
            match METRICS[sample.indicator].type:
                case MetricType.HISTOGRAM:
                    self._histogram(key).add(sample.value)
                case MetricType.COUNTER:
                    self._counters[key] = self._counters.get(key, 0.0) + sample.value
                case MetricType.GAUGE:
                    value = math.inf if math.isnan(sample.value) else sample.value
                    self._gauges[key] = self._clock(), value

    def set_ceiling(self, ceiling: Ceiling, value: float | None) -> None:
        """A computed ceiling; None where it could not be computed."""
        with self._lock:
            self._ceilings.pop(ceiling, None)
            if value is not None:
                self._ceilings[ceiling] = self._clock(), value

    def set_retention(self, retention: tuple[int, int] | None) -> None:
        """Of windows in Redis, in force and by the setting, in seconds; None where Redis does not say."""
        with self._lock:
            self._retention = None if retention is None else (self._clock(), retention)

    def collect(self) -> Iterator[Family]:
        """All metrics, for the registry."""
        with self._lock:
            oldest = self._clock() - STALE_SECONDS
            families = [
                *self._collect_indicators(oldest),
                *self._collect_implausible(),
                *self._collect_ceilings(oldest),
                *self._collect_retention(oldest),
            ]
        yield from families

    def _histogram(self, key: Key) -> _Histogram:
        if key not in self._histograms:
            self._histograms[key] = _Histogram(self._edges[key[0]])
        return self._histograms[key]

    def _collect_indicators(self, oldest: float) -> Iterator[Family]:
        gauges = {key: value for key, (at, value) in self._gauges.items() if at >= oldest}
        for indicator, metric in METRICS.items():
            labels = ["job"] if indicator in JOB_INDICATORS else []
            histograms = HistogramMetricFamily(metric.name, metric.help, labels=labels)
            for job, histogram in _of(self._histograms, indicator):
                histograms.add_metric([job] * len(labels), *histogram.buckets())
            counters = CounterMetricFamily(metric.name, metric.help, labels=labels)
            for job, value in _of(self._counters, indicator):
                counters.add_metric([job] * len(labels), value)
            found = GaugeMetricFamily(metric.name, metric.help, labels=labels)
            for job, value in _of(gauges, indicator):
                found.add_metric([job] * len(labels), value)
            yield from (family for family in (histograms, counters, found) if family.samples)

    def _collect_implausible(self) -> Iterator[Family]:
        found = CounterMetricFamily(IMPLAUSIBLE_SAMPLES, "Latencies below zero, counted nowhere.", labels=["indicator"])
        by_indicator = Counter[Indicator]()
        for (indicator, _), histogram in self._histograms.items():
            by_indicator[indicator] += histogram.implausible
        for indicator, count in by_indicator.items():
            found.add_metric([indicator], count)
        yield found

    def _collect_ceilings(self, oldest: float) -> Iterator[Family]:
        for ceiling, (at, value) in self._ceilings.items():
            if at >= oldest:
                yield GaugeMetricFamily(ceiling_metric(ceiling), "Computed ceiling.", value=value)

    def _collect_retention(self, oldest: float) -> Iterator[Family]:
        if self._retention is not None and self._retention[0] >= oldest:
            in_force, longest = self._retention[1]
            yield GaugeMetricFamily(CACHE_RETENTION, "How long Redis keeps a window after its end now.", value=in_force)
            yield GaugeMetricFamily(
                CACHE_LONGEST_RETENTION, "How long it keeps one unless memory is short.", value=longest
            )


class RunnerMetrics(Collector):
    """What the probes themselves miss and cost, by the label ``probe``. Registers itself with ``registry``."""

    def __init__(self, registry: CollectorRegistry, counts: Mapping[str, LookCounts]) -> None:
        self._counts = counts
        registry.register(self)

    def collect(self) -> Iterator[Family]:
        """Both counters, for the registry."""
        failures = CounterMetricFamily(PROBE_FAILURES, "Looks of a probe that got no answer.", labels=["probe"])
        cpu = CounterMetricFamily(PROBE_CPU_SECONDS, "CPU time of a probe's thread.", labels=["probe"])
        for name, counts in self._counts.items():
            failures.add_metric([name], counts.failed)
            cpu.add_metric([name], counts.cpu_seconds)
        yield from (failures, cpu)


def _of(values: Mapping[Key, T], indicator: Indicator) -> list[tuple[str, T]]:
    return [(job, value) for (of, job), value in values.items() if of is indicator]
