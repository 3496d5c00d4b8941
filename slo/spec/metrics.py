"""Every indicator's metric: its name and type in Prometheus. Exporters, rules and dashboards all ask here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from slo.spec.model import Ceiling, Indicator, Kind, Objective, Specification

PREFIX = "adctr_"
EXPORTER_JOB = "adctr"
"""The name of our exporter's scrape job in Prometheus: the rules find its ``up`` by it."""
FLINK_JOB, REDIS_JOB, POSTGRES_JOB = "flink", "redis", "postgres"
"""Scrape jobs of what is not ours: dashboards and rules ask for theirs alone, not for another Redis's."""
PROBE_FAILURES = "adctr_probe_failures_total"
"""Counter with the label ``probe``: polls that got no answer."""

CACHE_RETENTION = "adctr_cache_retention_seconds"
"""Gauge: how long Redis keeps a window after its end now, which is less than the setting while memory is short."""
CACHE_LONGEST_RETENTION = "adctr_cache_longest_retention_seconds"
"""Gauge: the setting."""

IMPLAUSIBLE_SAMPLES = "adctr_implausible_samples_total"
"""Counter with the label ``indicator``: latencies below zero, which no histogram counts."""

TOPIC_RECORDS = "adctr_topic_records_total"
"""Counter with the label ``holds`` (events, dead_letters, late_events): end offsets, transaction markers included."""
LETTERS_EXPIRING = "adctr_letters_expiring"
"""Gauge with the label ``holds``: records past four fifths of their retention; 0 where Kafka keeps all."""
DEFAULT_PARTITION_ROWS = "adctr_default_partition_rows"
"""Gauge: rows of ``raw_events`` that lie in no day's partition; counted up to a limit."""
DISK_FREE = "adctr_disk_free_bytes"
DISK_SIZE = "adctr_disk_size_bytes"
"""Gauges: of the file system with the checkpoints; absent where that is no directory of the exporter's machine."""

COMPARISON_PERIOD = "adctr_count_comparison_period_seconds"
"""Gauge: how often the exporter compares all counts; absent where it does not."""
COMPARISON_START = "adctr_count_comparison_start_timestamp_seconds"
"""Gauge: when the exporter's process began to compare, in unix seconds."""
COMPARISON_SUCCESS = "adctr_count_comparison_success_timestamp_seconds"
"""Gauge: when the last comparison that succeeded ended, in unix seconds; absent before the first."""
COMPARISON_FAILURES = "adctr_count_comparison_failures_total"
"""Counter: comparisons that gave no result."""
LONGEST_COMPARISON_PERIOD_SECONDS = 86_400.0
"""The rules look three days back for a comparison."""
PERIODS_WITHOUT_COMPARISON = 2
COMPARISON_GRACE_SECONDS = 600.0
"""Two periods and this long without a successful comparison: the counts are unknown. One failure is no alert."""

JOB_INDICATORS = frozenset(
    {
        Indicator.CHECKPOINT_SIZE,
        Indicator.CHECKPOINT_DURATION,
        Indicator.CHECKPOINT_AGE,
        Indicator.CONSUMER_LAG,
    }
)
"""Those whose metric has a label ``job`` (`pipeline.job_names.flink_name`): one series for each job."""


PROBE_OF: Mapping[Indicator, str] = {
    Indicator.EVENT_TO_REDIS: "canaries",
    Indicator.EVENT_TO_POSTGRES: "store_canaries",
    Indicator.WINDOW_CLOSE: "window_close",
    Indicator.CACHE_READ: "cache_reads",
    Indicator.CACHE_READ_BARE: "cache_reads_bare",
    Indicator.CHECKPOINT_SIZE: "checkpoints",
    Indicator.CHECKPOINT_DURATION: "checkpoints",
    Indicator.CHECKPOINT_AGE: "checkpoints",
    Indicator.REDIS_MEMORY: "redis_server",
    Indicator.REDIS_KEYS: "redis_server",
    Indicator.REDIS_KEYS_WITHOUT_TTL: "redis_server",
    Indicator.REDIS_EVICTIONS: "redis_server",
    Indicator.CONSUMER_LAG: "consumer_lag",
    Indicator.DASHBOARD_AGE: "dashboard",
}
"""The probe of the exporter that an indicator comes from, as its metrics' label ``probe`` names it."""


class MetricType(StrEnum):
    """A type of Prometheus."""

    HISTOGRAM = "histogram"
    GAUGE = "gauge"
    COUNTER = "counter"


@dataclass(frozen=True)
class Metric:
    """A metric as a query names it: a counter with its ``_total``, a histogram without ``_bucket``."""

    name: str
    type: MetricType
    help: str


def _metrics() -> dict[Indicator, Metric]:
    histogram, gauge, counter = MetricType.HISTOGRAM, MetricType.GAUGE, MetricType.COUNTER
    table: dict[Indicator, tuple[MetricType, str]] = {
        Indicator.EVENT_TO_REDIS: (histogram, "From an event's intended send time until Redis counts it."),
        Indicator.EVENT_TO_POSTGRES: (histogram, "From an event's intended send time until PostgreSQL counts it."),
        Indicator.WINDOW_CLOSE: (histogram, "From when the watermark could first pass a window until it is closed."),
        Indicator.CACHE_READ: (histogram, "One read through the read API."),
        Indicator.CACHE_READ_BARE: (histogram, "The same read with a bare Redis client."),
        Indicator.CHECKPOINT_SIZE: (gauge, "Size of the newest complete checkpoint of a job."),
        Indicator.CHECKPOINT_DURATION: (histogram, "How long a complete checkpoint of a job took, from end to end."),
        Indicator.CHECKPOINT_AGE: (gauge, "Time since the newest complete checkpoint of a job."),
        Indicator.STATE_STORAGE: (gauge, "Files of all checkpoints that a job keeps; only a soak polls it."),
        Indicator.REDIS_MEMORY: (gauge, "Memory that Redis uses for data."),
        Indicator.REDIS_KEYS: (gauge, "Keys in Redis."),
        Indicator.REDIS_KEYS_WITHOUT_TTL: (gauge, "Window keys that would never expire."),
        Indicator.REDIS_EVICTIONS: (counter, "Keys that Redis evicted for want of memory."),
        Indicator.CONSUMER_LAG: (gauge, "Records between a job's committed offsets and the topic's end."),
        Indicator.POSTGRES_BLOAT: (gauge, "Size of a table beyond its live rows; only a soak polls it."),
        Indicator.PROCESS_MEMORY: (gauge, "Resident memory of a service without pages of files; only a soak polls it."),
        Indicator.PROCESS_FILE_HANDLES: (gauge, "Open file descriptors of a service; only a soak polls it."),
        Indicator.PROCESS_THREADS: (gauge, "Threads of a service; only a soak polls it."),
        Indicator.DASHBOARD_AGE: (gauge, "Age of what the dashboard shows."),
        Indicator.COUNT_DIFFERENCES: (gauge, "Differences that the last comparison of all counts found."),
        Indicator.BENCHMARK_ROUND: (histogram, "One round of a benchmark under pytest; exported by nobody."),
    }
    suffix = {histogram: "", gauge: "", counter: "_total"}
    return {
        indicator: Metric(f"{PREFIX}{indicator.value}{suffix[type_]}", type_, text)
        for indicator, (type_, text) in table.items()
    }


METRICS: Mapping[Indicator, Metric] = _metrics()

_AGES = frozenset({Indicator.CHECKPOINT_AGE, Indicator.DASHBOARD_AGE})


def indicators_of(kind: Kind) -> tuple[Indicator, ...]:
    """The indicators that an objective of a kind can be about, in the model's order."""
    return tuple(indicator for indicator in Indicator if kind in _kinds_of(indicator))


def _kinds_of(indicator: Indicator) -> frozenset[Kind]:
    if indicator is Indicator.COUNT_DIFFERENCES:
        return frozenset({Kind.CORRECTNESS})
    if indicator in _AGES:
        return frozenset({Kind.FRESHNESS, Kind.CEILING})
    by_type = {
        MetricType.HISTOGRAM: frozenset({Kind.LATENCY}),
        MetricType.GAUGE: frozenset({Kind.CEILING, Kind.GROWTH}),
        MetricType.COUNTER: frozenset({Kind.CEILING}),
    }
    return by_type[METRICS[indicator].type]


def ceiling_metric(ceiling: Ceiling) -> str:
    """The gauge of a computed ceiling: its name, and the unit of what it bounds."""
    unit = {Ceiling.REDIS_MEMORY: "bytes"}[ceiling]
    return f"{PREFIX}ceiling_{ceiling.value}_{unit}"


def bucket_edges(specification: Specification, indicator: Indicator, usual: tuple[float, ...]) -> tuple[float, ...]:
    """Upper edges for a histogram: the usual ones, and exactly each value that an objective puts on the indicator."""
    values = {each.value for each in _latencies(specification, indicator) if each.value is not None}
    return tuple(sorted({*usual, *values}))


def _latencies(specification: Specification, indicator: Indicator) -> list[Objective]:
    return [each for each in specification.objectives if each.kind is Kind.LATENCY and each.indicator is indicator]
