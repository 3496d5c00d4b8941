"""Latency and freshness: which share of the samples is good, in this run and beyond it.

Three questions are kept apart.

- What did this run do? Every sample is known as an interval, so the run's own share is: ``worst`` counts a sample as
  good if its upper end is, ``best`` if its lower end is. What nobody knows is bad in the one and good in the other.
- What does the run show beyond itself? The interval of `slo.statistics.share`, from blocks of time.
- Were the samples all there was? A share of every event is the run's own; one of some events needs Wilson's margin
  before it is called a breach.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pipeline.shared.wilson import wilson
from slo.recording import Floats, Recording, Series
from slo.spec.model import Kind, Objective, Operator
from slo.statistics.share import Share, seconds_needed, share_of_good, share_of_time
from slo.verdict.finding import Finding, enough
from slo.verdict.result import Scope, Verdict
from slo.verdict.trust import COUNTED
from slo.verdict.units import duration, percent

FIRST_POLL_SECONDS = 5.0
"""A probe needs a moment to connect: until then the first poll stands for the time before it, too."""


@dataclass(frozen=True)
class _Seen:
    """The shares of a run: ``worst`` to ``best`` are its own, ``found`` has the interval beyond it.

    ``known`` is the part of the samples whose value anybody knows; the rest is bad for ``worst``, good for ``best``.
    """

    found: Share
    worst: float
    best: float
    known: float = 1.0

    @property
    def interval(self) -> tuple[float, float]:
        return self.found.low * self.known, self.found.high * self.known + 1.0 - self.known


def good(objective: Objective, values: Floats) -> npt.NDArray[np.bool_]:
    """Which samples are good; NaN, a sample that never came, is not, nor is one from before its cause."""
    threshold = objective.value
    assert threshold is not None
    return (values >= 0.0) & _below(objective, values, threshold)


def possibly_good(objective: Objective, series: Series) -> npt.NDArray[np.bool_]:
    """Which samples may have been good: by their lower end, and those that a clock's step has made negative."""
    assert objective.value is not None
    return _below(objective, series.lower, objective.value) | (series.values < 0.0)


def _below(objective: Objective, values: Floats, threshold: float) -> npt.NDArray[np.bool_]:
    return values < threshold if objective.op is Operator.LT else values <= threshold


def share(objective: Objective, recording: Recording, scope: Scope) -> Finding:
    """Whether enough of the samples are good: in this run, or beyond it as well."""
    series = recording.series[objective.indicator]
    seen = _seen(objective, series, recording)
    found = seen.found
    verdict = _verdict(objective, series, seen, scope)
    allowed = (1.0 - objective.target) * found.whole
    finding = Finding(
        verdict=verdict,
        value=found.value,
        objective=objective.target,
        samples=found.samples,
        # Where nothing may be bad, what was seen counts and not what is likely.
        interval=None if objective.target >= 1.0 else seen.interval,
        in_run=(seen.worst, seen.best),
        budget_spent=found.bad / allowed if allowed else None,
        needed_seconds=seconds_needed(found, objective.target) if verdict is not Verdict.FAIL else None,
    )
    return enough(objective, _explained(finding, objective, seen, recording), recording.seconds)


def _seen(objective: Objective, series: Series, recording: Recording) -> _Seen:
    if objective.kind is Kind.FRESHNESS:
        return _seen_ages(objective, series, recording)
    found = share_of_good(series.times, good(objective, series.values), objective.independent_seconds)
    best = int(np.count_nonzero(possibly_good(objective, series))) / found.samples
    unknown = 0 if objective.indicator in COUNTED or series.complete else series.failed_looks
    known = found.samples / (found.samples + unknown)
    return _Seen(found, found.value * known, best * known + 1.0 - known, known)


def _seen_ages(objective: Objective, series: Series, recording: Recording) -> _Seen:
    """Of polled ages the time in which each was good, from the beginning of the check to its end.

    An age rises by a second per second until something new sets it back. So after a poll it is good for certain as long
    as it would be without anything new, and before a poll it was bad for certain as long as it must have been above the
    limit by then. A poll stands for the time to the next one, however many polls there should have been.
    """
    limit = objective.value
    assert limit is not None
    ages = np.where(np.isnan(series.values), np.inf, series.values)
    times = np.concatenate(([recording.began], np.clip(series.times, recording.began, recording.ended)))
    spans = np.diff(np.append(times, recording.ended))
    # Before the first poll and after the last one, one of the two is not known.
    before, after = np.append(np.inf, ages), np.append(ages, -np.inf)
    surely_good = np.clip(limit - before, 0.0, spans)
    surely_bad = np.clip(after - limit, 0.0, spans)
    if spans[0] <= FIRST_POLL_SECONDS or ages[0] > spans[0]:
        surely_good[0] = spans[0] - surely_bad[0]
    found = share_of_time(times, spans, spans - surely_good, objective.independent_seconds)
    best = 1.0 - float(surely_bad.sum()) / found.whole
    return _Seen(replace(found, samples=len(ages)), found.value, max(best, found.value))


def _verdict(objective: Objective, series: Series, seen: _Seen, scope: Scope) -> Verdict:
    beyond = scope is Scope.PIPELINE and objective.target < 1.0
    surely = seen.interval[0] if beyond else seen.worst
    possibly = seen.best
    if not series.complete and objective.kind is Kind.LATENCY and objective.target < 1.0:
        possibly = wilson(possibly * seen.found.samples, seen.found.samples)[1]
    if surely >= objective.target:
        return Verdict.PASS
    return Verdict.FAIL if possibly < objective.target else Verdict.INCONCLUSIVE


def _explained(found: Finding, objective: Objective, seen: _Seen, recording: Recording) -> Finding:
    """The same with its reason, for what is no pass."""
    if found.verdict is Verdict.PASS:
        return found
    target = percent(objective.target)
    interval = "" if found.interval is None else f" [{percent(seen.interval[0])}, {percent(seen.interval[1])}]"
    figure = f"{percent(seen.found.value)} %{interval} of {found.samples:,}"
    if found.verdict is Verdict.FAIL:
        bad = f"{seen.found.bad:,.1f} s" if objective.kind is Kind.FRESHNESS else f"{seen.found.bad:,.0f}"
        return found.because(f"{figure}: {bad} bad, at least {target} % must be good")
    if seen.worst < objective.target <= seen.best:
        why = f"in this run between {percent(seen.worst)} and {percent(seen.best)} %, as exactly as was polled"
        return found.because(f"{figure}: {why}; {target} % lies in between")
    if found.needed_seconds is not None and found.needed_seconds > recording.seconds:
        return found.because(
            f"{figure}: the interval is too wide for {target} %; a run like this one has to take "
            f"{duration(found.needed_seconds)}"
        )
    return found.because(f"{figure}: too close to {target} % to say")
