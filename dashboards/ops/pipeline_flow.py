"""The flow of events: rates, lag, backpressure, and late or rejected records."""

from __future__ import annotations

from dashboards.ops.board import Board, Section
from dashboards.ops.limits import limit_of, quantile
from dashboards.ops.panels import PER_SECOND, RECORDS, SECONDS, SHARE, Graph, Query
from slo.spec.metrics import FLINK_JOB, METRICS
from slo.spec.model import Indicator, Specification

UID = "adctr-pipeline"
TASK = "flink_taskmanager_job_task"
OPERATOR = f"{TASK}_operator"
_JOB = f'job="{FLINK_JOB}"'
_SOURCE = f'{_JOB}, operator_name=~"Source.*|ad_events.*"'


def board(specification: Specification) -> Board:
    """Throughput, lag, watermarks, pressure, and records that are not counted."""
    lag = METRICS[Indicator.CONSUMER_LAG].name
    return Board(
        UID,
        "adctr: pipeline",
        "The two Flink jobs: live writes Redis, store writes PostgreSQL, dead letters and late events.",
        [
            Section("Throughput and lag", [_throughput(), _lag(specification, lag), _pending()]),
            Section("Time", [_watermark_delay(), _event_latency(specification), _restarts()]),
            Section("Who waits", [_share_of_time("busy"), _share_of_time("backPressured"), _share_of_time("idle")]),
            Section("Elsewhere", [_letters(), _dropped()]),
        ],
    )


def _throughput() -> Graph:
    rate = f"sum by (job_name) ({OPERATOR}_numRecordsInPerSecond{{{_SOURCE}}})"
    return Graph("Records read", [Query(rate, "{{job_name}}")], PER_SECOND, "By each job's source.")


def _lag(specification: Specification, metric: str) -> Graph:
    return Graph(
        "Consumer lag",
        [Query(metric, "{{job}}")],
        unit=RECORDS,
        description="Committed offsets behind the topic's end; offsets are committed with checkpoints.",
        limit=limit_of(specification, Indicator.CONSUMER_LAG),
    )


def _pending() -> Graph:
    pending = f"sum by (job_name) ({OPERATOR}_pendingRecords{{{_JOB}}})"
    return Graph(
        "Records not yet read",
        [Query(pending, "{{job_name}}")],
        unit=RECORDS,
        description="Behind the source itself, without the wait for a checkpoint.",
    )


def _watermark_delay() -> Graph:
    # Before the first event a watermark is the smallest 64-bit number.
    oldest = f"min by (job_name) ({OPERATOR}_currentOutputWatermark{{{_SOURCE}}} > 0)"
    return Graph(
        "Watermark delay",
        [Query(f"time() - {oldest} / 1000", "{{job_name}}")],
        unit=SECONDS,
        description="How far the watermark is behind the clock; 5 s of it are the allowed disorder.",
    )


def _event_latency(specification: Specification) -> Graph:
    queries = [
        Query(quantile(indicator, "0.99"), name)
        for indicator, name in ((Indicator.EVENT_TO_REDIS, "Redis"), (Indicator.EVENT_TO_POSTGRES, "PostgreSQL"))
    ]
    limit = limit_of(specification, Indicator.EVENT_TO_REDIS)
    return Graph("Event until counted, 99 %", queries, unit=SECONDS, limit=limit, description="The line is Redis's.")


def _restarts() -> Graph:
    queries = [Query(f"flink_jobmanager_job_numRestarts{{{_JOB}}}", "{{job_name}}")]
    return Graph("Restarts", queries, RECORDS, "Since the job was submitted; each reads again from its checkpoint.")


_SHARES = {
    "busy": "Of the busiest subtask. At 1 it can take no more.",
    "backPressured": "Time in which a subtask waits for the next one to take its records.",
    "idle": "Time in which a subtask has nothing to do.",
}


def _share_of_time(what: str) -> Graph:
    titles = {"busy": "Busy time", "backPressured": "Backpressure", "idle": "Idle time"}
    expr = f"max by (job_name, task_name) ({TASK}_{what}TimeMsPerSecond{{{_JOB}}}) / 1000"
    return Graph(titles[what], [Query(expr, "{{job_name}} {{task_name}}")], SHARE, _SHARES[what])


def _letters() -> Graph:
    queries = [
        Query(
            f'sum(rate({OPERATOR}_numRecordsIn{{{_JOB}, operator_name=~".*{table}.*[Ww]riter.*"}}[$__rate_interval]))',
            name,
        )
        for table, name in (("dead_letters", "dead-lettered"), ("late_events", "late"))
    ]
    return Graph("Late and dead-lettered", queries, PER_SECOND, "Records that no window counts.", width=12)


def _dropped() -> Graph:
    expr = f"sum by (job_name) ({OPERATOR}_numLateRecordsDropped{{{_JOB}}})"
    return Graph(
        "Dropped by a window",
        [Query(expr, "{{job_name}}")],
        unit=RECORDS,
        description="Must be 0: late is decided before the windows, by the record alone.",
        width=12,
    )
