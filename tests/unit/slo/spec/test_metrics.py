"""Names that exporters, rules and dashboards share."""

from __future__ import annotations

from slo.spec.metrics import METRICS, MetricType, bucket_edges, ceiling_metric, indicators_of
from slo.spec.model import Ceiling, Indicator, Kind
from slo.spec.parse import load_bundled


def test_every_indicator_has_a_metric_and_an_objective_kind() -> None:
    assert set(METRICS) == set(Indicator)
    assert {indicator for kind in Kind for indicator in indicators_of(kind)} == set(Indicator)


def test_names_follow_prometheus() -> None:
    """A counter ends with _total, the rest with its unit."""
    assert METRICS[Indicator.EVENT_TO_REDIS].name == "adctr_event_to_redis_seconds"
    assert METRICS[Indicator.REDIS_EVICTIONS].name == "adctr_redis_evicted_keys_total"
    assert METRICS[Indicator.REDIS_EVICTIONS].type is MetricType.COUNTER
    assert ceiling_metric(Ceiling.REDIS_MEMORY) == "adctr_ceiling_redis_memory_bytes"


def test_an_edge_lies_exactly_at_the_objective() -> None:
    edges = bucket_edges(load_bundled(), Indicator.EVENT_TO_REDIS, usual=(0.25, 0.5, 2.0))
    assert edges == (0.25, 0.5, 1.0, 2.0)
    assert bucket_edges(load_bundled(), Indicator.CACHE_READ, usual=(0.1, 0.2)) == (0.1, 0.2)
