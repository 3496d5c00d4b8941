"""One drill on a running stack: the check that watches it, and whether its verdict is the known answer."""

from __future__ import annotations

import dataclasses

from compose.experiment.disturbed_stack import Disturbance, StackBench
from compose.experiment.load_check import GeneratedLoad, run_load_check
from compose.experiment.load_process import LoadProcess
from compose.process.errors import Inconclusive
from slo.check import Observation, Watch
from slo.drills.drill import Drill, DrillResult, examine
from slo.probes.catalogue import probes_of
from slo.reconciliation.report import Report
from slo.spec.model import Specification
from slo.verdict import judge_run


def run_drill(drill: Drill, bench: StackBench, objectives: Specification) -> tuple[DrillResult, Report | None]:
    """One drill on a running stack, which is as before afterwards; what was compared. Raises EnvironmentFailed."""
    sabotage = Disturbance(f"drill {drill.name}", lambda: drill.inject(bench), drill.begin_seconds, drill.end_seconds)

    def begin(watch: Watch, load: LoadProcess) -> None:
        bench.begin(watch, load)
        sabotage.begin()

    probes = probes_of(bench.settings, with_canaries=False, clock=bench.clock)
    try:
        load = GeneratedLoad(bench.layout.root, bench.settings, drill.rate, drill.seconds, during=begin)
        checked = run_load_check(load, Observation(probes, clock=bench.clock), undrained=True)
    except Inconclusive as error:
        return DrillResult(drill, None, doubts=[str(error)]), None
    finally:
        sabotage.end()
    verdict = judge_run(scaled(objectives, drill), checked.recording)
    return examine(drill, verdict, checked.recording), checked.report


def scaled(objectives: Specification, drill: Drill) -> Specification:
    """The objectives with the drill's changes."""
    changed = []
    for each in objectives.objectives:
        for field, value in drill.changes.get(each.name, {}).items():
            if field.startswith("minimum."):
                minimum = dataclasses.replace(each.minimum, **{field.removeprefix("minimum."): value})  # type: ignore[arg-type]
                each = dataclasses.replace(each, minimum=minimum)  # noqa: PLW2901
            else:
                each = dataclasses.replace(each, **{field: value})  # type: ignore[arg-type]  # noqa: PLW2901
        changed.append(each)
    return dataclasses.replace(objectives, objectives=changed)
