"""A click-through rate with what its volume allows to say about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.cache.breakdown import CategoryWindow
from pipeline.contract.cache_schema import ZERO, Counts
from pipeline.shared.wilson import wilson


@dataclass(frozen=True)
class Rate:
    """Clicks per impression, and the interval that the true rate lies in with 95 % (Wilson). Shares, not percent."""

    counts: Counts
    value: float
    low: float
    high: float


def rate_of(counts: Counts) -> Rate | None:
    """None without impressions.

    There may be more clicks than impressions in a window (an impression a second before its end, the click after it),
    which no share of successes can be: the interval then takes every impression for clicked.
    """
    if not counts.impressions:
        return None
    low, high = wilson(min(counts.clicks, counts.impressions), counts.impressions)
    value = counts.clicks / counts.impressions
    return Rate(counts, value, low, max(high, value))


def counts_of(window: CategoryWindow, category: str | None) -> Counts:
    """Of one category or of all."""
    if category is not None:
        return window.by_category.get(category, ZERO)
    return total(window.by_category.values())


def total(counts: Iterable[Counts]) -> Counts:
    """The sum."""
    impressions = clicks = 0
    for each in counts:
        impressions += each.impressions
        clicks += each.clicks
    return Counts(impressions, clicks)
