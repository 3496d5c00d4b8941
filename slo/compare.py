"""Two recordings side by side: what got slower, and what only looks so.

A difference is shown when the confidence interval of the ratio leaves out 1. It matters when the whole interval lies
beyond the tolerance, because two runs of the same thing differ, too: by other neighbours, another placement, another
hour. Within-run resampling does not see that, the tolerance is for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from slo.recording import Exactness, Floats, Recording, Series
from slo.spec.model import Indicator
from slo.statistics.ratio import Ratio, percentile_ratios
from slo.verdict.trust import why_void
from slo.verdict.units import unit_of

TOLERANCE = 0.10
FIGURES = (("median", 0.5), ("p99", 0.99))


class IndicatorDifference(StrEnum):
    """What is said of B, held against A. Of everything measured here, less is better."""

    NONE = "no difference shown"
    WORSE = "worse"
    BETTER = "better"
    INCOMPARABLE = "not comparable"
    MISSING = "missing in B"


@dataclass(frozen=True)
class Comparison:
    """One figure of one indicator. ``relevant``: the whole interval of the difference lies beyond the tolerance."""

    name: str
    figure: str
    unit: str
    difference: IndicatorDifference
    relevant: bool
    ratio: Ratio | None
    text: str


@dataclass(frozen=True)
class RunComparison:
    """All figures of two recordings."""

    comparisons: Sequence[Comparison]

    @property
    def worse(self) -> bool:
        """Whether anything in B is worse by more than the tolerance."""
        return any(each.relevant and each.difference is IndicatorDifference.WORSE for each in self.comparisons)

    @property
    def missing_in_b(self) -> bool:
        """Whether something that A can be judged by is not there, or void, in B: a probe that died is not as good."""
        return any(each.difference is IndicatorDifference.MISSING for each in self.comparisons)

    @property
    def anything_compared(self) -> bool:
        """Whether there was anything that both have."""
        return any(
            each.difference in (IndicatorDifference.NONE, IndicatorDifference.WORSE, IndicatorDifference.BETTER)
            for each in self.comparisons
        )


def compare(a: Recording, b: Recording, tolerance: float = TOLERANCE) -> RunComparison:
    """Wrong counts, then median and p99 of every indicator that either recording has, in the indicators' order."""
    both = _counts(a.exactness, b.exactness)
    for indicator in Indicator:
        if indicator in a.series or indicator in b.series:
            both += _compared(indicator, a, b, tolerance)
    return RunComparison(both)


def _compared(indicator: Indicator, a: Recording, b: Recording, tolerance: float) -> list[Comparison]:
    void_a, void_b = why_void(indicator, a), why_void(indicator, b)
    if void_a:
        return [_incomparable(indicator, f"A: {void_a}")]
    if void_b:
        return [_incomparable(indicator, f"B: {void_b}", IndicatorDifference.MISSING)]
    shares = [share for _, share in FIGURES]
    ratios = percentile_ratios(_samples(a.series[indicator]), _samples(b.series[indicator]), shares)
    if ratios is None:
        return [_incomparable(indicator, "too few samples over time to compare")]
    unit = unit_of(indicator)
    return [
        describe(indicator.value, figure, unit, ratio, tolerance)
        for (figure, _), ratio in zip(FIGURES, ratios, strict=True)
    ]


def _samples(series: Series) -> tuple[Floats, Floats]:
    return series.times, series.values


def _incomparable(
    indicator: Indicator, why: str, difference: IndicatorDifference = IndicatorDifference.INCOMPARABLE
) -> Comparison:
    return Comparison(indicator.value, "", unit_of(indicator), difference, False, None, why)


def _counts(a: Exactness | None, b: Exactness | None) -> list[Comparison]:
    """Wrong counts are no matter of a tolerance: one more than in A is worse."""
    wrong = [None if each is None or each.unverifiable else each.differences + each.taken_back for each in (a, b)]
    in_a, in_b = wrong
    if in_b is None:
        missing = [] if in_a is None else [(IndicatorDifference.MISSING, "B: the counts were not compared")]
    elif in_b > (in_a or 0):
        missing = [(IndicatorDifference.WORSE, f"{in_b:,} wrong counts in B, {in_a or 0:,} in A")]
    else:
        missing = []
    name, unit = Indicator.COUNT_DIFFERENCES.value, "differences"
    return [
        Comparison(name, "", unit, difference, difference is IndicatorDifference.WORSE, None, text)
        for difference, text in missing
    ]


def describe(name: str, figure: str, unit: str, ratio: Ratio, tolerance: float = TOLERANCE) -> Comparison:
    """A ratio in words: ``B slower by 5 to 9 %``."""
    worse, better = ("slower", "faster") if unit == "seconds" else ("larger", "smaller")
    if ratio.a is None and ratio.b is None:
        text = f"the {figure} falls among samples that never came, in both"
        return Comparison(name, figure, unit, IndicatorDifference.INCOMPARABLE, False, ratio, text)
    if ratio.low > 1.0:
        relevant = ratio.low > 1.0 + tolerance
        text = f"B {worse} by {_span(ratio.low - 1.0, ratio.high - 1.0)}{_tolerated(tolerance, relevant=relevant)}"
        return Comparison(name, figure, unit, IndicatorDifference.WORSE, relevant, ratio, text)
    if ratio.high < 1.0:
        relevant = ratio.high < 1.0 - tolerance
        text = f"B {better} by {_span(1.0 - ratio.high, 1.0 - ratio.low)}{_tolerated(tolerance, relevant=relevant)}"
        return Comparison(name, figure, unit, IndicatorDifference.BETTER, relevant, ratio, text)
    text = f"no difference shown ({_signed(ratio.low - 1.0)} to {_signed(ratio.high - 1.0)} %)"
    return Comparison(name, figure, unit, IndicatorDifference.NONE, False, ratio, text)


def _span(least: float, most: float) -> str:
    if least > 100.0:
        return "more than 100 times"
    return f"{100 * least:.3g} to {100 * most:.3g} %" if most < 100.0 else f"at least {100 * least:.3g} %"


def _signed(share: float) -> str:
    return f"{100 * share:+.3g}" if share < 100.0 else "more than +10000"


def _tolerated(tolerance: float, *, relevant: bool) -> str:
    return "" if relevant else f", within the {100 * tolerance:g} % that are tolerated"
