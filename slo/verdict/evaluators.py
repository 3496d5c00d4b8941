"""One evaluator for each kind of objective but shares (`slo.verdict.shares`).

Each takes the samples of one subject at their word; `slo.verdict.run` takes the subjects apart and adds the doubts.
"""

from __future__ import annotations

import numpy as np

from slo.recording import Recording
from slo.spec.model import Kind, Objective
from slo.statistics.growth import growth
from slo.verdict.finding import Finding, enough
from slo.verdict.result import Verdict
from slo.verdict.units import unit_of


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


def ceiling(objective: Objective, recording: Recording) -> Finding:
    """No poll above the limit. One that is above it is proof, however few there are."""
    values = recording.series[objective.indicator].values
    most = limit(objective, recording)
    seen = values[~np.isnan(values)]
    highest = float(seen.max()) if len(seen) else None
    if most is None:
        reason = f"the run did not compute the ceiling {objective.computed}"
        return Finding(Verdict.INCONCLUSIVE, highest, None, len(values), reason=reason)
    above = int(np.count_nonzero(seen > most))
    if above:
        reason = f"{above:,} of {len(values):,} polls found more"
        return Finding(Verdict.FAIL, highest, most, len(values), reason=reason)
    if len(seen) < len(values):
        reason = f"{len(values) - len(seen):,} of {len(values):,} samples never came"
        return Finding(Verdict.FAIL, highest, most, len(values), reason=reason)
    return enough(objective, Finding(Verdict.PASS, highest, most, len(values)), recording.seconds)


def slope(objective: Objective, recording: Recording) -> Finding:
    """The robust slope per hour after warm-up: passes and fails by its interval, like a share."""
    return enough(objective, _slope(objective, recording), recording.seconds, objective.warm_up_seconds)


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
    if found.taken_back:
        reason = f"{found.taken_back:,} events too many were shown for a time and then taken back"
        return Finding(Verdict.FAIL, float(found.taken_back), 0.0, found.records, reason=reason)
    if found.unverifiable or not found.records:
        return Finding(Verdict.INCONCLUSIVE, None, 0.0, found.records, reason=found.unverifiable or "no records")
    return enough(objective, Finding(Verdict.PASS, 0.0, 0.0, found.records), recording.seconds)
