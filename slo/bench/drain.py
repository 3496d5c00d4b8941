"""The pipeline against the hand-written loop: who drains a full topic into Redis faster, and at what cost.

Both read the same topic from its beginning, count the same windows into the same keys on the same machine, and take
turns, so that whatever else the machine does meets both. Time runs from the start of reading to the last count in
Redis.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Protocol

import psutil

from pipeline.settings import Settings
from slo.bench.cpu_meter import CpuMeter, ProcessGone
from slo.bench.drain_run import DrainFailed, DrainRun, Say, median, until_counted
from slo.bench.expected_counts import CountWatch, ExpectedCounts, differences, empty_cache
from slo.verdict import ObjectiveResult, RunVerdict, Verdict

LEAST_RATIO_WALL = 3.5
LEAST_RATIO_CPU = 1.5


class LiveJob(Protocol):
    """The Flink job that writes to Redis, which the owner of the stack can start and end."""

    def start(self) -> float:
        """Submits it from the beginning of the topic; the unix time at which all its tasks ran."""

    def cancel(self) -> None:
        """Ends it and forgets its checkpoints."""

    def processes(self) -> Sequence[psutil.Process]:
        """The JobManager and the TaskManager: what the job costs."""


@dataclass(frozen=True)
class DrainResult:
    """Every measured run, in the order in which they ran."""

    runs: Sequence[DrainRun]

    @property
    def ratio_wall(self) -> float:
        """Median events per second of the pipeline over that of the loop."""
        return self.median("flink", "events_per_second") / self.median("loop", "events_per_second")

    @property
    def ratio_cpu(self) -> float:
        """Median events per CPU-second of the pipeline over that of the loop."""
        return self.median("flink", "events_per_cpu_second") / self.median("loop", "events_per_cpu_second")

    def median(self, contender: str, figure: str) -> float:
        """Median of one figure over the runs of one contender."""
        return median(self.runs, contender, figure)

    def verdict(self) -> RunVerdict:
        """Both ratios against their objectives; void where a run was not exact."""
        wrong = sum(run.differences for run in self.runs)
        counts = ObjectiveResult(
            "counts_exact", Verdict.FAIL if wrong else Verdict.PASS, float(wrong), 0.0, "differences", len(self.runs)
        )
        pairs = len(self.runs) // 2
        return RunVerdict.of(
            [
                counts,
                _judge("drain_ratio_wall", self.ratio_wall, LEAST_RATIO_WALL, pairs, void=wrong > 0),
                _judge("drain_ratio_cpu", self.ratio_cpu, LEAST_RATIO_CPU, pairs, void=wrong > 0),
            ]
        )

    def as_json(self) -> dict[str, Any]:
        """The promised keys, the medians and the verdict."""
        figures = ("events_per_second", "events_per_cpu_second")
        medians = {name: {figure: self.median(name, figure) for figure in figures} for name in ("flink", "loop")}
        return {
            "ratio_wall": self.ratio_wall,
            "ratio_cpu": self.ratio_cpu,
            "medians": medians,
            "runs": [run.as_json() for run in self.runs],
            **self.verdict().as_json(),
        }


def _judge(name: str, value: float, least: float, samples: int, *, void: bool) -> ObjectiveResult:
    if void:
        return ObjectiveResult(name, Verdict.INCONCLUSIVE, value, least, "ratio", samples, reason="void: not exact")
    verdict, reason = (Verdict.PASS, "") if value >= least else (Verdict.FAIL, f"{value:.2f} is below {least:g}")
    return ObjectiveResult(name, verdict, value, least, "ratio", samples, reason=reason)


def compare(settings: Settings, job: LiveJob, expected: ExpectedCounts, repetitions: int, say: Say) -> DrainResult:
    """Warms the JVM up with one drain that does not count, then lets both take turns. Raises DrainFailed."""
    warm_up = drain_by_flink(settings, job, expected)
    say(f"warm-up: {describe(warm_up)}")
    runs: list[DrainRun] = []
    for number in range(1, repetitions + 1):
        runs.append(drain_by_flink(settings, job, expected))
        say(f"{number}/{repetitions} {describe(runs[-1])}")
        runs.append(drain_by_loop(settings, expected))
        say(f"{number}/{repetitions} {describe(runs[-1])}")
    return DrainResult(runs)


def describe(run: DrainRun) -> str:
    """A run in one line."""
    exact = "exact" if run.differences == 0 else f"{run.differences} cells wrong"
    return (
        f"{run.contender}: {run.events:,} events in {run.wall_seconds:.1f} s and {run.cpu_seconds:.1f} CPU-s: "
        f"{run.events_per_second:,.0f}/s, {run.events_per_cpu_second:,.0f}/CPU-s, {exact}"
    )


def drain_by_flink(settings: Settings, job: LiveJob, expected: ExpectedCounts) -> DrainRun:
    """One drain by the live job on a cluster that is already up. Raises DrainFailed if nothing moves any more."""
    empty_cache(settings)
    processes = job.processes()
    meter = CpuMeter(processes)
    with closing(CountWatch(settings, expected)) as watch:
        meter.start()
        try:
            began = job.start()
            ended, _ = until_counted(watch, expected.events, "the live job", processes)
        finally:
            meter.stop()
    try:
        cpu = meter.between(began, ended)
    except ProcessGone as error:
        raise DrainFailed(f"void: {error}; was Flink restarted?") from error
    job.cancel()
    return DrainRun("flink", expected.events, ended - began, cpu, differences(settings, expected))


def drain_by_loop(settings: Settings, expected: ExpectedCounts) -> DrainRun:
    """One drain by the loop in a process of its own; wall and CPU time are without the interpreter's start."""
    empty_cache(settings)
    process = subprocess.run(
        [sys.executable, "-m", "slo.bench.hand_written_loop"],
        env=os.environ | settings.to_env(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=False,
    )
    if process.returncode != 0:
        raise DrainFailed(f"the hand-written loop ended with exit code {process.returncode}; its message is above")
    report = json.loads(process.stdout)
    wrong = differences(settings, expected)
    return DrainRun("loop", expected.events, report["wall_seconds"], report["cpu_seconds"], wrong)
