"""One fault on a running stack: the check that watches it, and what it comes to."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from compose.experiment.disturbed_stack import Disturbance, StackBench
from compose.experiment.load_check import During, GeneratedLoad, GiveUp, new_ledger, run_load_check
from compose.experiment.load_process import LoadProcess
from compose.process.errors import EnvironmentFailed, Inconclusive
from slo.check import Checked, Observation, Watch
from slo.disturbances.bench import NeverBack
from slo.faults.fault import Fault, FaultRun
from slo.faults.reader import FaultReader
from slo.faults.recovery import later_trouble_seconds, recovery
from slo.faults.steady import WATCHED_SECONDS, Steady
from slo.latency.poller import NO_ANSWER
from slo.reconciliation.verify import UNAVAILABLE
from slo.reconciliation.wait_drained import JobsStuck, NotDrained
from slo.report.plots import Plot, plots
from slo.spec.model import Indicator, Specification
from slo.verdict import judge_run

UNCOUNTED = {"--late-fraction": 0.01, "--invalid-fraction": 0.01}
"""What the load has besides events that are counted: so much of each for the late topic and for the dead letters."""
LOAD_OPTIONS = tuple(str(word) for option in UNCOUNTED.items() for word in option)

NEVER_BACK = (JobsStuck, NotDrained, NeverBack, EnvironmentFailed, *UNAVAILABLE)
"""After a fault has struck these say that the pipeline is broken, not that nothing could be measured."""


@dataclass(frozen=True)
class DrawnRun:
    """A fault's run, and latency over time in both stores as plots."""

    run: FaultRun
    plots: Sequence[Plot] = ()


def run_fault(fault: Fault, bench: StackBench, objectives: Specification, rate: float) -> DrawnRun:
    """Load, fault, verification. What keeps the run from its end is in its result, ``broken`` or ``void``."""
    disturbance = Disturbance(
        f"fault {fault.name}",
        lambda: fault.inject(bench),
        fault.begin_seconds,
        fault.begin_seconds + fault.lasts_seconds,
    )

    def begin(watch: Watch, load: LoadProcess) -> None:
        bench.begin(watch, load)
        disturbance.begin()

    steady = Steady(rate * (1 - sum(UNCOUNTED.values())))

    def back(watch: Watch) -> bool:
        """The load need not go on until the limit if the pipeline keeps up long before."""
        assert watch.events is not None
        counted = watch.events.redis.recorder.counted, watch.events.postgres.recorder.counted
        longest = max(WATCHED_SECONDS, fault.watched_seconds)
        return steady.look(time.time(), *counted, disturbance.ended_at, struck=disturbance.began, watched=longest)

    try:
        earlier = [_killed_load(bench, rate, fault.begin_seconds)] if fault.kills_generator else []
        try:
            with FaultReader(bench.settings) as reader:
                checked = _check(fault, bench, rate, begin, earlier, back)
        except BaseException:
            with suppress(EnvironmentFailed):  # what has failed before says more
                disturbance.end()
            raise
    except (EnvironmentFailed, Inconclusive) as error:
        return DrawnRun(_failed(fault, disturbance, error))
    try:
        disturbance.end()
    except EnvironmentFailed as error:
        differences = checked.report.found.total if checked.report else 0
        return DrawnRun(replace(_failed(fault, disturbance, error), differences=differences))
    ended = _first_due(checked) if fault.kills_generator else disturbance.ended_at
    if ended is None:
        return DrawnRun(FaultRun(fault, None, void="the load ended before the fault did"))
    run = replace(_found(fault, checked, ended, objectives), reads=reader.answers())
    return DrawnRun(run, _plots(checked, objectives))


def _failed(fault: Fault, disturbance: Disturbance, error: Exception) -> FaultRun:
    if disturbance.began and isinstance(error.__cause__, NEVER_BACK):
        return FaultRun(fault, None, broken=str(error))
    return FaultRun(fault, None, void=str(error))


def _check(
    fault: Fault, bench: StackBench, rate: float, begin: During, earlier: Sequence[Path], back: GiveUp
) -> Checked:
    load = GeneratedLoad(
        bench.layout.root, bench.settings, rate, fault.load_seconds, LOAD_OPTIONS, True, during=begin, give_up=back
    )
    return run_load_check(load, Observation(earlier=earlier))


def _killed_load(bench: StackBench, rate: float, seconds: float) -> Path:
    """The ledger of a generator that was killed amid its load."""
    ledger = new_ledger(bench.layout.root)
    with LoadProcess(bench.layout.root, ledger, rate, None, LOAD_OPTIONS) as load:
        time.sleep(seconds)
        load.kill()
    return ledger


def _first_due(checked: Checked) -> float:
    return float(checked.recording.series[Indicator.EVENT_TO_REDIS].times[0])


def _found(fault: Fault, checked: Checked, ended: float, objectives: Specification) -> FaultRun:
    recording, report = checked.recording, checked.report
    assert report is not None
    series = recording.series
    redis, postgres = series[Indicator.EVENT_TO_REDIS], series[Indicator.EVENT_TO_POSTGRES]
    late = objectives.objective("event_to_redis").value or 0.0, objectives.objective("event_to_postgres").value or 0.0
    onset = fault.onset_seconds
    found = recovery(redis, postgres, ended, late, onset)
    later = [later_trouble_seconds(each, ended, of, onset) for each, of in zip((redis, postgres), late, strict=True)]
    troubles = [each for each in later if each is not None]
    of_redis, void = fault.recovers is Indicator.EVENT_TO_REDIS, series[fault.recovers].void
    silent = NO_ANSWER in void
    return FaultRun(
        fault,
        found.redis_fresh_seconds if of_redis else found.postgres_caught_up_seconds,
        found,
        exact=report.exact,
        differences=report.found.total,
        records=report.records,
        kept=judge_run(objectives.only(sorted(fault.keeps)), recording).objectives if fault.keeps else (),
        void="" if silent else void,
        later_trouble_seconds=min(troubles) if troubles else None,
        broken=void if silent else "",
    )


def _plots(checked: Checked, objectives: Specification) -> list[Plot]:
    """Latency over time in both stores."""
    drawn = []
    for name in ("event_to_redis", "event_to_postgres"):
        only = objectives.only([name])
        result = judge_run(only, checked.recording).objectives[0]
        drawn += plots(only.objectives[0], result, checked.recording)[:1]
    return drawn
