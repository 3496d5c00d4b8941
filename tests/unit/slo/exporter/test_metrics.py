"""What Prometheus would read, value by value."""

from __future__ import annotations

import math

from prometheus_client import CollectorRegistry

from slo.exporter.metrics import ProbeMetrics, RunnerMetrics
from slo.probes.probe import NEVER, Sample
from slo.probes.runner import LookCounts
from slo.spec.model import Ceiling, Indicator

EDGES = {
    Indicator.EVENT_TO_REDIS: (0.2, 1.0),
    Indicator.CACHE_READ: (0.1,),
    Indicator.CHECKPOINT_DURATION: (3.0,),
}


class Clock:
    """A clock that stands until it is set."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_sample_counts_in_each_bucket_from_its_own_up() -> None:
    """0.1 s, 0.2 s (on the edge), 0.9 s, and one event that never became visible."""
    registry = CollectorRegistry()
    metrics = ProbeMetrics(registry, EDGES)
    for value in (0.1, 0.2, 0.9, NEVER):
        metrics.take(Sample(Indicator.EVENT_TO_REDIS, 1000.0, value))

    def bucket(edge: str) -> float | None:
        return registry.get_sample_value("adctr_event_to_redis_seconds_bucket", {"le": edge})

    assert (bucket("0.2"), bucket("1.0"), bucket("+Inf")) == (2.0, 3.0, 4.0)
    assert registry.get_sample_value("adctr_event_to_redis_seconds_count") == 4.0
    assert math.isclose(registry.get_sample_value("adctr_event_to_redis_seconds_sum") or 0, 1.2)


def test_jobs_are_told_apart() -> None:
    registry = CollectorRegistry()
    metrics = ProbeMetrics(registry, EDGES)
    metrics.take(Sample(Indicator.CHECKPOINT_SIZE, 1000.0, 500.0, "adctr-live"))
    metrics.take(Sample(Indicator.CHECKPOINT_SIZE, 1000.0, 900.0, "adctr-store"))
    metrics.take(Sample(Indicator.CHECKPOINT_DURATION, 1000.0, 0.5, "adctr-store"))

    def size(job: str) -> float | None:
        return registry.get_sample_value("adctr_checkpoint_size_bytes", {"job": job})

    assert (size("adctr-live"), size("adctr-store")) == (500.0, 900.0)
    labels = {"job": "adctr-store", "le": "3.0"}
    assert registry.get_sample_value("adctr_checkpoint_duration_seconds_bucket", labels) == 1.0


def test_evictions_add_up() -> None:
    """Each sample is what came since the last poll."""
    registry = CollectorRegistry()
    metrics = ProbeMetrics(registry, EDGES)
    for evicted in (0.0, 3.0, 4.0):
        metrics.take(Sample(Indicator.REDIS_EVICTIONS, 1000.0, evicted))
    assert registry.get_sample_value("adctr_redis_evicted_keys_total") == 7.0


def test_an_old_gauge_is_no_longer_told() -> None:
    """Redis stopped answering at second 1000: a minute later nobody must take that memory for the present one."""
    registry, clock = CollectorRegistry(), Clock()
    metrics = ProbeMetrics(registry, EDGES, clock)
    metrics.take(Sample(Indicator.REDIS_MEMORY, 1000.0, 5e6))
    clock.now = 1059.0
    assert registry.get_sample_value("adctr_redis_memory_bytes") == 5e6
    clock.now = 1061.0
    assert registry.get_sample_value("adctr_redis_memory_bytes") is None


def test_a_job_without_any_checkpoint_has_an_endless_age() -> None:
    """So that an alert on `> 30` fires."""
    registry = CollectorRegistry()
    metrics = ProbeMetrics(registry, EDGES)
    metrics.take(Sample(Indicator.CHECKPOINT_AGE, 1000.0, NEVER, "adctr-live"))
    assert registry.get_sample_value("adctr_checkpoint_age_seconds", {"job": "adctr-live"}) == math.inf


def test_announced_metrics_are_there_at_zero() -> None:
    registry = CollectorRegistry()
    ProbeMetrics(registry, EDGES).announce([Indicator.CACHE_READ, Indicator.REDIS_EVICTIONS, Indicator.REDIS_MEMORY])
    assert registry.get_sample_value("adctr_cache_read_seconds_count") == 0.0
    assert registry.get_sample_value("adctr_redis_evicted_keys_total") == 0.0
    assert registry.get_sample_value("adctr_redis_memory_bytes") is None, "an unknown memory is not 0"


def test_a_figure_that_is_not_known_any_more_disappears() -> None:
    registry = CollectorRegistry()
    metrics = ProbeMetrics(registry, EDGES)
    metrics.set_ceiling(Ceiling.REDIS_MEMORY, 3e6)
    assert registry.get_sample_value("adctr_ceiling_redis_memory_bytes") == 3e6
    metrics.set_ceiling(Ceiling.REDIS_MEMORY, None)
    assert registry.get_sample_value("adctr_ceiling_redis_memory_bytes") is None


def test_an_old_ceiling_and_an_old_retention_are_no_longer_told() -> None:
    """The thread that sets them hangs or has died."""
    registry, clock = CollectorRegistry(), Clock()
    metrics = ProbeMetrics(registry, EDGES, clock)
    metrics.set_ceiling(Ceiling.REDIS_MEMORY, 3e6)
    metrics.set_retention((1260, 1800))
    names = ("adctr_ceiling_redis_memory_bytes", "adctr_cache_retention_seconds")
    clock.now = 1059.0
    assert [registry.get_sample_value(name) for name in names] == [3e6, 1260]
    clock.now = 1061.0
    assert [registry.get_sample_value(name) for name in names] == [None, None]


def test_a_sum_never_falls() -> None:
    """A latency below zero is neither good nor bad: in no bucket, in no sum, and counted apart."""
    registry = CollectorRegistry()
    metrics = ProbeMetrics(registry, EDGES)
    metrics.announce([Indicator.EVENT_TO_REDIS])
    implausible = {"indicator": "event_to_redis_seconds"}
    assert registry.get_sample_value("adctr_implausible_samples_total", implausible) == 0.0
    sums = []
    for value in (0.9, -3.0, -0.1, 0.2):
        metrics.take(Sample(Indicator.EVENT_TO_REDIS, 1000.0, value))
        sums.append(registry.get_sample_value("adctr_event_to_redis_seconds_sum") or 0.0)
    assert sums == sorted(sums)
    assert registry.get_sample_value("adctr_event_to_redis_seconds_count") == 2.0
    assert registry.get_sample_value("adctr_event_to_redis_seconds_bucket", {"le": "0.2"}) == 1.0
    assert registry.get_sample_value("adctr_implausible_samples_total", implausible) == 2.0


def test_failures_and_cost_of_probes() -> None:
    registry = CollectorRegistry()
    counts = {"cache_reads": LookCounts(looks=10, failed=2, cpu_seconds=0.25)}
    RunnerMetrics(registry, counts)
    assert registry.get_sample_value("adctr_probe_failures_total", {"probe": "cache_reads"}) == 2.0
    assert registry.get_sample_value("adctr_probe_cpu_seconds_total", {"probe": "cache_reads"}) == 0.25
