"""Tables of benchmarks, as rows of text; the first row is the heading."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from slo.report.figures import NOTHING, figure

Document = Mapping[str, Any]
Rows = list[list[str]]
PEER_LATENCIES = ("p50", "p99", "max")


def capacity_rows(document: Document) -> Rows:
    """One row per trial."""
    rows = [
        ["events/s", "for", "seconds", "outcome", "Redis p50", "p99", "p99.9", "max", "PostgreSQL p99", "lag", "why"],
    ]
    for trial in document["trials"]:
        redis, postgres = trial["event_to_redis"] or {}, trial["event_to_postgres"] or {}
        latencies = [figure(redis.get(name), "seconds") for name in ("p50", "p99", "p999", "max")]
        slope = trial["lag_slope"]
        rows.append(
            [
                f"{trial['rate']:,.0f}",
                trial["phase"],
                f"{trial['seconds']:,.0f}",
                trial["outcome"],
                *latencies,
                figure(postgres.get("p99"), "seconds"),
                NOTHING if slope is None else f"{slope:+,.0f}/s",
                trial["reason"],
            ]
        )
    return rows


def cost_rows(points: Sequence[Document], *varied: str) -> Rows:
    """One row per point, after what was varied; CPU seconds per million events by process."""
    names = list(points[0]["cpu_seconds_per_million"])
    rows = [
        [
            *varied,
            *names,
            "sum without generator",
            "memory",
            "checkpoint",
            "Redis",
            "cells",
            "Redis p99",
            "PostgreSQL p99",
            "exact",
        ]
    ]
    for point in points:
        cpu = point["cpu_seconds_per_million"]
        total = sum(used for name, used in cpu.items() if name != "generator")
        memory = sum(size for name, size in point["memory_bytes"].items() if name != "generator")
        rows.append(
            [
                *(f"{point[each]:,.0f}" for each in varied),
                *(f"{cpu[name]:.2f}" for name in names),
                f"{total:.2f}",
                figure(memory, "bytes"),
                figure(point["checkpoint_bytes"], "bytes"),
                figure(point["redis_bytes"], "bytes"),
                f"{point['live_cells']:,}",
                figure(point["event_to_redis_p99_seconds"], "seconds"),
                figure(point["event_to_postgres_p99_seconds"], "seconds"),
                "yes" if point["differences"] == 0 else f"{point['differences']:,} wrong",
            ]
        )
    return rows


def cache_read_rows(document: Document) -> Rows:
    """One row per kind of question, after all of them together."""
    rows = [["reads", "samples", "API p50", "bare p50", "API p99", "bare p99", "p99 over bare"]]
    for row in document["reads"]:
        latencies = [figure(row[f"{way}_{name}"], "seconds") for name in ("p50", "p99") for way in ("api", "bare")]
        ratio = row["api_p99"] / row["bare_p99"] if row["bare_p99"] else None
        over = NOTHING if ratio is None else f"× {ratio:.2f}"
        rows.append([row["kind"].replace("_", " "), f"{row['samples']:,}", *latencies, over])
    return rows


def peer_rows(document: Document) -> Rows:
    """One row per contender: medians with lowest to highest, each against adctr, and latencies at the common rate."""
    rows = [
        [
            "contender",
            "events",
            "events/s",
            "events per CPU-second",
            "peak memory",
            "adctr against it",
            *(f"{latency_heading(document)} {name}" for name in PEER_LATENCIES),
        ]
    ]
    for name in document["contenders"]:
        runs = [run for run in document["runs"] if run["contender"] == name]
        ratio = document["ratios"].get(name)
        rows.append(
            [
                name,
                f"{document.get('events_by_contender', {}).get(name, document['events']):,}",
                _spread([run["events_per_second"] for run in runs]),
                _spread([run["events_per_cpu_second"] for run in runs]),
                figure(max(run["peak_memory_bytes"] for run in runs), "bytes") if runs else NOTHING,
                NOTHING if ratio is None else f"× {ratio:.2f}",
                *_latencies(peer_loads(document, name)),
            ]
        )
    return rows


def latency_heading(document: Document) -> str:
    """``at 5,000/s``, or less where nothing was measured."""
    latency = document.get("latency")
    return "event → Redis" + (f" at {latency['rate']:,.0f}/s" if latency else "")


def peer_loads(document: Document, name: str) -> list[Document]:
    """The loads of a contender; none in a document that is older than they are."""
    latency = document.get("latency") or {"runs": []}
    return [run for run in latency["runs"] if run["contender"] == name]


def _latencies(loads: Sequence[Document]) -> list[str]:
    """Of one that fell behind the figures are of how long it was asked, so they are marked as such."""
    behind = sum(not run["kept_up"] for run in loads)
    mark = f" (fell behind in {behind} of {len(loads)})" if behind else ""
    cells = [_median_latency([run[name] for run in loads]) for name in PEER_LATENCIES]
    return [f"{cells[0]}{mark}", *cells[1:]]


def _median_latency(values: Sequence[float | None]) -> str:
    """Medians of percentiles; a percentile that falls among events that were never seen is above all others."""
    seen = [value for value in values if value is not None]
    if not seen or len(seen) < len(values):
        return NOTHING
    if len(seen) == 1:
        return figure(seen[0], "seconds")
    middle, low, high = (figure(value, "seconds") for value in (statistics.median(seen), min(seen), max(seen)))
    return f"{middle} ({low} – {high})"


def peer_load_rows(document: Document) -> Rows:
    """One row per load, in the order in which they ran."""
    rows = [["load", "contender", "p50", "p99", "p99.9", "max", "never seen", "send delay p99", "kept up", "exact"]]
    for number, run in enumerate(document["latency"]["runs"], 1):
        wrong = run["differences"]
        rows.append(
            [
                str(number),
                run["contender"],
                *(figure(run[name], "seconds") for name in ("p50", "p99", "p999", "max")),
                f"{run['unseen']:,}",
                figure(run["send_delay_p99_seconds"], "seconds"),
                "yes" if run["kept_up"] else f"no: {run['behind']}",
                NOTHING if wrong is None else "yes" if wrong == 0 else f"{wrong:,} wrong",
            ]
        )
    return rows


def peer_runs_rows(document: Document) -> Rows:
    """One row per measured drain, in the order in which they ran."""
    rows = [["run", "contender", "events/s", "events per CPU-second", "peak memory", "exact"]]
    for number, run in enumerate(document["runs"], 1):
        rows.append(
            [
                str(number),
                run["contender"],
                f"{run['events_per_second']:,.0f}",
                f"{run['events_per_cpu_second']:,.0f}",
                figure(run["peak_memory_bytes"], "bytes"),
                "yes" if run["differences"] == 0 else f"{run['differences']:,} wrong",
            ]
        )
    return rows


def _spread(values: Sequence[float]) -> str:
    if not values:
        return NOTHING
    return f"{statistics.median(values):,.0f} ({min(values):,.0f} – {max(values):,.0f})"
