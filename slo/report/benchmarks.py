"""Benchmarks' JSON as a page: what was measured, on what, how far it spreads, and what each figure leaves out.

A document is what ``adctr bench capacity|cost|cache-reads|peers --format json`` printed. Documents of one benchmark
that were taken in pieces are shown together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from slo.report.benchmark_tables import (
    cache_read_rows,
    capacity_rows,
    cost_rows,
    peer_load_rows,
    peer_rows,
    peer_runs_rows,
)
from slo.report.curves import curve_plot
from slo.report.plots import Plot

Document = Mapping[str, Any]
Rows = Sequence[Sequence[str]]


class UnknownBenchmark(ValueError):
    """A document is not one of a benchmark that can be shown; the message says what it is instead."""


@dataclass(frozen=True)
class Table:
    """Rows of cells; the first row is the heading."""

    title: str
    rows: Rows


@dataclass(frozen=True)
class Chapter:
    """One benchmark: a sentence or two before its tables, and what its figures leave out."""

    title: str
    machine: str
    text: Sequence[str]
    tables: Sequence[Table]
    left_out: str
    plots: Sequence[Plot] = field(default_factory=tuple)


CAPACITY_LEAVES_OUT = (
    "Trials are as long as the table says: objectives that need longer (window close, growth, checkpoint age; "
    "cache reads below 220 s) are not judged in them. The generator, the probes and the stack share the cores. "
    "Latencies include the time between two polls (50 ms for Redis, 250 ms for PostgreSQL)."
)
COST_LEAVES_OUT = (
    "CPU seconds include what a stack does without events (checkpoints, canaries, timers); at a low rate that is "
    "most of it. A short run fills one or two windows of each size, so memory and checkpoints are those of the "
    "first minutes, not of half an hour, when Redis is full. Memory is proportional set size: pages that "
    "processes share are counted once. Registry, keepers and probes are not counted."
)
CACHE_READS_LEAVE_OUT = (
    "One reader, on the machine that also runs the load, and Redis over loopback: what a network adds comes on top of "
    "both. The bare client fetches the same keys in one pipeline and drops the reply; the API reads them in a "
    "transaction, with the mark that says whether Redis is complete, and adds them up. The kinds are mixed as a "
    "dashboard asks (top campaigns once in 80 reads)."
)
PEERS_LEAVE_OUT = (
    "Only adctr takes checkpoints that it recovers from, and only it and the loop sort out late and invalid records; "
    "the topics hold none. Quix Streams and PyFlink write the cells of both window sizes and spare themselves the "
    "totals by category that adctr and the loop write. Quix's sink writes when it commits, so it commits every 0.2 s "
    "instead of every 5 s, which costs it throughput. PyFlink counts in a keyed function with timers instead of "
    "window operators, and what waits 0.2 s to be written is not in its state, both to its advantage; it decodes the "
    "fields of an event in Python, as the loop and Quix do, while adctr does it in the JVM. Of a contender with fewer "
    "events each drain is shorter, so what a JVM gains by running longer is not seen: PyFlink's is new in every drain "
    "and every load, and adctr's has one drain before, not counted, that warms it up. Time runs from the first count "
    "seen in Redis to the last, so start-up is nobody's. CPU and memory are those of the contender's processes, "
    "PyFlink's JVM and Python workers included, broker and Redis left out. The loop and Quix Streams are one process "
    "each and could be started several times; adctr and PyFlink have a parallelism of one. Latencies include the time "
    "between two polls of Redis (50 ms); the generator shares the cores, and those of a contender that fell behind "
    "grow for as long as it is loaded."
)


def sections(documents: Sequence[Document]) -> list[Chapter]:
    """One section per benchmark, in a fixed order. Raises UnknownBenchmark."""
    for document in documents:
        if document.get("benchmark") not in _BUILDERS:
            raise UnknownBenchmark(f"benchmark {document.get('benchmark')!r}: known are {', '.join(_BUILDERS)}")
    found = []
    for name, build in _BUILDERS.items():
        of_kind = [each for each in documents if each["benchmark"] == name]
        if of_kind:
            found.append(build(of_kind))
    return found


def _capacity(documents: Sequence[Document]) -> Chapter:
    text, tables, plots = [], [], []
    for document in documents:
        rate = document["capacity_events_per_second"]
        found = "No rate of the range held" if rate is None else f"Capacity: **{rate:,.0f} events/s**"
        text.append(
            f"{found}, limited by {document['limited_by']}; steps of {document['resolution']:,.0f} events/s, "
            f"{document['differences']:,} differences in all counts of all trials. Verdict: {document['verdict']}."
        )
        tables.append(Table("Every trial, in order", capacity_rows(document)))
        points = document["curve"]
        lines = {
            name: [(point["rate"], point[key]) for point in points]
            for name, key in (("Redis p50", "p50"), ("Redis p99", "p99"), ("PostgreSQL p99", "postgres_p99"))
        }
        if any(y is not None for line in lines.values() for _, y in line):
            plots.append(curve_plot("Latency of every event against rate", "events/s", "seconds", lines, limit=1.0))
    return Chapter("Capacity", _machines(documents), text, tables, CAPACITY_LEAVES_OUT, plots)


def _cost(documents: Sequence[Document]) -> Chapter:
    points = [point for document in documents for point in document["points"]]
    tables, plots = [], []
    for title, key, logarithmic in (
        ("By rate (events/s)", "rate", False),
        ("By number of campaigns", "campaigns", True),
        ("By parallelism", "parallelism", False),
    ):
        chosen = _varied(points, key)
        if len({point[key] for point in chosen}) > 1:
            tables.append(Table(title, cost_rows(chosen, key)))
            plots += _cost_plots(chosen, key, title.lower(), logarithmic=logarithmic)
    if not tables:
        tables.append(Table("Points", cost_rows(points, "rate")))
    wrong = sum(point["differences"] for point in points)
    text = [f"{len(points)} points, each on a new stack; {wrong:,} differences in all their counts."]
    return Chapter("What it costs", _machines(documents), text, tables, COST_LEAVES_OUT, plots)


def _varied(points: Sequence[Document], key: str) -> list[Document]:
    """The points that differ in this alone from the ones that most share the rest, in its order."""
    others = [each for each in ("rate", "campaigns", "parallelism") if each != key]
    groups: dict[tuple[Any, ...], list[Document]] = {}
    for point in points:
        groups.setdefault(tuple(point[each] for each in others), []).append(point)
    largest = max(groups.values(), key=lambda group: len({point[key] for point in group}))
    return sorted(largest, key=lambda point: float(point[key]))


def _cost_plots(points: Sequence[Document], key: str, title: str, *, logarithmic: bool) -> list[Plot]:
    at = [float(point[key]) for point in points]
    used = [point["cpu_seconds_per_million"] for point in points]
    cpu = {name: list(zip(at, (each[name] for each in used), strict=True)) for name in used[0] if name != "generator"}
    memory = {
        name: list(zip(at, (point[figure] for point in points), strict=True))
        for name, figure in (("checkpoint, larger job", "checkpoint_bytes"), ("Redis", "redis_bytes"))
    }
    return [
        curve_plot(f"CPU seconds per million events {title}", key, "count", cpu, logarithmic=logarithmic),
        curve_plot(f"Checkpoint and Redis memory {title}", key, "bytes", memory, logarithmic=logarithmic),
    ]


def _cache_reads(documents: Sequence[Document]) -> Chapter:
    text, tables, plots = [], [], []
    for document in documents:
        judged = next(each for each in document["objectives"] if each["name"] == "cache_read_p99_over_bare")
        low, high = judged["interval"] or (None, None)
        between = f" (95 % interval {low:.2f} to {high:.2f})" if low is not None else ""
        value = "unknown" if judged["value"] is None else f"{judged['value']:.2f}"
        text.append(
            f"Beside {document['rate_achieved']:,.0f} events/s; p99 through the API is {value} times the bare one"
            f"{between}, {judged['objective']:g} is allowed. Verdict: {document['verdict']}."
        )
        tables.append(Table("Both ways, interleaved", cache_read_rows(document)))
        lines = {
            name: [(point["one_in"], point[way]) for point in document.get("curve", ())]
            for name, way in (("read API", "api"), ("bare client", "bare"))
        }
        if document.get("curve"):
            title = "What the slowest reads take: one read in so many takes this long or longer"
            plots.append(curve_plot(title, "one read in", "seconds", lines, logarithmic=True))
    return Chapter("Reads through the cache", _machines(documents), text, tables, CACHE_READS_LEAVE_OUT, plots)


def _peers(documents: Sequence[Document]) -> Chapter:
    text, tables, plots = [], [], []
    for document in documents:
        text.append(
            f"{document['events']:,} events preloaded, drained into Redis by each contender in turn. "
            f"Verdict: {document['verdict']}."
        )
        tables.append(Table("Medians, and lowest to highest of the runs", peer_rows(document)))
        tables.append(Table("All runs", peer_runs_rows(document)))
        drained = _by_contender(document["runs"], "events_per_second")
        plots.append(curve_plot("Events/s drained, run by run", "run", "count", drained))
        latency = document.get("latency")
        if latency:
            text.append(
                f"Then each in turn got {latency['rate']:,.0f} events/s in open loop: {latency['warm_up_seconds']:g} s "
                f"to warm up, then {latency['seconds']:g} s whose every event was timed from its intended send time."
            )
            tables.append(Table("All loads", peer_load_rows(document)))
            slowest = _by_contender(latency["runs"], "p99")
            if any(y is not None for line in slowest.values() for _, y in line):
                title = f"p99 of every event at {latency['rate']:,.0f} events/s, load by load"
                plots.append(curve_plot(title, "load", "seconds", slowest))
    return Chapter("Beside other ways to do the same job", _machines(documents), text, tables, PEERS_LEAVE_OUT, plots)


def _by_contender(runs: Sequence[Document], figure: str) -> dict[str, list[tuple[float, float | None]]]:
    """A figure of each contender's runs by their number, from 1."""
    lines: dict[str, list[tuple[float, float | None]]] = {}
    for run in runs:
        line = lines.setdefault(run["contender"], [])
        line.append((len(line) + 1.0, run[figure]))
    return lines


def _machines(documents: Sequence[Document]) -> str:
    seen = dict.fromkeys(_machine(document["machine"]) for document in documents)
    return "; ".join(seen)


def _machine(machine: Document) -> str:
    return (
        f"{machine['cores']} cores ({machine['cpu']}), {machine['memory_bytes'] / 2**30:.0f} GiB, {machine['kernel']}, "
        f"Python {machine['python']}, {machine['taken'][:10]}"
    )


_BUILDERS: Mapping[str, Callable[[Sequence[Document]], Chapter]] = {
    "capacity": _capacity,
    "cost": _cost,
    "cache-reads": _cache_reads,
    "peers": _peers,
}
