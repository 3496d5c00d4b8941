"""What part of everything the chosen campaign or category is, and how its rate differs from that of the others."""

from __future__ import annotations

from dataclasses import dataclass

from dashboards.business.snapshot import Snapshot
from dashboards.business.view.difference import Difference, of_rates
from dashboards.business.view.rate import counts_of, rate_of, total
from pipeline.contract.cache_schema import Counts


@dataclass(frozen=True)
class Share:
    """Shares of the range's impressions and clicks, 0 to 1; ``whole`` is what they are shares of.

    ``against_others`` is the CTR's difference to the rest of the whole.
    """

    impressions: float | None
    clicks: float | None
    whole: Counts
    against_others: Difference | None


def share(shown: Snapshot, category: str | None) -> Share:
    """Of a campaign: in everything or, with a category, in that. Without a campaign: of a category in everything."""
    own = total(counts_of(window, category) for window in shown.windows)
    of_campaign = bool(shown.everything)
    windows = shown.everything if of_campaign else shown.windows
    whole = total(counts_of(window, category if of_campaign else None) for window in windows)
    # Read a moment later, the whole may already hold more, never less; a fallback in between is the exception.
    others = Counts(max(0, whole.impressions - own.impressions), max(0, whole.clicks - own.clicks))
    rate, rate_of_others = rate_of(own), rate_of(others)
    return Share(
        impressions=own.impressions / whole.impressions if whole.impressions else None,
        clicks=own.clicks / whole.clicks if whole.clicks else None,
        whole=whole,
        against_others=of_rates(rate, rate_of_others) if rate and rate_of_others else None,
    )
