"""The generator: what it plans, what is acknowledged, and what the pipeline makes of it meanwhile."""

from __future__ import annotations

from dashboards.ops.board import Board, Section
from dashboards.ops.limits import limit_of, quantile
from dashboards.ops.panels import PER_SECOND, RECORDS, SECONDS, SHARE, Figure, Graph, Query
from slo.spec.metrics import PROBE_FAILURES
from slo.spec.model import Indicator, Specification

UID = "adctr-load"
EVENTS = "adctr_load_events_total"


def board(specification: Specification) -> Board:
    """Load runs, what they do to the pipeline, and what watching costs."""
    return Board(
        UID,
        "adctr: load runs and drills",
        "Generators on the stack's machine, by their ledgers; drills by the file of activities.",
        [
            Section("Load", [_active(), _rate(), _failed()]),
            Section("What it does", [_waiting(), _latency(specification)]),
            Section("What watching costs", [_drills(), _probe_cpu(), _probe_failures()]),
        ],
    )


def _active() -> Figure:
    return Figure(
        "Runs that go on", Query("adctr_load_runs_active"), description="Ledgers that are being written.", width=8
    )


def _rate() -> Graph:
    queries = [
        Query("adctr_load_target_events_per_second", "aim"),
        Query(f'rate({EVENTS}{{outcome="acknowledged"}}[$__rate_interval])', "acknowledged"),
    ]
    return Graph("Rate", queries, PER_SECOND, "What generators aim at, and what the broker has acknowledged.")


def _failed() -> Graph:
    expr = f'increase({EVENTS}{{outcome="failed"}}[5m])'
    return Graph("Failed within 5 minutes", [Query(expr, "failed")], RECORDS, "Events that the broker refused.")


def _waiting() -> Graph:
    planned, answered = f'{EVENTS}{{outcome="planned"}}', f'{EVENTS}{{outcome=~"acknowledged|failed"}}'
    expr = f"sum({planned}) - sum({answered})"
    description = (
        "Planned half a second ahead and not yet answered by the broker. It grows where the generator is late."
    )
    return Graph("Events without an answer", [Query(expr, "events")], RECORDS, description, width=12)


def _latency(specification: Specification) -> Graph:
    expr = quantile(Indicator.EVENT_TO_REDIS, "0.99")
    limit = limit_of(specification, Indicator.EVENT_TO_REDIS)
    description = "From when a canary is due until Redis counts it. The line is what is promised."
    return Graph("Canary until counted in Redis, 99 %", [Query(expr, "99 %")], SECONDS, description, limit, 12)


def _drills() -> Graph:
    return Graph("Drills", [Query("adctr_drills_active", "{{drill}}")], RECORDS, "Drills and faults that go on.")


def _probe_cpu() -> Graph:
    expr = "rate(adctr_probe_cpu_seconds_total[$__rate_interval])"
    return Graph("CPU of the probes", [Query(expr, "{{probe}}")], SHARE, "1: one core.")


def _probe_failures() -> Graph:
    queries = [Query(f"increase({PROBE_FAILURES}[5m])", "{{probe}}")]
    return Graph("Looks without an answer", queries, RECORDS, "Within 5 minutes. Its indicators are unknown then.")
