"""Checkpoints: size, duration, age, failures; and the memory of those who write them."""

from __future__ import annotations

from dashboards.ops.board import Board, Section
from dashboards.ops.limits import limit_of, quantile
from dashboards.ops.panels import BYTES, MILLISECONDS, RECORDS, SECONDS, SHARE, Graph, Query
from slo.spec.metrics import FLINK_JOB, METRICS
from slo.spec.model import Indicator, Kind, Specification

UID = "adctr-state"
JOB = "flink_jobmanager_job"
JVM = "flink_taskmanager_Status_JVM"
_OURS = f'{{job="{FLINK_JOB}"}}'
_PROMISED = "Of complete checkpoints, by job. The line is what is promised."


def board(specification: Specification) -> Board:
    """Checkpoints and memory."""
    return Board(
        UID,
        "adctr: state",
        "What the jobs remember, how it gets to disk, and what it costs.",
        [
            Section("Checkpoints", [_size(specification), _duration(specification), _age(specification)]),
            Section("Whether they work", [_failures(), _completed(), _last_duration()]),
            Section("TaskManagers", [_heap(), _garbage(), _cpu()]),
        ],
    )


def _size(specification: Specification) -> Graph:
    metric = METRICS[Indicator.CHECKPOINT_SIZE]
    limit = limit_of(specification, Indicator.CHECKPOINT_SIZE, Kind.CEILING)
    return Graph("Size of the newest", [Query(metric.name, "{{job}}")], BYTES, _PROMISED, limit)


def _duration(specification: Specification) -> Graph:
    expr = quantile(Indicator.CHECKPOINT_DURATION, "0.95", "le, job")
    limit = limit_of(specification, Indicator.CHECKPOINT_DURATION)
    return Graph("Duration, 95 %", [Query(expr, "{{job}}")], SECONDS, _PROMISED, limit)


def _age(specification: Specification) -> Graph:
    metric = METRICS[Indicator.CHECKPOINT_AGE]
    limit = limit_of(specification, Indicator.CHECKPOINT_AGE)
    return Graph("Age of the newest", [Query(metric.name, "{{job}}")], SECONDS, _PROMISED, limit)


def _failures() -> Graph:
    queries = [Query(f"{JOB}_numberOfFailedCheckpoints{_OURS}", "{{job_name}}")]
    return Graph("Failed since the job's start", queries, RECORDS, "Checkpoints that failed or expired.")


def _completed() -> Graph:
    # Flink's counters come as gauges that begin again at 0 with the job: delta would go below, so growth per interval.
    expr = f"clamp_min(deriv({JOB}_numberOfCompletedCheckpoints{_OURS}[1m]), 0)"
    return Graph("Completed per second", [Query(expr, "{{job_name}}")], "ops", "One every few seconds, by the setting.")


def _last_duration() -> Graph:
    queries = [Query(f"{JOB}_lastCheckpointDuration{_OURS}", "{{job_name}}")]
    return Graph("Last duration by Flink", queries, MILLISECONDS, "As the JobManager measures it, end to end.")


def _heap() -> Graph:
    queries = [
        Query(f"{JVM}_Memory_Heap_Used{_OURS}", "used {{tm_id}}"),
        Query(f"{JVM}_Memory_Heap_Max{_OURS}", "limit {{tm_id}}"),
    ]
    return Graph("Heap", queries, BYTES, "Used by each TaskManager's JVM, against its limit.")


def _garbage() -> Graph:
    expr = f"sum by (tm_id) (deriv({JVM}_GarbageCollector_All_Time{_OURS}[1m]))"
    return Graph("Garbage collection", [Query(expr, "{{tm_id}}")], unit=MILLISECONDS, description="ms per second")


def _cpu() -> Graph:
    return Graph("CPU of the process", [Query(f"{JVM}_CPU_Load{_OURS}", "{{tm_id}}")], SHARE, "Of all cores.")
