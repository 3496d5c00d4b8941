"""Every drill. The answers were fixed before the drills were run: one that is not caught is a bug of the verdict."""

from __future__ import annotations

import math
from functools import partial

from slo.disturbances import action, injections, sabotage
from slo.drills.drill import Changes, Drill, ExpectedReading
from slo.spec.model import Indicator

# What both jobs' sinks standing still does besides: checkpoints wait for them.
_CHECKPOINTS = frozenset({"checkpoint_duration", "checkpoint_age"})
_LATENCIES = frozenset({"event_to_redis", "event_to_postgres"})
_FEW_READS: Changes = {"cache_read": {"minimum.duration_seconds": 30.0, "minimum.samples": 300}}
"""Reads are judged by a check of 220 s. A drill is shorter, and what it wants to see needs no more."""
_FEWER_READS: Changes = {"cache_read": {"minimum.duration_seconds": 30.0, "minimum.samples": 100, "target": 0.9}}
"""So few that those before the probe died would do: only that it died keeps them from a pass."""
_GROWTH_IN_A_MINUTE = {
    "value": 200e6,
    "minimum.duration_seconds": 45.0,
    "minimum.samples": 8,
    "warm_up_seconds": 10.0,
}

DRILLS: tuple[Drill, ...] = (
    Drill(
        "redis_writes_delayed",
        "Everything that the live job sends to Redis takes 1.5 s to get there.",
        sabotage.redis_writes_delayed,
        must_fail=frozenset({"event_to_redis"}),
        may_fail=_CHECKPOINTS | {"window_close"},
        reading=ExpectedReading(Indicator.EVENT_TO_REDIS, 1.5, 30.0),
        links=("redis",),
        takes=frozenset({action.link_to("redis")}),
        drawn=True,
    ),
    Drill(
        "pipeline_frozen",
        "Both TaskManagers stand still for 5 s; a generator that waited for them would hide it.",
        partial(sabotage.processes_frozen, services=sabotage.TASK_MANAGERS),
        must_fail=frozenset({"event_to_redis"}),
        may_fail=_CHECKPOINTS | {"event_to_postgres", "window_close"},
        reading=ExpectedReading(Indicator.EVENT_TO_REDIS, 4.8, 8.0),
        lasts_seconds=5.0,
        takes=action.TASK_MANAGERS,
        drawn=True,
    ),
    Drill(
        "partition_frozen",
        "One partition of four gives nothing for 5 s; it must read as 5 s, not as an average.",
        partial(sabotage.partition_frozen, seconds=5.0),
        must_fail=frozenset({"event_to_redis"}),
        may_fail=_CHECKPOINTS | {"event_to_postgres", "window_close"},
        reading=ExpectedReading(Indicator.EVENT_TO_REDIS, 4.8, 7.0),
        needs=frozenset({action.KAFKA, action.REGISTRY}),
        drawn=True,
    ),
    Drill(
        "event_lost",
        "One of the events in raw_events is gone.",
        sabotage.one_event_lost,
        must_fail=frozenset({"counts_exact"}),
        must_be_inconclusive=_LATENCIES,
        lasts_seconds=math.inf,
    ),
    Drill(
        "event_doubled",
        "One of the events in raw_events stands there twice.",
        sabotage.one_event_doubled,
        must_fail=frozenset({"counts_exact"}),
        must_be_inconclusive=_LATENCIES,
        lasts_seconds=math.inf,
    ),
    Drill(
        "cache_reads_slow",
        "Once a second Redis answers nobody for 150 ms.",
        sabotage.cache_reads_slow,
        must_fail=frozenset({"cache_read"}),
        changes=_FEW_READS,
        takes=frozenset({action.REDIS}),
        drawn=True,
    ),
    Drill(
        "ttl_removed",
        "No window in Redis expires any more.",
        sabotage.ttl_removed,
        must_fail=frozenset({"redis_keys_without_ttl"}),
    ),
    Drill(
        "probe_dead",
        "The probe of cache reads dies in the middle of the check.",
        partial(sabotage.probe_dead, name="cache_reads"),
        must_be_inconclusive=frozenset({"cache_read"}),
        changes=_FEWER_READS,
    ),
    Drill(
        "event_poller_dead",
        "Nobody looks for events in Redis any more from the middle of the check on; they are not late, nobody looked.",
        sabotage.event_poller_dead,
        must_be_inconclusive=frozenset({"event_to_redis"}),
    ),
    Drill(
        "too_few_samples",
        "One event a second says nothing about a hundredth of them.",
        sabotage.nothing,
        must_be_inconclusive=_LATENCIES,
        rate=1.0,
    ),
    Drill(
        "clock_steps",
        "The clock of the check jumps ahead by 3 s: latencies measured by it mean nothing.",
        partial(sabotage.clock_stepped, seconds=3.0),
        must_be_inconclusive=_LATENCIES,
    ),
    Drill(
        "clock_steps_back",
        "The clock of the check falls back by 3 s: what was late looks punctual.",
        partial(sabotage.clock_stepped, seconds=-3.0),
        must_be_inconclusive=_LATENCIES,
    ),
    Drill(
        "generator_late",
        "The generator stands still for 4 s: its events are late, and nobody knows what the pipeline would have done.",
        partial(sabotage.processes_frozen, services=("load",)),
        must_be_inconclusive=frozenset({"event_to_redis"}),
        may_be_inconclusive=frozenset({"event_to_postgres"}),
        lasts_seconds=4.0,
    ),
    Drill(
        "postgres_stalled",
        "Nobody may write to PostgreSQL's tables for 15 s; Redis must not notice.",
        sabotage.postgres_stalled,
        must_fail=frozenset({"event_to_postgres"}),
        may_fail=_CHECKPOINTS | {"consumer_lag"},
        # The store job completes no checkpoint meanwhile: of its size nobody knows.
        may_be_inconclusive=frozenset({"checkpoint_size"}),
        lasts_seconds=15.0,
        takes=frozenset({action.POSTGRES}),
        drawn=True,
    ),
    Drill(
        "dashboard_frozen",
        "The dashboard's process stands still for 20 s; its viewers see old figures.",
        partial(sabotage.processes_frozen, services=("dashboard",)),
        must_fail=frozenset({"dashboard_refresh"}),
        reading=ExpectedReading(Indicator.DASHBOARD_AGE, 15.0, 34.0),
        lasts_seconds=20.0,
        seconds=45.0,
        changes={"dashboard_refresh": {"minimum.duration_seconds": 40.0, "minimum.samples": 150}},
    ),
    Drill(
        "windows_late",
        "Everything that the live job sends to Redis takes 1.5 s to get there, the last values of a window too.",
        sabotage.redis_writes_delayed,
        must_fail=frozenset({"event_to_redis", "window_close"}),
        may_fail=_CHECKPOINTS,
        begin_seconds=1.0,
        lasts_seconds=71.0,
        seconds=74.0,
        changes={"window_close": {"minimum.duration_seconds": 60.0, "minimum.samples": 1}},
    ),
    Drill(
        "checkpoints_slow",
        "Nobody may write to PostgreSQL's tables for 15 s: a checkpoint of the store job waits for it.",
        sabotage.postgres_stalled,
        must_fail=frozenset({"checkpoint_duration", "event_to_postgres"}),
        may_fail=frozenset({"checkpoint_age", "consumer_lag"}),
        may_be_inconclusive=frozenset({"checkpoint_size"}),
        lasts_seconds=15.0,
        changes={"checkpoint_duration": {"minimum.duration_seconds": 30.0, "minimum.samples": 2}},
    ),
    Drill(
        "checkpoints_failed",
        "Flink's processes can write to no file for 22 s, as on a full disk.",
        injections.checkpoints_full,
        must_fail=frozenset({"checkpoint_age"}),
        may_fail=frozenset({"checkpoint_duration", "consumer_lag", "event_to_postgres"}),
        may_be_inconclusive=frozenset({"checkpoint_size"}),
        lasts_seconds=22.0,
        changes={"checkpoint_age": {"value": 12.0, "minimum.duration_seconds": 30.0, "minimum.samples": 60}},
    ),
    Drill(
        "jobs_behind",
        "Both TaskManagers stand still for 15 s, and the records are still to be read.",
        partial(sabotage.processes_frozen, services=sabotage.TASK_MANAGERS),
        must_fail=frozenset({"consumer_lag", "event_to_redis"}),
        may_fail=_CHECKPOINTS | {"event_to_postgres", "window_close"},
        may_be_inconclusive=frozenset({"checkpoint_size"}),
        lasts_seconds=15.0,
        changes={"consumer_lag": {"value": 80_000.0}},
    ),
    Drill(
        "redis_full",
        "10 MB of keys that are no windows.",
        partial(sabotage.redis_filled, megabytes_per_second=5.0, most_megabytes=10.0),
        must_fail=frozenset({"redis_memory"}),
    ),
    Drill(
        "redis_evicts",
        "Redis may use 2 MB more than it does, and evicts what expires first.",
        sabotage.redis_evicting,
        must_fail=frozenset({"redis_evictions"}),
        may_fail=frozenset({"redis_memory"}),
    ),
    Drill(
        "redis_leak",
        "200 kB a second of keys that are no windows.",
        partial(sabotage.redis_filled, megabytes_per_second=0.2, most_megabytes=20.0),
        must_fail=frozenset({"redis_memory_growth"}),
        may_fail=frozenset({"redis_memory"}),
        begin_seconds=1.0,
        lasts_seconds=59.0,
        seconds=60.0,
        changes={"redis_memory_growth": _GROWTH_IN_A_MINUTE},
    ),
    # The last ones: their campaigns stay for as long as their windows, and every other drill would carry them along.
    Drill(
        "checkpoints_large",
        "1,500 campaigns a second that nobody has seen before: a checkpoint of more than 1 MB.",
        sabotage.state_leak,
        must_fail=frozenset({"checkpoint_size"}),
        may_fail=_LATENCIES | {"checkpoint_duration"},
        begin_seconds=1.0,
        lasts_seconds=29.0,
        changes={"checkpoint_size": {"value": 1e6}},
    ),
    Drill(
        "state_leak",
        "1,500 campaigns a second that nobody has seen before.",
        sabotage.state_leak,
        must_fail=frozenset({"checkpoint_size_growth"}),
        may_fail=_LATENCIES | {"redis_memory_growth", "checkpoint_size", "checkpoint_duration"},
        begin_seconds=1.0,
        lasts_seconds=59.0,
        seconds=60.0,
        changes={"checkpoint_size_growth": _GROWTH_IN_A_MINUTE},
    ),
)


def find_drill(name: str) -> Drill:
    """A drill by name. Raises KeyError with those that exist."""
    for drill in DRILLS:
        if drill.name == name:
            return drill
    raise KeyError(f"drill {name!r}: known are {', '.join(each.name for each in DRILLS)}")
