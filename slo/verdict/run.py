"""Judges a recording by a specification."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace

from slo.recording import Recording
from slo.spec.model import Kind, Objective, Specification
from slo.verdict import evaluators
from slo.verdict.finding import Finding
from slo.verdict.result import ObjectiveResult, RunVerdict, Scope, Verdict
from slo.verdict.shares import share
from slo.verdict.trust import doubts, why_void

SHORTEST_RUN_SECONDS = 30.0
"""A shorter run is not judged, whatever was measured: its first seconds are those of a start."""
WHOLE_RUN = 0.95
"""A run that was to be longer and ended before this part of it was interrupted."""

_BY_KIND: Mapping[Kind, Callable[[Objective, Recording], Finding]] = {
    Kind.CEILING: evaluators.ceiling,
    Kind.GROWTH: evaluators.slope,
    Kind.CORRECTNESS: evaluators.correctness,
}
_SHARES = frozenset({Kind.LATENCY, Kind.FRESHNESS})


def judge(specification: Specification, recording: Recording, *, release: bool = False) -> RunVerdict:
    """The verdict on the pipeline, objective by objective in the specification's order.

    A pass says something about the next run, too. With ``release`` an objective that the check was too short for is
    inconclusive, so nothing is released on it.
    """
    return RunVerdict.of([judge_objective(each, recording, release=release) for each in specification.objectives])


def judge_run(specification: Specification, recording: Recording, asked_seconds: float = 0.0) -> RunVerdict:
    """The verdict on this run alone: what was measured in it, whatever that says about the next one.

    A run that is shorter than 30 s, or was interrupted before ``asked_seconds``, passes nothing. What it was seen to
    break stays broken.
    """
    results = [judge_objective(each, recording, scope=Scope.RUN) for each in specification.objectives]
    short = _too_short(recording.seconds, asked_seconds)
    if short:
        results = [
            each if each.verdict is Verdict.FAIL else replace(each, verdict=Verdict.INCONCLUSIVE, reason=short)
            for each in results
        ]
    return RunVerdict.of(results, Scope.RUN)


def _too_short(seconds: float, asked_seconds: float) -> str:
    if seconds < SHORTEST_RUN_SECONDS:
        return f"a run of {seconds:,.0f} s is too short to judge: it takes {SHORTEST_RUN_SECONDS:.0f} s"
    if seconds < WHOLE_RUN * asked_seconds:
        return f"the run was ended after {seconds:,.0f} of {asked_seconds:,.0f} s"
    return ""


def seconds_to_judge(specification: Specification, verdict: RunVerdict, watched: float) -> float | None:
    """Seconds that a check needs for the objectives that this one was too short for; None if it was long enough."""
    longest = 0.0
    for result in verdict.objectives:
        if result.verdict in (Verdict.NOT_JUDGED, Verdict.INCONCLUSIVE):
            minimum = specification.objective(result.name).minimum.duration_seconds
            longest = max(longest, minimum, result.needed_seconds or 0.0)
    return longest if longest > watched else None


def judge_objective(
    objective: Objective, recording: Recording, *, release: bool = False, scope: Scope = Scope.PIPELINE
) -> ObjectiveResult:
    """The verdict of one objective: that of its worst subject, which the reason names."""
    names = _subjects(objective, recording)
    found = {each: _finding(objective, recording.of(each), scope, release=release) for each in names}
    worst = max(found, key=lambda each: _badness(objective, found[each]))
    result = found[worst]
    if worst and not objective.subject and result.reason:
        result = result.because(f"{worst}: {result.reason}")
    if len(found) > 1:
        result = replace(result, samples=sum(each.samples for each in found.values()))
    return ObjectiveResult(name=objective.name, unit=evaluators.unit(objective), **asdict(result))


def _subjects(objective: Objective, recording: Recording) -> tuple[str, ...]:
    """The series to judge one by one: pooled, a series that stands still would hide half of another's errors."""
    series = recording.series.get(objective.indicator)
    if objective.subject or series is None:
        return (objective.subject,)
    return series.all_subjects or ("",)


def _badness(objective: Objective, found: Finding) -> tuple[int, float]:
    order = (Verdict.PASS, Verdict.NOT_JUDGED, Verdict.INCONCLUSIVE, Verdict.FAIL)
    worse = -1.0 if objective.kind in _SHARES else 1.0
    return order.index(found.verdict), float("-inf") if found.value is None else worse * found.value


def _finding(objective: Objective, recording: Recording, scope: Scope, *, release: bool) -> Finding:
    """The figures are always shown that there are; what stands against judging by them changes the verdict alone."""
    found = _measured(objective, recording, scope)
    void = "" if objective.kind is Kind.CORRECTNESS else why_void(objective.indicator, recording)
    found = replace(found, void=bool(void) and found.value is not None)
    if void:
        found = replace(found, verdict=Verdict.INCONCLUSIVE, reason=void)
    minimum = objective.minimum.duration_seconds
    if recording.seconds < minimum and not _is_proof(objective, found):
        verdict = Verdict.INCONCLUSIVE if release else Verdict.NOT_JUDGED
        reason = f"the check took {recording.seconds:,.0f} s, this objective needs {minimum:,.0f} s"
        return replace(found, verdict=verdict, reason="; ".join(filter(None, (reason, void))))
    if found.verdict is Verdict.PASS and objective.kind is not Kind.CORRECTNESS:
        doubt = doubts(objective, recording)
        return replace(found, verdict=Verdict.INCONCLUSIVE, reason=doubt) if doubt else found
    return found


def _is_proof(objective: Objective, found: Finding) -> bool:
    """One poll above a ceiling, or one difference, is a breach however short the run was."""
    return found.verdict is Verdict.FAIL and objective.kind in (Kind.CEILING, Kind.CORRECTNESS)


def _measured(objective: Objective, recording: Recording, scope: Scope) -> Finding:
    series = recording.series.get(objective.indicator)
    if objective.kind is not Kind.CORRECTNESS and (series is None or not len(series.values)):
        return Finding(Verdict.INCONCLUSIVE, None, evaluators.limit(objective, recording), 0)
    if objective.kind in _SHARES:
        return share(objective, recording, scope)
    return _BY_KIND[objective.kind](objective, recording)
