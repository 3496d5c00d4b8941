"""What panels take from the objectives: limits, never numbers of their own, and the quantiles of an indicator."""

from __future__ import annotations

from slo.spec.metrics import METRICS
from slo.spec.model import Indicator, Kind, Specification


def limit_of(specification: Specification, indicator: Indicator, *kinds: Kind) -> float | None:
    """The value that an objective of one of these kinds (any, without) puts on the indicator; None if none does."""
    for each in specification.objectives:
        if each.indicator is indicator and (not kinds or each.kind in kinds):
            return each.value
    return None


def quantile(indicator: Indicator, share: str, by: str = "le") -> str:
    """PromQL of what a share (``0.99``) of the samples of a histogram is below, within the panel's resolution."""
    return f"histogram_quantile({share}, sum by ({by}) (rate({METRICS[indicator].name}_bucket[$__rate_interval])))"
