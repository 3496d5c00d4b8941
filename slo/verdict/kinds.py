"""One judge for each kind of objective. Each takes the samples at their word; `slo.verdict.run` adds the doubts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pipeline.shared.wilson import wilson
from slo.recording import Floats, Recording, Series
from slo.spec.model import Kind, Objective, Operator
from slo.statistics.block_bootstrap import Share, share_of_good
from slo.statistics.growth import growth
from slo.verdict.result import Verdict
from slo.verdict.trust import COUNTED
from slo.verdict.units import percent, unit_of


@dataclass(frozen=True)
class Finding:
    """What the samples say; the fields are those of `slo.verdict.result.ObjectiveResult`."""

    verdict: Verdict
    value: float | None
    objective: float | None
    samples: int
    interval: tuple[float, float] | None = None
    budget_spent: float | None = None
    reason: str = ""
    void: bool = False


def unit(objective: Objective) -> str:
    """The unit of an objective's figure."""
    if objective.kind in (Kind.LATENCY, Kind.FRESHNESS):
        return "ratio"
    if objective.kind is Kind.CORRECTNESS:
        return "differences"
    return unit_of(objective.indicator) + ("/h" if objective.kind is Kind.GROWTH else "")


def limit(objective: Objective, recording: Recording) -> float | None:
    """What the figure is held against; None where the run did not compute its ceiling."""
    if objective.kind in (Kind.LATENCY, Kind.FRESHNESS):
        return objective.target
    if objective.kind is Kind.CORRECTNESS:
        return 0.0
    return recording.ceilings.get(objective.computed) if objective.computed is not None else objective.value


def good(objective: Objective, values: Floats) -> npt.NDArray[np.bool_]:
    """Which samples are good; NaN, a sample that never came, is not."""
    threshold = objective.value
    assert threshold is not None
    return values < threshold if objective.op is Operator.LT else values <= threshold


def share(objective: Objective, recording: Recording) -> Finding:
    """Latency and freshness: the share of good samples.

    A pass says something about the next run, too, so the whole interval that respects correlation must lie above the
    target. A breach is a fact about this run: its error budget was overspent, by more than the chance of independent
    samples explains. That a stall came only once does not undo it; that a run with it was still within its budget does
    not make it a pass.

    A value may be too high by the time between two looks, so for a breach it must be bad without that time, too. A
    look that failed is a sample whose value nobody knows: bad for a pass, good for a breach.
    """
    series = recording.series[objective.indicator]
    found = share_of_good(series.times, good(objective, series.values))
    unknown = 0 if objective.indicator in COUNTED else series.failed_looks
    looks = found.total + unknown
    bounds = (found.low * found.total / looks, (found.high * found.total + unknown) / looks)
    verdict = _share_verdict(objective, found, looks, _best_case(objective, series) + unknown)
    allowed = (1.0 - objective.target) * found.total
    spent = (found.total - found.good) / allowed if allowed else None
    reason = _share_reason(verdict, objective, found, bounds)
    # Where nothing may be bad, what was seen counts and not what is likely.
    interval = bounds if objective.target < 1.0 else None
    finding = Finding(verdict, found.value, objective.target, found.total, interval, spent, reason)
    return _enough(objective, finding)


def _best_case(objective: Objective, series: Series) -> int:
    """How many samples may have been good, granting each the time between two looks."""
    granted = series.resolution_seconds or 0.0
    kindest = series.values - granted if unit_of(objective.indicator) == "seconds" else series.values
    return int(np.count_nonzero(good(objective, kindest)))


def _share_verdict(objective: Objective, found: Share, looks: int, best_case: int) -> Verdict:
    if objective.target >= 1.0:
        surely, possibly = found.good / looks, best_case / looks
    else:
        surely, possibly = found.low * found.total / looks, wilson(best_case, looks)[1]
    if surely >= objective.target:
        return Verdict.PASS
    return Verdict.FAIL if possibly < objective.target else Verdict.INCONCLUSIVE


def _share_reason(verdict: Verdict, objective: Objective, found: Share, bounds: tuple[float, float]) -> str:
    if verdict is Verdict.PASS:
        return ""
    interval = f" [{percent(bounds[0])}, {percent(bounds[1])}]" if objective.target < 1.0 else ""
    figure = f"{percent(found.value)} %{interval} of {found.total:,}"
    target = percent(objective.target)
    if verdict is Verdict.FAIL:
        return f"{figure}: {found.total - found.good:,} bad, at least {target} % must be good"
    return f"{figure}: too close to {target} % to say"


def ceiling(objective: Objective, recording: Recording) -> Finding:
    """No look above the limit. One that is above it is proof, however few there are."""
    values = recording.series[objective.indicator].values
    most = limit(objective, recording)
    seen = values[~np.isnan(values)]
    highest = float(seen.max()) if len(seen) else None
    if most is None:
        reason = f"the run did not compute the ceiling {objective.computed}"
        return Finding(Verdict.INCONCLUSIVE, highest, None, len(values), reason=reason)
    above = int(np.count_nonzero(seen > most))
    if above:
        reason = f"{above:,} of {len(values):,} looks found more"
        return Finding(Verdict.FAIL, highest, most, len(values), reason=reason)
    if len(seen) < len(values):
        reason = f"{len(values) - len(seen):,} of {len(values):,} samples never came"
        return Finding(Verdict.FAIL, highest, most, len(values), reason=reason)
    return _enough(objective, Finding(Verdict.PASS, highest, most, len(values)))


def slope(objective: Objective, recording: Recording) -> Finding:
    """The robust slope per hour after warm-up: passes and fails by its interval, like a share.

    Of several jobs, processes or tables the worst one decides: pooled, one that stands still would hide half of what
    another grows. How many samples there must be is said of all of them together.
    """
    series = recording.series[objective.indicator]
    if series.subjects is None or objective.subject:
        return _enough(objective, _slope(objective, recording))
    found = {each: _slope(objective, recording.of(each)) for each in np.unique(series.subjects).tolist()}
    subject = max(found, key=lambda each: _badness(found[each]))
    worst = found[subject]
    reason = f"{subject}: {worst.reason}" if worst.reason else ""
    return _enough(objective, replace(worst, samples=sum(each.samples for each in found.values()), reason=reason))


def _badness(found: Finding) -> tuple[int, float]:
    order = (Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL)
    return order.index(found.verdict), -np.inf if found.value is None else found.value


def _slope(objective: Objective, recording: Recording) -> Finding:
    series = recording.series[objective.indicator]
    warm = series.times >= recording.began + objective.warm_up_seconds
    usable = warm & ~np.isnan(series.values)
    most, samples = limit(objective, recording), int(np.count_nonzero(usable))
    if most is None:
        reason = f"the run did not compute the limit {objective.computed}"
        return Finding(Verdict.INCONCLUSIVE, None, None, samples, reason=reason)
    found = growth(series.times[usable], series.values[usable])
    if found is None:
        reason = f"{samples:,} samples after warm-up: too few for a confidence interval"
        return Finding(Verdict.INCONCLUSIVE, None, most, samples, reason=reason)
    verdict, reason = Verdict.INCONCLUSIVE, "the interval of the slope reaches to both sides of the limit"
    if found.low > most:
        verdict, reason = Verdict.FAIL, "grows faster than the limit, and not by chance"
    elif found.high <= most and samples < np.count_nonzero(warm):
        reason = f"{np.count_nonzero(warm) - samples:,} samples never came"
    elif found.high <= most:
        verdict, reason = Verdict.PASS, ""
    return Finding(verdict, found.per_hour, most, samples, (found.low, found.high), reason=reason)


def correctness(objective: Objective, recording: Recording) -> Finding:
    """Not one difference. One is proof; none is proof if something could be compared.

    What could not be (windows that have expired, cells that change while they are read) is no doubt about the rest: on
    a running pipeline there is always some. The report of `adctr verify` lists it.
    """
    found = recording.exactness
    if found is None:
        return Finding(Verdict.INCONCLUSIVE, None, 0.0, 0, reason="the counts were not compared")
    if found.differences:
        reason = f"{found.differences:,} differences between the topic and the stores"
        return Finding(Verdict.FAIL, float(found.differences), 0.0, found.records, reason=reason)
    if found.unverifiable or not found.records:
        return Finding(Verdict.INCONCLUSIVE, None, 0.0, found.records, reason=found.unverifiable or "no records")
    return _enough(objective, Finding(Verdict.PASS, 0.0, 0.0, found.records))


def _enough(objective: Objective, found: Finding) -> Finding:
    """The same; inconclusive, but with its figures, where the samples are too few."""
    if found.samples >= objective.minimum.samples:
        return found
    reason = f"{found.samples:,} samples are too few: it takes {objective.minimum.samples:,}"
    return replace(found, verdict=Verdict.INCONCLUSIVE, reason=reason)
