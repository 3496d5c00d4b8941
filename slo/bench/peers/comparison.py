"""The comparison: every contender drains a full topic and then gets the same load; runs are interleaved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.settings import Settings
from slo.bench.cpu_meter import ProcessGone
from slo.bench.drain_run import DrainFailed, DrainRun, Say, median, until_counted
from slo.bench.expected_counts import CountWatch, ExpectedCounts, differences, empty_cache
from slo.bench.host import Machine
from slo.bench.peers.contender import PIPELINE, Contender
from slo.bench.peers.latency import LatencyResult, LatencyTurn, LoadShape, describe, measure
from slo.bench.process_meter import ProcessMeter
from slo.verdict import ObjectiveResult, RunVerdict, Verdict

LEAST_RATIO = 1.0
LEAST_SECONDS = 0.5
"""Between first and last count, with a resolution of 0.1 s."""


@dataclass(frozen=True)
class Entry:
    """A contender and the topic that it drains: what must be counted of it."""

    contender: Contender
    expected: ExpectedCounts


@dataclass(frozen=True)
class ContestResult:
    """Every drain and every load, in the order in which they ran. ``topics`` has the events that each one drained."""

    topics: Mapping[str, int]
    runs: Sequence[DrainRun]
    machine: Machine
    latency: LatencyResult | None = None

    @property
    def contenders(self) -> list[str]:
        """By name, in the order of their turns."""
        return list(self.topics)

    def median(self, contender: str, figure: str) -> float:
        """Over the runs of one contender."""
        return median(self.runs, contender, figure)

    def ratios(self, figure: str = "events_per_second") -> dict[str, float]:
        """Of the pipeline's median to that of each other contender."""
        if PIPELINE not in self.contenders:
            return {}
        ours = self.median(PIPELINE, figure)
        return {name: ours / self.median(name, figure) for name in self.contenders if name != PIPELINE}

    def verdict(self) -> RunVerdict:
        """Exact, and the pipeline ahead of every other contender; void where a count was wrong."""
        wrong = sum(run.differences for run in self.runs) + (self.latency.differences if self.latency else 0)
        verdict = Verdict.FAIL if wrong else Verdict.PASS
        samples = len(self.runs) + (len(self.latency.runs) if self.latency else 0)
        results = [ObjectiveResult("counts_exact", verdict, float(wrong), 0.0, "differences", samples)]
        for name, ratio in self.ratios().items():
            verdict, reason = (Verdict.PASS, "") if ratio > LEAST_RATIO else (Verdict.FAIL, f"{name} is faster")
            if wrong:
                verdict, reason = Verdict.INCONCLUSIVE, "void: not exact"
            drained = sum(run.contender == name for run in self.runs)
            results.append(ObjectiveResult(f"ahead_of_{name}", verdict, ratio, 1.0, "ratio", drained, reason=reason))
        lost = self.latency.lost(PIPELINE) if self.latency else 0
        if lost:
            why = f"{lost:,} events of ours were never seen"
            result = ObjectiveResult("every_event_seen", Verdict.FAIL, float(lost), 0.0, "events", samples, reason=why)
            results.append(result)
        return RunVerdict.of(results)

    def as_json(self) -> dict[str, Any]:
        """All figures, machine and verdict."""
        return {
            "benchmark": "peers",
            "machine": asdict(self.machine),
            "contenders": self.contenders,
            "events": max(self.topics.values()),
            "events_by_contender": dict(self.topics),
            "ratios": self.ratios(),
            "ratios_cpu": self.ratios("events_per_cpu_second"),
            "runs": [run.as_json() for run in self.runs],
            "latency": self.latency.as_json() if self.latency else None,
            **self.verdict().as_json(),
        }


def drains(settings: Settings, entries: Sequence[Entry], repetitions: int, say: Say) -> list[DrainRun]:
    """That many interleaved drains of each, after one of the pipeline's that warms its JVM up. Raises DrainFailed."""
    for entry in entries:
        if entry.contender.name == PIPELINE:
            say(f"warm-up: {drain(settings, entry).events_per_second:,.0f} events/s")
    runs = []
    for number in range(1, repetitions + 1):
        for entry in entries:
            run = drain(settings, entry)
            say(
                f"{number}/{repetitions} {run.contender}: {run.events_per_second:,.0f} events/s, "
                f"{run.events_per_cpu_second:,.0f} per CPU-second, {run.differences:,} cells wrong"
            )
            runs.append(run)
    return runs


def drain(settings: Settings, entry: Entry) -> DrainRun:
    """One drain, from the first count seen in Redis to the last; the run's events came in between.

    Raises DrainFailed if nothing moves any more.
    """
    expected, name = entry.expected, entry.contender.name
    empty_cache(settings)
    with entry.contender.running() as roots, closing(CountWatch(settings, expected)) as watch:
        processes = list(roots.values())
        with ProcessMeter(roots) as meter:
            began, before = until_counted(watch, 1, name, processes)
            ended, _ = until_counted(watch, expected.events, name, processes)
        if ended - began < LEAST_SECONDS:
            raise DrainFailed(f"{name} drained the topic in {ended - began:.1f} s: use more events")
        try:
            cpu = meter.cpu_seconds(began, ended)
        except ProcessGone as error:
            raise DrainFailed(f"void: {error}") from error
        memory = meter.peak_bytes(began, ended)
    wrong = differences(settings, expected)
    events, seconds = expected.events - before, ended - began
    return DrainRun(name, events, seconds, sum(cpu.values()), wrong, sum(memory.values()))


def latencies(turns: Iterable[Sequence[LatencyTurn]], shape: LoadShape, say: Say) -> LatencyResult:
    """One load on each contender, once per element of ``turns``. Raises DrainFailed."""
    runs = []
    for number, contenders in enumerate(turns, 1):
        for turn in contenders:
            runs.append(measure(turn, shape))
            say(f"load {number} {describe(runs[-1])}")
    return LatencyResult(shape, runs)
