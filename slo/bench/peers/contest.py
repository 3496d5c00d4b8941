"""The contest: every contender drains the same full topic, by turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import psutil

from pipeline.settings import Settings
from slo.bench.cpu_meter import ProcessGone
from slo.bench.drain import LOOK_SECONDS, STALL_SECONDS, DrainFailed, Say
from slo.bench.expected_counts import CountWatch, ExpectedCounts, differences, empty_cache
from slo.bench.machine import Machine
from slo.bench.process_meter import ProcessMeter
from slo.verdict import ObjectiveResult, RunVerdict, Verdict

PIPELINE = "adctr"
LEAST_RATIO = 1.0
LEAST_SECONDS = 0.5
"""Between first and last count, which are seen to a tenth of a second."""


class Contender(Protocol):
    """Whatever reads the topic from its beginning and counts into Redis."""

    @property
    def name(self) -> str: ...

    def running(self) -> AbstractContextManager[Mapping[str, psutil.Process]]:
        """Its processes, while it runs. It may end at the topic's end."""


@dataclass(frozen=True)
class PeerRun:
    """One drain, from the first count seen in Redis to the last. ``events`` came in between."""

    contender: str
    events: int
    wall_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int
    differences: int

    @property
    def events_per_second(self) -> float:
        """Of wall time."""
        return self.events / self.wall_seconds

    @property
    def events_per_cpu_second(self) -> float:
        """Of the contender's CPU time."""
        return self.events / self.cpu_seconds

    def as_json(self) -> dict[str, Any]:
        """All figures of the run."""
        rates = {"events_per_second": self.events_per_second, "events_per_cpu_second": self.events_per_cpu_second}
        return {**asdict(self), **rates}


@dataclass(frozen=True)
class ContestResult:
    """Every drain, in the order in which they ran."""

    contenders: Sequence[str]
    events: int
    runs: Sequence[PeerRun]
    machine: Machine

    def median(self, contender: str, figure: str) -> float:
        """Over the runs of one contender."""
        values: list[float] = [getattr(run, figure) for run in self.runs if run.contender == contender]
        return statistics.median(values)

    def ratios(self, figure: str = "events_per_second") -> dict[str, float]:
        """Of the pipeline's median to that of each other contender."""
        if PIPELINE not in self.contenders:
            return {}
        ours = self.median(PIPELINE, figure)
        return {name: ours / self.median(name, figure) for name in self.contenders if name != PIPELINE}

    def verdict(self) -> RunVerdict:
        """Exact, and the pipeline ahead of every other contender; void where a count was wrong."""
        wrong = sum(run.differences for run in self.runs)
        verdict = Verdict.FAIL if wrong else Verdict.PASS
        results = [ObjectiveResult("counts_exact", verdict, float(wrong), 0.0, "differences", len(self.runs))]
        for name, ratio in self.ratios().items():
            verdict, reason = (Verdict.PASS, "") if ratio > LEAST_RATIO else (Verdict.FAIL, f"{name} is faster")
            if wrong:
                verdict, reason = Verdict.INCONCLUSIVE, "void: not exact"
            samples = sum(run.contender == name for run in self.runs)
            results.append(ObjectiveResult(f"ahead_of_{name}", verdict, ratio, 1.0, "ratio", samples, reason=reason))
        return RunVerdict.of(results)

    def as_json(self) -> dict[str, Any]:
        """All figures, machine and verdict."""
        return {
            "benchmark": "peers",
            "machine": asdict(self.machine),
            "contenders": list(self.contenders),
            "events": self.events,
            "ratios": self.ratios(),
            "ratios_cpu": self.ratios("events_per_cpu_second"),
            "runs": [run.as_json() for run in self.runs],
            **self.verdict().as_json(),
        }


def drains(
    settings: Settings, contenders: Sequence[Contender], expected: ExpectedCounts, repetitions: int, say: Say
) -> list[PeerRun]:
    """So many drains of each, by turns, after one of the pipeline's that warms its JVM up. Raises DrainFailed."""
    for contender in contenders:
        if contender.name == PIPELINE:
            say(f"warm-up: {drain(settings, contender, expected).events_per_second:,.0f} events/s")
    runs = []
    for number in range(1, repetitions + 1):
        for contender in contenders:
            run = drain(settings, contender, expected)
            say(
                f"{number}/{repetitions} {run.contender}: {run.events_per_second:,.0f} events/s, "
                f"{run.events_per_cpu_second:,.0f} per CPU-second, {run.differences:,} cells wrong"
            )
            runs.append(run)
    return runs


def drain(settings: Settings, contender: Contender, expected: ExpectedCounts) -> PeerRun:
    """One drain. Raises DrainFailed if nothing moves any more."""
    empty_cache(settings)
    with contender.running() as roots, closing(CountWatch(settings, expected)) as watch:
        with ProcessMeter(roots) as meter:
            began, before = _until(watch, 1, contender.name, roots)
            ended, _ = _until(watch, expected.events, contender.name, roots)
        if ended - began < LEAST_SECONDS:
            raise DrainFailed(f"{contender.name} drained the topic in {ended - began:.1f} s: use more --events")
        try:
            cpu = meter.cpu_seconds(began, ended)
        except ProcessGone as error:
            raise DrainFailed(f"void: {error}") from error
        memory = meter.peak_bytes(began, ended)
    wrong = differences(settings, expected)
    return PeerRun(
        contender.name, expected.events - before, ended - began, sum(cpu.values()), sum(memory.values()), wrong
    )


def _until(watch: CountWatch, events: int, name: str, roots: Mapping[str, psutil.Process]) -> tuple[float, int]:
    """When at least so many events stood in Redis, and how many."""
    moved_at, before = time.monotonic(), -1
    while True:
        gone = all(map(_has_ended, roots.values()))
        at, counted = watch.look()
        if counted >= events:
            return at, counted
        if gone:
            raise DrainFailed(f"{name} ended at {counted:,} of {watch.expected.events:,} events; its message is above")
        if counted != before:
            moved_at, before = time.monotonic(), counted
        elif time.monotonic() - moved_at > STALL_SECONDS:
            raise DrainFailed(f"{name} stopped at {counted:,} of {watch.expected.events:,} events")
        time.sleep(LOOK_SECONDS)


def _has_ended(process: psutil.Process) -> bool:
    """Also while nobody has asked for its exit code."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
