"""The current minute at a glance: how much, how good, and against the minute before or the same minute yesterday."""

from __future__ import annotations

from dataclasses import dataclass

from dashboards.business.selection import Compare
from dashboards.business.snapshot import FEWEST_MINUTES, Earlier, Snapshot
from dashboards.business.view.difference import Difference, of_counts, of_rates
from dashboards.business.view.rate import Rate, counts_of, rate_of, total
from pipeline.contract.cache_schema import Counts
from pipeline.read_results import Source

FEWEST_ELAPSED_SECONDS = 10
"""Sooner, the pace of a window is a guess."""


@dataclass(frozen=True)
class Headline:
    """The window of now (``start_seconds``), the whole range, and the minutes before as sparklines.

    A window that still counts can't be held against a whole one, so impressions and clicks are compared at their pace:
    0.02 is two percent more than ``compared_with`` had at this point. ``ctr_change`` is a difference of shares.
    """

    start_seconds: int
    size_seconds: int
    counts: Counts
    rate: Rate | None
    compared_with: str
    impressions_pace: Difference | None
    clicks_pace: Difference | None
    ctr_change: Difference | None
    impressions_before: tuple[int, ...]
    clicks_before: tuple[int, ...]
    ctr_before: tuple[float, ...]
    range_rate: Rate | None
    range_counts: Counts


def headline(snapshot: Snapshot, category: str | None, earlier: Earlier | None = None) -> Headline:
    """Of one category or of all. Compared with yesterday's minute if ``earlier`` is yesterday, else with the last."""
    current, last = snapshot.minutes[-1], snapshot.minutes[-1 - FEWEST_MINUTES : -1]
    series = [counts_of(window, category) for window in last]
    while series and not series[0].total:
        series.pop(0)
    counts = counts_of(current, category)
    compared_with, before = "the minute before", series[-1] if series else Counts(0, 0)
    if earlier is not None and earlier.compare is Compare.YESTERDAY:
        compared_with = "the same minute yesterday"
        before = counts_of(earlier.minute, category) if earlier.minute else Counts(0, 0)
    newest = snapshot.newest_event_seconds
    elapsed = 0.0 if newest is None else min(newest - current.start_seconds, current.size_seconds)
    comparable = elapsed >= FEWEST_ELAPSED_SECONDS
    # PostgreSQL's watermark is that of its last checkpoint, so its counts are further than that.
    share = elapsed / current.size_seconds if comparable and snapshot.source is Source.REDIS else 0.0
    rate, rate_before = rate_of(counts), rate_of(before)
    range_counts = total(counts_of(window, category) for window in snapshot.windows)
    return Headline(
        start_seconds=current.start_seconds,
        size_seconds=current.size_seconds,
        counts=counts,
        rate=rate,
        compared_with=compared_with,
        impressions_pace=of_counts(counts.impressions, before.impressions, share),
        clicks_pace=of_counts(counts.clicks, before.clicks, share),
        ctr_change=of_rates(rate, rate_before) if rate and rate_before and comparable else None,
        impressions_before=tuple(each.impressions for each in series),
        clicks_before=tuple(each.clicks for each in series),
        ctr_before=tuple(each.ctr or 0.0 for each in series),
        range_rate=rate_of(range_counts),
        range_counts=range_counts,
    )
