"""Limits that a panel draws: those of the objectives, never numbers of its own."""

from __future__ import annotations

from slo.spec.model import Indicator, Kind, Specification


def limit_of(specification: Specification, indicator: Indicator, *kinds: Kind) -> float | None:
    """The value that an objective of one of these kinds (any, without) puts on the indicator; None if none does."""
    for each in specification.objectives:
        if each.indicator is indicator and (not kinds or each.kind in kinds):
            return each.value
    return None
