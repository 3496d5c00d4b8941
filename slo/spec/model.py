"""Objectives, in OpenSLO v1's words wherever it has them.

An *indicator* is a stream of samples (a latency per event, a gauge per poll); an *objective* says what of it is good,
how much of it must be, and when there is enough to judge. Durations are seconds here; the file writes ``60s``, ``5m``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

INDEPENDENT_SECONDS = 1.0
"""After so long two samples count as independent, unless the file says otherwise or the data show longer bursts."""


class Kind(StrEnum):
    """How an objective is judged."""

    LATENCY = "latency"
    """At least ``target`` of all samples are good (``op`` ``value``): one sample per event, read or window."""
    FRESHNESS = "freshness"
    """At least ``target`` of all polls find an age that is good (``op`` ``value``)."""
    CEILING = "ceiling"
    """No poll finds more than ``value``, or than the ceiling that the run computes under the name ``computed``."""
    GROWTH = "growth"
    """After warm-up the robust slope is at most ``value`` per hour."""
    CORRECTNESS = "correctness"
    """No difference at all between the topic and the stores."""


class Operator(StrEnum):
    """OpenSLO's ``op``: the side of ``value`` on which a sample is good."""

    LT = "lt"
    LTE = "lte"


class BudgetingMethod(StrEnum):
    """OpenSLO's ``budgetingMethod``: what the error budget counts."""

    OCCURRENCES = "Occurrences"
    TIMESLICES = "Timeslices"


class Indicator(StrEnum):
    """Everything that a probe measures. The unit is the name's last word, as in Prometheus."""

    EVENT_TO_REDIS = "event_to_redis_seconds"
    EVENT_TO_POSTGRES = "event_to_postgres_seconds"
    WINDOW_CLOSE = "window_close_lateness_seconds"
    CACHE_READ = "cache_read_seconds"
    CACHE_READ_BARE = "cache_read_bare_seconds"
    CHECKPOINT_SIZE = "checkpoint_size_bytes"
    CHECKPOINT_DURATION = "checkpoint_duration_seconds"
    CHECKPOINT_AGE = "checkpoint_age_seconds"
    STATE_STORAGE = "state_storage_bytes"
    REDIS_MEMORY = "redis_memory_bytes"
    REDIS_KEYS = "redis_keys"
    REDIS_KEYS_WITHOUT_TTL = "redis_keys_without_ttl"
    REDIS_EVICTIONS = "redis_evicted_keys"
    CONSUMER_LAG = "consumer_lag_records"
    POSTGRES_BLOAT = "postgres_bloat_bytes"
    PROCESS_MEMORY = "process_memory_bytes"
    PROCESS_FILE_HANDLES = "process_file_handles"
    PROCESS_THREADS = "process_threads"
    DASHBOARD_AGE = "dashboard_age_seconds"
    COUNT_DIFFERENCES = "count_differences"
    BENCHMARK_ROUND = "benchmark_round_seconds"
    """One call under pytest-benchmark; only `slo.pytest_plugin` has samples of it."""


class Ceiling(StrEnum):
    """Ceilings that follow from the settings and the live keys instead of standing in the file."""

    REDIS_MEMORY = "redis_memory"


@dataclass(frozen=True)
class TimeWindow:
    """OpenSLO's rolling ``timeWindow``: over which the error budget is spent in production."""

    duration_seconds: float


@dataclass(frozen=True)
class Minimum:
    """Less than this is not judged (duration) or inconclusive (samples)."""

    duration_seconds: float
    samples: int


@dataclass(frozen=True)
class Objective:
    """One objective. Exactly one of ``value`` and ``computed`` is given.

    ``value`` is in the indicator's unit (for growth: per hour); ``target`` is a share, 1.0 where nothing may be bad;
    ``warm_up_seconds`` are left out before growth is judged. ``runbook`` is a path in the docs. ``subject`` narrows it
    to the samples of one job, process or table; a file can't say so, a soak makes one objective of each.
    ``independent_seconds``: samples of a latency or freshness that are further apart count as independent.
    """

    name: str
    display_name: str
    kind: Kind
    indicator: Indicator
    op: Operator
    value: float | None
    computed: Ceiling | None
    target: float
    budgeting_method: BudgetingMethod
    minimum: Minimum
    warm_up_seconds: float
    why: str
    when_broken: str
    runbook: str
    subject: str = ""
    independent_seconds: float = INDEPENDENT_SECONDS


@dataclass(frozen=True)
class Specification:
    """A whole file."""

    service: str
    time_window: TimeWindow
    objectives: Sequence[Objective]

    def only(self, names: Collection[str]) -> Specification:
        """The same with the objectives of these names alone."""
        return replace(self, objectives=[each for each in self.objectives if each.name in names])

    def objective(self, name: str) -> Objective:
        """The objective of a name. Raises KeyError."""
        for each in self.objectives:
            if each.name == name:
                return each
        raise KeyError(name)
