"""Judges a recording by a specification."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace

from slo.recording import Recording
from slo.spec.model import Kind, Objective, Specification
from slo.verdict import kinds
from slo.verdict.kinds import Finding
from slo.verdict.result import ObjectiveResult, RunVerdict, Verdict
from slo.verdict.trust import doubts, why_void

_BY_KIND: Mapping[Kind, Callable[[Objective, Recording], Finding]] = {
    Kind.LATENCY: kinds.share,
    Kind.FRESHNESS: kinds.share,
    Kind.CEILING: kinds.ceiling,
    Kind.GROWTH: kinds.slope,
    Kind.CORRECTNESS: kinds.correctness,
}


def judge(specification: Specification, recording: Recording, *, release: bool = False) -> RunVerdict:
    """The verdict of a run, objective by objective in the specification's order.

    With ``release`` an objective that the check was too short for is inconclusive, so nothing is released on it.
    """
    return RunVerdict.of([judge_objective(each, recording, release=release) for each in specification.objectives])


def judge_objective(objective: Objective, recording: Recording, *, release: bool = False) -> ObjectiveResult:
    """The verdict of one objective."""
    found = _finding(objective, recording.of(objective.subject), release=release)
    return ObjectiveResult(name=objective.name, unit=kinds.unit(objective), **asdict(found))


def _finding(objective: Objective, recording: Recording, *, release: bool) -> Finding:
    """The figures are always shown that there are; what stands against judging by them changes the verdict alone."""
    found = _measured(objective, recording)
    void = "" if objective.kind is Kind.CORRECTNESS else why_void(objective.indicator, recording)
    found = replace(found, void=bool(void) and found.value is not None)
    minimum = objective.minimum.duration_seconds
    if recording.seconds < minimum:
        verdict = Verdict.INCONCLUSIVE if release else Verdict.NOT_JUDGED
        reason = f"the check took {recording.seconds:,.0f} s, this objective needs {minimum:,.0f} s"
        return replace(found, verdict=verdict, reason="; ".join(filter(None, (reason, void))))
    if void:
        return replace(found, verdict=Verdict.INCONCLUSIVE, reason=void)
    return found if objective.kind is Kind.CORRECTNESS else _weighed(found, objective, recording)


def _measured(objective: Objective, recording: Recording) -> Finding:
    series = recording.series.get(objective.indicator)
    if objective.kind is not Kind.CORRECTNESS and (series is None or not len(series.values)):
        return Finding(Verdict.INCONCLUSIVE, None, kinds.limit(objective, recording), 0)
    return _BY_KIND[objective.kind](objective, recording)


def _weighed(found: Finding, objective: Objective, recording: Recording) -> Finding:
    """Takes back a pass that a doubt stands against, and a breach that there is an excuse for."""
    excuse = recording.series[objective.indicator].excuse
    if found.verdict is Verdict.PASS:
        doubt = doubts(objective, recording)
        if doubt:
            return replace(found, verdict=Verdict.INCONCLUSIVE, reason=doubt)
    if found.verdict is Verdict.FAIL and excuse:
        return replace(found, verdict=Verdict.INCONCLUSIVE, reason=f"{found.reason}; but {excuse}")
    return found
